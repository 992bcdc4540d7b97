"""The pages of one suite, from its board and runs to bytes; those over all suites are in `common_pages.py`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from jinja2 import Environment

from bench.analysis.across import scores_of
from bench.analysis.advice import choices
from bench.analysis.cost import CURRENCIES
from bench.analysis.names import readable
from bench.analysis.reports import reports_of
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE, Run
from bench.records.track import is_tuned
from leaderboard import answers, charts, downloads, home, home_figures, links, reruns, shown, suite_figures, views
from leaderboard.catalogue import Catalogue
from leaderboard.charts import Extras, Html
from leaderboard.environment import href
from leaderboard.overview import File, Overview, Section
from leaderboard.run_figures import curves

TOP = 5
"""Most rows on the home page of the suite that comes first."""
MOST_PAIRS = 40
"""Most rows of which every pair is shown."""


@dataclass(frozen=True)
class Pages:
    """Renders templates; every page knows the way to the site's root."""

    environment: Environment
    again: reruns.Reruns = field(default_factory=dict)
    catalogue: Catalogue = field(default_factory=Catalogue)

    def page(self, template: str, path: str, root: str = "", **values: Any) -> File:
        """A page at its path; root: what leads to the site's root, if not its depth."""
        known = {links.SUITES: self.catalogue.suites, links.TASKS: self.catalogue.tasks}
        known[links.DOCUMENTS] = self.catalogue.documents
        menu = [(to, words) for to, words in links.MENU if known.get(to, True)]
        common = {"path": path, "menu": menu, "address": self.catalogue.address}
        return path, _bytes(self.part(template, root or links.root_from(path), **common, **values))

    def part(self, template: str, root: str, **values: Any) -> Html:
        """A piece of a page that lies where `root` leads to the site's root."""
        return Html(self.environment.get_template(template).render(root=root, **values))

    def suite(
        self, board: Board, overview: Overview, tuned: Sequence[Run] = (), names: Sequence[str] = ()
    ) -> Iterator[File]:
        """All pages of a suite; adds to the overview what other pages need.

        tuned: a run of its tuned track; names: of suites that it may lead to.
        """
        common = {
            "board": board,
            "record": board.rows[0].runs[0].record,
            "span": shown.span(board),
            "answer": answers.answer(board),
            "badges": shown.badges(board, self.again),
        }
        yield self._suite_page(board, {**common, **views.tracks(board, names, tuned)})
        yield self._compare_page(board)
        yield self._reports_page(board)

        for index in range(len(board.tasks)):
            yield self._task_page(board, index)

        for row in board.rows:
            for run in row.runs:
                yield self._run_page(run)
                yield links.run_data(run), run.path.read_bytes()
                yield from ((links.rerun_data(run, each.path), each.path.read_bytes()) for each in self._again(run))

        files = downloads.files(board)
        yield from files.items()
        self._note(board, common, overview, files)

    def _suite_page(self, board: Board, common: Mapping[str, Any]) -> File:
        path = links.suite_page(board.name)
        seeds = views.seeds(board)
        by_seed = [(row, {run.record.seed: run for run in row.runs}) for row in board.rows]
        values: dict[str, Any] = {
            "together": views.together(board),
            "apart": views.apart(board),
            "filters": [("place", shown.place_options(board)), ("cost", list(views.COSTS.items()))],
            "charts": _suite_charts(board, links.root_from(path)),
            "seeds": seeds,
            "entry": self.catalogue.suites.get(board.name),
            "tasks": self.catalogue.tasks,
            "runs": [(row, [runs.get(seed) for seed in seeds]) for row, runs in by_seed],
        }
        return self.page("suite.html", path, **common, **values)

    def _compare_page(self, board: Board) -> File:
        few = len(board.rows) <= MOST_PAIRS
        return self.page(
            "compare.html",
            links.compare_page(board.name),
            board=board,
            by_task=[(row, views.task_cells(row, range(len(board.tasks)))) for row in board.rows],
            shown=views.together(board),
            matrix=views.pairs(board) if few and len(board.rows) > 1 else [],
        )

    def _reports_page(self, board: Board) -> File:
        runs = {run.path: run for row in board.rows for run in row.runs}
        reports = reports_of(list(runs.values()))

        sections = []
        for report in reports:
            drawn = [charts.chart(each, f"{report.key}-") for each in report.figures]
            tables = [(_first_sentence(each.caption), charts.table(each)) for each in report.tables]
            used = sorted((runs[path] for path in report.runs), key=lambda run: (run.label, run.record.seed))
            sources = [(label, list(group)) for label, group in groupby(used, key=lambda run: run.label)]
            sections.append((report, drawn, tables, sources))

        path = links.reports_page(board.name)
        return self.page("reports.html", path, board=board, reports=reports, sections=sections)

    def _task_page(self, board: Board, index: int) -> File:
        task = board.tasks[index]
        path = links.task_page(board.name, board.tasks[index].name)
        scores = [run.record.tasks[index].before.mean for row in board.rows for run in row.runs]
        base = sum(scores) / len(scores)
        noise = task.before.standard_error
        figure = suite_figures.task_gains(board, index)
        return self.page(
            "task.html",
            path,
            board=board,
            task=task,
            base=base,
            attempts=next((found for run in board.rows[0].runs if (found := run.record.tasks[index].attempts)), None),
            noise=noise,
            floor=math.sqrt(2) * noise,
            detectable=views.detectable(board, index),
            spread=None if min(scores) == max(scores) else (min(scores), max(scores)),
            chart=charts.chart(
                figure, extras=Extras(links=_evidence(board, links.root_from(path)), alarm=True, titles=_titles(board))
            ),
            key=f"{board.name}/{task.name}",
            known=task.name in self.catalogue.tasks,
            rows=shown.task_rows(board, index),
        )

    def _run_page(self, run: Run) -> File:
        figures, still = curves(run)
        drawn = [charts.chart(figure) for figure in figures]
        again = [(each.found, links.rerun_data(run, each.path)) for each in self._again(run)]
        made = {"again": again, "summary": reruns.summary(self._again(run))}
        values = {"charts": drawn, "still": still, **made, **shown.run_view(run)}

        return self.page("run.html", links.run_page(run), run=run, **values)

    def _again(self, run: Run) -> Sequence[reruns.Rerun]:
        return reruns.of(run, self.again)

    def _note(self, board: Board, common: Mapping[str, Any], overview: Overview, files: Mapping[str, bytes]) -> None:
        overview.names.append(board.name)
        overview.results[board.name] = answers.counts(board)
        if not is_tuned(board.name):
            overview.scores.append(scores_of(board))
            self._note_answers(board, overview)
        overview.home.setdefault(home.family(board), []).append(self._section(board, common))
        overview.methods.append(self.part("methods_rows.html", "", **common))
        overview.places |= {views.slug(place): place for row in board.rows for place in views.places(row)}
        overview.regimes |= {views.regime(row) for row in board.rows}
        overview.suites.append(shown.download_view(board, files))
        overview.dates += shown.dates(board)
        for index, task in enumerate(board.tasks):
            overview.tasks.setdefault(task.name, []).append(shown.task_line(board, index))

        for row in board.rows:
            overview.sections.setdefault(row.label, []).append(self._method_section(board, row))
            if row.label not in overview.uses or not is_tuned(board.name):
                overview.uses[row.label] = shown.use(row)

    def _section(self, board: Board, common: Mapping[str, Any]) -> Section:
        entry = self.catalogue.suites.get(board.name)
        question = entry.summary if entry else ""
        best = views.together(board)[:TOP]
        table, words = (self.part("home_suite.html", "", rows=rows, question=question, **common) for rows in (best, []))
        return Section(len(board.rows), table, words)

    def _note_answers(self, board: Board, overview: Overview) -> None:
        """What the box of the first page may choose from, and the pictures beside it."""
        record = board.rows[0].runs[0].record
        overview.models[board.name] = (record.model.name, record.model.parameters)
        found = choices(board)
        for need, each in found.items():
            overview.choices.setdefault(need, []).append(each)
        overview.pictures[board.name] = home_pictures(board, found["mean"].label if "mean" in found else "", "")

    def _method_section(self, board: Board, row: Row) -> Html:
        reference = board.row(REFERENCE)
        peers = {run.record.seed: run for run in reference.runs} if reference else {}
        found = [(run, peers.get(run.record.seed)) for run in row.runs]
        pairs = [(run, peer, _mean(run.gains), _mean(peer.gains) if peer else 0.0) for run, peer in found]
        chart = charts.chart(suite_figures.method_gains(board, row), f"{board.name}-", Extras(alarm=True))
        root = links.root_from(links.method_page(row.label))

        return self.part("method_section.html", root, board=board, row=row, pairs=pairs, chart=chart)


