"""Keys: a section's fields say what each key may be, once; values, messages, schema and reference follow from them.

`Section` is the base of all sections. `key`, `number` and `parameter` describe one key, `section_of_table` a whole
table of the C core.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from neuromod import _core
from neuromod.config.describe import parameters_of
from neuromod.config.problems import ROOT, Problems, join, shown, with_unit

# What each domain of the C tables means for pydantic and for JSON Schema.
BOUNDS: dict[str, dict[str, Any]] = {
    "NM_ANY": {},
    "NM_POSITIVE": {"gt": 0},
    "NM_NON_NEGATIVE": {"ge": 0},
    "NM_UNIT_INTERVAL": {"ge": 0, "le": 1},
}
_MUST_BE = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "finite",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text that UTF-8 can encode",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than_equal": "<= {le}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_too_short": "at least {min_length} character long",
    "string_too_long": "at most {max_length} characters long",
    "literal_error": "{expected}",
}


Name = Annotated[str, Field(min_length=1, max_length=200)]


# ---- one key -----------------------------------------------------------------------------------------------


def key(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    says: str = "",
    says_kind: str = "",
    **more: Any,
) -> Any:
    """One key: its default, or what makes it (``...``: the key must be given), sentence, unit and bounds.

    `says` is the rule that messages quote whatever is broken; `says_kind` the one for a value of another kind.
    """
    words = {"unit": unit, "says": says, "says_kind": says_kind}
    about: dict[str, Any] = {name: word for name, word in words.items() if word}
    bounds = {"gt": above, "ge": least, "le": most}
    more |= {name: bound for name, bound in bounds.items() if bound is not None}
    more |= {"default_factory" if callable(default) else "default": default}
    return Field(description=doc, json_schema_extra=about or None, **more)


def parameter(about: Mapping[str, Any]) -> Any:
    """One key as a table of the C core has it: with unit, default, domain and doc."""
    rules: dict[str, Any] = {"says": domain_rule(about), "says_kind": domain_rule(about, number=True)}
    return key(about["default"], about["doc"], unit=about["unit"], **rules, **BOUNDS[about["domain"]])


def registered(name: object, known: Iterable[str]) -> str | None:
    """The known name that `name` stands for, in small letters or all in capitals; None where there is none.

    >>> registered("LIF", ["lif", "adex"]), registered("Lif", ["lif", "adex"])
    ('lif', None)
    """
    names = list(known)
    if not isinstance(name, str) or name in names:
        return name if isinstance(name, str) else None
    return name.lower() if name.isupper() and name.lower() in names else None


def registered_as(what: str, known: Iterable[str]) -> AfterValidator:
    """The kind of a key that names something of the core; `what` says what, as in "a neuron model"."""
    names = list(known)

    def read(given: str) -> str:
        name = registered(given, names)
        if name is None:
            raise told(lambda problems, where: problems.not_registered(where, given, what, names))
        return name

    return AfterValidator(read)


def spellings(names: Iterable[str]) -> dict[str, Any]:
    """The schema of a key that names one of these, in small letters or in capitals."""
    known = list(names)
    return {"enum": [*known, *(name.upper() for name in known)]}


def number_of(value: object) -> float | None:
    """A finite number as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None


def domain_rule(about: Mapping[str, Any], number: bool = False) -> str:
    """What a parameter must be: domain and unit, e.g. ``> 0 ms``; with `number` also that it must be a number."""
    phrase = _core.domain_phrase(about["domain"])
    if number:
        phrase = f"a number {phrase}" if phrase[-1].isdigit() else f"a {phrase} number"
    return with_unit(phrase, about["unit"])


# ---- what is wrong with a value ----------------------------------------------------------------------------

Value = TypeVar("Value")
OURS = ("broken", "said", "told")
"""The kinds of error that are in our words."""


def broken(rule: str) -> PydanticCustomError:
    """A value breaks a rule: the message is the rule and the value."""
    return PydanticCustomError("broken", rule)


def said(words: str) -> PydanticCustomError:
    """The message is these words."""
    return PydanticCustomError("said", words)


def told(tell: Callable[[Problems, str], None]) -> PydanticCustomError:
    """The messages are what `tell` adds to the problems, given the path: with hints, which need the other problems."""
    return PydanticCustomError("told", "must be a known name", {"tell": tell})


class Wrong:
    """What is wrong in several places of one value, to be raised at once."""

    def __init__(self) -> None:
        self._errors: list[InitErrorDetails] = []

    def add(self, error: PydanticCustomError, value: Any, *place: int | str) -> None:
        """Note an error of the value at `place`."""
        self._errors.append({"type": error, "loc": place, "input": value})

    def take(self, error: ValidationError, *place: int | str) -> None:
        """Note all that is wrong with the value at `place`."""
        for found in error.errors(include_url=False):
            self.add(_in_words(found, {}), found["input"], *place, *found["loc"])

    def read(self, reader: Callable[[Any], Value], value: Any, *place: int | str) -> Value | None:
        """What a reader makes of the value at `place`; or None, and its errors are noted."""
        try:
            return reader(value)
        except ValidationError as error:
            self.take(error, *place)
            return None

    def __bool__(self) -> bool:
        return bool(self._errors)

    def error(self) -> ValidationError:
        """All of it, to be raised."""
        return ValidationError.from_exception_data("configuration", self._errors)


