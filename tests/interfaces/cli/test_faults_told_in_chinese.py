"""What people get wrong with tables, recipes and bases, told where the system is Chinese: all of it in Chinese."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from feilun.interfaces.cli import main
from tiny import save_tiny_base
from tiny_bundle import made_bundle

RECIPE = """
task = "{task}"
[data]
train = "rows.csv"
[data.split]
test = 0.2
[model]
base = "./base"
max_tokens = 16
"""
TEXTS = ["银行 服务 很好", "贷款 利率 很差", "good bank", "bad loan", "slow card", "fast help"]
ROWS = [f"{TEXTS[n % 6]} {n},{'好' if n % 2 else '差'},{n % 7},{n}" for n in range(100)]
GOOD = "\n".join(["text,label,score,number", *ROWS]) + "\n"
SPANS = 'text,label\n银行 服务 很好,"[{""start"": 0, ""end"": 9, ""label"": ""机构""}]"\n'

Told = Callable[..., str]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = save_tiny_base(tmp_path_factory.mktemp("bases") / "base")
    return folder


@pytest.fixture
def told(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Return what a command that fails says of its fault."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(base, tmp_path / "base")
    (tmp_path / "rows.csv").write_text(GOOD, encoding="utf-8")

    def told(*arguments: str) -> str:
        assert main.run(list(arguments)) in {1, 2}
        shown = capsys.readouterr().err
        assert shown.startswith("错误：")
        return shown.removeprefix("错误：").rstrip("\n")

    return told


def no_english_left(said: str) -> bool:
    """Say whether three English words stand nowhere side by side, names and what is quoted apart."""
    bare = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"|--set \S+", " ", said)
    return re.search(r"[A-Za-z]+[ ,]+[A-Za-z]+[ ,]+[A-Za-z]+", bare) is None and re.search("[一-鿿]", said) is not None


CHECKS: dict[str, tuple[dict[str, str | bytes], dict[str, str], str | None]] = {
    "no such file": (
        {},
        {"data.train": "row.csv"},
        "没有文件 row.csv。是不是 'rows.csv'？",
    ),
    "no such folder": (
        {},
        {"data.train": "other/rows.csv"},
        "没有文件 other/rows.csv。文件夹 other 也不存在。请检查路径。",
    ),
    "a folder": ({}, {"data.train": "base"}, "base 是文件夹，不是文件。其中也没有表格文件。"),
    "an empty file": ({"rows.csv": ""}, {}, "rows.csv 是空文件（0 字节）。请给出有表头、至少有几行数据的文件。"),
    "a header alone": (
        {"rows.csv": "text,label\n"},
        {},
        "rows.csv 只有表头（text、label），没有数据行。请为 data.train 给出有数据行的表格。",
    ),
    "no such column": (
        {},
        {"data.target": "lable"},
        "rows.csv 没有列 'lable'（有：text、label、score、number）。请在配方中设置 data.target，"
        "或使用 --set data.target=label。",
    ),
    "a ragged line": (
        {"rows.csv": GOOD + "好,的,差,1,2\n"},
        {},
        "rows.csv 第 102 行：有 5 个单元格，而表头是 4 个（text、label、score、number）；该行开头是 '好', '的', '差'。"
        "含有分隔符（','）、引号或换行的文本要放在双引号内。",
    ),
    "an open quote": (
        {"rows.csv": 'text,label\n"好,差\n'},
        {},
        'rows.csv 第 2 行：引号没有闭合。请补上引号；文本内部的引号要写两遍："他说""不""。"。',
    ),
    "another ending": ({"rows.doc": GOOD}, {"data.train": "rows.doc"}, None),
    "one label": ({}, {"data.target": "text", "data.text": "label"}, None),
    "the same label": (
        {"rows.csv": GOOD.replace("差,", "好,")},
        {},
        "rows.csv 的 'label' 列中 100 行的标签都是 '好'：没有可区分的类别。请补充其他标签的行，"
        "或在 data.target 中填写另一列。",
    ),
    "numbers as labels": (
        {},
        {"data.target": "number"},
        "rows.csv 的 'number' 列在 100 行中有 100 个不同的数字：这些不是标签。"
        '请在 data.target 中填写标签列；每个标签要有若干行，50 行以上才学得好。预测数字请用 task = "regress"。',
    ),
    "numbers as texts": (
        {},
        {"data.text": "number"},
        "rows.csv 的 'number' 列是数字，不是文本：如 '0'。请在 data.text 中填写文本列。",
    ),
    "another encoding": (
        {"rows.csv": GOOD.encode("gb18030")},
        {"data.encoding": "utf-8"},
        None,
    ),
    "no encoding": (
        {},
        {"data.encoding": "utf-9"},
        "没有 'utf-9' 这种编码。可用：utf-8、gb18030、utf-16 等；不写 data.encoding 则自动识别。",
    ),
    "no text": ({"rows.csv": bytes(range(128, 256)) * 9}, {}, None),
    "few rows": (
        {"rows.csv": "\n".join(GOOD.split("\n")[:11])},
        {},
        "rows.csv 可用的只有 10 行：太少，无法一部分训练、一部分评估。"
        "请至少给出 20 行（每个标签有 50 行以上才好开始）。",
    ),
    "times that are none": ({}, {"data.split.by": "time", "data.time": "label"}, None),
    "the same file twice": ({}, {"data.test": "rows.csv"}, None),
    "a new label in the test file": (
        {"test.csv": "text,label\n银行 贷款,很好\n"},
        {"data.test": "test.csv"},
        "test.csv 有 1 个标签是 rows.csv 所没有的：'很好'（1 行，首见于第 1 行）。是不是 '好'？请改正这些标签，"
        "或在训练文件中补充这样的行。",
    ),
    "a line that is no JSON": ({"rows.jsonl": '{"text": "好", "label": 1}\n好\n'}, {"data.train": "rows.jsonl"}, None),
    "a damaged workbook": ({"rows.xlsx": "PK\3\4"}, {"data.train": "rows.xlsx"}, None),
    "a database without a query": ({}, {"data.train": "sqlite:///rows.db"}, None),
    "an address that is no database": (
        {},
        {"data.train": "https://example.com/rows.csv", "data.query": "SELECT 1"},
        None,
    ),
    "an id as a feature": ({}, {"data.features": '["number"]'}, None),
    "a feature with a word in it": ({"rows.csv": GOOD.replace(",3,", ",三,", 1)}, {"data.features": '["score"]'}, None),
    "a slice that is no column": ({}, {"evaluation.slices": '["channel"]'}, None),
    "spans outside": (
        {"rows.csv": SPANS},
        {"task": "tag"},
        "rows.csv 有 1 行的片段不成立：第 1 行：0 至 9 不在文本的 8 个字符之内。",
    ),
    "a line without a tag": (
        {"rows.conll": "银 B-机构\n行\n"},
        {"task": "tag", "data.train": "rows.conll", "data.target": "entities"},
        None,
    ),
    "words as numbers": ({}, {"task": "regress"}, None),
    "relevance below nothing": (
        {"rows.csv": GOOD.replace(",3,", ",-3,")},
        {"task": "rank", "data.target": "score", "data.pair": "label"},
        None,
    ),
    "no second text": (
        {"rows.csv": "text,pair,label\n" + "好,,1\n差,,0\n" * 30},
        {"task": "match", "data.pair": "pair"},
        None,
    ),
    "lists that are none": ({"rows.csv": GOOD.replace("好,", "[好,", 1)}, {"task": "multilabel"}, None),
    "no base of that name": (
        {},
        {"model.base": "minilm-l6-eng"},
        "没有基座模型 'minilm-l6-eng'。是不是 'minilm-l6-en'？`feilun bases` 列出打包的基座；"
        "hub 上的名称形如 org/model，"
        "文件夹以 ./ 或 / 开头。",
    ),
    "no folder of a base": ({}, {"model.base": "./bsae"}, None),
    "a pickle": ({"base/weights.bin": "x"}, {}, None),
    "more tokens than the base reads": ({}, {"model.max_tokens": "4096"}, None),
    "an encoder that is to write": (
        {},
        {"task": "generate", "model.max_tokens": "64", "model.head.max_new_tokens": "8"},
        None,
    ),
}
"""What is wrong: the files that are there, the settings, and the whole message where it stands here."""


@pytest.mark.parametrize("fault", CHECKS)
def test_a_fault_of_a_recipe_or_its_data_is_told_in_chinese(tmp_path: Path, told: Told, fault: str) -> None:
    files, settings, message = CHECKS[fault]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    options = {name: value for name, value in settings.items() if name != "task"}
    (tmp_path / "recipe.toml").write_text(RECIPE.format(task=settings.get("task", "classify")), encoding="utf-8")
    said = told(
        "check", "recipe.toml", *(part for key, value in options.items() for part in ("--set", f"{key}={value}"))
    )
    assert no_english_left(said)
    assert message is None or said.startswith(message)


RULE = '[rules.praise]\nlabel = "好"\nany = ["很好"]\n[rules.blame]\nlabel = "差"\nany = ["很差"]\n'
RULES: dict[str, tuple[str, str | None]] = {
    "no label": (
        RULE.replace('label = "好"\n', ""),
        "rules.toml 有 1 处错误：\n  - 缺少必需的键 'rules.praise.label'：规则给出的标签。",
    ),
    "an unknown key": (
        RULE.replace('any = ["很好"]', 'any = ["很好"]\nunles = []'),
        "rules.toml 有 1 处错误：\n  - rules.praise.unles：未知的键 'unles'。是不是 'unless'？",
    ),
    "a text for a list": (
        RULE.replace('["很好"]', '"很好"'),
        "rules.toml 有 1 处错误：\n  - rules.praise.any 应为“文本列表”，而不是 '很好'。",
    ),
    "one label": (
        RULE.replace("差", "好"),
        "rules.toml 有 1 处错误：\n  - 这些规则给出的标签不足两个：请至少为两个标签写 [rules.NAME] 表。",
    ),
    "no expression": (RULE.replace('any = ["很好"]', 'pattern = "("'), None),
    "no word": (RULE.replace('any = ["很好"]', ""), None),
}


@pytest.mark.parametrize("fault", RULES)
def test_a_fault_of_a_file_of_rules_is_told_in_chinese(tmp_path: Path, told: Told, fault: str) -> None:
    rules, message = RULES[fault]
    (tmp_path / "rules.toml").write_text(rules, encoding="utf-8")
    said = told("label", "rules", "rules.toml", "rows.csv")
    assert no_english_left(said)
    assert message is None or said == message


ASK = ("label", "ask", "rows.csv", "--model", "qwen", "--labels", "好,差", "--endpoint")
COMMANDS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "an empty range": (
        ("search", "recipe.toml", "--vary", "training.learning_rate=3..1"),
        "search.vary：training.learning_rate 的范围 3..1 是空的。请把较小的数写在前面。",
    ),
    "no range": (("search", "recipe.toml", "--vary", "training.learning_rate=a..b"), None),
    "no key to vary": (("search", "recipe.toml", "--vary", "data.text=a|b"), None),
    "no address": (
        (*ASK, "localhost:8000"),
        "'localhost:8000' 不是服务的地址。例如 --endpoint http://localhost:8000/v1。",
    ),
    "a label that the model does not know": (
        ("evaluate", "bundle", "rows.csv", "--target", "label"),
        "这些行有 2 个标签是模型不认识的：'好'（50 行，首见于 '2'）、'差'（50 行，首见于 '1'）。"
        "可用：bad、good、中立。请改正标签，或去掉这些行，或加入这样的行重新训练。",
    ),
    "no column to slice by": (("evaluate", "bundle", "rows.csv", "--target", "label", "--slice", "channel"), None),
    "no such base": (("pretrain", "rows.csv", "--base", "none", "--out", "own"), None),
}


@pytest.mark.parametrize("fault", COMMANDS)
def test_a_fault_of_a_command_is_told_in_chinese(tmp_path: Path, told: Told, fault: str) -> None:
    arguments, message = COMMANDS[fault]
    (tmp_path / "recipe.toml").write_text(RECIPE.format(task="classify"), encoding="utf-8")
    made_bundle(tmp_path / "bundle")
    said = told(*arguments)
    assert no_english_left(said)
    assert message is None or said == message
