"""What a section says of itself: its JSON Schema, and a row for each key, for docstrings and for the reference page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

_NOT_IN_SCHEMA = {"$defs", "says", "says_kind"}
# What a docstring has between its sentences and its keys.
_KEYS = "\n\nParameters\n----------\n"
_PYTHON = {"number": "float", "integer": "int", "string": "str", "boolean": "bool", "array": "tuple"} | {
    "object": "dict"
}
_JSON = {"integer": "whole number", "string": "text", "boolean": "true or false"}


class Row(NamedTuple):
    """One key, in words."""

    key: str
    kind: str
    unit: str
    domain: str
    default: str
    sentence: str


def section_schema(section: type[BaseModel], by_alias: bool = True) -> dict[str, Any]:
    """A section's JSON Schema: what it refers to is put in place, pydantic's made-up titles are left out."""
    schema = section.model_json_schema(by_alias)
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return plain


def _plain(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_plain(item, parts) for item in part]
    if isinstance(part, str):
        return part.split(_KEYS)[0]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        part = {**parts[part["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in part.items() if k != "$ref"}}
    plain = {
        name: _plain(item, parts)
        for name, item in part.items()
        if name not in _NOT_IN_SCHEMA and not (name == "title" and isinstance(item, str))
    }
    return _or_null(plain)


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    """One kind or null, as one type of two names."""
    kind, *others = part.get("anyOf", [{}])
    if others != [{"type": "null"}] or "enum" in kind or not isinstance(kind.get("type"), str):
        return part
    return {**kind, "type": [kind["type"], "null"], **{k: v for k, v in part.items() if k != "anyOf"}}


def rows(schema: Mapping[str, Any], words: Mapping[str, str] = _JSON) -> Iterator[Row]:
    """A row for each key of an object's schema."""
    for name, about in schema["properties"].items():
        default = "required" if name in schema.get("required", ()) else _written(about.get("default"))
        unit = about.get("unit", "")
        yield Row(
            name,
            _kind(about, words),
            "" if unit == "1" else unit,
            _domain(about),
            default,
            about.get("description", ""),
        )


def parameters_of(section: type[BaseModel]) -> str:
    """The part "Parameters" of a section's docstring, with what goes before it."""
    lines = []
    for row in rows(section_schema(section, by_alias=False), _PYTHON):
        unit = row.unit or ("no unit" if row.kind == "float" else "")
        default = {"required": "", "": "optional"}.get(row.default, f"default {row.default}")
        about = ", ".join(part for part in (row.kind, unit, row.domain, default) if part)
        lines += [f"{row.key} : {about}", f"    {row.sentence}"]
    return _KEYS + "\n".join(lines)


def _kind(about: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The kind of a value: "whole number", "array of 4 whole numbers"."""
    if "anyOf" in about:
        kinds = (_kind(choice, words) for choice in about["anyOf"] if choice.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    kind = "string" if "enum" in about else _type_of(about)
    word = words.get(kind, kind)
    if kind != "array":
        return word
    items = _kind(_items_of(about), words) + ("s" if words is _JSON else "")
    return f"{word} of {about['minItems']} {items}" if "prefixItems" in about else f"{word} of {items}"


def _type_of(about: Mapping[str, Any]) -> str:
    kind = about.get("type", "any")
    return str(kind if isinstance(kind, str) else kind[0])


def _items_of(about: Mapping[str, Any]) -> Mapping[str, Any]:
    items: Mapping[str, Any] = about["prefixItems"][0] if "prefixItems" in about else about.get("items", {})
    return items


def _domain(about: Mapping[str, Any]) -> str:
    """The values that are allowed, as far as bounds and choices say so."""
    for choice in about.get("anyOf", ()):
        if _domain(choice):
            return _domain(choice)
    if "enum" in about:
        return " or ".join(map(repr, _one_spelling(about["enum"])))
    if _type_of(about) == "array":
        return _domain(_items_of(about))
    above, least, most = (about.get(name) for name in ("exclusiveMinimum", "minimum", "maximum"))
    if least is not None and most is not None:
        return f"{_written(least)} to {_written(most)}"
    bounds = ((">", above), (">=", least), ("<=", most))
    return " and ".join(f"{sign} {_written(bound)}" for sign, bound in bounds if bound is not None)


def _one_spelling(names: Iterable[str]) -> list[str]:
    """The names without those that are another of them in capitals."""
    known = list(names)
    return [name for name in known if name == name.lower() or name.lower() not in known]


def _written(value: Any) -> str:
    """A value as a page shows it; nothing for None."""
    if value is None:
        return ""
    return str(value).removesuffix(".0")
