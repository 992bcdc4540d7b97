"""The page docs/findings.md, from records: each suite's methods, what its runs show, and whether suites agree.

`python -m leaderboard.findings` writes the page again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.analysis.across import FEWEST, Across, across, scores_of
from bench.analysis.board import boards
from bench.analysis.loading import load
from bench.analysis.names import readable
from bench.analysis.reports import REPORTS, reports_of
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.significance import ALPHA
from bench.analysis.text import figure, listing, plural, with_ends
from leaderboard import reruns
from leaderboard.answers import answer, spread, stable
from leaderboard.views import apart, together

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "findings.md"
INTRODUCTION = """\
# Findings

This page is written from the committed records by `python -m leaderboard.findings`; no figure on it was typed.
Intervals are 95 % over seeds, differences are paired by seed, and verdicts are corrected for the number of comparisons
in their suite. A finding holds for its suite: its tasks, its base model and its number of steps. Negative results stand
beside the others.
"""


def findings(results: Path = ROOT / "results") -> str:
    """The page, as Markdown."""
    found = boards(load(results).runs)
    suites = (part for board in found for part in suite_findings(board))
    return "\n".join([INTRODUCTION, *agreement(found), *suites, *made_again(results)])


def made_again(results: Path) -> Iterator[str]:
    """How often records were made again, and what came out; nothing where none was."""
    again, _ = reruns.load(results)
    every = [each.found for several in again.values() for each in several]
    if not every:
        return

    yield "## Made again\n"
    for suite in sorted({each.suite for each in every}):
        here = [each for each in every if each.suite == suite]
        counts = Counter(each.verdict for each in here)
        parts = listing([f"{counts[verdict]} {verdict}" for verdict in reruns.ORDER if counts[verdict]])
        which = listing(sorted(f"{each.method}/{each.seed}" for each in here))
        on = listing(sorted({each.provenance.hardware for each in here}))
        yield f"{plural(len(here), 'run')} of {suite} made again on {on}: {parts} ({which}).\n"


def suite_findings(board: Board) -> Iterator[str]:
    """A suite's section, paragraph by paragraph."""
    yield f"## {board.name}\n"
    yield f"{answer(board)}\n"
    for verdict in ("better", "worse"):
        yield from _listed(verdict, [row for row in together(board) if row.verdict.startswith(verdict)])
    yield from _specialists(apart(board))
    yield from _speed(board)
    yield from (f"{said}\n" for said in (spread(board), stable(board)) if said)

    reports = reports_of([run for row in board.rows for run in row.runs])
    said = [
        f"- **{key}. {report.title}.** {report.finding or report.missing}"
        for key, report in zip(REPORTS, reports, strict=True)
    ]
    yield "\n".join(["By report; `bench report` prints the tables behind each sentence:\n", *said, ""])


def agreement(found: Sequence[Board]) -> Iterator[str]:
    """Whether suites put the methods that they share into one order; nothing where they share too few."""
    compared = across([scores_of(board) for board in found])
    said = [*_regret(compared), *_agreement(compared)] if compared else []
    if said:
        yield "## Over suites\n"
        yield from (f"{each}\n" for each in said)


def _listed(verdict: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        named = listing([f"{readable(row.runs[0])} {with_ends(row.difference)}" for row in rows])
        yield f"{verdict.capitalize()} than `{REFERENCE}` in mean gain: {named}.\n"


def _specialists(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.difference is not None:
            said = f"`{readable(row.runs[0])}` trains one model for each task and is not counted among them:"
            yield f"{said} {with_ends(row.difference)}, {row.verdict}.\n"


def _speed(board: Board) -> Iterator[str]:
    """Which methods learn faster or more slowly: their mean training reward over the run, where that counts."""
    known = [
        (gap, row.area_p, readable(row.runs[0]))
        for row in board.rows
        if (gap := row.area_difference) and row.area_p is not None and not row.static
    ]
    if not known:
        return

    for side, sign in (("Faster", 1), ("Slower", -1)):
        clear = [(gap, name) for gap, p, name in known if p <= ALPHA and sign * gap.mean > 0]
        clear.sort(key=lambda each: -abs(each[0].mean))
        named = listing([f"{name} {with_ends(gap)}" for gap, name in clear]) or "none"
        yield f"{side} than `{REFERENCE}`, by mean training reward over the run: {named}.\n"


def _agreement(compared: Across) -> Iterator[str]:
    """One paragraph: what the orders of suites have in common, pair by pair."""
    if not compared.agreement:
        return
    said = [
        "Kendall's tau between the orders of two suites, by the methods with every prescribed seed of both, is 1 for "
        "the same order and 0 where they have nothing in common. Its range when the seeds are drawn again lies above 0 "
        f"in {compared.alike} of {len(compared.agreement)} pairs, and below 0 in {compared.opposed}; three "
        "methods have the same order by chance one time in six."
    ]
    for each in compared.agreement:
        tau = each.tau
        between = f" [{figure(tau.low)}, {figure(tau.high)}]" if tau.low is not None and tau.high is not None else ""
        said.append(f"{each.first} and {each.second}: {figure(tau.value)}{between}, {each.methods} methods.")
    yield " ".join(said)


def _regret(compared: Across) -> Iterator[str]:
    """What is lost where a method fits least, among the methods of half of the suites."""
    if len(compared.standings) < FEWEST:
        return
    best = min(compared.standings, key=lambda each: each.worst)
    yield (
        f"Of {len(compared.standings)} methods that have every prescribed seed of half of the {len(compared.suites)} "
        f"suites, {best.method} has the smallest maximal regret, {figure(best.worst)} of the best gain, over "
        f"{plural(len(best.regrets), 'suite')}."
    )
    told = [
        f"`{each.method}` better in {each.better} and worse in {each.worse} of {len(each.regrets)} suites"
        for each in compared.standings
        if each.method != REFERENCE
    ]
    yield f"By the verdict of each suite, beside `{REFERENCE}`: {'; '.join(told)}."


if __name__ == "__main__":
    PAGE.write_text(findings(), "utf-8")
