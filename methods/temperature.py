"""Temperature: every task gets prompts in proportion to a power of its training rows.

Source     Xue et al. 2021 (mT5), arXiv 2010.11934, section 3.2: p_k is proportional to size_k^alpha
Differs    nothing
Costs      nothing beyond a plain step
Formula    p_k prop n_k^alpha

The temperature is T = 1 / alpha: alpha = 1 is `proportional`, alpha = 0 is `uniform`. mT5 and XLM-R take 0.3.
Where all tasks have the same number of rows, every alpha is `uniform`.
"""

from torch import Tensor

from methods import Settings, TaskSampling, setting


class TemperatureSettings(Settings):
    alpha: float = setting(0.3, low=0.0, high=1.0, search=(0.1, 0.9), doc="1 / temperature; 0: equal shares")


class Temperature(TaskSampling):
    name = "temperature"
    version = 1
    Settings = TemperatureSettings

    def proportions(self) -> Tensor:
        assert self.run is not None
        shares: Tensor = (self.settings.alpha * self.run.sizes.double().log()).softmax(dim=0)
        return shares
