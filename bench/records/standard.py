"""What a record says of lm-eval's own tasks, where a suite names any."""

from pydantic import Field

from bench.records.fields import Finite, Frozen, Name, Text


class StandardScore(Frozen):
    """One of lm-eval's own tasks, scored as lm-eval does: reported beside the gain, never in place of it."""

    task: Name
    metric: Text
    before: Finite
    after: Finite | None
    """None if the run failed before it could be evaluated."""
    items: int = Field(gt=0)
    fewshot: int = Field(ge=0)
    """Examples shown in the prompt."""
    version: Text
    """Version of the task's description in lm-eval."""
