"""Rules between the numbers of one record: what the curves say of each other, and of the ledger.

They bind a forger who recomputes the digests. Curves have four significant digits, so that equalities hold to
`ROUNDING`; those between products of curves hold in windows of one step.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import combinations, islice, pairwise
from operator import mul

from bench.records.rules.case import LARGEST, Case, Problem
from bench.records.rules.record import numbers
from bench.records.schema import Curves

ROUNDING = 2e-3
"""Relative error of what is computed from numbers of four digits, in parts of the largest term."""
SHARE_ERROR = 6e-5
"""Absolute error of a number up to 1 with four digits."""
CLEAR = 0.25
"""An estimate of a whole number may be off by less than this to say anything."""


def readable(case: Case) -> bool:
    """Whether shapes, steps and sizes of the curves are such that rules can compute with them; else others complain."""
    curves = case.record.curves
    tasks = len(case.record.tasks)
    steps = [0, *curves.steps]
    if any(later <= earlier for earlier, later in pairwise(steps)) or steps[-1] > case.record.ledger.steps:
        return False

    wide = {
        "task_share": tasks,
        "weights": tasks,
        "naive_squared_norm": tasks,
        "squared_norm": tasks,
        "gramian": tasks * (tasks - 1) // 2,
    }
    wide |= dict.fromkeys(("reward", "silent", "reply_length", "mean_abs_advantage"), tasks)
    if curves.intended_share:
        wide["intended_share"] = tasks
    if any(set(map(len, getattr(curves, name))) - {count} for name, count in wide.items()):
        return False

    largest = (max(map(abs, numbers(getattr(curves, name))), default=0) for name in Curves.model_fields)
    return max(largest) <= LARGEST


def single_steps(case: Case) -> Iterator[int]:
    """Points that are one step, not a mean over several."""
    steps = [0, *case.record.curves.steps]
    return (point for point, (before, last) in enumerate(pairwise(steps)) if last - before == 1)


def inner(left: Sequence[float], right: Sequence[float], norms: Sequence[float], pairs: Sequence[float]) -> float:
    """left' G right for the Gramian of squared norms and the strict upper triangle row by row."""
    total = float(sum(map(mul, map(mul, left, right), norms)))
    first, second = _pairs(len(norms))
    for i, j, product in zip(first, second, pairs, strict=True):
        total += product * (left[i] * right[j] + left[j] * right[i])
    return total


