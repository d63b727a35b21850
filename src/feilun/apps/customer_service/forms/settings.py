"""The tables `[forms.NAME]`: what a customer is asked for, one thing after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feilun.apps.customer_service.words.slots import PLACE
from feilun.core.settings import REQUIRED, setting, tables

FieldKind = Literal["order_number", "card_ending", "amount", "date", "choice", "text"]


@dataclass(frozen=True)
class FieldSettings:
    """A table `[forms.NAME.fields.FIELD]`: one thing that is asked for."""

    kind: FieldKind = setting(REQUIRED, "what a valid answer is")
    name: str = setting(REQUIRED, "what it is called, as a customer who corrects it would")
    ask: str = setting(REQUIRED, "the question that asks for it")
    options: tuple[str, ...] = setting((), "what may be chosen, where kind is choice")
    minimum: float | None = setting(None, "smallest valid amount")
    maximum: float | None = setting(None, "largest valid amount")
    future: bool = setting(False, "a date that lies in the past is not valid")
    only_if: str = setting("", "field of the form that decides whether it is asked for at all")
    equals: str = setting("", "value of that field with which it is")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        found = []
        if (self.kind == "choice") != (len(self.options) > 1):
            found.append("options are two or more where kind is choice, and none elsewhere.")
        if self.kind != "amount" and (self.minimum, self.maximum) != (None, None):
            found.append("minimum and maximum are for the kind amount.")
        if self.future and self.kind != "date":
            found.append("future is for the kind date.")
        if bool(self.only_if) != bool(self.equals):
            found.append("only_if and equals go together.")
        return found


@dataclass(frozen=True)
class FormSettings:
    """A table `[forms.NAME]`."""

    starts: tuple[str, ...] = setting(REQUIRED, "what customers say who want it, several ways")
    confirm: str = setting(REQUIRED, "question whether all is right; names fields in braces")
    done: str = setting(REQUIRED, "what is said once it is confirmed; names fields in braces")
    then: str = setting("", "form that follows")
    fields: dict[str, FieldSettings] = tables(FieldSettings, "what is asked for, in this order")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        found = [] if self.starts else ["starts is empty: nobody could begin it."]
        found += [] if self.fields else ["fields is empty: there is nothing to ask for."]
        named = {name for text in (self.confirm, self.done) for name in PLACE.findall(text)}
        found += [f"confirm or done names {{{name}}}, which is no field." for name in sorted(named - {*self.fields})]
        needs = {name: field.only_if for name, field in self.fields.items() if field.only_if}
        for name, other in needs.items():
            if other not in self.fields:
                found.append(f"fields.{name}.only_if names {other!r}, which is no field.")
        found += [f"the fields {' → '.join(circle)} wait for each other." for circle in circles(needs)]
        return found


def form_contradictions(forms: Mapping[str, FormSettings]) -> list[str]:
    """Say what cannot be among several forms: one that follows and is not there, and forms that follow in a circle."""
    follows = {name: form.then for name, form in forms.items() if form.then}
    found = [f"forms.{n}.then names {other!r}, which is no form." for n, other in follows.items() if other not in forms]
    found += [f"the forms {' → '.join(circle)} follow each other in a circle." for circle in circles(follows)]
    return found


def circles(follows: Mapping[str, str]) -> list[list[str]]:
    """Return each circle of a mapping once, from its first name in order back to it."""
    found: dict[frozenset[str], list[str]] = {}
    for start in sorted(follows):
        path = [start]
        while path[-1] in follows and follows[path[-1]] not in path:
            path.append(follows[path[-1]])
        if follows.get(path[-1]) == start:
            found.setdefault(frozenset(path), [*path, start])
    return list(found.values())
