"""The listing commands as data: what `--json` prints of methods, settings and suites."""

from typing import TYPE_CHECKING, Any

from bench.request.suite import Suite
from methods._registry import MethodCard

if TYPE_CHECKING:
    from bench.contributing.authoring import Report
    from methods import Settings

TEXTS = ("name", "version", "title", "summary", "source", "differs", "costs", "conflicts", "formula")
BOUNDS = ("low", "high", "search", "log", "per_task")


def method_data(card: MethodCard) -> dict[str, Any]:
    """A card; the file as its name in `methods/`."""
    texts = {name: getattr(card, name) for name in TEXTS}
    return {**texts, "acts_on": list(card.acts_on), "file": card.path.name}


def settings_data(settings: "type[Settings]") -> list[dict[str, Any]]:
    """One entry a setting: name, default, doc, inclusive bounds and search range; null where there is none."""
    found = []
    for name, field in settings.model_fields.items():
        stored = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        bounds = {key: stored.get(key) for key in BOUNDS}
        found.append({"name": name, "default": default, "doc": field.description, **bounds})
    return found


def suite_data(suite: Suite) -> dict[str, Any]:
    """Every field of a suite, and its digest, which records name."""
    return {**suite.model_dump(mode="json"), "digest": suite.digest}


def report_data(report: "Report") -> dict[str, Any]:
    """What the contract says of a method or a task: each property with its violations, and what was measured."""
    return {
        report.kind: report.name,
        "broken": report.broken,
        "properties": [
            {
                "name": verdict.name,
                "rule": verdict.rule,
                "violations": list(verdict.violations),
                "skipped": verdict.skipped,
            }
            for verdict in report.verdicts
        ],
        "facts": list(report.facts),
    }
