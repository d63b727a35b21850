"""Sayings that name things, made for a tagger where nobody labelled any: weak labels from templates and lists.

A saying comes of a template, or of one of the application's own with what its lists and formats find taken out. Its
places are filled with products of the list, with products that do not exist, and with values that no format knows, so
that the model learns the places and not the names. What it cannot learn from them is how customers really speak.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from feilun.apps.customer_service.words.phrases import language_of
from feilun.apps.customer_service.words.slots import PLACE, TAGGED, Products, formats
from feilun.core.spans import Span
from feilun.knowledge.mentions import folded, united

TEMPLATES = {
    "zh": (
        "我想办{product}", "{product}怎么收费？", "请问{product}还能买吗", "我的{product}用不了了",
        "把{product}退了可以吗", "{product}和{other}有什么区别", "上次买的{product}坏了怎么办",
        "{date}买的{product}还没到", "想问下{product}的手续费", "单号{order_number}到哪了",
        "帮我查一下{order_number}", "我的订单{order_number}什么时候发", "{order_number}这笔能取消吗",
        "{date}扣了我{amount}", "转了{amount}还没到账", "能不能退我{amount}", "{amount}以内要手续费吗",
        "我{date}要用{amount}", "{date}能到吗", "约在{date}可以吗", "从{date}开始算", "{product}{date}到期吗",
        "{product}每月要交{amount}吗",
    ),
    "en": (
        "I want to apply for {product}", "what does {product} cost?", "can I still buy {product}",
        "my {product} does not work", "how do I return {product}",
        "what is the difference between {product} and {other}", "the {product} I bought on {date} is broken",
        "where is order {order_number}", "please look up {order_number}", "can {order_number} be cancelled",
        "you charged me {amount} on {date}", "I sent {amount} and it never arrived", "can you refund {amount}",
        "is there a fee below {amount}", "I need {amount} by {date}", "will it come {date}", "could we meet {date}",
        "does {product} expire {date}", "is {product} really {amount} a month",
    ),
}  # fmt: skip
AMOUNTS = {
    "zh": ("三千块", "两万五", "五百", "一百二十元", "{n}00元", "{n}万", "{n}000块钱", "￥{n}50"),
    "en": ("three thousand dollars", "{n}k", "two hundred bucks", "{n}00 yuan", "${n}50", "half a million"),
}
DATES = {
    "zh": ("上周五", "下个月初", "二十号", "前天", "{n}月{n}日", "国庆节前", "这个周末", "2026-0{n}-1{n}"),
    "en": ("last Friday", "next Monday", "the 2{n}th", "in March", "the day before yesterday", "2026-0{n}-1{n}"),
}
ORDERS = ("YX-{n}{n}8-7{n}", "A{n}B{n}C{n}", "20260{n}1{n}88", "no. {n}{n}{n}{n}", "#{n}{n}-{n}0{n}", "EF{n}{n}{n}77")
STEMS = {
    "zh": "云星海山金银新优享乐家安盛和美智慧速达丰悦青蓝天晨瑞泰康惠易通宝佳禾松竹梅溪湖江河风月光明远航",
    "en": (
        "ba",
        "cor",
        "del",
        "fin",
        "gal",
        "hin",
        "jor",
        "kel",
        "lum",
        "mer",
        "nor",
        "pra",
        "sol",
        "tan",
        "ver",
        "zen",
    ),
}
KINDS = {
    "zh": ("卡", "贷", "宝", "保险", "手机", "套餐", "耳机"),
    "en": ("Card", "Loan", "Plan", "Phone", "Pro", "Cover"),
}

Row = tuple[str, list[Span]]
"""A saying and where it names what."""


def made_sayings(
    products: Mapping[str, Sequence[str]], own: Sequence[str], count: int, seed: int
) -> tuple[list[Row], list[Row]]:  # fmt: skip
    """Make sayings with their spans.

    Args:
        products: Further names of each product of the list, by its name.
        own: What customers of the application ask or asked.
        count: How many to make.
        seed: What is drawn follows from it.

    Returns:
        Sayings to learn from, and a quarter as many to be judged by: of other templates, with other made names.
    """
    drawn, listed = Random(seed), Products(products)  # noqa: S311 - sayings, no secret
    languages = sorted({language_of(text) for text in (*own, *products)}) or ["zh", "en"]
    patterns = [(language, one) for language in languages for one in TEMPLATES[language]]
    emptied = [(language_of(text), emptied_of(folded(text), listed)) for text in dict.fromkeys(own)]
    patterns += [pair for pair in emptied if PLACE.search(pair[1])]
    plain = [pair for pair in emptied if not PLACE.search(pair[1])]
    names = [one for name, others in products.items() for one in (name, *others)]
    parts: tuple[list[Row], list[Row]] = ([], [])
    for part, (rows, size) in enumerate(zip(parts, (count, count // 4), strict=True)):
        # each fifth is judged by alone
        own_patterns, nothing = (
            [one for i, one in enumerate(all_) if (i % 5 == 4) == part] for all_ in (patterns, plain)
        )
        for _ in range(size):
            language, pattern = drawn.choice(nothing if nothing and drawn.random() < 0.3 else own_patterns)
            rows.append(_filled(pattern, partial(_value, language, names, part, drawn)))
    return parts


def emptied_of(text: str, listed: Products) -> str:
    """Return a saying with what the list and the formats find as places."""
    mentions = united(formats(text), listed.find(text))
    text = re.sub(r"[{}]", " ", text)  # none of its own
    for one in reversed(mentions):
        if one.label in TAGGED:
            text = f"{text[: one.start]}{{{one.label}}}{text[one.end :]}"
    return text


def _filled(pattern: str, value: Callable[[str], str]) -> Row:
    text, spans, end = "", [], 0
    for place in PLACE.finditer(pattern):
        text += pattern[end : place.start()]
        label = "product" if place[1] == "other" else place[1]
        said = value(label)
        spans.append(Span(len(text), len(text) + len(said), label))
        text, end = text + said, place.end()
    return text + pattern[end:], spans


def _value(language: str, names: Sequence[str], part: int, drawn: Random, kind: str) -> str:
    if kind == "product":
        own = [name for name in names if language_of(name) == language]
        return drawn.choice(own) if own and drawn.random() < 0.3 else _made_name(language, own, part, drawn)
    shapes = {"amount": AMOUNTS.get(language), "date": DATES.get(language)}.get(kind) or ORDERS
    return re.sub(r"\{n\}", lambda _: str(drawn.randint(1, 9)), drawn.choice(shapes))


def _made_name(language: str, own: Sequence[str], part: int, drawn: Random) -> str:
    """Return a name of no product: its ending as products have it, its beginning from characters of this part alone."""
    stems = STEMS[language][part::2]
    if language == "zh":
        kind = drawn.choice([*KINDS["zh"], *(name[-1] for name in own)])
        return "".join(drawn.choice(stems) for _ in range(drawn.randint(1, 3))) + kind
    kind = drawn.choice([*KINDS["en"], *(name.split()[-1] for name in own)])
    return f"{''.join(drawn.choice(stems) for _ in range(2)).capitalize()} {kind}"
