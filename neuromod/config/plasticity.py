"""The section ``plasticity``: a rule with its parameters, short-term plasticity, homeostatic scaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, PlainValidator, ValidationError, WithJsonSchema, create_model

from neuromod import _core
from neuromod.config.keys import (
    Kind,
    Name,
    Section,
    key,
    problems_in,
    registered,
    registered_as,
    section_of,
    spellings,
)
from neuromod.problems import Problem, Wrong, unless

__all__ = ["Plasticity"]

RULES = _core.plasticity_rules()
RULE_ALIASES = {"hebb_like": "hebbian"}
"""Names that rules have elsewhere."""
DEFAULT_RULE = "hebbian"
RULE_NAMES = ("none", *RULES, *RULE_ALIASES)
KEY_ALIASES = {"default_type": "kind", "time_window": "tau", "scaling_rate": "strength"}
"""Names that keys of the parts have elsewhere."""
# Fits of Tsodyks, Pawelzik & Markram (1998), figure 1.
SHORT_TERM_KINDS = {
    "depressing": {"U": 0.5, "tau_rec": 800.0, "tau_facil": 0.0},
    "facilitating": {"U": 0.03, "tau_rec": 130.0, "tau_facil": 530.0},
}


class ShortTerm(Section):
    """The part ``plasticity.short_term``: efficacies that change within a second."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool = key(True, "Whether efficacies change.")
    kind: Literal["depressing", "facilitating", "mixed", "balanced"] = key(
        "depressing",
        "Sets the defaults of the others. Mixed and balanced: some sources facilitate, others depress.",
    )
    U: float | None = key(None, "Share of the resources that a first spike releases.", gt=0, le=1)
    tau_rec: float | None = key(None, "Time constant of recovery.", unit="ms", ge=0)
    tau_facil: float | None = key(None, "Time constant of facilitation; 0: none.", unit="ms", ge=0)
    facilitation_fraction: float | None = key(
        None, "Probability that all synapses of a source facilitate; mixed and balanced: 0.5.", ge=0, le=1
    )
    facilitation_seed: int | None = key(
        None, "Seed of that draw; by default from the seed of the simulation.", ge=0, lt=2**32
    )
    facilitating_U: float | None = key(None, "U of the facilitating sources.", gt=0, le=1)
    facilitating_tau_rec: float | None = key(None, "tau_rec of the facilitating sources.", unit="ms", ge=0)
    facilitating_tau_facil: float | None = key(
        None, "tau_facil of the facilitating sources.", unit="ms", ge=0
    )

    @property
    def mixes(self) -> bool:
        """Whether some sources facilitate and others do not."""
        return self.kind in ("mixed", "balanced") or self.facilitation_fraction is not None


class Homeostatic(Section):
    """The part ``plasticity.homeostatic``: weights are scaled until their targets fire at a rate."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool = key(True, "Whether weights are scaled.")
    target_rate: float = key(5.0, "Rate that the targets are held to.", unit="Hz", gt=0)
    tau: float = key(5000.0, "Time constant of the average rate.", unit="ms", gt=0)
    strength: float = key(
        0.01, "Share by which weights grow in one scaling where the target is silent.", ge=0, le=1
    )
    every: float = key(1000.0, "Time from one scaling to the next.", unit="ms", gt=0)


_IDLE = "acts only with facilitation_fraction, or kind mixed or balanced"


def is_on(part: Any) -> bool:
    """Whether a part is switched on: true, or an object that is not switched off."""
    switch = part.get("enabled", True) if isinstance(part, dict) else part
    return switch is not False and part is not None


def own_keys(section: type[Section], part: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a part holds under the names of `section`; and which of its keys was read under which of these names."""
    names = {name: KEY_ALIASES.get(name, name) for name in part}
    renamed = {
        name: ours for name, ours in names.items() if name != ours in section.known and ours not in part
    }
    return {renamed.get(k, k): v for k, v in part.items() if k in section.known or k in renamed}, renamed


def _part(section: type[Kind], given: Any) -> Kind | None:
    """A part that is on; whatever stands in one that is off is nobody's concern."""
    if not is_on(given):
        return None
    content = {} if given is True else given
    return section.model_validate(own_keys(section, content)[0] if isinstance(content, dict) else content)


def read_short_term(given: Any) -> dict[str, float] | None:
    """``U``, ``tau_rec`` and ``tau_facil``, complete, and those of facilitating sources where there are two kinds;
    None where short-term plasticity is off."""
    part = _part(ShortTerm, given)
    if part is None:
        return None
    own = part.model_dump(exclude_none=True, exclude={"enabled", "kind"})
    if not part.mixes:
        idle = [Problem((name,), _IDLE, own[name]) for name in own if name.startswith("facilitat")]
        return unless(idle, SHORT_TERM_KINDS[part.kind] | own)
    others = {f"facilitating_{name}": value for name, value in SHORT_TERM_KINDS["facilitating"].items()}
    return SHORT_TERM_KINDS["depressing"] | {"facilitation_fraction": 0.5} | others | own


def read_homeostatic(given: Any) -> dict[str, float] | None:
    """``target_rate``, ``tau``, ``strength`` and ``every``, complete; None where scaling is off."""
    part = _part(Homeostatic, given)
    return None if part is None else part.model_dump(exclude={"enabled"})


