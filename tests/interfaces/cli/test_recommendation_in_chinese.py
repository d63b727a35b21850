"""What goes wrong with recommendation is told whole in Chinese where the system speaks it; so is what goes well."""

from __future__ import annotations

import re

import pytest

from feilun.interfaces.cli import main

ENGLISH = re.compile(r"\b(?:[A-Za-z]{2,}[ ,]+){3}[A-Za-z]{2,}\b")
"""Four English words in a row are a sentence that nobody turned."""

BEGIN = 'application = "recommendation"\n'
FAULTS = {
    "quotas": (BEGIN + "[candidates.quotas]\nalss = 5\n", "没有召回源 'alss'。是不是 'als'？"),
    "signals": (
        BEGIN + '[signals]\npositive = { "read >=" = 1.0 }\n',
        "表达式 'read >=' 在第 8 列无法读取：此处应为数。",
    ),
    "interest": (BEGIN + "[candidates.quotas]\ninterest = 5\n", "interest 需要 interest.tune = true"),
    "segment": (BEGIN + '[context]\ncolumns = ["city"]\nsegment = "town"\n', "'town' 不在 context.columns 之中"),
    "query": (BEGIN + 'items_query = "select 1"\n', "items 与 items_query 要一起给出"),
    "monotone": (BEGIN + "[ranking]\nmonotone = { price = 2 }\n", "price 必须是 1 或 -1"),
    "interleave": (BEGIN + '[experiment]\nmethod = "interleave"\n', "需要一部分用户"),
    "toml": ("application = \n", "第 1 行，第 15 列"),
    "empty": (BEGIN, "目录为空，没有可以推荐的商品。"),
    "columns": (BEGIN + 'items = "no_item.csv"\n', "没有列 'item' 或 'id'（现有：name）。"),
    "rows": (BEGIN + 'items = "wrong.csv"\n', "  - 第 1 行：'price' 必须是有限的数，不能是 'dear'。"),
    "silent": (BEGIN + 'items = "items.csv"\nevents = "events.csv"\n', "没有一个表示对目录中的商品感兴趣"),
}


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    (tmp_path / "no_item.csv").write_text("name\ntea\n", encoding="utf-8")
    (tmp_path / "wrong.csv").write_text("item,price\na,dear\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text("item,title\na,tea\n", encoding="utf-8")
    (tmp_path / "events.csv").write_text("user,item,type\nu,a,look\nu,z,look\n,a,look\n", encoding="utf-8")
    path = tmp_path / "shop.toml"

    def run(text, verb, *more):
        path.write_text(text, encoding="utf-8")
        code = main.run(["recommendation", verb, str(path), *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_chinese(told, name):
    text, wanted = FAULTS[name]
    code, _, error = told(text, "train")
    assert code
    assert wanted in error
    assert not ENGLISH.search(error.replace("feilun recommendation train FILE", "")), error


def test_what_goes_well_and_wrong_is_told_whole(told):
    shop = FAULTS["silent"][0]
    _, out, error = told(shop, "train")
    assert out.splitlines()[0].endswith("items.csv：1 行")
    assert out.splitlines()[1].endswith("events.csv：2 行，1 行无法读取：")
    assert out.splitlines()[2] == "  - 第 3 行：'user' 必须是1 到 200 个可见字符，不能是 ''。"
    assert error == (
        "错误：2 个事件中，没有一个表示对目录中的商品感兴趣（1 个属于未知商品；类型 'look' 的有 2 个）。"
        "请导入事件和商品，或在应用文件的 signals.positive 中写明这些类型。\n"
    )
    assert told(shop, "refused")[1] == "没有被拒收的消息。\n"
    assert told(shop, "forget", "u")[1] == "已删除行为 2 行，已删除列表 0 行\n"
    assert "目录共 1 个商品，其中没有 'nothing'。" in told(shop, "similar", "nothing")[2]
    assert "--context x 不是 列=值 的形式" in told(shop, "recommend", "u", "--context", "x")[2]
    assert "没有任何列表是在实验中展示的" in told(shop, "experiment")[2]
    assert "没有一个记录了各位置的概率" in told(shop, "estimate")[2]
