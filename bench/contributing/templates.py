"""What `bench new method` writes: a small working method for each place of action, and its first golden value."""

from dataclasses import dataclass

MARK = "TODO"
"""Begins every placeholder of a card."""


@dataclass(frozen=True)
class Template:
    """Texts for one place of action; `NAME` and `CLASS` stand for the method's names."""

    base: str
    imports: tuple[str, ...]
    """Names to import from `methods`, beside the base class."""
    body: str
    """From the settings to the end of the file."""
    test: str
    """The test function."""
    test_imports: tuple[str, ...]
    """Names that the test imports from `methods`."""
    torch: bool = True
    """Whether the method's file calls torch."""
    claim: str = ""
    """The card's Conflicts line."""


HEAD = '''"""TITLE: TODO say in one sentence what it does.

Source     TODO paper, arXiv id, equation or algorithm
Differs    TODO every deviation from it, or: nothing
Costs      TODO what it costs beyond a plain step, or: nothing beyond a plain step
CLAIM"""

IMPORTSfrom torch import Tensor

from methods import NAMES

'''

MEMBERS = """
class CLASS(BASE):
    name = "NAME"
    version = 1
"""
WITH_SETTINGS = MEMBERS + "    Settings = CLASSSettings\n"

TEST_HEAD = '''"""Golden values of NAME, worked out by hand or taken from the paper; the comment says how."""

STANDARDimport torch

from methods import NAMES
from methods.NAME import CLASS


'''

GAP_STATE = """
    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.gap = torch.ones(run.tasks, dtype=torch.float64)

    def observe(self, signals: Signals) -> None:
        seen = ~signals.gaps.isnan()  # NaN: the task had no prompt in this step
        moved = self.settings.decay * self.gap + (1 - self.settings.decay) * signals.gaps
        self.gap = torch.where(seen, moved, self.gap)
"""
GAP_SETTINGS = """
class CLASSSettings(Settings):
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of the mean reward gap")

"""
GAP_TEST = """def test_values(signals_of: Callable[..., Signals]) -> None:
    method = CLASS().start(RunInfo(2, torch.tensor([100, 100]), 10))
    signals = signals_of(torch.eye(2).double())
    method.observe(replace(signals, rewards=torch.tensor([1.0, 0.5]).double()))
    # the mean gap was 1 and sees 0 and 0.5 with weight 0.1: 0.9 and 0.95, over their sum 1.85
    expected = torch.tensor([0.9, 0.95]).double() / 1.85
    torch.testing.assert_close(ANSWER, expected)
"""

