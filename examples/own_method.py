"""A method of one's own, in a file of one's own: the quieter a task's gradient, the more it counts.

Source     none; an example
Differs    nothing
Costs      nothing beyond a plain step
Conflicts  in 91 % of strongly conflicting gradients
"""

# In the harness, where it is checked like all others and compared with them:
#
#     bench check examples/own_method.py
#     bench run method=examples/own_method.py suite=smoke-v1 store=runs
#
# In a script: BalancedGRPOTrainer(..., method="examples/own_method.py", method_settings={"power": 0.5})

from torch import Tensor

from methods import Gramian, GramianWeighting, Settings, Signals, setting


class QuietSettings(Settings):
    power: float = setting(1.0, low=0.0, high=2.0, search=(0.2, 2.0), doc="how much; 0: the plain mean")


class Quiet(GramianWeighting):
    name = "quiet"
    version = 1
    Settings = QuietSettings

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        """Weights of sum 1, as one over the norm to the power."""
        quietness = gramian.norms**-self.settings.power
        return quietness / quietness.sum()
