"""Keys: the fields of a section say what each key may be, once; values, messages, schema and reference follow.

`Section` is the base of all sections. `key` and `parameter` describe one key, `section_of` a table of the C core.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.functional_validators import ModelWrapValidatorHandler

from neuromod import _core
from neuromod.config.describe import parameters_of
from neuromod.problems import KNOWN_KEYS, Place, Problem, Value, Wrong, did_you_mean, unless

Name = Annotated[str, Field(min_length=1, max_length=200)]
# What each domain of the C tables means for pydantic and for JSON Schema.
BOUNDS: dict[str, dict[str, Any]] = {
    "NM_ANY": {},
    "NM_POSITIVE": {"gt": 0},
    "NM_NON_NEGATIVE": {"ge": 0},
    "NM_UNIT_INTERVAL": {"ge": 0, "le": 1},
    "NM_WORD": {},
}
_MUST_BE = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "finite",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text that UTF-8 can encode",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than_equal": "<= {le}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_too_short": "at least {min_length} character long",
    "string_too_long": "at most {max_length} characters long",
    "literal_error": "{expected}",
}


# ---- one key -----------------------------------------------------------------------------------------------


def key(default: Any, doc: str, *, unit: str = "", says: str = "", says_kind: str = "", **bounds: Any) -> Any:
    """One key: its default, or what makes it (``...``: the key must be given), sentence, unit and bounds.

    `says` is the rule that messages quote whatever is broken; `says_kind` the one for a value of another kind.
    """
    about = {"unit": unit, "says": says, "says_kind": says_kind}
    bounds["default_factory" if callable(default) else "default"] = default
    return Field(description=doc, json_schema_extra={k: word for k, word in about.items() if word}, **bounds)


def parameter(about: Mapping[str, Any]) -> Any:
    """One key as a table of the C core has it: with unit, default, domain and doc."""
    rules: dict[str, Any] = {"says": domain_rule(about), "says_kind": domain_rule(about, number=True)}
    return key(about["default"], about["doc"], unit=about["unit"], **rules, **BOUNDS[about["domain"]])


def parameter_kind(about: Mapping[str, Any]) -> Any:
    """The kind of the values of a parameter: a number, or one of its words."""
    if "words" not in about:
        return float
    words = about["words"]

    def read(given: Any) -> str:
        if given not in words:
            raise Wrong([Problem((), f"must be {domain_rule(about)}", given, words)])
        return str(given)

    return Annotated[str, PlainValidator(read), WithJsonSchema({"type": "string", "enum": list(words)})]


def domain_rule(about: Mapping[str, Any], number: bool = False) -> str:
    """What a parameter must be: domain and unit, e.g. ``> 0 ms``; with `number` also that it must be a number."""
    phrase = _core.field_phrase(about)
    if number and "words" not in about:
        phrase = f"a number {phrase}" if phrase[-1].isdigit() else f"a {phrase} number"
    return with_unit(phrase, about["unit"])


def with_unit(rule: str, unit: str) -> str:
    """A rule and the unit of the number that it is for; a pure number has the unit "1".

    >>> with_unit("> 0", "ms"), with_unit(">= 0", "1/step"), with_unit("finite", "mV")
    ('> 0 ms', '>= 0 per step', 'finite, in mV')
    """
    if unit.startswith("1"):
        return rule + unit[1:].replace("/", " per ")
    return f"{rule} {unit}" if rule[-1].isdigit() else f"{rule}, in {unit}"


def registered(name: object, known: Iterable[str]) -> str | None:
    """The known name that `name` stands for, in small letters or all in capitals; None where there is none.

    >>> registered("LIF", ["lif", "adex"]), registered("Lif", ["lif", "adex"])
    ('lif', None)
    """
    spelt = {text: name for name in known for text in (name.upper(), name)}
    return spelt.get(name) if isinstance(name, str) else None


_WRITTEN = ("a neuron model", "a rule of plasticity")
"""What is a C file of one's own, where none is near."""


def not_registered(place: Place, name: object, what: str, known: Collection[str]) -> Problem:
    """The problem of a name that the core does not have; `what` says of what, as in "a neuron model"."""
    rule = f"must be {what}, one of {', '.join(known)}"
    own = f"; neuromod guide extending says how to write {what}" if what in _WRITTEN else ""
    return Problem(place, rule, name, known, own, near=" (did you mean {!r}?)")


def registered_as(what: str, known: Collection[str], aliases: Mapping[str, str] = {}) -> AfterValidator:
    """The kind of a key that names something of the core; `aliases` has, by alias, the name that counts."""

    def read(given: str) -> str:
        name = registered(given, known)
        if name is None:
            own = [each for each in known if each not in aliases]
            raise Wrong([not_registered((), given, what, own)])
        return aliases.get(name, name)

    return AfterValidator(read)


def spellings(names: Collection[str]) -> dict[str, Any]:
    """The schema of a key that names one of these, in small letters or in capitals."""
    return {"enum": [*names, *(name.upper() for name in names)]}


# ---- sections ----------------------------------------------------------------------------------------------


