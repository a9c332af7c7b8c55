"""The section ``plasticity``: a rule with its parameters, short-term plasticity, homeostatic scaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, PlainValidator, WithJsonSchema, create_model

from neuromod import _core
from neuromod.config.keys import (
    Kind,
    Name,
    Section,
    key,
    registered,
    registered_as,
    section_of,
    spellings,
)
from neuromod.config.problems import Problem

RULES = _core.plasticity_rules()
RULE_ALIASES = {"hebb_like": "hebbian"}
"""Names that rules have elsewhere."""
RULE_NAMES = ("none", *RULES, *RULE_ALIASES)
KEY_ALIASES = {"default_type": "kind", "time_window": "tau", "scaling_rate": "strength"}
"""Names that keys of the parts have elsewhere."""
# Fits of Tsodyks, Pawelzik & Markram (1998), figure 1.
SHORT_TERM_KINDS = {
    "depressing": {"U": 0.5, "tau_rec": 800.0, "tau_facil": 0.0},
    "facilitating": {"U": 0.03, "tau_rec": 130.0, "tau_facil": 530.0},
}


# ---- the parts beside a rule -------------------------------------------------------------------------------


class ShortTerm(Section):
    """The part ``plasticity.short_term``: efficacies that change within a second."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool = key(True, "Whether efficacies change.")
    kind: Literal["depressing", "facilitating"] = key("depressing", "Sets the defaults of the others.")
    U: float | None = key(None, "Share of the resources that a first spike releases.", above=0, most=1)
    tau_rec: float | None = key(None, "Time constant of recovery.", unit="ms", least=0)
    tau_facil: float | None = key(None, "Time constant of facilitation; 0: none.", unit="ms", least=0)


class Homeostatic(Section):
    """The part ``plasticity.homeostatic``: weights are scaled until their targets fire at a rate."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool = key(True, "Whether weights are scaled.")
    target_rate: float = key(5.0, "Rate that the targets are held to.", unit="Hz", above=0)
    tau: float = key(5000.0, "Time constant of the average rate.", unit="ms", above=0)
    strength: float = key(
        0.01, "Share by which weights grow in one scaling where the target is silent.", least=0, most=1
    )
    every: float = key(1000.0, "Time from one scaling to the next.", unit="ms", above=0)


def own_keys(section: type[Section], content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a part holds under the names of `section`; and by key, under which other name one was read."""
    own = {name: value for name, value in content.items() if name in section.known}
    renamed: dict[str, str] = {}
    for name, value in content.items():
        ours = KEY_ALIASES.get(name)
        if name not in own and ours is not None and ours in section.known and ours not in own:
            renamed[name], own[ours] = ours, value
    return own, renamed


def is_on(part: Any) -> bool:
    """Whether a part is switched on: true, or an object that is not switched off."""
    return part.get("enabled") is not False if isinstance(part, dict) else not (part is None or part is False)


def _part(section: type[Kind], given: Any) -> Kind | None:
    """A part that is on; whatever stands in one that is off is nobody's concern."""
    if not is_on(given):
        return None
    if given is True:
        return section()
    return section.model_validate(own_keys(section, given)[0] if isinstance(given, dict) else given)


def read_short_term(given: Any) -> dict[str, float] | None:
    """``U``, ``tau_rec`` and ``tau_facil``, complete; None where short-term plasticity is off."""
    part = _part(ShortTerm, given)
    if part is None:
        return None
    values = part.model_dump(exclude_none=True, exclude={"enabled", "kind"})
    return SHORT_TERM_KINDS[part.kind] | values


def read_homeostatic(given: Any) -> dict[str, float] | None:
    """``target_rate``, ``tau``, ``strength`` and ``every``, complete; None where scaling is off."""
    part = _part(Homeostatic, given)
    return None if part is None else part.model_dump(exclude={"enabled"})


# ---- the section -------------------------------------------------------------------------------------------


RuleName = Annotated[
    Name,
    registered_as("a rule of plasticity", RULE_NAMES),
    AfterValidator(lambda name: RULE_ALIASES.get(name, name)),
    WithJsonSchema(spellings(RULE_NAMES)),
]
ShortTermPart = Annotated[
    dict[str, float] | None,
    PlainValidator(read_short_term, json_schema_input_type=bool | None | ShortTerm),
]
HomeostaticPart = Annotated[
    dict[str, float] | None,
    PlainValidator(read_homeostatic, json_schema_input_type=bool | None | Homeostatic),
]


class Plasticity(Section):
    """The section ``plasticity``: a rule, the bounds of its weights, and the parts beside it.

    The parameters of the rule stand beside these keys; `params` holds them.
    """

    rule: RuleName = key(..., "A registered rule of plasticity, or none.")
    weight_min: float = key(0.0, "Lower bound of plastic weights.", unit="mV", least=-1e9, most=1e9)
    weight_max: float = key(1.0, "Upper bound of plastic weights.", unit="mV", least=-1e9, most=1e9)
    weight_decay: float = key(0.0, "Share of a plastic weight lost in each step.", least=0, most=1)
    weight_dependence: float = key(
        0.0, "Soft bounds: exponent of the room above (below) a weight that grows (falls); 0: hard.", least=0
    )
    short_term: ShortTermPart = key(None, "Short-term plasticity, or whether it is on.")
    homeostatic: HomeostaticPart = key(None, "Homeostatic scaling, or whether it is on.")
    metaplasticity: Any = key(None, "Kept; the rule bcm has a sliding threshold.")

    @property
    def params(self) -> dict[str, float]:
        """Every parameter of the rule, in the units of its table; empty for "none"."""
        return (
            {name: getattr(self, name) for name in RULES[self.rule]["params"]} if self.rule in RULES else {}
        )

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterator[Problem]:
        """Bounds that leave no weight between them."""
        low, high = (content.get(name, cls.known[name].default) for name in ("weight_min", "weight_max"))
        if all(type(bound) in (int, float) and abs(bound) <= 1e9 for bound in (low, high)) and low > high:
            yield Problem(("weight_min",), f"must be <= weight_max ({float(high)} mV)", float(low))

    @classmethod
    def _unknown(cls, names: list[str]) -> Iterator[Problem]:
        """Keys that are no parameter of the rule; of those that are one of another rule, which."""
        for problem in super()._unknown(names):
            owners = [rule for rule, about in RULES.items() if problem.place[0] in about["params"]]
            rule = f"unknown key for rule {cls.__name__!r}; it is a parameter of {', '.join(owners)}"
            yield Problem(problem.place, rule) if owners else problem


@cache
def rule_section(rule: str | None) -> type[Plasticity]:
    """The section ``plasticity`` with the parameters of a rule; where there is no rule, any parameter may stand."""
    if rule in RULES:
        return section_of(RULES[rule]["params"], Plasticity, rule, RULES[rule]["title"] + ".")
    every: dict[str, Any] = {name: (Any, None) for about in RULES.values() for name in about["params"]}
    return create_model("none", __base__=Plasticity, **every)


def rule_name(content: Any) -> str | None:
    """The rule that a section names, as it is registered; None where that is no rule."""
    name = registered(content.get("rule"), RULE_NAMES) if isinstance(content, dict) else None
    return None if name is None else RULE_ALIASES.get(name, name)


def read_rule(given: Any) -> Plasticity:
    """A rule, complete, from its section or from its name alone."""
    if isinstance(given, Plasticity):
        return given
    content = {"rule": given} if isinstance(given, str) else given
    return rule_section(rule_name(content)).model_validate(content)
