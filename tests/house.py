"""The plan of the house: every room, what it is for, what it may import. One table; page, picture and tests follow it.

`python -m tests.house` writes the table in docs/architecture.md and the picture docs/house.svg again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "house.svg"
BEGIN, END = "<!-- rooms: written by python -m tests.house -->", "<!-- end of rooms -->"


@dataclass(frozen=True)
class Room:
    """A folder or a file of the project."""

    path: str
    where: str
    """Its place in the picture: a station of STATIONS, `door`, `many` or `ground`."""
    what: str
    """What it does, in a few words."""
    rooms: tuple[str, ...]
    """Of the project it may import these and itself, as dotted names."""
    packages: tuple[str, ...]
    """Beside Python's own it may import these."""

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").replace("/", ".")


def room(path: str, where: str, what: str, rooms: str = "", packages: str = "") -> Room:
    """A room; in `rooms`, names of rooms of bench/ go without `bench.`."""
    outside = {"methods", "tasks", "leaderboard"}
    names = tuple(name if name in outside else f"bench.{name}" for name in rooms.split())
    return Room(path, where, what, names, tuple(packages.split()))


STATIONS = {
    "suite": "what is compared",
    "run": "one method, one seed",
    "step": "K gradients, 1 update",
    "record": "what happened",
    "site": "what it shows",
}
"""The way of a result through the house, and what each station is about."""

HOUSE = (  # from the ground up
    room("bench/errors.py", "ground", "errors that a user can mend"),
    room("bench/protocol.py", "ground", "the version of the numerics"),
    room("bench/places.py", "ground", "where things lie; the default suite", "errors"),
    room("bench/git.py", "ground", "git, asked and never trusted", "errors"),
    room("tasks", "suite", "one a module: rows, verifier; the sandbox", "errors",
         "datasets mpmath pydantic_monty"),
    room("methods", "suite", "one a file: contract, settings, solvers", "errors",
         "numpy pydantic scipy torch torchjd"),
    room("bench/records", "record", "schema, store, rules, provenance, claims", "errors", "pydantic"),
    room("bench/analysis", "site", "gains, intervals, ranks, reports", "errors records", "numpy scipy"),
    room("leaderboard", "site", "from records to static pages", "errors places records analysis",
         "jinja2 markdown_it numpy"),
    room("bench/request", "suite", "suites; words into requests", "errors places records", "pydantic yaml"),
    room("bench/engine", "step", "task gradients, prompt sampling, ledger, probe", "errors records methods tasks",
         "torch"),
    room("bench/models", "run", "base models, adapters, prompts, devices", "errors places records request engine",
         "accelerate gguf huggingface_hub jinja2 numpy peft safetensors torch transformers"),
    room("assets", "suite", "pinned models, how they are made", "models request tasks",
         "safetensors tokenizers torch transformers"),
    room("bench/evaluation", "run", "held-out scores, before and after", "errors records request models tasks",
         "datasets evaluate huggingface_hub lm_eval numpy pydantic torch transformers"),
    room("bench/training", "step", "the balanced step, its trainers, stages, checkpoints",
         "errors records request engine models methods tasks", "datasets numpy safetensors torch transformers trl"),
    room("bench/trainers.py", "door", "your own script: TRL's trainers", "training"),
    room("bench/run", "run", "the story of one run, its address and its record",
         "errors places protocol records request engine models evaluation training methods tasks",
         "click tokenizers torch transformers"),
    room("bench/reference.py", "site", "docstrings of public modules", "places leaderboard"),
    room("bench/catalogue.py", "site", "methods, suites, tasks and documents for the site",
         "places reference request leaderboard methods tasks"),
    room("bench/sweeps", "many", "many runs: states, costs, workers",
         "errors places protocol records request training run methods", "ray"),
    room("bench/tuning", "many", "settings chosen by equal numbers of trials",
         "errors places records request sweeps methods tasks"),
    room("bench/validation", "record", "the verdict of CI on records, suites and methods",
         "errors places git protocol records request tuning methods tasks", "pydantic torch yaml"),
    room("bench/contributing", "record", "new methods, reruns, submissions",
         "errors places git protocol records analysis request run validation methods tasks", "torch"),
    room("bench/cli", "door", "commands, and the tables they print",
 "errors places records analysis leaderboard catalogue request models run sweeps tuning validation contributing "
         "methods tasks",
         "click pydantic rich tokenizers"),
)  # fmt: skip


