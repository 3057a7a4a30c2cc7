"""What the facts of a shape say of each kind of field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from worker.cli.fields import Fact, about, of


class Street(fields.String):
    """As on an envelope.

    More than anybody needs to read.
    """


class Line(Schema):
    number = fields.Integer(required=True, validate=validate.Range(min=1, max=5000))


class Parcel(Schema):
    """What a postman carries,
    line by line.

    The rest is for programmers.
    """

    colour = fields.String(validate=validate.OneOf(["red", "blue"]), load_default="red", data_key="Colour")
    street = Street(validate=validate.Length(max=80), allow_none=True)
    lines = fields.List(fields.Nested(Line), required=True, validate=validate.Length(min=1))
    weights = fields.List(fields.Float())
    label = fields.String(metadata={"description": "Shown to people."}, validate=validate.Regexp("[A-Z]+"))
    size = fields.Raw(validate=lambda _: True)
    weight = fields.Integer(dump_only=True)


FACTS = {fact.path: fact for fact in of(Parcel)}


def test_every_field_that_may_be_given_is_there_outer_ones_first() -> None:
    paths = ["Colour", "street", "lines", "lines[].number", "weights", "weights[]", "label", "size"]
    assert list(FACTS) == paths


def test_a_field_says_its_type_and_whether_it_is_needed_or_null() -> None:
    assert FACTS["lines[].number"] == Fact(
        "lines[].number", "whole number", needed=True, nullable=False, rules=("at least 1", "at most 5,000")
    )
    assert (FACTS["street"].type, FACTS["street"].nullable, FACTS["size"].type) == ("text", True, "any")


def test_rules_come_from_its_documentation_validators_and_default() -> None:
    assert FACTS["Colour"].rules == ("one of `red`, `blue`", "if not given: 'red'")
    assert FACTS["street"].rules == ("As on an envelope", "at most 80 long")
    assert FACTS["lines"].rules == ("at least 1 long",)
    assert FACTS["label"].rules == ("Shown to people", "like `[A-Z]+`")
    assert FACTS["size"].rules == ()


def test_a_shape_is_told_by_its_first_paragraph() -> None:
    assert about(Parcel) == "What a postman carries, line by line."
