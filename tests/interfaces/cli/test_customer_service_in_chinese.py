"""What customer service says in the terminal where the system is Chinese."""

import json
import re

import pytest

from feilun.interfaces.cli import main
from feilun.storage import customer_service as storage
from feilun.storage.customer_service import Turn
from feilun.storage.database import open_database

FAQ = "question,answer,variants,category\n卡丢了怎么办,请拨打客服挂失。,银行卡丢失|卡找不到了,卡片\n"


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Return what a command writes under a Chinese locale, and its exit code."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path / "家"))
    monkeypatch.chdir(tmp_path)

    def told(*arguments):
        code = main.run(["customer-service", *arguments])
        shown = capsys.readouterr()
        return code, shown.out if code == 0 else shown.err

    return told


def application(folder, further="", faq=FAQ):
    (folder / "faq.csv").write_text(faq, encoding="utf-8")
    text = f'application = "customer-service"\nname = "银行"\n{further}\n[knowledge]\nfaq = ["faq.csv"]\n'
    (folder / "应用.toml").write_text(text, encoding="utf-8")
    return "应用.toml"


@pytest.mark.parametrize(
    ("further", "faq", "said"),
    [
        ("[ladder]\noptions = 9", FAQ, "ladder.options"),
        ("[channels.telegram]\nsecret = 'S'", FAQ, "没有渠道 'telegram'。可用："),
        ("", "question,answer\n卡丢了,\n", "第 1 行：answer 为空。请改正这些行；什么也没有导入。"),
        ("", "question,answer\n卡丢了,{dat} 前办理\n", "答案里有未知的槽位 {dat}。是不是 'date'？"),
        ("", "frage,answer\n卡丢了,挂失\n", "faq.csv 没有 question 列（现有：frage、answer）"),
    ],
)
def test_a_fault_is_told_in_chinese_with_its_place(tmp_path, told, further, faq, said):
    code, shown = told("import", application(tmp_path, further, faq))
    assert code in {1, 2}
    assert said in shown
    assert shown.startswith("错误：")


def test_no_line_of_a_fault_is_english_alone(tmp_path, told):
    wrong = application(tmp_path, "[forms.f]\nstarts = []\nconfirm = '{x}'\ndone = 'd'\nthen = 'g'")
    for arguments in (("import", "没有.toml"), ("import", wrong), ("test", "没有.yaml"), ("rollback", wrong)):
        code, shown = told(*arguments)
        assert code != 0
        assert all(re.search(r"[\u4e00-\u9fff]", line) for line in shown.splitlines() if line.strip()), shown


def test_an_import_and_the_figures_are_told_in_chinese(tmp_path, told):
    file = application(tmp_path, "[costs]\nbot = 0.5")
    assert told("import", file) == (
        0, f"{tmp_path / 'faq.csv'}：行 1，条目 1，问法 2，重复 0，脱敏 0\n现有 1 个条目和 0 段文档。\n"
    )  # fmt: skip
    assert told("handoffs", file) == (0, "没有人在等待。\n")
    database = open_database(f"sqlite:///{tmp_path / '家' / 'feilun.db'}")
    with database.write() as connection:
        begun = storage.begun("web")
        storage.begin(connection, "银行", begun)
        reply = {"action": "answer", "intent": "卡片", "handoff": None}
        said = [("a", 0.0, "customer", "卡丢了", None), ("b", 1.0, "bot", "请挂失", reply)]
        turns = [Turn(one, begun.id, begun.started + at, *rest) for one, at, *rest in said]
        storage.add_turns(connection, "银行", turns)
    database.close()
    code, shown = told("measures", file, "--by", "intent")
    assert code == 0
    assert re.search(r"^卡片\n", shown)
    assert re.search(r"  应答率 +1.0\n", shown)
    assert re.search(r"  成本 +0.5\n", shown)
    code, shown = told("measures", file, "--json")
    assert json.loads(shown)["measures"]["all"]["cost_each"] == 0.5