def _suite_charts(board: Board, root: str) -> list[Html]:
    to, named = _evidence(board, root), _titles(board)
    flat = [suite_figures.differences(board), suite_figures.regrets(board), suite_figures.gains_by_task(board)]
    drawn = [
        charts.chart(each, extras=Extras(links=to, alarm=each.key == "by-task", titles=named)) for each in flat if each
    ]
    drawn += home_pictures(board, views.together(board)[0].label, root)

    planes = [suite_figures.plane(board), *(suite_figures.cost_plane(board, currency) for currency in CURRENCIES)]
    for figure, extras in filter(None, planes):
        drawn.append(charts.chart(figure, extras=Extras(extras.names, to, extras.joined, titles=named)))

    return [*drawn, charts.chart(suite_figures.profile(board))]


def home_pictures(board: Board, best: str, root: str) -> list[Html]:
    """What is loud beside what learns, and specialists beside one model, where the runs are there."""
    drawn = []
    if found := home_figures.loudness(board):
        figure, extras = found
        to = {task.name: href(root, links.task_page(board.name, task.name)) for task in board.tasks}
        drawn.append(charts.chart(figure, extras=Extras(extras.names, to)))
    if apart := home_figures.specialists(board, best):
        drawn.append(charts.chart(apart, extras=Extras(alarm=True)))
    return drawn


def _titles(board: Board) -> dict[str, str]:
    """Rows with settings as people read them, by label."""
    return {row.label: readable(row.runs[0]) for row in board.rows if "+" in row.label}


def _evidence(board: Board, root: str) -> dict[str, str]:
    return {row.label: href(root, links.evidence(board, row)) for row in board.rows}


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".:") + "."


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _bytes(page: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON can smuggle into a text, becomes a question mark."""
    return page.encode(errors="replace")
