"""The tables `[forms.NAME]`: what a customer is asked for, one thing after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feilun.apps.customer_service.words.slots import PLACE
from feilun.core.remark import Remark
from feilun.core.settings import REQUIRED, setting, tables

FieldKind = Literal["order_number", "card_ending", "amount", "date", "product", "choice", "text"]


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
        found: list[str] = []
        if (self.kind == "choice") != (len(self.options) > 1):
            found.append(
                Remark(
                    "options are two or more where kind is choice, and none elsewhere.",
                    "kind 为 choice 时 options 至少有两个，其他类型没有。",
                )
            )
        if self.kind != "amount" and (self.minimum, self.maximum) != (None, None):
            found.append(
                Remark("minimum and maximum are for the kind amount.", "minimum 和 maximum 只用于 amount 类型。")
            )
        if self.future and self.kind != "date":
            found.append(Remark("future is for the kind date.", "future 只用于 date 类型。"))
        if bool(self.only_if) != bool(self.equals):
            found.append(Remark("only_if and equals go together.", "only_if 与 equals 要一起写。"))
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
        found: list[str] = []
        if not self.starts:
            found.append(Remark("starts is empty: nobody could begin it.", "starts 为空：没有办法开始。"))
        if not self.fields:
            found.append(Remark("fields is empty: there is nothing to ask for.", "fields 为空：没有要问的内容。"))
        named = {name for text in (self.confirm, self.done) for name in PLACE.findall(text)}
        found += [
            Remark(
                f"confirm or done names {{{name}}}, which is no field.",
                f"confirm 或 done 里的 {{{name}}} 不是字段。",
            )
            for name in sorted(named - {*self.fields})
        ]
        needs = {name: field.only_if for name, field in self.fields.items() if field.only_if}
        for name, other in needs.items():
            if other not in self.fields:
                found.append(
                    Remark(
                        f"fields.{name}.only_if names {other!r}, which is no field.",
                        f"fields.{name}.only_if 里的 {other!r} 不是字段。",
                    )
                )
        for ring in (" → ".join(circle) for circle in circles(needs)):
            found.append(Remark(f"the fields {ring} wait for each other.", f"字段 {ring} 互相等待。"))
        return found


def form_contradictions(forms: Mapping[str, FormSettings]) -> list[str]:
    """Say what cannot be among several forms: one that follows and is not there, and forms that follow in a circle."""
    follows = {name: form.then for name, form in forms.items() if form.then}
    found: list[str] = [
        Remark(f"forms.{n}.then names {other!r}, which is no form.", f"forms.{n}.then 里的 {other!r} 不是表单。")
        for n, other in follows.items()
        if other not in forms
    ]
    for ring in (" → ".join(circle) for circle in circles(follows)):
        found.append(Remark(f"the forms {ring} follow each other in a circle.", f"表单 {ring} 首尾相接，没有尽头。"))
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