def _in_words(found: ErrorDetails, about: Mapping[str, Any]) -> PydanticCustomError:
    """An error of pydantic's in our words; ours stay as they are. `about`: what the key says of itself."""
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    if kind in OURS:
        return PydanticCustomError(kind, found["msg"], context)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if "says" in about:
        return broken(f"must be {about['says'] if is_number else about.get('says_kind', about['says'])}")
    if kind == "float_type" and is_number:
        kind = "finite_number"  # an integer beyond the largest double
    plain = {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in context.items()}
    rule = _MUST_BE.get(kind, f"valid ({kind})").format(**plain)
    return broken(f"must be {with_unit(rule, about.get('unit', '1'))}")


def add_problems(error: ValidationError, where: str, problems: Problems) -> set[tuple[int | str, ...]]:
    """Add every error of a value, found at the path `where`, in words; the places that have one in or below them."""
    wrong = set()
    for found in error.errors(include_url=False):
        place = found["loc"]
        wrong |= {place[:n] for n in range(len(place) + 1)}
        path = join(where, *place)
        if found["type"] == "told":
            found["ctx"]["tell"](problems, path)
        elif found["type"] == "said":
            problems.append(f"{path or ROOT}: {found['msg']}")
        else:
            problems.add(path, found["msg"], shown(found["input"]))
    return wrong


# ---- sections ----------------------------------------------------------------------------------------------


class Section(BaseModel):
    # What all sections share: no unknown key, no conversion of types, no NaN, no change once made. Whatever is wrong
    # is said in the words of the key. The docstring of a section gets its keys added. `stands_in`: whether an unknown
    # key may be meant for one that is missing.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    known: ClassVar[Mapping[str, FieldInfo]] = {}
    stands_in: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.known = {str(field.validation_alias or name): field for name, field in cls.model_fields.items()}
        if cls.__dict__.get("__doc__"):
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__ or '')}{parameters_of(cls)}\n"

    @model_validator(mode="wrap")
    @classmethod
    def _validated(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        wrong, content = Wrong(), given if isinstance(given, dict) else {}
        others = [name for name in content if name not in cls.known]
        if others and cls.model_config["extra"] == "forbid":
            wrong.add(told(lambda problems, where: cls.tell_unknown(problems, where, others)), given)
        try:
            section = handler({k: v for k, v in content.items() if k in cls.known} if others else given)
        except ValidationError as error:
            cls._explain(error, content, others, wrong)
        cls.look_at(content, wrong)
        if wrong:
            raise wrong.error()
        return section

    @classmethod
    def about(cls, name: int | str) -> Mapping[str, Any]:
        """What a key says of itself besides its kind: unit, rules."""
        extra = cls.known[str(name)].json_schema_extra if name in cls.known else None
        return extra if isinstance(extra, dict) else {}

    @classmethod
    def look_at(cls, content: Mapping[str, Any], wrong: Wrong) -> None:
        """Note what is wrong with the keys together; they may be wrong one by one."""

    @classmethod
    def tell_unknown(cls, problems: Problems, where: str, names: Iterable[str]) -> None:
        """Say that the section does not have these keys."""
        for name in names:
            problems.unknown_key(where, name, cls.known)

    @classmethod
    def _explain(
        cls, error: ValidationError, content: Mapping[str, Any], others: list[str], wrong: Wrong
    ) -> None:
        """Note pydantic's errors in the words of the keys; a key with a rule of its own has one error at most."""
        ruled = set()
        for found in error.errors(include_url=False):
            place, value = found["loc"], found["input"]
            about = cls.about(place[0]) if place else {}
            if found["type"] == "missing":
                wrong.add(_missing(place, others if cls.stands_in else []), value, *place)
                continue
            if "says" in about and found["type"] not in OURS:
                if place[0] in ruled:
                    continue
                ruled.add(place[0])
                place, value = place[:1], content[str(place[0])]
            wrong.add(_in_words(found, about if len(place) == 1 else {}), value, *place)


def _missing(place: tuple[int | str, ...], others: list[str]) -> PydanticCustomError:
    """A key that must be given; `others` are the unknown keys that may stand in its place."""

    def tell(problems: Problems, where: str) -> None:
        near = problems.near(str(place[-1]), others) if len(place) == 1 else None
        came = "nothing" if near is None else f"{near!r} in its place"
        problems.append(f"{where}: is required; got {came}")

    return told(tell)


Kind = TypeVar("Kind", bound=Section)


def right_part(section: type[Kind], content: dict[str, Any], wrong: Wrong) -> Kind:
    """A section made of the keys that are right; all its keys have defaults. What is wrong goes to `wrong`."""
    try:
        return section.model_validate(content)
    except ValidationError as error:
        wrong.take(error)
        bad = {found["loc"][0] for found in error.errors(include_url=False) if found["loc"]}
        right = {k: v for k, v in content.items() if k in section.known and k not in bad}
        return section.model_validate(right)


def section_of(
    table: Mapping[str, Mapping[str, Any]], base: type[Kind], name: str, doc: str | None = None
) -> type[Kind]:
    """A section that has the parameters of a table of the C core besides the keys of `base`."""
    fields: dict[str, Any] = {param: (float, parameter(about)) for param, about in table.items()}
    return create_model(name, __base__=base, __doc__=doc, **fields)


def kept_as_dict(section: type[Section]) -> PlainValidator:
    """The kind of a key that is checked as a section and kept as a dict."""
    return PlainValidator(lambda given: dict(section.model_validate(given)), json_schema_input_type=section)
