"""The faults that users of public opinion make, and what its verbs print, under a Chinese locale."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.public_opinion.made import NOW, made_intake, record, write_lines
from feilun.apps.public_opinion.sources.files import Files
from feilun.interfaces.cli import main
from feilun.storage.database import open_database

APPLICATION = 'application = "public-opinion"\nentities = "e.toml"\n'
SENTENCE = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+ [a-z]+")
"""Four English words in a row."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = open_database(url)
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", [record(1, "青禾汽车召回新车", NOW - 9)])))
    database.close()
    monkeypatch.setenv("FEILUN_DATABASE", url)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    (tmp_path / "two.toml").write_text('[[entity]]\nname = "甲"\n[[entity]]\nname = "甲"\n', encoding="utf-8")
    (tmp_path / "none.toml").write_text("", encoding="utf-8")
    (tmp_path / "r.toml").write_text('[[rule]]\nname = "a"\nentities = ["青禾汽"]\nhours = [25]\n', encoding="utf-8")
    files = {
        "app": "", "rules": 'rules = "r.toml"\n', "labelled": '[models]\nnew_topics = { chips = "x" }\n',
        "source": '[sources]\nfiles = ["gone.csv"]\npush = false\n',
        "query": '[sources]\npush = false\n[queries.a]\nurl = "sqlite://"\nquery = "SELECT x FROM y"\ncursor = "x"\n',
        "half": '[calendar]\nhalf = ["5.2.2027"]\n',
    }  # fmt: skip
    for name, more in files.items():
        (tmp_path / f"{name}.toml").write_text(APPLICATION + more, encoding="utf-8")
    (tmp_path / "scheme.toml").write_text(APPLICATION.replace("e.toml", "none.toml"), encoding="utf-8")
    (tmp_path / "same.toml").write_text(APPLICATION.replace("e.toml", "two.toml"), encoding="utf-8")
    return tmp_path


FAULTS = {
    "trends gone.toml": "没有应用文件 gone.toml。",
    "trends app.toml --by regoin": "错误：--by 不能是 'regoin'。是不是 'region'？",
    "compare app.toml 青禾汽车": "1 个序列无法比较。合计给出 2 至 20 个",
    "trends rules.toml": "第 1 个规则：没有主体 '青禾汽'。是不是 '青禾汽车'？",
    "trends labelled.toml": "话题体系中没有话题 'chips'。",
    "run source.toml": "没有文件",
    "run query.toml": "数据库拒绝执行来源的查询",
    "trends half.toml": "calendar.half 中的 '5.2.2027' 不是日期",
    "trends scheme.toml": "没有 [[entity]] 表。",
    "trends same.toml": "名称 '甲' 同时指甲和甲。请把它列在 `ambiguous` 中，并给出 `context`。",
    "correct app.toml 无 --sentiment neutral": "没有文章 '无'。",
    "incidents app.toml abc --do close": "没有事件 'abc'。",
    "documents app.toml --sentiment bad": "--sentiment 不能是 'bad'。",
    "train app.toml --topic earnings": "已标注的文本中有 0 篇属于话题 'earnings'，0 篇不属于；两者各至少需要 10 篇。",
}


@pytest.mark.parametrize("command", FAULTS)
def test_a_fault_is_told_in_chinese(command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["public-opinion", *command.split()]) in {1, 2}
    said = capsys.readouterr().err
    assert FAULTS[command] in said
    assert not SENTENCE.search(said), said


def test_what_the_verbs_print_is_chinese(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run app.toml", "trends app.toml --by source", "incidents app.toml", "emergent app.toml"):
        assert main.run(["public-opinion", *command.split()]) == 0
    assert main.run(["public-opinion", "compare", "app.toml", "青禾汽车", "无名"]) == 0
    said = capsys.readouterr()
    for part in ("文档", "负面", "没有事件。", "新话题 0 个。"):
        assert part in said.out
    assert "没有关于 '无名' 的文档。" in said.err
    assert not SENTENCE.search(said.out + said.err)
