"""What templates may use: filters and links. Everything is escaped, and a name that is missing is an error."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.analysis import names
from bench.analysis.runs import REFERENCE, Run
from bench.records.track import base_suite, is_tuned
from leaderboard import answers, formulas, links, prose, text, views

HERE = Path(__file__).resolve().parent
GENERATOR = '<meta name="generator" content="BalanceBench">'
"""How a built site is known again, so that only a site is ever replaced."""

FUNCTIONS: tuple[Callable[..., Any], ...] = (
    *(links.run_page, links.run_data, links.method_page, links.evidence),
    *(links.suite_page, links.compare_page, links.reports_page, links.task_page, links.task_card, links.document),
    *(views.places, views.cost_class, views.regime, views.status, views.empty),
    *(views.unfinished, views.places_on_scale, views.last_day, names.readable, answers.spread, answers.stable),
)


def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        {shown.__name__: shown for shown in (*text.FILTERS, views.slug, formulas.mathml, prose.prose, prose.cited)},
        url=quote,
    )
    made.globals.update(reference=REFERENCE, generator=GENERATOR, href=href)
    made.tests["search"] = lambda value, part: part in value
    made.globals.update(legend_kinds=views.LEGEND, currencies=views.CURRENCY_NAMES)
    made.globals.update({known.__name__: known for known in FUNCTIONS})

    return made


def href(root: str, path: str) -> str:
    """A link to a path from the site's root, quoted; what follows # is an anchor."""
    page, sign, anchor = path.partition("#")
    return f"{root}{quote(page)}{sign}{quote(anchor)}"


def reproduce_command(run: Run) -> str:
    """The command that makes the run again."""
    record = run.record
    wrapper = record.method.wrapper
    words = [f"method={record.method.name}", *([f"wrapper={wrapper.name}"] if wrapper else [])]
    suite = record.suite.name
    words += [f"suite={base_suite(suite)}", *(["track=tuned"] if is_tuned(suite) else []), f"seed={record.seed}"]
    # Settings are spelt out only where they are not the defaults.
    if "+" in run.label:
        parts = {"method": record.method.settings, "wrapper": wrapper.settings if wrapper else {}}
        chosen = [(f"{part}.{key}", value) for part, given in parts.items() for key, value in sorted(given.items())]
        words += [f"{key}={_word(value)}" for key, value in chosen if value not in ([], None)]

    return shlex.join(["bench", "run", *words])


def _word(value: Any) -> str:
    """A setting as the command line takes it."""
    if isinstance(value, list):
        return ",".join(map(_word, value))
    return value if isinstance(value, str) else json.dumps(value)
