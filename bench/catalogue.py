"""What a checkout has, as the site shows it: methods, suites, tasks, documents; read without torch or any data set."""

import re

from bench.places import CHECKOUT, ROOT
from bench.reference import reference
from bench.request.suite import SUITES, Suite, load_suite, suite_names
from leaderboard.catalogue import Catalogue, MethodEntry, Sample, Setting, SuiteEntry, TaskEntry
from methods._registry import MethodCard, cards, outline, source_digest
from tasks._base import Task
from tasks._data import DataTask
from tasks._registry import all_tasks
from tasks._samples import samples

DOCUMENT = ROOT / "docs" / "suites.md"


def catalogue(code: str = "", address: str = "") -> Catalogue:
    """All entries of this checkout.

    code: where its files can be read at a commit, as `Catalogue.code`; address: where the site will be read.
    """
    document = DOCUMENT.read_text("utf-8") if DOCUMENT.is_file() else ""
    return Catalogue(
        {name: method_entry(card) for name, card in cards().items()},
        {name: suite_entry(load_suite(name), document) for name in suite_names()},
        {name: task_entry(task) for name, task in all_tasks().items()},
        code.rstrip("/"),
        address.rstrip("/"),
        {name: (CHECKOUT / name).read_text("utf-8") for name in _files("*.md", "docs/*.md")} if CHECKOUT else {},
        {name: (CHECKOUT / name).read_bytes() for name in _files("docs/*.svg")} if CHECKOUT else {},
        reference(),
    )


def _files(*patterns: str) -> list[str]:
    """Files of the checkout by patterns, as paths from its root, sorted."""
    assert CHECKOUT
    return sorted(path.relative_to(CHECKOUT).as_posix() for pattern in patterns for path in CHECKOUT.glob(pattern))


def method_entry(card: MethodCard) -> MethodEntry:
    """The entry of a method."""
    return MethodEntry(
        name=card.name,
        version=card.version,
        title=card.title,
        summary=card.summary,
        source=card.source,
        differs=card.differs,
        costs=card.costs,
        conflicts=card.conflicts,
        formula=card.formula,
        detail=card.detail,
        acts_on=card.acts_on,
        file=f"methods/{card.path.name}",
        code="" if card.variant else card.path.read_text("utf-8"),
        digest=source_digest(card.path),
        settings=_settings(card),
    )


def _settings(card: MethodCard) -> list[Setting]:
    found = []
    for name, each in outline(card).Settings.model_fields.items():
        stored = each.json_schema_extra if isinstance(each.json_schema_extra, dict) else {}
        low, high = (_bound(stored.get(key)) for key in ("low", "high"))
        found.append(Setting(name, str(each.default), low, high, each.description or ""))
    return found


def _bound(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, int | float) else ""


def suite_entry(suite: Suite, document: str) -> SuiteEntry:
    """The entry of a suite; document: the page about suites."""
    return SuiteEntry(
        name=suite.name,
        summary=suite.summary,
        text=(SUITES / f"{suite.name}.yaml").read_text("utf-8"),
        digest=suite.digest,
        regime=suite.regime,
        model=suite.model,
        tasks=suite.tasks,
        scored=suite.scored_tasks,
        seeds=suite.seeds,
        steps=suite.recipe.steps,
        learning_rate=suite.recipe.learning_rate,
        prompts=suite.recipe.prompts_per_task,
        rollouts=suite.recipe.rollouts_per_prompt,
        items=suite.evaluation.items,
        document=section_of(suite.name, document),
    )


def section_of(suite: str, document: str) -> str:
    """The section of a Markdown page with the suite's name as its heading, without heading and comments."""
    found = re.search(rf"^## {re.escape(suite)}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    return re.sub(r"<!--.*?-->\n?", "", found[1]).strip() if found else ""


def task_entry(task: Task) -> TaskEntry:
    """The entry of a task; rows that must be fetched are not looked for."""
    drawn = not isinstance(task, DataTask)
    return TaskEntry(
        name=task.name,
        domain=task.domain,
        revision=task.revision,
        summary=task.summary,
        chance=task.chance,
        diagnostic=task.diagnostic,
        origin=task.hub.id if isinstance(task, DataTask) else "drawn by the task's own rules",
        licence=task.licence if isinstance(task, DataTask) else "",
        sizes={str(split): count for split, count in task.sizes.items()} if isinstance(task, DataTask) else {},
        samples=_samples(task) if drawn else [],
    )


def _samples(task: Task) -> list[Sample]:
    """Prompts and verdicts; none where the verifier needs a package that is not installed."""
    try:
        shown = samples(task, "heldout")
    except ImportError:
        return []
    return [Sample(each["prompt"], [(one["reply"], one["reward"]) for one in each["replies"]]) for each in shown]
