"""What there is to run, as plain data: methods, suites and tasks, whether or not a record names them.

A site is built from records alone; whoever has the sources beside them hands over a catalogue, and the site then has a
page for each of its entries, for each document, and for the reference. `bench/catalogue.py` reads one from a checkout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a method, as text."""

    name: str
    default: str
    low: str
    high: str
    what: str


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """A method: its card, its settings, its source."""

    name: str
    version: int
    title: str
    summary: str
    source: str
    differs: str
    costs: str
    conflicts: str
    formula: str
    """As AsciiMath; '' if the card has none."""
    detail: str
    acts_on: Sequence[str]
    file: str
    """From the root of the checkout."""
    code: str
    """'' for a member of a family in one file."""
    digest: str
    settings: Sequence[Setting]

    @property
    def command(self) -> str:
        """What runs it on every seed, but for the suite."""
        wraps = "StepWrapper" in self.acts_on
        return f"bench sweep method=uniform wrapper={self.name}" if wraps else f"bench sweep method={self.name}"


@dataclass(frozen=True, slots=True)
class SuiteEntry:
    """A suite: its file, and what its document says of it."""

    name: str
    summary: str
    text: str
    """The YAML file as it is."""
    digest: str
    regime: str
    model: str
    tasks: Sequence[str]
    scored: Sequence[str]
    seeds: Sequence[int]
    steps: int
    learning_rate: float
    prompts: int
    """A task and step."""
    rollouts: int
    """A prompt."""
    items: int
    """Held-out items a task."""
    document: str
    """Its section of docs/suites.md, with the figures of its gate; '' if there is none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt of a task, and replies to it with the rewards that the task's verifier gives them."""

    prompt: str
    replies: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task: what is asked, how a guess fares, samples."""

    name: str
    domain: str
    revision: int
    summary: str
    chance: float
    diagnostic: bool
    origin: str
    licence: str
    sizes: Mapping[str, int]
    """Published rows by split; empty where rows are drawn."""
    samples: Sequence[Sample]
    """Empty where rows must be fetched first."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A class, a function, or a member of a class."""

    name: str
    signature: str
    """What follows the name in the source: parameters and result, or annotation and value."""
    text: str
    """Its docstring; '' if it has none."""
    members: Sequence["Symbol"] = ()
    kind: str = "function"
    """Or `class`, or `attribute`."""


@dataclass(frozen=True, slots=True)
class Module:
    """What people import from one name."""

    name: str
    files: Sequence[str]
    """From the root of the checkout."""
    text: str
    symbols: Sequence[Symbol]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by name."""

    methods: Mapping[str, MethodEntry] = field(default_factory=dict)
    suites: Mapping[str, SuiteEntry] = field(default_factory=dict)
    tasks: Mapping[str, TaskEntry] = field(default_factory=dict)
    code: str = ""
    """Where the repository can be read: `CODE/COMMIT/FILE` is a file at a commit; '' if nowhere."""
    address: str = ""
    """Where the site will be read, without a slash at its end; '' if that is not known."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """Markdown by path from the root of the checkout."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """Pictures of documents, by path likewise."""
    reference: Sequence[Module] = ()
