"""What a section says of itself: its JSON Schema, and a row for each key, for docstrings and for the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

_PYTHON = {
    "number": "float",
    "integer": "int",
    "string": "str",
    "boolean": "bool",
    "array": "tuple",
    "object": "dict",
}
_JSON = {"integer": "whole number", "string": "text", "boolean": "true or false"}
# What a docstring has between its sentences and its keys.
_KEYS = "\n\nParameters\n----------\n"


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
        part = parts[part["$ref"].rsplit("/", 1)[1]] | {k: v for k, v in part.items() if k != "$ref"}
    ours = [name for name in part if name not in ("$defs", "says", "says_kind")]
    plain = {
        name: _plain(part[name], parts) for name in ours if name != "title" or isinstance(part[name], dict)
    }
    kind, *others = plain.get("anyOf", [{}])
    if others == [{"type": "null"}] and "enum" not in kind:  # one kind, or null
        plain = {**kind, "type": [kind["type"], "null"], **{k: v for k, v in plain.items() if k != "anyOf"}}
    return plain


def rows(schema: Mapping[str, Any], words: Mapping[str, str] = _JSON) -> Iterator[Row]:
    """A row for each key of an object's schema."""
    for name, about in schema["properties"].items():
        unit, default = about.get("unit", ""), _written(about.get("default"))
        if name in schema.get("required", ()):
            default = "required"
        kind, domain = _kind(about, words), _domain(about)
        yield Row(name, kind, "" if unit == "1" else unit, domain, default, about.get("description", ""))


def parameters_of(section: type[BaseModel]) -> str:
    """The part "Parameters" of a section's docstring, with what goes before it."""
    lines = []
    for row in rows(section_schema(section, by_alias=False), _PYTHON):
        unit = row.unit or ("no unit" if row.kind == "float" else "")
        default = {"required": "", "": "optional"}.get(row.default, f"default {row.default}")
        about = ", ".join(part for part in (row.kind, unit, row.domain, default) if part)
        lines += [f"{row.key} : {about}", f"    {row.sentence}"]
    return _KEYS + "\n".join(lines) + "\n" if lines else ""


def _kind(about: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The kind of a value: "whole number", "array of whole numbers", "true or false or object"."""
    choices = [choice for choice in about.get("anyOf", [about]) if choice.get("type") != "null"]
    kinds = []
    for choice in choices:
        given = "string" if "enum" in choice else choice.get("type", "any value")
        name = given if isinstance(given, str) else given[0]
        items = choice.get("items") or choice.get("prefixItems", [{}])[0]
        several = "s" if words is _JSON else ""
        kinds.append(
            words.get(name, name) + (f" of {_kind(items, words)}{several}" if name == "array" else "")
        )
    return " or ".join(dict.fromkeys(kinds))


def _domain(about: Mapping[str, Any]) -> str:
    """The values that are allowed, as far as bounds and choices say so; of an array, its entries'."""
    about = about.get("anyOf", [about])[0]
    about = about.get("items") or about.get("prefixItems", [about])[0]
    if "enum" in about:  # names may also stand in capitals, which goes without saying
        names = [name for name in about["enum"] if not name.isupper() or name.lower() not in about["enum"]]
        return " or ".join(map(repr, names))
    least, most = about.get("minimum"), about.get("maximum")
    if least is not None and most is not None:
        return f"{_written(least)} to {_written(most)}"
    bounds = ((">", about.get("exclusiveMinimum")), (">=", least), ("<=", most))
    return " and ".join(f"{sign} {_written(bound)}" for sign, bound in bounds if bound is not None)


def _written(value: Any) -> str:
    """A value as a page shows it; nothing for None."""
    if type(value) is int and value >= 2**31 - 1 and value & (value + 1) == 0:
        return f"2**{value.bit_length()} - 1"
    if isinstance(value, float) and abs(value) > 1e9:
        return f"{value:g}"
    return "" if value is None else str(value).removesuffix(".0")
