"""Bytes of Chinese text: Big5 is told from GB 18030, whole and in pieces; measured in docs/benchmarks.md."""

from __future__ import annotations

import pytest

from feilun.text.chinese_bytes import decode, is_chinese

TRADITIONAL = (
    "什麼是跨境手機掃碼支付？允許消費者使用手機錢包，在實體商店購買商品或服務。青禾汽車今日宣布，因剎車系統存在"
    "缺陷，將召回三萬輛新車；多家券商下調評級，股價開盤即跌停。銀行表示，客戶申請信用卡須年滿二十歲，並檢附財力證明。"
)
SIMPLIFIED = (
    "什么是跨境手机扫码支付？允许消费者使用手机钱包，在实体商店购买商品或服务。青禾汽车今日宣布，因刹车系统存在"
    "缺陷，将召回三万辆新车；多家券商下调评级，股价开盘即跌停。银行表示，客户申请信用卡须年满二十岁，并提供财力证明。"
)


@pytest.mark.parametrize("length", [8, 16, len(TRADITIONAL)])
@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (TRADITIONAL, "cp950", "big5"),
        (TRADITIONAL, "gb18030", "gb18030"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "utf-8", "utf-8"),
    ],
)
def test_any_piece_of_a_text_is_read_as_it_was_written(text: str, codec: str, encoding: str, length: int) -> None:
    pieces = [text[start : start + length] for start in range(len(text) - length + 1)]
    assert [decode(piece.encode(codec)) for piece in pieces] == [(piece, encoding) for piece in pieces]


def test_where_the_bytes_tell_nothing_what_was_read_before_does() -> None:
    raw = "球".encode("big5")
    assert decode(raw) == (raw.decode("gb18030"), "gb18030")
    assert decode(raw, "big5") == ("球", "big5")
    assert decode("青禾汽车召回新车".encode("gb18030"), "big5") == ("青禾汽车召回新车", "gb18030")


def test_characters_of_hong_kong_and_of_the_whole_of_gb18030_are_read() -> None:
    assert decode("香港嘅上市公司今日公布業績，佢哋話盈利大跌".encode("big5hkscs")) == (
        "香港嘅上市公司今日公布業績，佢哋話盈利大跌",
        "big5",
    )
    assert decode("𠮷野家今日开业，顾客众多".encode("gb18030")) == ("𠮷野家今日开业，顾客众多", "gb18030")


def test_damaged_utf8_is_no_other_encoding() -> None:
    raw = SIMPLIFIED.encode()
    text, encoding = decode(raw[:31] + raw[32:]) or ("", "")
    assert encoding == "utf-8"
    assert text.startswith("什么是跨境手机扫码支")
    assert text.endswith(SIMPLIFIED[20:])
    assert decode("\ufffd".encode()) == ("\ufffd", "utf-8")


def test_what_is_no_chinese_text_is_none_of_it() -> None:
    assert decode(b"\xff\xff\xff") is None
    assert decode(b"") == ("", "utf-8")
    text, _ = decode("Société Générale: bénéfice élevé".encode("latin-1")) or ("", "")
    assert not is_chinese(text)
    assert is_chinese("Tesla 股价下跌 3%")
