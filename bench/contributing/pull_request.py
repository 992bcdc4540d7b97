"""The text of a pull request: what is handed in, how it compares, what it cost, where it was made.

Whatever comes from records, cards or file names is data: it stands in code spans, where Markdown, HTML, mentions and
references mean nothing.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from bench.analysis.comparison import Difference, compare
from bench.analysis.cost import CURRENCIES
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE, method_label
from bench.analysis.text import p_value, plural, with_ends
from bench.contributing.submit import Contribution
from bench.git import is_ancestor
from bench.records.schema import Provenance, Record
from bench.request.suite import load_suite, suite_names

LONGEST = 300
SHOWN = ("torch", "transformers", "trl", "lm-eval", "numpy")
"""Packages that the text names; records have all."""
BoardOf = Callable[[str], Board]


def code(text: object) -> str:
    """Text as a code span: one line, printable, and nothing in it can end the span."""
    plain = "".join(sign if sign.isprintable() else " " for sign in str(text))
    plain = " ".join(plain.split())
    cut = plain if len(plain) <= LONGEST else f"{plain[:LONGEST]} ..."
    if not cut:
        return "-"
    fence = "`" * (max(map(len, re.findall("`+", cut)), default=0) + 1)
    space = " " if "`" in cut else ""
    return f"{fence}{space}{cut}{space}{fence}"


def cell(text: object) -> str:
    """A code span in a table, where a bar would end the cell."""
    return code(text).replace("|", "\\|")


def text_of(found: Contribution, board_of: BoardOf) -> str:
    """The whole text. board_of: the board of a suite with the contribution's records among its runs."""
    parts = [
        "\n".join(_summary(found)),
        *_boards(found, board_of),
        "\n".join(_reproductions(found)),
        "\n".join(_environments(found)),
        "\n".join(_remarks(found)),
        "\n".join(_checklist(found)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _summary(found: Contribution) -> Iterator[str]:
    yield f"## {plural(len(found.files), 'file')}\n"
    kinds = [("record", found.records), ("reproduction", found.reproductions)]
    for name, members in kinds:
        if members:
            yield f"- {plural(len(members), name)}"
    for file, mark in found.files.items():
        if not file.startswith(("results/", "reproductions/")):
            yield f"- {mark}: {code(file)}"


def _boards(found: Contribution, board_of: BoardOf) -> Iterator[str]:
    groups: dict[str, dict[str, list[Record]]] = {}
    for path, record in found.records:
        groups.setdefault(record.suite.name, {}).setdefault(method_label(path, record), []).append(record)

    for suite, labels in groups.items():
        board = board_of(suite)
        for label, records in labels.items():
            row = board.row(label)
            if row:
                yield "\n".join(_row(board, row, records))


def _row(board: Board, row: Row, records: Sequence[Record]) -> Iterator[str]:
    yield f"## {code(row.label)} on {code(board.name)}\n"
    yield from _card(records[0])
    yield ""
    yield from _facts(row, records)

    difference = _difference(board, row)
    if difference and difference.gain:
        yield f"\nGains by task, paired by seed with {code(REFERENCE)}; 95 % intervals, p by Holm over the tasks:\n"
        yield f"| task | gain | minus {cell(REFERENCE)} | p |\n|---|---|---|---|"

        rows = zip(difference.task_names, row.tasks, difference.tasks, difference.task_p, strict=True)
        for name, gain, gap, p in rows:
            yield f"| {cell(name)} | {with_ends(gain)} | {with_ends(gap)} | {cell(p_value(p))} |"
        yield f"| mean | {with_ends(row.gain)} | {with_ends(row.difference)} | {cell(p_value(row.p))} |"


def _card(record: Record) -> Iterator[str]:
    card = record.method.card
    for name in ("title", "summary", "source", "differs", "costs"):
        yield f"- {name}: {code(getattr(card, name))}"
    settings = ", ".join(f"{key}={value}" for key, value in sorted(record.method.settings.items()))
    yield f"- version {record.method.version}, settings: {code(settings or 'none')}"
    if wrapper := record.method.wrapper:
        yield f"- in the wrapper {code(wrapper.name)}, version {wrapper.version}"


def _facts(row: Row, records: Sequence[Record]) -> Iterator[str]:
    fresh = ", ".join(str(record.seed) for record in sorted(records, key=lambda each: each.seed))
    lacks = ", ".join(map(str, sorted({*row.missing, *_prescribed(records[0])} - {r.record.seed for r in row.runs})))
    yield f"- seeds in this pull request: {fresh}" + (f"; **seeds that are missing: {lacks}**" if lacks else "")
    if row.unfinished:
        yield f"- **{row.unfinished} of {len(row.runs)} runs are not done and count as no gain**"
    yield f"- {row.verdict} (mean gain {with_ends(row.gain)}, worst task {with_ends(row.worst)})"

    if row.hurt:
        yield f"- **{plural(len(row.hurt), 'task')} worse than the base model for certain**"

    costs = [f"{key.replace('_', ' ')} {cost:.3g}" for key in CURRENCIES if (cost := row.overheads[key]) is not None]
    yield f"- cost over that of {code(REFERENCE)}: {', '.join(costs) or 'not comparable'}"
    yield f"- peak memory: {row.memory / 2**20:,.0f} MiB"


def _prescribed(record: Record) -> tuple[int, ...]:
    name = record.suite.name
    return load_suite(name).seeds if name in suite_names() else ()


def _difference(board: Board, row: Row) -> Difference | None:
    if row.label == REFERENCE or board.row(REFERENCE) is None:
        return None
    return compare(board, [row.label, REFERENCE]).differences[0]


def _reproductions(found: Contribution) -> Iterator[str]:
    if found.reproductions:
        yield "## Reproductions\n\n| run | verdict | mean gain, recorded | again | differing |\n|---|---|---|---|---|"
    for each in found.reproductions:
        gains = f"{each.mean_gain.recorded:+.3f} | {each.mean_gain.again:+.3f}"
        what = ", ".join(part.what for part in each.differences) or "nothing"
        run = cell(f"{each.suite}/{each.method}/{each.seed}")
        yield f"| {run} | {each.verdict} | {gains} | {cell(what)} |"


def _environments(found: Contribution) -> Iterator[str]:
    made = [record.provenance for _, record in found.records] + [each.provenance for each in found.reproductions]
    if not made:
        return

    yield "## Where they were made\n"
    for line in dict.fromkeys(map(_environment, made)):
        yield f"- {line}"

    for commit in dict.fromkeys(each.commit for each in made):
        known = "in" if is_ancestor(found.root, commit) else "**not in**"
        yield f"- commit {code(commit)}, {known} the history of this branch"

    yield f"- {sum(each.total_seconds for each in made) / 3600:.2f} hours in all"


def _environment(made: Provenance) -> str:
    packages = ", ".join(f"{name} {made.packages[name]}" for name in SHOWN if name in made.packages)
    threads = f"{made.processes} x {made.threads} threads"
    return f"{code(made.hardware)}, {threads}, Python {code(made.python)}, {code(packages)}"


def _remarks(found: Contribution) -> Iterator[str]:
    if found.remarks:
        yield "## What validation remarks\n"
    for remark in found.remarks:
        file = remark.file.relative_to(found.root) if remark.file.is_relative_to(found.root) else remark.file
        yield f"- {remark.level}: {code(file)}, {code(remark.field)}: {code(remark.reason)}"


def _checklist(found: Contribution) -> Iterator[str]:
    yield "## Checklist\n"
    done = ["`bench validate` finds nothing wrong with these files", "no record was made with uncommitted changes"]
    yield from (f"- [x] {line}" for line in (done if not found.problems else []))
    asked = [
        "settings were chosen without the held-out items of these suites; this is how: ",
        "every run that was started is here, those that failed included",
        "every seed of the suite was run, with the same settings",
        "a run was made again on another machine (`bench reproduce`), or is left to the maintainers",
        "this may be published under the licence of the repository",
    ]
    yield from (f"- [ ] {line}" for line in asked)
