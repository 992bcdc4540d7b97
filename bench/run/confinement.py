"""Where the code of a run's method and wrapper runs: in confined processes where that is possible, else in this one."""

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

    Where a fork cannot compute as this process does, and where task gradients or models are too large to be shared,
    methods run here. A method and its wrapper are confined together or not at all.
    """

    def __init__(self, prepared: Prepared, alone: bool) -> None:
        self.prepared = prepared
        self.possible = alone
        self.shared = 0
        """Bytes of the task gradients, or of one model a task."""
        self.hosts: dict[str, Host] = {}
        """Of the method and of the wrapper, by name, until they are started."""
        self._weights_tokens: bool | None = None

        if all(self._source(chosen) for chosen in self._chosen):
            start_server()  # it loads torch while this process loads the model

    @property
    def _chosen(self) -> list[Chosen]:
        return [chosen for chosen in (self.prepared.method, self.prepared.wrapper) if chosen]

    def load(self, model: nn.Module) -> None:
        """Load the run's method, and its wrapper. UserError if a file cannot be imported."""
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.shared = len(self.prepared.tasks) * sum(each.numel() * each.element_size() for each in trained)

        hosts = {chosen.card.name: self._hosted(chosen) for chosen in self._chosen if self.possible}
        self.possible = bool(hosts) and all(hosts.values())
        self.way: Isolation = "confined" if self.possible else "in process"
        if self.possible:
            self.hosts = {name: host for name, host in hosts.items() if host}
            self._weights_tokens = self.hosts[self.prepared.method.card.name].weights_tokens
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
        if self.possible:
            host = self.hosts.pop(chosen.card.name, None) or self._hosted(chosen)  # a twin has one of its own
            assert host, "what was confined before can be again"
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
