"""What is said of a command line that is wrong in itself, in the language of the user's system."""

from __future__ import annotations

import re
import sys
from typing import Any

from feilun.core.remark import Remark
from feilun.interfaces.cli.help import usage
from feilun.interfaces.cli.output import language, tell_error
from feilun.interfaces.values import said_of_value

CHINESE = tuple(
    (re.compile(english, re.DOTALL), chinese)
    for english, chinese in (
        (r"No such option: (\S+)", "没有选项 {0}。"),
        (r"No such option: (\S+) Did you mean (.+)\?", "没有选项 {0}。是不是 {1}？"),
        (r"No such option: (\S+) \(Possible options: (.+)\)", "没有选项 {0}。是不是 {1}？"),
        (r"No such command (.+?)\.", "没有命令 {0}。"),
        (r"No such command (.+?)\. Did you mean (.+)\?", "没有命令 {0}。是不是 {1}？"),
        (r"Missing command\.", "没有写命令。"),
        (r"Missing argument (.+?)\.(.*)", "缺少参数 {0}。"),
        (r"Missing option (.+?)\.(.*)", "缺少选项 {0}。"),
        (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", "多出了参数：{0}。"),
        (r"Option (.+) requires an argument\.", "选项 {0} 后面缺少值。"),
        (r"Option (.+) requires (\d+) arguments\.", "选项 {0} 后面应有 {1} 个值。"),
        (r"Option (.+) does not take a value\.", "选项 {0} 不带值。"),
        (r"Invalid value for (.+?): (.+) is not one of (.+)\.", "{0} 的值无效：{1} 不在 {2} 之中。"),
        (r"Invalid value for (.+?): Path (.+) does not exist\.", "{0} 的值无效：{1} 不存在。"),
        (r"Invalid value for (.+?): (.+)", "{0} 的值无效：{1}。"),
        (r"Invalid value: (.+)", "值无效：{0}。"),
    )
)
"""What typer says of a wrong command line, each sentence whole, and its Chinese."""


def tell_wrong_use(error: Any) -> None:
    """Print a usage error of typer: how the verb is called, where its help is, what is wrong."""
    if language() != "zh" or type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    if error.ctx is not None:
        print(f"{usage(error.ctx)}\n详见 {error.ctx.command_path} --help。\n", file=sys.stderr)
    tell_error(said_of(error))


def said_of(error: Any) -> Remark:
    """Return what a usage error says; a sentence that is not known here stays English."""
    english = error.format_message()
    faults = error.__cause__.errors() if hasattr(error.__cause__, "errors") else []
    told = english.replace(error.message, said_of_value(faults[0]).chinese) if faults else english
    for pattern, chinese in CHINESE:
        if found := pattern.fullmatch(told):
            return Remark(english, chinese.format(*(said.replace(", ", "、") for said in found.groups())))
    return Remark(english, english)