TEMPLATES = {
    "gramian": Template(
        base="GramianWeighting",
        imports=("Gramian", "Settings", "Signals", "setting"),
        torch=False,
        claim="Conflicts  in 91 % of strongly conflicting gradients\n",
        body="""
class CLASSSettings(Settings):
    power: float = setting(1.0, low=0.0, high=2.0, search=(0.5, 1.5), doc="0: the mean; 1: gradients of one norm")

"""
        + WITH_SETTINGS
        + '''
    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        """Weights, [K'], of the K' tasks that have a gradient; their sum is 1 for identical tasks."""
        inverse: Tensor = gramian.norms**-self.settings.power
        return inverse / inverse.sum()
''',
        test="""def test_values(signals_of: Callable[..., Signals]) -> None:
    rows = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).double()
    # norms 3 and 1: the inverse norms 1/3 and 1, over their sum 4/3
    expected = torch.tensor([0.25, 0.75]).double()
    torch.testing.assert_close(CLASS().combine_weights(signals_of(rows)), expected)
""",
        test_imports=("Signals",),
    ),
    "loss": Template(
        base="LossWeighting",
        imports=("RunInfo", "Settings", "Signals", "setting"),
        body=GAP_SETTINGS
        + WITH_SETTINGS
        + '    state = ("gap",)\n'
        + GAP_STATE
        + '''
    def weights(self, signals: Signals) -> Tensor:
        """Weights of the task losses, [K]."""
        if not self.gap.any():  # every task is perfect
            return torch.full_like(self.gap, 1 / len(self.gap))
        return self.gap / self.gap.sum()
''',
        test=GAP_TEST.replace("ANSWER", "method.combine_weights(signals)"),
        test_imports=("RunInfo", "Signals"),
    ),
    "sampling": Template(
        base="TaskSampling",
        imports=("RunInfo", "Settings", "Signals", "setting"),
        body=GAP_SETTINGS
        + WITH_SETTINGS
        + '    state = ("gap",)\n'
        + GAP_STATE
        + '''
    def proportions(self) -> Tensor:
        """Shares of the next step's prompts, [K], of sum 1."""
        if not self.gap.any():  # every task is perfect
            return torch.full_like(self.gap, 1 / len(self.gap))
        return self.gap / self.gap.sum()
''',
        test=GAP_TEST.replace("ANSWER", "method.proportions()"),
        test_imports=("RunInfo", "Signals"),
    ),
    "advantage": Template(
        base="SampleWeighting",
        imports=("Rollouts", "Settings", "setting"),
        torch=False,
        body="""
class CLASSSettings(Settings):
    limit: float = setting(1.5, low=0.01, high=100.0, search=(0.5, 3.0), doc="largest size of an advantage")

"""
        + WITH_SETTINGS
        + '''
    def advantages(self, rollouts: Rollouts) -> Tensor:
        """Advantages to train on, one a completion, [N]."""
        limit: float = self.settings.limit
        return rollouts.advantages.clamp(-limit, limit)
''',
        test="""def test_values() -> None:
    advantages = torch.tensor([2.0, 0.5, -1.0, -3.0])
    group = torch.zeros(4, dtype=torch.long)
    rollouts = Rollouts(group, group, advantages, advantages, group, group)
    # cut at 1.5
    torch.testing.assert_close(CLASS().advantages(rollouts), torch.tensor([1.5, 0.5, -1.0, -1.5]))
""",
        test_imports=("Rollouts",),
    ),
    "gradient": Template(
        base="GradientCombination",
        imports=("Layout", "Signals"),
        claim="Conflicts  in 99 % of strongly conflicting gradients\n",
        body=MEMBERS
        + '''
    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        """The update direction, [P], from task gradients [K, P]; here the mean, tensor by tensor."""
        return torch.cat([part.mean(dim=0) for part in torch.split(gradients, list(layout.sizes), dim=1)])
''',
        test="""def test_values(signals_of: Callable[..., Signals]) -> None:
    rows = torch.tensor([[3.0, 0.0, 1.0], [0.0, 1.0, 1.0]]).double()
    layout = Layout(("bias", "weight"), (1, 2), ((1,), (1, 2)))
    # the mean of both
    expected = torch.tensor([1.5, 0.5, 1.0]).double()
    torch.testing.assert_close(CLASS().combine(rows, layout, signals_of(rows)), expected)
""",
        test_imports=("Layout", "Signals"),
    ),
    "wrapper": Template(
        base="StepWrapper",
        imports=("RunInfo", "Settings", "Signals", "setting"),
        body="""
class CLASSSettings(Settings):
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.1, 0.9), doc="memory of the weights")

"""
        + WITH_SETTINGS
        + '''    state = ("kept",)
    needs_weights = True  # to change directions, override `combine` instead of `smooth`

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.kept = torch.full((run.tasks,), 1 / run.tasks, dtype=torch.float64)

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        """The weights to use, [K], in place of those that the method inside chose."""
        self.kept = self.settings.decay * self.kept + (1 - self.settings.decay) * weights
        return self.kept
''',
        test="""def test_values(signals_of: Callable[..., Signals]) -> None:
    wrapper = CLASS().start(RunInfo(2, torch.tensor([100, 100]), 10))
    # half of the equal weights that it starts with, half of the new ones
    smoothed = wrapper.smooth(torch.tensor([1.0, 0.0]).double(), signals_of(torch.eye(2).double()))
    torch.testing.assert_close(smoothed, torch.tensor([0.75, 0.25]).double())
""",
        test_imports=("RunInfo", "Signals"),
    ),
    "plan": Template(
        base="RunPlan",
        imports=("Stages",),
        body=MEMBERS
        + '''
    def execute(self, stages: Stages) -> Tensor:
        """Train with what `stages.left` allows, and return the final parameters: [P], or [K, P] for one a task."""
        assert self.run is not None
        equal = torch.full((self.run.tasks,), 1 / self.run.tasks, dtype=torch.float64)
        stages.train(int(stages.left), lambda step: equal)
        return stages.parameters()
''',
        test="""def test_values(signals_of: Callable[..., Signals]) -> None:
    rows = torch.tensor([[3.0, 0.0], [3.0, 0.0]]).double()
    plan = CLASS().start(RunInfo(2, torch.tensor([100, 100]), 1))
    stages = toys.ToyStages(inputs.Step(rows, signals_of(rows), None), 1)
    expected = stages.parameters() - toys.RATE * rows[0]  # one step along the gradient that both tasks have
    torch.testing.assert_close(plan.execute(stages), expected)
""",
        test_imports=("RunInfo", "Signals"),
    ),
}


def method_text(name: str, acts_on: str) -> str:
    """A method's file."""
    template = TEMPLATES[acts_on]
    names = sorted((template.base, *template.imports), key=lambda each: (each[0].islower(), each))
    head = HEAD.replace("IMPORTS", "import torch\n" if template.torch else "").replace("NAMES", ", ".join(names))
    return _named(head.replace("CLAIM", template.claim) + template.body.replace("BASE", template.base), name)


def test_text(name: str, acts_on: str) -> str:
    """A method's test."""
    template = TEMPLATES[acts_on]
    standard = "from collections.abc import Callable\n" if "Callable" in template.test else ""
    standard += "from dataclasses import replace\n" if "replace(" in template.test else ""
    toys = "from methods._battery import inputs, toys\n" if "toys." in template.test else ""
    head = TEST_HEAD.replace("STANDARD", f"{standard}\n" if standard else "")
    head = head.replace("NAMES\n", f"{', '.join(template.test_imports)}\n{toys}")
    return _named(head + template.test, name)


def _named(text: str, name: str) -> str:
    words = name.split("_")
    kind = "".join(word.capitalize() for word in words)
    return text.replace("TITLE", " ".join(words).capitalize()).replace("CLASS", kind).replace("NAME", name)
