"""A form that is being filled in: what was told, what is asked for now, and what a turn does to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from feilun.apps.customer_service.forms.settings import FieldSettings, FormSettings
from feilun.apps.customer_service.forms.values import asks, value_of
from feilun.apps.customer_service.words.slots import RULES, SlotReader
from feilun.knowledge.terms import simplified

CONFIRM = ""
"""What is asked for once all fields have values: whether all is right."""

WRONG = "?"
"""What is asked for once it is not: which of the values is wrong."""

CORRECTION = re.compile(
    r"改(?:成|为|一下|下)?|更正|不对|错了|不是|搞错|\b(?:change|correct|wrong|instead|actually|not)\b", re.IGNORECASE
)
YES = re.compile(
    r"^(?:(?:对|是|好|确认|确定|没错|没有?问题|可以|行|嗯|正确|同意|就这样|yes|yep|yeah|yup|ok(?:ay)?|right|correct|confirm(?:ed)?"
    r"|sure|exactly|that(?:'s| is) (?:right|correct|fine)|it is|go ahead)"
    r"(?:的|了|啊|吧|呀|哦|呢|谢谢|please|thanks?|\W)*)+$",
    re.IGNORECASE,
)
NO = re.compile(r"^(?:不|否|no\b|nope\b|wrong\b)|不对|错了", re.IGNORECASE)


@dataclass(frozen=True)
class Filling:
    """A form and its state.

    Args:
        name: The form.
        values: What was told, by field.
        asking: The field that is asked for, `CONFIRM` or `WRONG`.
        tries: Turns in a row that gave no valid value.
    """

    name: str
    values: Mapping[str, str]
    asking: str
    tries: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the form in which a conversation remembers it."""
        return {"name": self.name, "values": dict(self.values), "asking": self.asking, "tries": self.tries}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Filling:
        """Read what `to_json` wrote."""
        return Filling(value["name"], dict(value["values"]), value["asking"], int(value["tries"]))

    def with_values(self, form: FormSettings, told: Mapping[str, str]) -> Filling:
        """Return the state after some values were told: the next field without one is asked for."""
        values = {**self.values, **told}
        wanted = [name for name, field in form.fields.items() if _applies(field, values)]
        values = {name: value for name, value in values.items() if name in wanted}
        return Filling(self.name, values, next((name for name in wanted if name not in values), CONFIRM))

    def without(self, name: str) -> Filling:
        """Return the state in which a field that had a value is asked for again."""
        return Filling(self.name, {field: value for field, value in self.values.items() if field != name}, name)

    def failed(self) -> Filling:
        """Return the state after a turn that gave no valid value."""
        return replace(self, tries=self.tries + 1)


def begun(name: str, form: FormSettings, text: str, today: date, reader: SlotReader = RULES) -> Filling:
    """Return a form that has just begun, with what the customer told in beginning it."""
    return Filling(name, {}, CONFIRM).with_values(form, _told(form.fields, text, today, reader))


def answered(
    filling: Filling, form: FormSettings, text: str, today: date, reader: SlotReader = RULES
) -> dict[str, str]:
    """Return the values that a turn gives: of the field that is asked for, of open ones, and of corrected ones."""
    field = form.fields.get(filling.asking)
    told = {}
    if CORRECTION.search(simplified(text)) or (filling.asking == WRONG and not asks(text)):
        told = _corrected(filling, form, text, today, reader)
    if not told and field is not None:
        value = value_of(text, field, today, asked=True, reader=reader)
        told = {} if value is None else {filling.asking: value}
    if field is not None and field.kind == "text":
        return told
    if told or (field is not None and not asks(text)):  # a question may hold values by the way
        still_open = {name: f for name, f in form.fields.items() if name not in filling.values and name not in told}
        told = {**_told(still_open, text, today, reader), **told}
    return told


def named_field(form: FormSettings, text: str) -> str | None:
    """Return the field whose name a text holds."""
    said = simplified(text.lower())
    return next((name for name, field in form.fields.items() if simplified(field.name.lower()) in said), None)


def _corrected(filling: Filling, form: FormSettings, text: str, today: date, reader: SlotReader) -> dict[str, str]:
    """Return new values of fields that have one: of the field that is named, else of those that the text gives one."""
    known = {name: field for name, field in form.fields.items() if name in filling.values}
    named = named_field(form, text)
    if named in known:
        known = {named: known[named]}
    said = simplified(text)
    last = said[max((match.end() for match in CORRECTION.finditer(said)), default=0) :]
    return _told(known, last, today, reader) or _told(known, said, today, reader)


def _told(fields: Mapping[str, FieldSettings], text: str, today: date, reader: SlotReader) -> dict[str, str]:
    """Return the values that a text gives without being asked."""
    values = {name: value_of(text, field, today, asked=False, reader=reader) for name, field in fields.items()}
    return {name: value for name, value in values.items() if value is not None}


def _applies(field: FieldSettings, values: Mapping[str, str]) -> bool:
    return not field.only_if or values.get(field.only_if) == field.equals