def table() -> str:
    """The rooms as a Markdown table, from the door down to the ground."""
    lines = ["| room | what it does | of the project it may import |", "|---|---|---|"]
    for each in reversed(HOUSE):
        names = ", ".join(f"`{name.removeprefix('bench.')}`" for name in each.rooms) or "nothing"
        ending = "" if each.path.endswith(".py") else "/"
        lines.append(f"| `{each.path}{ending}` | {each.what} | {names} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The text of the page with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


WIDTH, MARGIN, GAP = 900, 12, 18
COLUMN = (WIDTH - 2 * MARGIN - 4 * GAP) // 5
LINE, PADDING = 15, 9
STYLE = """
.back{fill:#ffffff}.box{fill:#f4f6f9;stroke:#c6ccd6}.station{fill:#1f5fae}.bar{fill:#e9edf3;stroke:#c6ccd6}
text{font-family:system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;font-size:12px;fill:#39424e}
.name{font-weight:600;fill:#14181f;font-size:12.5px}.big{font-size:17px;font-weight:700;fill:#fff}.small{fill:#dfeafa}
.arrow{stroke:#1f5fae;fill:none;stroke-width:2.5}.tip{fill:#1f5fae}
@media (prefers-color-scheme:dark){.back{fill:#0d1117}.box{fill:#161b22;stroke:#3b434e}.station{fill:#2f6fc2}
.bar{fill:#1c232c;stroke:#3b434e}text{fill:#b9c2cd}.name{fill:#eef2f6}.big{fill:#fff}.small{fill:#e4eefb}
.arrow{stroke:#6aa5ee}.tip{fill:#6aa5ee}}
""".replace("\n", "")


def picture() -> str:
    """The house as SVG: the stations of a result from left to right, their rooms below, front door and ground."""
    door = [each for each in HOUSE if each.where in ("door", "many")]
    shapes = list(_bar(reversed(door), MARGIN))
    top = MARGIN + _bar_height() + 20

    bottom = top
    for index, station in enumerate(STATIONS):
        x = MARGIN + index * (COLUMN + GAP)
        shapes += _station(station, x, top, last=index == len(STATIONS) - 1)
        y = top + 64
        for each in reversed(HOUSE):
            if each.where == station:
                height = _height(each)
                shapes += _box(each, x, y, height)
                y += height + 8
        bottom = max(bottom, y)

    ground = [each for each in HOUSE if each.where == "ground"]
    shapes += _bar(ground, bottom + 8)
    height = bottom + 8 + _bar_height() + MARGIN
    title = "How a result goes through the house: from suite to run, step, record and site"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            f' role="img" aria-label="{title}">',
            f"<title>{title}</title><style>{STYLE}</style>",
            f'<rect class="back" width="{WIDTH}" height="{height}"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def _bar_height() -> int:
    return 2 * LINE + 2 * PADDING


def _bar(rooms: Iterable[Room], y: int) -> Iterator[str]:
    """Rooms side by side over the whole width."""
    found = list(rooms)
    wide = (WIDTH - 2 * MARGIN - (len(found) - 1) * GAP) // len(found)
    for index, each in enumerate(found):
        x = MARGIN + index * (wide + GAP)
        yield f'<rect class="bar" x="{x}" y="{y}" width="{wide}" height="{_bar_height()}" rx="6"/>'
        yield _text("name", x + 10, y + PADDING + 12, each.path)
        yield _text("", x + 10, y + PADDING + 12 + LINE, each.what)


def _station(name: str, x: int, y: int, last: bool) -> Iterator[str]:
    yield f'<rect class="station" x="{x}" y="{y}" width="{COLUMN}" height="54" rx="8"/>'
    yield _text("big", x + 10, y + 24, name)
    yield _text("small", x + 10, y + 42, STATIONS[name])
    if not last:
        end = x + COLUMN + GAP
        yield f'<path class="arrow" d="M{x + COLUMN + 1} {y + 27}H{end - 6}"/>'
        yield f'<path class="tip" d="M{end - 8} {y + 21}l8 6l-8 6z"/>'


def _box(each: Room, x: int, y: int, height: int) -> Iterator[str]:
    yield f'<rect class="box" x="{x}" y="{y}" width="{COLUMN}" height="{height}" rx="6"/>'
    yield _text("name", x + 10, y + PADDING + 11, each.path)
    for index, line in enumerate(_lines(each)):
        yield _text("", x + 10, y + PADDING + 11 + (index + 1) * LINE, line)


def _height(each: Room) -> int:
    return (1 + len(_lines(each))) * LINE + 2 * PADDING


def _lines(each: Room) -> list[str]:
    return wrap(each.what, 21)


def _text(kind: str, x: int, y: int, text: str) -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text{mark} x="{x}" y="{y}">{escape(text)}</text>'


def main() -> None:
    """Write what is made from the table."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    PICTURE.write_text(picture(), "utf-8")


if __name__ == "__main__":
    main()