@cache
def _pairs(tasks: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the strict upper triangle, row by row."""
    found = list(combinations(range(tasks), 2))
    return tuple(i for i, _ in found), tuple(j for _, j in found)


def cauchy_schwarz(case: Case) -> Iterator[Problem]:
    """No inner product is larger than the two norms allow: |g_ij| <= sqrt(g_ii g_jj)."""
    curves = case.record.curves
    tasks = range(len(case.record.tasks))
    pairs = [(i, j) for i in tasks for j in tasks if i < j]

    for point, (norms, products) in enumerate(zip(curves.naive_squared_norm, curves.gramian, strict=True)):
        for (i, j), product in zip(pairs, products, strict=True):
            if abs(product) > (norms[i] * norms[j]) ** 0.5 * (1 + ROUNDING):
                first = case.record.tasks[i].name
                second = case.record.tasks[j].name
                reason = f"point {point}: {product:g} between {first} and {second} exceeds their norms"
                yield case.problem("curves.gramian", reason)
                return


def estimates(case: Case) -> Iterator[Problem]:
    """An estimate from two halves of 1/3 to 2/3 of the groups is at most 9/8 of the biased squared norm.

    With halves a + b = g of shares s and 1 - s, <a, b> / (s (1 - s)) <= |g|^2 / (4 s (1 - s)).
    """
    curves = case.record.curves
    for point in single_steps(case) if case.record.ledger.rollouts else ():
        for estimate, norm in zip(curves.squared_norm[point], curves.naive_squared_norm[point], strict=True):
            if estimate is not None and estimate > 9 / 8 * norm * (1 + ROUNDING):
                yield case.problem("curves.squared_norm", f"point {point}: {estimate:g} exceeds its bound by {norm:g}")
                return


def shares(case: Case) -> Iterator[Problem]:
    """Shares of the prompts sum to 1, those that were wanted and those that came."""
    for name in ("task_share", "intended_share"):
        for point, values in enumerate(getattr(case.record.curves, name)):
            if abs(sum(values) - 1) > ROUNDING:
                yield case.problem(f"curves.{name}", f"point {point}: shares sum to {sum(values):.4g}, not to 1")
                break


def update_norms(case: Case) -> Iterator[Problem]:
    """The update's squared norm is w' G w; for a direction that need not lie in the gradients' span, at least that."""
    record = case.record
    curves = case.record.curves
    free = "GradientCombination" in record.method.acts_on or record.method.wrapper is not None

    # Mean norms of a window say nothing of the mean of products, so only windows of one step are asked.

    for point in single_steps(case):
        weights = curves.weights[point]
        norms = curves.naive_squared_norm[point]
        pairs = curves.gramian[point]
        expected = inner(weights, weights, norms, pairs)
        found = curves.update_norm[point] * curves.update_norm[point]

        # Terms may cancel: the error is a part of the largest of them, not of their sum.
        sizes = [abs(weight) for weight in weights]
        slack = ROUNDING * max(inner(sizes, sizes, norms, [abs(product) for product in pairs]), found)
        if expected - found > slack or (not free and found - expected > slack):
            reason = f"point {point}: its square is {found:.4g}, weights and Gramian give {expected:.4g}"
            yield case.problem("curves.update_norm", reason)
            return


def plain_norms(case: Case) -> Iterator[Problem]:
    """The plain mean's squared norm is s' G s for the shares s of the step's prompts, where a window is one step."""
    curves = case.record.curves
    for point in single_steps(case) if curves.plain_norm else ():
        share = curves.task_share[point]
        norms = curves.naive_squared_norm[point]
        pairs = curves.gramian[point]
        expected = inner(share, share, norms, pairs)
        found = curves.plain_norm[point] * curves.plain_norm[point]

        # as in `update_norms`: terms may cancel
        slack = ROUNDING * max(inner(share, share, norms, [abs(product) for product in pairs]), found)
        if abs(expected - found) > slack:
            reason = f"point {point}: its square is {found:.4g}, shares and Gramian give {expected:.4g}"
            yield case.problem("curves.plain_norm", reason)
            return


def signal_to_noise(case: Case) -> Iterator[Problem]:
    """One ratio a task, that of the summed squared norms where every window is one step.

    A window of several steps does not say in which of them a task was measured.
    """
    record = case.record
    curves = record.curves
    if not record.signal_to_noise:
        return
    if len(record.signal_to_noise) != len(record.tasks):
        reason = f"{len(record.tasks)} tasks need as many numbers, there are {len(record.signal_to_noise)}"
        yield case.problem("signal_to_noise", reason)
        return

    if len(list(single_steps(case))) == len(curves.steps):
        ratios = (_ratio(case, task) for task in range(len(record.tasks)))
        yield from islice(filter(None, ratios), 1)


def _ratio(case: Case, task: int) -> Problem | None:
    """What is wrong with the signal-to-noise ratio of a task, by the sums over all points."""
    curves = case.record.curves
    found = case.record.signal_to_noise[task]
    points = zip(curves.squared_norm, curves.naive_squared_norm, strict=True)
    known = [(signals[task] or 0.0, norms[task]) for signals, norms in points if signals[task] is not None]
    signal = sum(part for part, _ in known)
    noise = sum(norm for _, norm in known) - signal

    # errors are parts of the addends, not of what is left of their sum
    error = ROUNDING * sum(abs(part) for part, _ in known)
    both = error + ROUNDING * sum(norm for _, norm in known)
    wrong = (
        noise > both
        if found is None
        else abs(found) > LARGEST or abs(found * noise - signal) > error + abs(found) * both
    )
    if not wrong:
        return None
    said = f"of {case.record.tasks[task].name} is {found}, the curves give {signal:.4g} over {noise:.4g}"
    return case.problem("signal_to_noise", said)


def cosines(case: Case) -> Iterator[Problem]:
    """Cosines lie in [-1, 1]; that of the gradients follows from weights, shares and Gramian."""
    curves = case.record.curves

    for name in ("gradient_cosine", "move_cosine"):
        if any(value is not None and abs(value) > 1 + ROUNDING for value in getattr(curves, name)):
            yield case.problem(f"curves.{name}", "is beyond 1")

    for point in single_steps(case) if curves.gradient_cosine else ():
        found = curves.gradient_cosine[point]
        norms = curves.naive_squared_norm[point]
        pairs = curves.gramian[point]
        weights = curves.weights[point]
        share = curves.task_share[point]
        mean = inner(share, share, norms, pairs)
        update = curves.update_norm[point]
        if found is None or mean <= 0 or update <= 0:
            continue

        # The same for both norms below the fraction, whose relative errors add up.
        length = mean**0.5 * update
        large = [abs(product) for product in pairs]
        sizes = [abs(weight) for weight in weights]
        slack = ROUNDING * (1 + inner(sizes, share, norms, large) / length + inner(share, share, norms, large) / mean)
        if abs(inner(weights, share, norms, pairs) / length - found) > slack:
            yield case.problem("curves.gradient_cosine", f"point {point}: {found:g} does not follow from the Gramian")
            return


def counts(case: Case) -> Iterator[Problem]:
    """Prompts, right replies and silent groups of a step are whole numbers; the first that is not."""
    ledger = case.record.ledger
    if case.plan or not (ledger.steps and ledger.prompts and ledger.rollouts):
        return
    if ledger.prompts % ledger.steps or ledger.rollouts % ledger.prompts:
        return

    total = ledger.prompts // ledger.steps
    copies = ledger.rollouts // ledger.prompts
    tasks = range(len(case.record.tasks))
    found = (_counted(case, point, task, total, copies) for point in single_steps(case) for task in tasks)
    yield from islice(filter(None, found), 1)


def _counted(case: Case, point: int, task: int, total: int, copies: int) -> Problem | None:
    """What is wrong with the counts of a task in a step of so many prompts with so many copies each."""
    curves = case.record.curves
    share = curves.task_share[point][task]
    silent = curves.silent[point][task]
    prompts = round(share * total)
    # `silent` is a share of the groups, one a prompt; `reward` one of their completions.
    if not whole(share, total):
        return case.problem("curves.task_share", f"point {point}: {share:g} of {total} prompts is no whole number")

    for name, each in (("reward", copies), ("silent", 1)):
        value = getattr(curves, name)[point][task]
        if (value is None) != (prompts == 0):
            return case.problem(f"curves.{name}", f"point {point}: is {value} with {prompts} prompts")
        if value is not None and not whole(value, prompts * each):
            return case.problem(f"curves.{name}", f"point {point}: {value:g} of {prompts * each} is no whole number")

    if prompts and (silent == 1) != (curves.mean_abs_advantage[point][task] == 0):
        return case.problem("curves.silent", f"point {point}: {silent:g} does not go with its mean_abs_advantage")

    return None


@lru_cache(maxsize=4096)
def whole(part: float, count: int) -> bool:
    """Whether a part of so many, to four digits, is a whole number of them; True where four digits cannot tell."""
    error = SHARE_ERROR * count
    return error >= CLEAR or abs(part * count - round(part * count)) <= error + 1e-9


def tokens(case: Case) -> Iterator[Problem]:
    """Reply lengths over all steps sum to the ledger's sampled tokens, where shares are known step by step."""
    record = case.record
    curves = case.record.curves
    ledger = record.ledger
    if record.status == "failed" or case.plan or not curves.steps or not ledger.rollouts:
        return

    # The mean length of a window weights its steps by prompts, which are unequal where a method samples.
    fixed = "TaskSampling" not in record.method.acts_on
    if not fixed and len(list(single_steps(case))) < len(curves.steps):
        return

    each = ledger.rollouts / curves.steps[-1]
    total = 0.0

    for (before, last), lengths, share in zip(
        pairwise([0, *curves.steps]), curves.reply_length, curves.task_share, strict=True
    ):
        total += each * (last - before) * sum((x or 0) * part for x, part in zip(lengths, share, strict=True))

    if abs(total - ledger.sampled_tokens) > ROUNDING * total:
        reason = f"{ledger.sampled_tokens:,} tokens, the curves of reply lengths give {total:,.0f}"
        yield case.problem("ledger.sampled_tokens", reason)


SIGNALS: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    cauchy_schwarz,
    estimates,
    shares,
    update_norms,
    plain_norms,
    signal_to_noise,
    cosines,
    counts,
    tokens,
)
"""Rules that compute with curves; they are asked only where these are `readable`."""
