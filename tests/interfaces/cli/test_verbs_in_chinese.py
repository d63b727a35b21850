"""What the verbs say in the terminal where the system is Chinese: faults whole, and no line in English alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feilun.bundles.bundle import write_bundle
from feilun.bundles.registry import next_version
from feilun.core.observation import Observation
from feilun.interfaces.cli import main
from feilun.storage import observations
from feilun.storage.database import open_database
from tiny_bundle import made_bundle, made_facts, made_files

CHINESE = re.compile(r"[\u4e00-\u9fff]")
Told = Callable[..., tuple[int, str]]

SETTINGS = """task = "classify"
[data]
train = "表.csv"
[evaluation]
cost_error = 1.0
[retrain]
labels = 10
"""
RECIPE = """task = "tag"
name = "a/b"
[data]
train = "表.csv"
pair = "b"
features = ["a"]
separator = "|"
[data.clean]
html = true
[model]
encoder = "bi"
[training]
method = "contrastive"
semi_supervised = "spread"
[training.distil]
teachers = ["t"]
[compression]
form = "student"
prune = 0.5
[evaluation]
wanted_accuracy = 0.9
by_label = true
[tasks.a]
task = "classify"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a home in it: one registered bundle of which three predictions were observed, and faulty files."""
    folder = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEILUN_HOME", str(folder / "home"))
        write_bundle(next_version("reviews"), made_files(), made_facts())
        with closing(open_database()) as database, database.write() as connection:
            said = {"task": "classify", "label": "good", "score": 0.4, "abstained": True}
            rows = [Observation(f"o{i}", time.time(), "reviews@1", f"text {i}", said, 0.01) for i in range(3)]
            observations.add(connection, rows)
        (folder / "坏.toml").write_text('task = "classify"\nbase = e5\n', encoding="utf-8")
        (folder / "设置.toml").write_text(SETTINGS, encoding="utf-8")
        (folder / "矛盾.toml").write_text(RECIPE, encoding="utf-8")
        (folder / "表.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        (folder / "empty").mkdir()
        made_bundle(folder / "damaged")
        (folder / "damaged" / "labels.json").write_text("[]")
        made_bundle(folder / "another", name="another")
        yield folder


@pytest.fixture
def told(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Return the exit code of a command under a Chinese locale, and what it wrote."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("FEILUN_HOME", str(place / "home"))
    monkeypatch.chdir(place)

    def told(*arguments: str) -> tuple[int, str]:
        code = main.run(arguments)
        shown = capsys.readouterr()
        return code, shown.out if code == 0 else shown.err

    return told


def english_lines(shown: str) -> list[str]:
    """Return the lines that are sentences without a Chinese character; commands and paths are none."""
    lines = (line.strip(" •") for line in shown.splitlines())
    return [line for line in lines if " " in line and not CHINESE.search(line) and not line.startswith("feilun ")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("check", "没有.toml"),
            "错误：配方 '没有.toml' 不存在。"
            "配方是 TOML 文件；要训练的话，`feilun init --data FILE` 会看过数据之后写出一个。\n",
        ),
        (
            ("check", "坏.toml"),
            "错误：坏.toml 有 1 处错误：\n  - 第 2 行，第 8 列：Invalid value：'base = e5'。文字要放在英文直引号里："
            'key = "value"。\n',
        ),
        (
            ("predict", "没有", "文本"),
            "错误：没有模型包 '没有'：既没有这个文件夹，也没有叫这个名称的已登记模型。可用：reviews。"
            "请先训练一个：feilun train RECIPE.toml\n",
        ),
        (
            ("predict", "review", "文本"),
            "错误：没有模型包 'review'：既没有这个文件夹，也没有叫这个名称的已登记模型。是不是 'reviews'？"
            "请先训练一个：feilun train RECIPE.toml\n",
        ),
        (("predict", "reviews@7", "文本"), "错误：'reviews' 没有版本 '7'。它的版本：1。可以试试：reviews@1\n"),
        (
            ("predict", "reviews", "文本", "--pair", "文本"),
            "错误：模型 reviews 只读一条文本，不读两条。请去掉 --pair。\n",
        ),
        (
            ("predict", "damaged", "文本"),
            "错误：模型包 damaged 已损坏：labels.json 在写入之后被截断或改动。"
            "请从制作它的地方重新复制，或者重新训练；模型包不能改动。\n",
        ),
        (("predict", "empty", "文本"), "错误：empty 不是模型包：里面没有 manifest.json。"
         "请给出 `feilun train` 写出的文件夹，或者已登记模型的名称。\n"),
        (("evaluate", "reviews", "表.csv"), "错误：表.csv 没有列 'text'（有：a、b）。请用 --text 指明。\n"),
        (
            ("predict", "reviews", "--file", "表.csv"),
            "错误：表.csv 没有列 'text'（有：a、b）。请用 --text 指明。\n",
        ),
        (
            ("compress", "reviews", "--train", "表.csv", "--cascade", "--student"),
            "错误：--cascade 和 --student 不能同时使用。级联里已有学生；请只给其中一个。\n",
        ),
        (("models", "promote", "reviews"), "错误：要让 'reviews' 的哪个版本上任？它的版本：1。"
         "请写成 reviews@VERSION。\n"),
        (("models", "rollback", "nothing"), "错误：没有已登记的模型 'nothing'。可用：reviews。查看：feilun models\n"),
        (
            ("monitor", "another"),
            "错误：another@{hash} 从未被观测过。观测过的有：reviews@1。`feilun serve` 会记下它的回答。\n",
        ),
        (
            ("retrain", "reviews"),
            "错误：{home}/runs 里没有训练出 reviews 的运行：这里不知道它的行在哪里。"
            "请给出它的配方：feilun retrain RECIPE.toml\n",
        ),
        (("retrain", "reviews", "--check", "--every", "1"),
         "错误：--check 只看一次，--every 一次又一次地看。请去掉其中一个。\n"),
        (("runs", "show", "x"), "错误：{home}/runs 里没有运行 'x'。目前一个也没有。查看：feilun runs\n"),
        (("database", "forget"), "错误：要删除什么？不给条件就会全部删除。请至少给出一个选项。\n"),
        (
            ("label", "export", "reviews", "--out", "q.doc"),
            "错误：q.doc 的后缀是 '.doc'；可用：.csv、.json。请给文件换个名字。\n",
        ),
        (
            ("label", "import", "reviews", "表.csv"),
            "错误：表.csv 没有列 'observation'。可用：a、b。"
            "请在 `feilun label` 写出的表里填写 `label` 列，并存为 CSV。\n",
        ),
        (
            ("serve", "reviews", "--canary", "reviews@1"),
            "错误：--canary reviews@1 没有写明份额。请写成 --canary NAME@VERSION=0.1，表示十分之一。\n",
        ),
        (
            ("serve", "reviews", "--host", "0.0.0.0"),  # noqa: S104
            "错误：没有访问令牌，服务不会监听 0.0.0.0：别的机器可以访问它。"
            "请创建一个：feilun token create NAME --scope predict，或者改用 127.0.0.1。\n",
        ),
        (
            ("check", "设置.toml"),
            "错误：设置.toml 有 2 处错误：\n"
            "  - 第 5 行：evaluation.cost_error 和 evaluation.cost_review 要一起用：两个都给，或者都不给。\n"
            "  - 第 7 行：retrain.fewest_labels 大于 retrain.labels，后者就永远不会成为理由：请调小。\n",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_whole_in_chinese(place: Path, told: Told, arguments: tuple[str, ...], said: str) -> None:
    code, shown = told(*arguments)
    assert code in {1, 2}
    identity = json.loads((place / "another" / "manifest.json").read_text(encoding="utf-8"))["hash"][:8]
    assert shown == said.replace("{home}", str(place / "home")).replace("{hash}", identity)
    assert not english_lines(shown)


def test_every_contradiction_of_a_recipe_is_told_in_chinese(told: Told) -> None:
    _, shown = told("check", "矛盾.toml")
    assert shown.startswith("错误：矛盾.toml 有 ")
    faults = shown.splitlines()[1:]
    assert len(faults) >= 15
    assert not english_lines(shown)
    assert all(re.match("  - (第 [0-9]+ 行：)?[^A-Z]", fault) and fault.endswith("。") for fault in faults)


@pytest.mark.parametrize(
    ("arguments", "heads"),
    [
        (("models",), "模型包 阶段 创建时间 标签数 准确率 宏平均 F1 大小"),
        (("runs",), "还没有任何运行。请开始一次：feilun quickstart，或 feilun train RECIPE.toml"),
        (("doctor",), "检查项 现状 如何解决"),
        (("label", "suggest", "reviews"), "理由 预测 分数 文本"),
        (("token", "list"), "没有令牌。请创建一个：feilun token create shop --scope predict --scope feedback"),
    ],
)
def test_a_list_is_headed_in_chinese(told: Told, arguments: tuple[str, ...], heads: str) -> None:
    code, shown = told(*arguments)
    assert code == 0
    assert shown.splitlines()[0].split() == heads.split()


def test_what_is_watched_and_kept_is_told_in_chinese(told: Told) -> None:
    _, shown = told("monitor", "reviews")
    heads = "窗口 文本数 起始 毫秒（中位数） 回答 转人工 漂移 准确率，估计 准确率，反馈"
    assert heads.split() == shown.splitlines()[1].split()
    assert "最近 200 个" in shown
    assert "最近 24 小时" in shown
    assert not english_lines(shown)
    _, shown = told("database", "status")
    assert "3 条观测（自 " in shown
    _, shown = told("models", "promote", "reviews@1")
    assert shown == "reviews@1 已上任。\n"
    _, shown = told("models")
    assert "现任" in shown
