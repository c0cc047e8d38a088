"""The reference of a kind: every field with its type, default, limits, rules and description, from its CRD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CRDS = Path(__file__).resolve().parents[2] / "crds"

Schema = dict[str, Any]


class Field(NamedTuple):
    """One field: where it is, and its schema. Items of a list are below `name[]`, values of a map below `name{}`."""

    path: str
    schema: Schema
    is_required: bool


def definition(kind: str) -> dict[str, Any]:
    """The CRD of a kind."""
    loaded: dict[str, Any] = yaml.safe_load((CRDS / f"{kind.lower()}s.yaml").read_text(encoding="utf-8"))
    return loaded


def schema_of(kind: str) -> Schema:
    """The schema of a kind's one version."""
    schema: Schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def fields_below(path: str, schema: Schema) -> Iterator[Field]:
    """All fields below one, in the order of the CRD."""
    required = schema.get("required", ())
    for name, below in schema.get("properties", {}).items():
        field = Field(f"{path}.{name}" if path else name, below, name in required)
        yield field
        yield from _below(field)


def fields(kind: str) -> str:
    """Everything that a kind's spec and status have, as Markdown."""
    schema = schema_of(kind)
    parts = [text(schema["description"])]
    for part in ("spec", "status"):
        below = schema["properties"][part]
        parts += [f"## {part}", text(below.get("description", "")), _rules(below), _contents(part, below)]
        for field in fields_below(part, below):
            parts += [
                f"### `{field.path}`",
                _facts(field),
                text(field.schema.get("description", "")),
                _rules(field.schema),
            ]
    return "\n\n".join(filter(None, parts))


def columns(kind: str) -> str:
    """What `kubectl get` shows, as a table."""
    rows = ["| column | shown by | what it says |", "|---|---|---|"]
    for column in definition(kind)["spec"]["versions"][0]["additionalPrinterColumns"]:
        shown = "`kubectl get -o wide`" if column.get("priority") else "`kubectl get`"
        rows.append(f"| {column['name']} | {shown} | {column['description']} |")
    return "\n".join(rows)


def selectors(kind: str) -> str:
    """The fields by which objects can be chosen, as a list."""
    known = definition(kind)["spec"]["versions"][0]["selectableFields"]
    return ", ".join(f"`{one['jsonPath'].removeprefix('.')}`" for one in known)


def _below(field: Field) -> Iterator[Field]:
    yield from fields_below(field.path, field.schema)
    if "items" in field.schema:
        yield from fields_below(f"{field.path}[]", field.schema["items"])
    if isinstance(field.schema.get("additionalProperties"), dict):
        yield from fields_below(f"{field.path}{{}}", field.schema["additionalProperties"])


def _contents(part: str, schema: Schema) -> str:
    """The fields directly below, as links."""
    names = ", ".join(f"[`{name}`](#{_anchor(f'{part}.{name}')})" for name in schema["properties"])
    return f"Fields: {names}."


def _anchor(path: str) -> str:
    """As Python-Markdown's toc makes it from a heading."""
    return "".join(letter for letter in path.lower() if letter.isalnum() or letter in "-_")


def _facts(field: Field) -> str:
    """One line: type, whether it is required, default and limits."""
    schema = field.schema
    facts = [_type(schema), "**required**" if field.is_required else ""]
    if "default" in schema:
        facts.append(f"default `{_value(schema['default'])}`")
    facts += _limits(schema)
    if "items" in schema:
        facts += [f"each: {one}" for one in _limits(schema["items"])]
    return " · ".join(filter(None, facts))


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-list-type") == "map":
        return f"list, keyed by {', '.join(schema['x-kubernetes-list-map-keys'])}"
    if "items" in schema:
        of = schema["items"].get("type")
        unique = ", each once" if schema.get("x-kubernetes-list-type") == "set" else ""
        return f"list of {of}s{unique}" if of else "list of integers or strings"
    if "additionalProperties" in schema:
        return "map of text to text"
    if "x-kubernetes-preserve-unknown-fields" in schema:
        # A schema has one type or any, and what is none of these is refused.
        return "true or false, in words or numbers" if "enum" in schema else "number or string"
    return str(schema.get("type", "integer or string"))


def _limits(schema: Schema) -> list[str]:
    limits = []
    if "anyOf" in schema and "type" not in schema:
        # What no value can be says in words what the other branch takes.
        limits += schema["anyOf"][0]["enum"]
    if "enum" in schema:
        limits.append("one of " + ", ".join(f"`{_value(one)}`" for one in schema["enum"]))
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ):
        if text := _range(schema.get(low), schema.get(high)):
            limits.append(f"{text}{unit}")
    if "pattern" in schema:
        limits.append(f"matches `{schema['pattern']}`")
    return limits


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        # Limits that nothing can keep refuse a list or a map where a number or text is wanted.
        return f"{low} to {high}" if low <= high else ""
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""


def _value(value: Any) -> str:
    """As one would write it in a manifest."""
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("\n").removesuffix("...").strip()


def _rules(schema: Schema) -> str:
    """What is refused, in the API server's own words, and the rule in CEL that has to hold."""
    rules = [*schema.get("x-kubernetes-validations", ())]
    own = [_rule(rule) for rule in rules]
    for values in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(values, dict):
            own += [_rule(rule) for rule in values.get("x-kubernetes-validations", ())]
    return "Refused with:\n\n" + "\n".join(own) if own else ""


def _rule(rule: dict[str, str]) -> str:
    where = f"`{rule['fieldPath']}`: " if "fieldPath" in rule else ""
    # A paragraph of its own within the list's item.
    return f"- {where}{text(rule['message'])}\n\n    `{' '.join(rule['rule'].split())}`\n"


def text(words: str) -> str:
    """A description in Markdown: only what is between backticks is code, and nothing is HTML."""
    pieces = words.split("`")
    pieces[::2] = [piece.replace("<", "&lt;").replace("*", r"\*") for piece in pieces[::2]]
    return "`".join(pieces)
