"""The suites of a hidden round, drawn from a published distribution by round and seed.

Methods are frozen before the seed is published, so that none can be fitted to them. docs/suites.md has the
distribution in words.
"""

import random
from typing import Any

import yaml

from bench.request.suite import Suite, load_suite, validated

TEMPLATE, POOL = "nano-v2", "nano-many-v1"
"""Model, recipe and evaluation are those of the first; tasks are drawn from those of the second."""
COINS = ("coin_addition", "coin_reassignment", "coin_column_addition", "coin_running_sum")
OUT_OF_REACH = ("age_product", "big_product", "modular_power")
CONTRARY = {"sorting": "contrary_sorting", "oldest": "contrary_oldest"}
KNOBS = ("plain", "noise", "dead", "units", "lora", "rows", "conflict")
LEAST_TASKS, MOST_TASKS = 3, 8
LORA_RATE = 25.0
"""How much larger the learning rate of adapters is."""


def drawn(number: int, seed: int, count: int) -> list[Suite]:
    """The suites of a round; number: of the round, >= 1. The same words give the same suites everywhere."""
    return [_drawn(number, place, random.Random(f"{number}/{seed}/{place}")) for place in range(1, count + 1)]  # noqa: S311 - not a secret


def to_yaml(suite: Suite) -> str:
    """A suite as a file of suites/; what has its default is left out."""
    data = suite.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    return yaml.safe_dump(data, sort_keys=False, width=120)


def _drawn(number: int, place: int, rng: random.Random) -> Suite:
    base = load_suite(TEMPLATE)
    tasks = sorted(rng.sample(load_suite(POOL).tasks, rng.randint(LEAST_TASKS, MOST_TASKS)))
    knob = rng.choice(KNOBS)
    recipe = base.recipe.model_dump() | {"steps": rng.choice((15, 20, 30))}
    data = base.model_dump() | {
        "name": f"hidden-{number}-{place}",
        "summary": f"Round {number} of the hidden family, {place}: {knob}, {len(tasks)} tasks drawn",
        "sweep": (),
        "scored": (),
        "tasks": tasks,
        "recipe": recipe,
    }
    return validated(Suite, data | _turned(knob, tasks, recipe, rng), f"round {number}")


def _turned(knob: str, tasks: list[str], recipe: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """What a knob changes of a suite."""
    if knob in ("noise", "dead"):
        strange = COINS if knob == "noise" else OUT_OF_REACH
        more = rng.sample(strange, rng.randint(1, len(strange)))
        return {"tasks": sorted([*tasks, *more]), "scored": tasks}

    if knob == "units":
        factor = round(10 ** rng.uniform(0.5, 1.5), 2) ** rng.choice((-1, 1))
        return {"advantage_scale": {rng.choice(tasks): round(factor, 4)}}

    if knob == "lora":
        rate = recipe["learning_rate"] * LORA_RATE
        return {"lora": {"r": rng.choice((1, 2, 4))}, "recipe": recipe | {"learning_rate": float(f"{rate:.3g}")}}

    if knob == "rows":
        return {"rows": {name: round(2 ** rng.uniform(7, 12)) for name in tasks}}

    if knob == "conflict":
        first = rng.choice(sorted(CONTRARY))
        return {"tasks": sorted({*tasks, first, CONTRARY[first]})}
    return {}
