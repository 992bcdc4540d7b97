"""Where the tasks' gradients are kept: on the accelerator while they fit by the forecast, else in the host's memory."""

from bench.models.shapes import shape_of
from bench.run.forecast import GIB, PROMPT_TOKENS, can_leave, parts_of_memory, peak_of, prompt_tokens
from bench.run.prepare import Prepared
from bench.run.saving import note


def gradients_leave(prepared: Prepared, memory: int | None) -> bool:
    """Whether they are kept in the host's memory: the run would not fit otherwise, and the method can do without them.

    memory: bytes of the accelerator, None without one. Results are the same to rounding, so that no record differs.
    """
    suite = prepared.request.suite
    used = [chosen.card for chosen in (prepared.method, prepared.wrapper) if chosen is not None]
    if memory is None or prepared.request.shard or not all(map(can_leave, used)):
        return False

    shape = shape_of(suite)
    if shape is None:
        return False

    prompt = prompt_tokens(suite, prepared.tasks) or PROMPT_TOKENS
    stays, leaves = (peak_of(parts_of_memory(suite, shape, prompt, away)) for away in (False, True))
    if stays <= memory:
        return False

    wanted, there, left = (f"{size / GIB:.3g} GiB" for size in (stays, memory, leaves))
    note(
        f"with the gradients of {len(suite.tasks)} tasks on the device the run would hold about {wanted}, and there "
        f"are {there}. They wait in the host's memory, which leaves {left}; a step takes longer."
    )
    return True
