"""The method and the wrapper that a request asks for: whether they go together, and what a record says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.records.schema import Card, MethodUse, WrapperUse
from bench.records.store import digest_of
from bench.records.track import TuningUse
from bench.request.request import Request
from methods import _registry as methods
from methods._declared import needs_of
from methods._settings import Settings

if TYPE_CHECKING:
    from methods import Method


@dataclass(frozen=True)
class Chosen:
    """A method, or a wrapper, with its settings; tasks of per-task settings are in the suite's order."""

    card: methods.MethodCard
    settings: Settings
    needs_weights: bool
    """Whether a wrapper changes weights, so that it cannot act around a method that returns a direction."""
    imported: bool = False
    """Whether its file was imported here to read its settings."""

    @cached_property
    def kind(self) -> "type[Method]":
        """The class; torch is imported here. UserError if the method's file cannot be imported."""
        return methods.class_of(self.card)

    @property
    def is_default(self) -> bool:
        """Whether every setting has its default."""
        return self.settings == type(self.settings)()

    @cached_property
    def use(self) -> dict[str, Any]:
        """What a record says of it."""
        card = self.card
        return {
            "name": card.name,
            "version": card.version,
            "settings": self.settings.model_dump(mode="json"),
            "source_digest": methods.source_digest(card.path),
            "card": Card(**{field: getattr(card, field) for field in Card.model_fields}),
        }

    def acts_on(self, *hooks: str) -> bool:
        """Whether it derives from one of these hook classes, by name."""
        return not set(hooks).isdisjoint(self.card.acts_on)


def chosen_methods(request: Request) -> tuple[Chosen, Chosen | None]:
    """The method and the wrapper that are asked for. UserError if they do not go together."""
    method = _chosen(request.method, request.settings, request.suite.tasks)
    name = method.card.name
    if method.acts_on("StepWrapper"):
        raise UserError(f"{name} is a wrapper, it acts around a method: say method=uniform wrapper={name}.")
    if request.suite.regime == "sft" and method.acts_on("SampleWeighting"):
        raise UserError(f"{name} weights rollouts, and SFT has none; it runs in suites with regime=grpo.")
    if request.suite.regime == "sft" and "rollouts" in needs_of(method.card.path):
        raise UserError(f"{name} samples completions, and SFT has none; it runs in suites with regime=grpo.")
    if request.wrapper is None:
        return method, None

    wrapper = _chosen(request.wrapper, request.wrapper_settings, request.suite.tasks)
    if not wrapper.acts_on("StepWrapper"):
        known = [card.name for card in methods.cards().values() if "StepWrapper" in card.acts_on]
        raise UserError(f"{wrapper.card.name} is not a wrapper. Wrappers are: {', '.join(known)}.")
    if method.acts_on("RunPlan"):
        raise UserError(f"{name} is a plan of runs and takes no wrapper; leave wrapper={wrapper.card.name} out.")
    if wrapper.needs_weights and method.acts_on("GradientCombination"):
        raise UserError(
            f"{wrapper.card.name} changes the weights that a method returns, and {name} returns a direction. "
            "Choose a method that acts on weights, such as pcgrad."
        )
    return method, wrapper


def _chosen(spec: str, values: Mapping[str, Any], tasks: Sequence[str]) -> Chosen:
    card = methods.find(spec)
    outline = methods.outline(card)
    return Chosen(card, methods.settings_of(outline, values, tasks), outline.needs_weights, outline.imported)


def check_shardable(request: Request, method: Chosen, wrapper: Chosen | None) -> None:
    """UserError unless the run can do with a part of every parameter in each process."""
    if request.suite.regime != "sft":
        raise UserError("shard=true cannot sample rollouts: say regime=sft, or use devices that hold the whole model.")
    if request.suite.lora.r and request.suite.dtype == "bf16":
        raise UserError("shard=true needs one dtype for all weights: say dtype=fp32, or leave lora.r out.")
    if wrapper or method.acts_on("GradientCombination", "RunPlan"):
        raise UserError(
            f"{(wrapper or method).card.name} needs whole gradients or parameters, and with shard=true each process "
            "has a part. Choose a method that acts on weights, such as pcgrad."
        )


def method_use(request: Request, method: Chosen, wrapper: Chosen | None) -> MethodUse:
    """The method and its wrapper, as a record has them. UserError if the tuning was not of the method as it is."""
    return MethodUse(
        **method.use,
        acts_on=list(method.card.acts_on),
        wrapper=WrapperUse(**wrapper.use) if wrapper else None,
        tuning=_tuning_use(request, method),
    )


def _tuning_use(request: Request, method: Chosen) -> TuningUse | None:
    found = request.tuning
    if found is None:
        return None

    names = ("name", "version", "source_digest")
    if [found.method, found.version, found.source_digest] != [method.use[name] for name in names]:
        raise UserError(
            f"the tuning of {found.method} on {found.suite} is of version {found.version}, and {method.card.path.name} "
            f"has other code. Tune again: `bench tune method={request.method} suite={found.suite} trials=N`."
        )
    return found.use


def folder_of(method: Chosen, wrapper: Chosen | None, tuned: bool = False) -> str:
    """The method's folder in a store: `name@wrapper`, and `+` with 8 hex digits for settings not default.

    tuned: in the tuned track a method has one choice of settings, and needs no mark.
    """
    parts = [method, wrapper] if wrapper else [method]
    name = "@".join(part.card.name for part in parts)
    if tuned or all(part.is_default for part in parts):
        return name

    settings = [part.settings.model_dump(mode="json") for part in parts]
    return f"{name}+{digest_of(settings if wrapper else settings[0])[:8]}"
