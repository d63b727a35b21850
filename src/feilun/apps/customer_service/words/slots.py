"""Slots of answer templates: which there are, how a customer's words give their values, and how they are filled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from feilun.knowledge.mentions import Mention, Tagger, folded, united
from feilun.knowledge.terms import simplified
from feilun.monitoring.redaction import kept

PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Slot:
    """A value that an answer needs.

    Args:
        pattern: How it looks in a text; its first group is the value.
        zh: What it is called in Chinese.
        en: What it is called in English.
    """

    pattern: re.Pattern[str]
    zh: str
    en: str

    def name(self, language: str) -> str:
        """Return what it is called."""
        return self.zh if language == "zh" else self.en


SLOTS: Mapping[str, Slot] = {
    "order_number": Slot(re.compile(r"(?<![0-9A-Za-z])((?=[A-Za-z]*\d{6})[A-Za-z]{0,3}\d{6,12})(?![0-9A-Za-z])"),
                         "业务单号（6 到 12 位数字）", "reference number (6 to 12 digits)"),
    "card_ending": Slot(re.compile(r"(?:尾号|[末后]四位|ending(?: in| with)?|last (?:four|4)(?: digits)?(?: are)?)"
                                   r"\D{0,4}(\d{4})(?!\d)"
                                   r"|^\D{0,12}(?<![-/.])(\d{4})(?!\s*[年月日元块万%/.-])\D{0,12}$", re.IGNORECASE),
                        "卡号末四位", "last four digits of the card"),
    "amount": Slot(re.compile(r"(\d[\d,]*(?:\.\d{1,2})?\s*(?:元|块|万元?|yuan|rmb|dollars?|usd))"
                              r"|((?:¥|￥|\$)\s*\d[\d,]*(?:\.\d{1,2})?)", re.IGNORECASE),
                   "金额", "amount"),
    "date": Slot(re.compile(r"(?<![0-9A-Za-z])((?:\d{4}[-/年])?\d{1,2}[-/月]\d{1,2}[日号]?)(?!\d)"), "日期", "date"),
    "product": Slot(re.compile(r"(?!)()"), "产品名称", "name of the product"),
}  # fmt: skip
"""The slots that a template may name; products have no format, a list names them."""

TAGGED = ("order_number", "amount", "date", "product")
"""Slots that a tagger finds beside formats and list; four digits are a card's by what stands around them alone."""


def unknown_slots(template: str) -> list[str]:
    """Return what a template names in braces that is no slot."""
    return [name for name in PLACE.findall(template) if name not in SLOTS]


def needed(template: str) -> list[str]:
    """Return the slots of a template in the order in which they stand."""
    return list(dict.fromkeys(name for name in PLACE.findall(template) if name in SLOTS))


def found(text: str, names: Sequence[str]) -> dict[str, str]:
    """Return the values of slots whose format a text holds, in simplified characters."""
    values, said = {}, simplified(text)
    for name in names:
        match = SLOTS[name].pattern.search(said)
        if match is not None:
            values[name] = next(group for group in match.groups() if group).strip()
    return values


def formats(text: str) -> list[Mention]:
    """Return where a text, folded, holds a format; of formats that overlap the longest."""
    return united(
        Mention(match.start(), match.end(), name, match[0].strip(), "format")
        for name, slot in SLOTS.items()
        for match in slot.pattern.finditer(text)
    )


class Products:
    """The products of an application, found by their names.

    Args:
        names: Further names of each product, by the name under which it is known.
    """

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._meant = {folded(one).lower(): name for name, others in names.items() for one in (name, *others)}
        longest_first = sorted(self._meant, key=lambda name: (-len(name), name))
        self._pattern = re.compile("|".join(map(_alone, longest_first)) or r"(?!)")

    def find(self, text: str) -> list[Mention]:
        """Return the products that a text, folded, names."""
        lowered = text.lower()
        if len(lowered) != len(text):
            lowered = text
        return [
            Mention(match.start(), match.end(), "product", self._meant[match[0]])
            for match in self._pattern.finditer(lowered)
        ]


class SlotReader:
    """Reads values in what customers say: by formats, by the list of products, and where these find none by a model.

    Args:
        products: The list.
        tagger: Finds what has another format or name; None leaves it out.
    """

    def __init__(self, products: Products | None = None, tagger: Tagger | None = None) -> None:
        self.products = products or Products({})
        self.tagger = tagger

    def found(self, text: str, names: Sequence[str]) -> dict[str, str]:
        """Return the values of slots that a text holds, in simplified characters; a product by its listed name.

        The model is asked only for what neither formats nor list find.

        Args:
            text: What a customer said.
            names: The slots that are wanted.
        """
        values, plain = found(text, names), folded(text)
        listed = self.products.find(plain)
        if listed and "product" in names:
            values["product"] = listed[0].name
        if self.tagger is not None and self.tagger.labels & {*names} - {*values}:
            for mention in united(formats(plain), listed, self.tagger.read([text])[0]):
                if mention.by == "model" and mention.label in names:
                    values.setdefault(mention.label, mention.name)
        return values


def _alone(name: str) -> str:
    """Return a pattern for a name; one that begins or ends with a Latin letter or digit is no part of a word."""
    before = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", name) else ""
    behind = r"(?![a-z0-9])" if re.search(r"[a-z0-9]\Z", name) else ""
    return before + re.escape(name) + behind


RULES = SlotReader()
"""Formats alone."""


def told(customer: Mapping[str, str | float | bool], names: list[str]) -> dict[str, str]:
    """Return the values of slots that the business tells of a customer, under their names, personal data replaced."""
    known = {name: customer[name] for name in names if name in customer}
    return {name: kept(_written(value)) for name, value in known.items() if not isinstance(value, bool)}


def _written(value: str | float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its slots replaced by values; values are put in as they are, and never read again."""
    return PLACE.sub(lambda place: values.get(place[1], place[0]), template)