def read_names(given: Any) -> tuple[str, ...] | None:
    """Names of modulators; whether there are such modulators is for the whole configuration to say."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise Wrong([Problem((), "must be an array of names of modulators", given)])
    twice = [Problem((k,), "must not stand twice", name) for k, name in enumerate(given) if name in given[:k]]
    return unless(twice, tuple(given))


RuleName = Annotated[
    Name,
    registered_as("a rule of plasticity", RULE_NAMES, RULE_ALIASES),
    WithJsonSchema(spellings(RULE_NAMES)),
]
Values = dict[str, float]
AsNames = PlainValidator(read_names, json_schema_input_type=tuple[str, ...] | None)
AsShortTerm = PlainValidator(read_short_term, json_schema_input_type=bool | None | ShortTerm)
AsScaling = PlainValidator(read_homeostatic, json_schema_input_type=bool | None | Homeostatic)


class Plasticity(Section):
    """The section ``plasticity``: a rule, the bounds of its weights, and the parts beside it.

    The parameters of the rule stand beside these keys; `params` holds them.
    """

    rule: RuleName = key(
        DEFAULT_RULE, "A registered rule of plasticity, or none; hebb_like is upstream's name of hebbian."
    )
    enabled: bool = key(True, "Whether synapses learn; false: as rule none.")
    weight_min: float = key(0.0, "Lower bound of plastic weights.", unit="mV", ge=-1e9, le=1e9)
    weight_max: float = key(1.0, "Upper bound of plastic weights.", unit="mV", ge=-1e9, le=1e9)
    weight_decay: float = key(0.0, "Share of a plastic weight lost in each step.", ge=0, le=1)
    weight_dependence: float = key(
        0.0,
        "Soft bounds: exponent of the share of the range above (below) a weight that grows (falls); 0: hard.",
        ge=0,
    )
    rounding: Literal["unbiased", "nearest"] = key(
        "unbiased", "How plastic weights become float32; nearest: changes below half its spacing are lost."
    )
    short_term: Annotated[Values | None, AsShortTerm] = key(None, "Short-term plasticity, or if it is on.")
    homeostatic: Annotated[Values | None, AsScaling] = key(None, "Homeostatic scaling, or if it is on.")
    modulators: Annotated[tuple[str, ...] | None, AsNames] = key(
        None, "Modulators that act on learning. Default: all."
    )
    metaplasticity: Any = key(None, "Kept; the rule bcm has a sliding threshold.")

    @property
    def params(self) -> dict[str, float | str]:
        """Every parameter of the rule, in the units of its table or a word; empty for "none"."""
        return {name: getattr(self, name) for name in RULES.get(self.rule, {"params": ()})["params"]}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Its class is made for the rule, and is found again by it."""
        rule = self.rule if self.rule in RULES else None
        return _rule_again, (rule, self.__getstate__())

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterator[Problem]:
        """Bounds that leave no weight between them."""
        low, high = (content.get(name, cls.known[name].default) for name in ("weight_min", "weight_max"))
        if all(type(bound) in (int, float) and abs(bound) <= 1e9 for bound in (low, high)) and low > high:
            yield Problem(("weight_min",), f"must be <= weight_max ({float(high)} mV)", float(low))

    @classmethod
    def _unknown(cls, names: list[str]) -> list[Problem]:
        """Keys that are no parameter of the rule; of those that are one of another rule, which."""
        owners = {name: [rule for rule, about in RULES.items() if name in about["params"]] for name in names}
        rule = f"unknown key for rule {cls.__name__!r}; it is a parameter of "
        elsewhere = [Problem((name,), rule + ", ".join(owners[name])) for name in names if owners[name]]
        return elsewhere + super()._unknown([name for name in names if not owners[name]])


@cache
def rule_section(rule: str | None) -> type[Plasticity]:
    """The section ``plasticity`` with the parameters of a rule; where there is no rule, any parameter may stand."""
    if rule in RULES:
        return section_of(RULES[rule]["params"], Plasticity, rule, RULES[rule]["title"] + ".")
    idle = key(None, "Not acted on: there is no rule.")
    every: dict[str, Any] = {name: (Any, idle) for about in RULES.values() for name in about["params"]}
    return create_model("none", __base__=Plasticity, **every)


def read_rule(given: Any) -> Plasticity:
    """A rule, complete, from its section or from its name alone; a section without ``rule`` is Hebbian."""
    if isinstance(given, str):
        try:
            return read_rule({"rule": given})
        except (Wrong, ValidationError) as error:  # the name stands in the place of the section
            raise Wrong([problem._replace(place=()) for problem in problems_in(error)]) from None
    content = given
    if not isinstance(content, dict):
        return rule_section(None).model_validate(content)
    if content.get("enabled", True) is False and registered(content.get("rule", "none"), RULE_NAMES):
        content = content | {"rule": "none"}
    name = registered(content.get("rule", DEFAULT_RULE), RULE_NAMES)
    return rule_section(RULE_ALIASES.get(name, name) if name else None).model_validate(content)


def _rule_again(rule: str | None, state: Any) -> Plasticity:
    """The section of that rule with the state of another."""
    kind = rule_section(rule)
    section = kind.__new__(kind)
    section.__setstate__(state)
    return section
