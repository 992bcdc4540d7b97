"""Where the code of a run's method runs: in a confined process where that is possible, else in this one."""

from torch import Generator, nn

from bench.records.schema import Isolation
from bench.run.choices import Chosen
from bench.run.prepare import Prepared
from bench.run.saving import note
from bench.training.confined.client import Unconfined, offered, start_server
from bench.training.confined.memory import LARGEST
from bench.training.confined.proxy import Host
from bench.training.confined.source import NUMBERS, Source, source_of
from methods import Method, RunInfo, SampleWeighting
from methods import _registry as methods


class Confinement:
    """Starts methods. alone: whether the run is one process, of one thread, on a processor.

    Where a fork cannot compute as this process does, where parameters are asked for, and where task gradients are too
    large to be shared, methods run here.
    """

    def __init__(self, prepared: Prepared, alone: bool) -> None:
        self.prepared = prepared
        self.possible = alone and prepared.wrapper is None
        self.shared = 0
        """Bytes of the task gradients."""
        self.host: Host | None = None
        """Of the run's method, until it is started."""
        self._weights_tokens: bool | None = None

        if self._source(prepared.method):
            start_server()  # it loads torch while this process loads the model

    def load(self, model: nn.Module) -> None:
        """Load the run's method, and its wrapper. UserError if a file cannot be imported."""
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.shared = len(self.prepared.tasks) * sum(each.numel() * each.element_size() for each in trained)
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

        numbers = set(chosen.card.acts_on) <= NUMBERS
        if not numbers and self.shared > LARGEST:
            size = f"{self.shared >> 20} MiB of task gradients are more than the {LARGEST >> 20} that can be shared"
            note(f"{chosen.card.name} runs in this process: {size}.")
            return None
        try:
            return Host(chosen.card, source, shared=0 if numbers else self.shared)
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
