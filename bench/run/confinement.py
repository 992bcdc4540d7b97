"""Where the code of a run's method runs: in a confined process where that is possible, else in this one."""

from torch import Generator

from bench.records.schema import Isolation
from bench.run.choices import Chosen
from bench.run.prepare import Prepared
from bench.run.saving import note
from bench.training.confined.client import Unconfined, offered, start_server
from bench.training.confined.proxy import Host
from bench.training.confined.source import Source, source_of
from methods import Method, RunInfo, SampleWeighting
from methods import _registry as methods


class Confinement:
    """Starts methods. alone: whether the run is one process, of one thread, on a processor.

    Where a fork cannot compute as this process does, and where gradients or parameters are asked for, methods run here.
    """

    def __init__(self, prepared: Prepared, alone: bool) -> None:
        self.prepared = prepared
        self.possible = alone and prepared.wrapper is None
        self.host: Host | None = None
        """Of the run's method, until it is started."""
        self._weights_tokens: bool | None = None

        if self._source(prepared.method):
            start_server()  # it loads torch while this process loads the model

    def load(self) -> None:
        """Load the run's method, and its wrapper. UserError if a file cannot be imported."""
        self.host = self._hosted(self.prepared.method)
        self.way: Isolation = "confined" if self.host else "in process"
        if self.host:
            self._weights_tokens = self.host.weights_tokens
        else:
            self.prepared.import_methods()

    @property
    def weights_tokens(self) -> bool:
        """Whether the method has token weights of its own."""
        if self._weights_tokens is not None:
            return self._weights_tokens
        kind = self.prepared.method.kind
        return issubclass(kind, SampleWeighting) and kind.token_weights is not SampleWeighting.token_weights

    def start(self, chosen: Chosen, generator: Generator, run: RunInfo) -> Method:
        """A method or wrapper, started; settings per task follow the blind order."""
        settings = methods.in_blind_order(chosen.settings, self.prepared.order)
        host = self.host if chosen is self.prepared.method else self._hosted(chosen)
        if host:
            self.host = None
            return host.start(settings, generator, run)

        kind = chosen.kind
        return kind(kind.Settings(**settings.model_dump()), generator).start(run)

    def _hosted(self, chosen: Chosen) -> Host | None:
        source = self._source(chosen)
        if source is None:
            return None
        try:
            return Host(chosen.card, source)
        except Unconfined as why:
            note(f"{chosen.card.name} runs in this process, because none could be locked in: {why}.")
            return None

    def _source(self, chosen: Chosen) -> Source | None:
        """The method's code if it is to be confined: none of it has run here."""
        source = source_of(chosen.card) if self.possible and not chosen.imported else None
        if source and not offered():
            note(f"{chosen.card.name} runs in this process: this machine has no seccomp, which would lock another in.")
            self.possible = False
            return None
        return source
