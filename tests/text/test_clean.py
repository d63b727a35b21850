"""Cleaning is pure, idempotent, safe for Chinese, and says what it did."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feilun.core.settings import read, to_table
from feilun.text.clean import STEPS, Cleaning

ALL = Cleaning(redact=("phone", "id_card", "bank_card", "email"))
FULL_NFKC = Cleaning(unicode="nfkc", redact=("phone",))

PIECES = [
    "<b>",
    "</p>",
    "<br/>",
    "&amp;",
    "&lt;",
    "&gt;",
    "&#60;",
    "&nbsp;",
    "amp;",
    "<",
    ">",
    "&",
    ";",
    "a",
    "好",
    "１",
    "Ａ",
    "，",
    "①",
    "\u200b",
    "\u200d",
    "👨",
    "\u0301",
    "é",
    "Ã©",
    "ä½\xa0å¥½",
    "浣犲ソ",
    "\ud800",
    "\udc00",
    "\x00",
    "\n",
    "\u3000",
    " ",
    "\r\n",
    "138",
    "1234",
    "5678",
    "13812345678",
    "@",
    "a.com",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "ﬁ",
    "\ufb1d",
    "\u2028",
]
ANY = st.text(st.characters(), max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("raw", "clean", "step"),
    [
        ("ä½\xa0å¥½，schÃ¶n", "你好，schön", "mojibake"),
        ("浣犲ソ", "你好", "mojibake"),
        ("<p class='x'>很<b>好</b>吃</p><br/>谢谢", "很好吃 谢谢", "html"),
        ("good<br>food &lt;3 AT&amp;T", "good food <3 AT&T", "html"),
        ("<script>alert(1)</script>hi<!-- x -->", "hi", "html"),
        ("ＡＢＣ１２３．５％，好．", "ABC123.5%，好．", "full_width"),
        ("ﬁne 𝐇𝐞𝐥𝐥𝐨 e\u0301", "fine Hello é", "unicode"),
        ("a\x00b\u200bc\u202ed", "abcd", "control"),
        ("  a \t b \r\n\r\n c\u3000", "a b\nc", "whitespace"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd", "surrogates"),
    ],
)
def test_each_step_does_its_work_and_is_counted(raw: str, clean: str, step: str) -> None:
    result, steps = Cleaning().apply_counted(raw)
    assert result == clean
    assert step in steps
    assert steps <= set(STEPS)


@pytest.mark.parametrize(
    "text",
    [
        "①㎡½²™…",
        "价格：１",
        "a<b and c>d",
        "<公司> 公告",
        "I <3 you",
        "P/E <10 & >5",
        "“你好”，他说：（真的？！）～",
        "R&D; 3>2",
        "?a=1&copy=2",
        "👨\u200d👩\u200d👧",
        "नमस्ते",
        "שלום",
        "联通",
        "锟斤拷",
        "naïve café",
        "汉字馨滢",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ],
)
def test_meaning_is_left_alone(text: str) -> None:
    kept = text.replace("１", "1")
    assert Cleaning().apply(text) == kept


@settings(max_examples=400)
@given(ANY)
@example("&amp;lt;b&amp;gt;<<b>b>")
@example("138\u200b12345678")
def test_cleaning_twice_is_cleaning_once_and_gives_encodable_text(text: str) -> None:
    for cleaning in (Cleaning(), ALL, FULL_NFKC):
        once, steps = cleaning.apply_counted(text)
        once.encode("utf-8")
        assert cleaning.apply_counted(once) == (once, set())
        assert (once != text) == bool(steps)


@settings(max_examples=200)
@given(ANY)
def test_a_step_that_is_off_changes_nothing(text: str) -> None:
    off = Cleaning(mojibake=False, html=False, unicode="none", full_width=False, control=False, whitespace=False)
    assert off.apply_counted(text)[1] <= {"surrogates"}


def test_settings_survive_the_table_of_a_bundle_and_pickling() -> None:
    again, faults = read(Cleaning, to_table(ALL))
    assert (again, faults) == (ALL, [])
    ALL.apply("ＡＢ 13812345678")
    assert pickle.loads(pickle.dumps(ALL)).apply("１") == "1"  # noqa: S301


@pytest.mark.parametrize(
    "hostile",
    [
        "&" + "amp;" * 200_000,
        "<b" * 200_000,
        '<a x="' * 100_000,
        "a" + "\u200d" * 500_000,
        "a@" * 300_000,
        "1 " * 300_000,
        "<!--" * 200_000,
        "<script>" * 50_000,
        "0" * 500_000,
        " \n" * 300_000,
        "Ã" * 300_000,
        "a-" * 300_000,
    ],
)
def test_hostile_text_costs_no_square(hostile: str) -> None:
    start = time.process_time()
    ALL.apply(hostile)
    assert time.process_time() - start < 30  # linear takes about a second; a square would take hours
