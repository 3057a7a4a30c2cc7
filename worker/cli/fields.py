"""The fields of a shape as facts, read from its marshmallow schema: for `omniworker operations` and its page."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, missing, validate

# The nearest of these in a field's ancestry says what its JSON is.
TYPES: dict[type[Any], str] = {
    fields.Email: "text, an e-mail address",
    fields.Url: "text, an address of the web",
    fields.UUID: "text, a UUID",
    fields.String: "text",
    fields.Boolean: "true or false",
    fields.Integer: "whole number",
    fields.Number: "number",
    fields.NaiveDateTime: "text, a date and time",
    fields.DateTime: "text, a date and time",
    fields.Date: "text, a date",
    fields.Nested: "object",
    fields.Mapping: "object",
    fields.List: "list",
}


@dataclass(frozen=True)
class Fact:
    """One field by its path (`user_event.identifier`, `items[].id`); `rules` are sentences without a full stop."""

    path: str
    type: str
    needed: bool
    nullable: bool
    rules: tuple[str, ...]


def of(shape: type[Schema] | Schema, above: str = "") -> Iterator[Fact]:
    """Every field that may be given, outer ones before those inside them."""
    schema = shape if isinstance(shape, Schema) else shape()
    for name, field in schema.load_fields.items():
        yield from _of_field(f"{above}{field.data_key or name}", field)


def about(shape: type[Schema]) -> str:
    """What a shape says of itself: the first paragraph of its documentation."""
    return _first_paragraph(shape)


def _of_field(path: str, field: fields.Field[Any]) -> Iterator[Fact]:
    yield Fact(path, _type(field), field.required, field.allow_none, tuple(filter(None, _rules(field))))
    inner = field.inner if isinstance(field, fields.List) else field
    many = "[]" if inner is not field or getattr(inner, "many", False) else ""
    if isinstance(inner, fields.Nested):
        yield from of(inner.schema, f"{path}{many}.")
    elif inner is not field:
        yield from _of_field(f"{path}{many}", inner)


def _type(field: fields.Field[Any]) -> str:
    if isinstance(field, fields.Nested) and field.many:
        return "list"
    return next((TYPES[kind] for kind in type(field).__mro__ if kind in TYPES), "any")


def _rules(field: fields.Field[Any]) -> Iterator[str]:
    """A field class of our own says in its documentation what it takes; validators say their bounds."""
    if not type(field).__module__.startswith("marshmallow"):
        yield _first_paragraph(type(field)).rstrip(".")
    if description := field.metadata.get("description"):
        yield str(description).rstrip(".")
    for validator in field.validators:
        yield from _bounds(validator)
    if field.load_default is not missing and not callable(field.load_default):
        yield f"if not given: {field.load_default!r}"


def _bounds(validator: Any) -> Iterator[str]:
    match validator:
        case validate.Email() | validate.URL():
            return  # the type says it
        case validate.Length(equal=int(n)):
            yield f"exactly {n:,} long"
        case validate.Length() | validate.Range():
            what = " long" if isinstance(validator, validate.Length) else ""
            yield from (f"at {word} {n:,}{what}" for word, n in _ends(validator) if n is not None)
        case validate.OneOf():
            yield "one of " + ", ".join(f"`{choice}`" for choice in validator.choices)
        case validate.Regexp():
            yield f"like `{validator.regex.pattern!s}`"
        case _:
            yield _first_paragraph(validator).rstrip(".")


def _ends(validator: Any) -> tuple[tuple[str, Any], ...]:
    return (("least", validator.min), ("most", validator.max))


def _first_paragraph(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