class Section(BaseModel):
    """What all sections share: no unknown key, no conversion of types, no NaN, no change once made.

    Whatever is wrong is said in the words of the keys, as one `Wrong`. The docstring of a section gets its keys added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    known: ClassVar[Mapping[str, FieldInfo]] = {}
    # Whether an unknown key may be meant for one that is missing.
    stands_in: ClassVar[bool] = False

    if not TYPE_CHECKING:  # type checkers are to go on refusing what is not there

        def __getattr__(self, name: str) -> Any:
            """Say what is near to an attribute that is not there."""
            if name.startswith("_") or hasattr(
                type(self), name
            ):  # asked for by copy and pydantic; a property's error
                return super().__getattr__(name)
            own = {*dir(type(self)), *type(self).model_fields} - {*dir(BaseModel)}
            near = did_you_mean(name, sorted(each for each in own if not each.startswith("_")))
            raise AttributeError(f"{type(self).__name__}.{name}: no such attribute{near}", name=name)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Note the keys as a configuration spells them."""
        cls.known = {str(field.validation_alias or name): field for name, field in cls.model_fields.items()}
        if cls.__dict__.get("__doc__"):
            cls.__doc__ = inspect.cleandoc(cls.__doc__ or "") + parameters_of(cls)

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        content = given if isinstance(given, dict) else {}
        others = [name for name in content if name not in cls.known]
        found = cls._unknown(others) if others and cls.model_config["extra"] == "forbid" else []
        section: Self = given
        try:
            section = handler({k: v for k, v in content.items() if k in cls.known} if others else given)
        except ValidationError as error:
            found += cls._in_words(error, content, others if cls.stands_in else [])
        found += cls._together(content)
        return unless(found, section)

    @classmethod
    def _unknown(cls, names: list[str]) -> list[Problem]:
        """The problems of keys that the section does not have."""
        return [Problem((name,), "unknown key", known=cls.known, far=KNOWN_KEYS) for name in names]

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterable[Problem]:
        """What is wrong with the keys together; they may be wrong one by one."""
        return ()

    @classmethod
    def _in_words(
        cls, error: ValidationError, content: Mapping[str, Any], others: list[str]
    ) -> Iterator[Problem]:
        """What pydantic found, as the keys say it; a key with a rule of its own has one problem at most."""
        ruled = set()
        for found in error.errors(include_url=False):
            place, value, inner = found["loc"], found["input"], found.get("ctx", {}).get("error")
            field = cls.known.get(str(place[0])) if place else None
            about: Any = field.json_schema_extra if field and field.json_schema_extra else {}
            if isinstance(inner, Wrong):
                yield from (problem.below(*place) for problem in inner.found)
            elif found["type"] == "missing":
                known, near = others if len(place) == 1 else [], "; got {!r} in its place"
                yield Problem(place, "is required", known=known, far="; got nothing", near=near)
            elif "says" not in about:
                yield Problem(place, _rule(found, about.get("unit", "1") if len(place) == 1 else "1"), value)
            elif place[0] not in ruled:
                ruled.add(place[0])
                value = content[str(place[0])]
                says = about["says"] if _is_number(value) else about.get("says_kind", about["says"])
                yield Problem(place[:1], f"must be {says}", value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rule(found: Mapping[str, Any], unit: str) -> str:
    """The rule that is broken, with the unit of the key."""
    kind, bounds = found["type"], found.get("ctx", {})
    if kind == "float_type" and _is_number(found["input"]):
        kind = "finite_number"  # an integer beyond the largest double
    whole = {name: int(v) for name, v in bounds.items() if isinstance(v, float) and v.is_integer()}
    return f"must be {with_unit(_MUST_BE.get(kind, f'valid ({kind})').format(**{**bounds, **whole}), unit)}"


Kind = TypeVar("Kind", bound=Section)


def problems_in(error: Wrong | ValidationError) -> list[Problem]:
    """The problems that an error holds; the one error of a section holds all of them."""
    wrong: Wrong = error if isinstance(error, Wrong) else error.errors(include_url=False)[0]["ctx"]["error"]
    return wrong.found


def attempt(
    read: Callable[[Any], Value], given: Any, found: list[Problem], *place: int | str
) -> Value | None:
    """What `read` makes of the value at `place`; or None, and what is wrong with the value is added to `found`."""
    try:
        return read(given)
    except (Wrong, ValidationError) as error:
        found += (problem.below(*place) for problem in problems_in(error))
        return None


def right_part(section: type[Kind], content: dict[str, Any], found: list[Problem]) -> Kind:
    """A section made of the keys that are right; all its keys have defaults. What is wrong is added to `found`."""
    own: list[Problem] = []
    whole = attempt(section.model_validate, content, own)
    found += own
    bad = {problem.place[0] for problem in own}
    return whole or section.model_validate({k: v for k, v in content.items() if k not in bad})


def section_of(table: Mapping[str, Any], base: type[Kind], name: str, doc: str | None = None) -> type[Kind]:
    """A section that has the parameters of a table of the C core besides the keys of `base`."""
    fields: dict[str, Any] = {
        param: (parameter_kind(about), parameter(about)) for param, about in table.items()
    }
    return create_model(name, __base__=base, __doc__=doc, **fields)
