"""The pages of help and the errors of a wrong command line, in the language of the user's system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import main
from feilun.interfaces.cli.help import in_both, remarks_of

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FULL_STOPS = ("。", "。）")


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every verb, and those below it, with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, (*path, name))


VERBS = dict(verbs(typer.main.get_command(main.app)))


@pytest.fixture(params=["zh_CN.UTF-8", "C.UTF-8"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The language of the system, as `LC_ALL` names it."""
    monkeypatch.setenv("LC_ALL", request.param)
    monkeypatch.setenv("COLUMNS", "200")
    return str(request.param)


def width_of(line: str) -> int:
    """Return the columns that a line takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_verb_and_option_has_its_chinese(path: tuple[str, ...]) -> None:
    verb = VERBS[path]
    said = in_both(verb.help)
    assert CHINESE.search(said.chinese), "write the Chinese below the English of the docstring"
    assert not CHINESE.search(said)
    assert all(paragraph.endswith(FULL_STOPS) for paragraph in said.chinese.split("\n\n"))
    assert said.count("\n\n") == said.chinese.count("\n\n"), "the halves have as many paragraphs"
    told = remarks_of(verb.callback)
    for param in verb.params:
        remark = told.get(param.name)
        assert isinstance(remark, Remark), f"declare {param.name} by option(english, chinese, …) or argument(…)"
        assert CHINESE.search(remark.chinese)
        assert remark.chinese.endswith(FULL_STOPS)


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_a_page_of_help_is_in_one_language_and_fits_a_terminal(
    path: tuple[str, ...], system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    page, _, examples = shown.partition("\n示例：\n" if system.startswith("zh") else "\nExamples:\n")
    assert "feilun" in examples
    assert max(width_of(line) for line in page.splitlines()[1:]) <= 80
    if system.startswith("zh"):
        assert not re.search(r"Usage|Options:|Commands:|Show this|default: |required", page)
        paragraphs = page.partition("\n选项：")[0].split("\n\n")[1:]
        assert all(CHINESE.search(paragraph) for paragraph in paragraphs)
    else:
        assert not CHINESE.search(page)
        assert shown.startswith(f"Usage: {' '.join(('feilun', *path))} ")


def test_a_page_of_help_reads_as_it_should(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    main.run(["models", "promote", "--help"])
    assert capsys.readouterr().out == (
        "用法：feilun models promote [选项] {bundle}\n\n"
        "  让一个版本上任；运行中的服务约一秒内采用。\n\n"
        "参数：\n"
        "  bundle <str>  带版本的名称，NAME@VERSION。  [必填]\n\n"
        "选项：\n"
        "  --json  只输出 JSON，每行一个对象。\n"
        "  --help  显示这份帮助并退出。\n\n"
        "示例：\n"
        "  feilun models promote reviews@3\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("trian", "没有命令 'trian'。是不是 'train'、'retrain'、'pretrain'？"),
        ("models promot", "没有命令 'promot'。是不是 'promote'？"),
        ("train", "缺少参数 'recipe'。"),
        ("label export x", "缺少选项 '--out'。"),
        ("train a b", "多出了参数：b。"),
        ("train x --epoch 3", "没有选项 --epoch。"),
        ("train x --resume=3", "选项 '--resume' 不带值。"),
        ("serve x --port", "选项 '--port' 后面缺少值。"),
        ("serve x --port many", "'--port' 的值无效：应为整数。"),
        ("serve x --port 99999", "'--port' 的值无效：应不大于 65535。"),
        ("serve x --observe 1.5", "'--observe' 的值无效：应不大于 1.0。"),
        ("serve x --log xml", "'--log' 的值无效：'xml' 不在 'text'、'json' 之中。"),
        ("train x --workers 0", "'--workers' 的值无效：应不小于 1。"),
        ("token", "用法：feilun token"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese(
    arguments: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main.run(arguments.split()) == 2
    told = capsys.readouterr()
    assert said in told.out + told.err
    if arguments != "token":
        assert told.err.endswith(f"错误：{said}\n")
        assert all(CHINESE.search(line) for line in told.err.splitlines() if line)
