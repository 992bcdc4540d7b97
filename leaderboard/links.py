"""Where everything lies on the site: paths from its root, unquoted."""

from pathlib import Path

from bench.analysis.rows import Board, Row
from bench.analysis.runs import Run

HOME, METHODS, DATA, CONTRIBUTE = "index.html", "methods.html", "data.html", "contribute.html"
SUITES, TASKS, SEARCH, CHANGES = "suites.html", "tasks.html", "search.html", "changes.html"
DOCUMENTS, REFERENCE, MISSING = "docs/index.html", "docs/reference.html", "404.html"

MENU = (
    (HOME, "Leaderboard"),
    (METHODS, "Methods"),
    (SUITES, "Suites"),
    (TASKS, "Tasks"),
    (SEARCH, "Search"),
    (DATA, "Data"),
    (CHANGES, "Changes"),
    (DOCUMENTS, "Docs"),
    (CONTRIBUTE, "Contribute"),
)
"""The pages that every page leads to, with their words."""


def run_page(run: Run) -> str:
    """The run's page."""
    return f"runs/{run.record.suite.name}/{run.label}/{run.record.seed}.html"


def run_data(run: Run) -> str:
    """The copy of the run's record."""
    return f"data/{run.record.suite.name}/{run.label}/{run.record.seed}.json"


def rerun_data(run: Run, file: Path) -> str:
    """The copy of a reproduction of the run."""
    return f"data/{run.record.suite.name}/{run.label}/{file.name}"


def method_page(label: str) -> str:
    """The page of a method with its settings, over all suites."""
    return f"methods/{label}.html"


def evidence(board: Board, row: Row) -> str:
    """The runs behind a row's numbers: the suite's part of the method's page."""
    return f"{method_page(row.label)}#{board.name}"


def suite_page(suite: str) -> str:
    """The suite's page."""
    return f"suites/{suite}.html"


def compare_page(suite: str) -> str:
    """Methods against each other."""
    return f"compare/{suite}.html"


def reports_page(suite: str) -> str:
    """The suite's reports."""
    return f"reports/{suite}.html"


def task_page(suite: str, task: str) -> str:
    """A task of a suite."""
    return f"tasks/{suite}/{task}.html"


def task_card(task: str) -> str:
    """A task, whatever its suite."""
    return f"tasks/{task}.html"


def document(path: str) -> str:
    """The page of a Markdown file of the repository; the README is the first one."""
    return DOCUMENTS if path == "README.md" else f"docs/{Path(path).stem.lower()}.html"


def root_from(page: str) -> str:
    """What leads from a page to the root of the site: `../` for each folder."""
    return "../" * page.count("/")
