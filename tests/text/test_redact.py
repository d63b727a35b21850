"""Personal data is found by form and check digit, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.text.redact import ID_CHECKS, ID_WEIGHTS, ORDER, redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("请打13812345678找我", "请打[PHONE]找我"),
        ("手机：138-1234-5678，或+86 138 1234 5678。", "手机：[PHONE]，或[PHONE]。"),
        ("座机010-62521234转801，0571 88886666", "座机[PHONE]，[PHONE]"),
        ("客服400-820-8820", "客服[PHONE]"),
        ("call +1 415-555-2671 or (415) 555-2671 or +44 20 7946 0958", "call [PHONE] or [PHONE] or [PHONE]"),
        ("身份证11010519491231002X", "身份证[ID_CARD]"),
        ("卡号6222021234567890128", "卡号[BANK_CARD]"),
        ("4111 1111 1111 1111 / 4111-1111-1111-1111", "[BANK_CARD] / [BANK_CARD]"),
        ("写信到li.lei+a@mail.example.com.cn吧", "写信到[EMAIL]吧"),
    ],
)
def test_personal_data_is_replaced(text: str, redacted: str) -> None:
    assert redact(text, ORDER) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "身份证110105194912310021",
        "卡号6222021234567890127",
        "订单20240115123456789",
        "2024-01-15 10:30:00",
        "利润13.1亿元，上年8.7亿",
        "EUR 13.1 mn from EUR 8.7 mn in 2009-2010",
        "IP 192.168.100.200",
        "0000000000000000",
        "股票600519涨3.5%",
        "版本1.2.3.4",
        "a@b",
        "@User",
        "ISBN 978-7-111-12345-6",
        "11,234,567.89",
        "12345678",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redact(text, ORDER) == text


@given(st.integers(110000, 659999), st.dates(), st.integers(0, 999))
def test_only_the_right_check_character_makes_a_resident_id(region: int, born: object, serial: int) -> None:
    born_text = f"{born:%Y%m%d}".zfill(8)
    if not 1800 <= int(born_text[:4]) < 2100:
        born_text = "1984" + born_text[4:]
    digits = f"{region:06d}{born_text}{serial:03d}"
    right = ID_CHECKS[sum(w * int(d) for w, d in zip(ID_WEIGHTS, digits, strict=True)) % 11]
    for check in ID_CHECKS:
        assert (redact(digits + check, ("id_card",)) == "[ID_CARD]") == (check == right)


def test_kinds_that_are_not_asked_for_stay() -> None:
    text = "13812345678 a@b.com"
    assert redact(text, ("email",)) == "13812345678 [EMAIL]"
    assert redact(text, ()) == text
