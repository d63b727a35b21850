"""Options that several verbs share, each declared once."""

from __future__ import annotations

from typing import Annotated

from feilun.interfaces.cli.help import argument, option

BundleName = Annotated[
    str,
    argument(
        "A bundle: its folder, its name, or name@version.",
        "模型包：文件夹、名称，或 name@version。",
        show_default=False,
    ),
]

TextColumn = Annotated[
    str | None, option("The column of texts; else the one trained on.", "文本列；默认与训练时相同。")
]
TargetColumn = Annotated[
    str | None, option("The column of labels; else the one trained on.", "标签列；默认与训练时相同。")
]

AsJson = Annotated[
    bool, option("Print JSON, one object a line, and nothing else.", "只输出 JSON，每行一个对象。", "--json")
]

Settings = Annotated[
    list[str] | None,
    option(
        "Set a key of the recipe; may be given again.",
        "设置配方中的键；可以重复给出。",
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]

Threads = Annotated[
    int | None,
    option("Processor threads; else all cores.", "处理器线程数；默认用全部核心。", min=1, show_default=False),
]

AcceptLicence = Annotated[
    bool,
    option(
        "Agree to the terms of a base that asks for it; recorded once.",
        "同意基座的许可条款（有的基座要求）；只记录一次。",
        "--accept-licence",
    ),
]

CostError = Annotated[
    float | None,
    option(
        "What a wrong decision costs; goes with --cost-review.",
        "一次误判的代价；与 --cost-review 同用。",
        min=0,
        show_default=False,
    ),
]

CostReview = Annotated[
    float | None,
    option("What it costs when a person decides a text.", "一条文本交人工判断的代价。", min=0, show_default=False),
]

Port = Annotated[int, option("TCP port; 0 takes a free one.", "TCP 端口；0 表示任取一个空闲端口。", min=0, max=65535)]
Host = Annotated[
    str,
    option("Address to listen on; any but this machine's own needs a token.", "监听的地址；除本机地址外都需要令牌。"),
]
RequireToken = Annotated[
    bool, option("Ask for a token also on this machine's own addresses.", "在本机地址上也要求令牌。", "--require-token")
]
AllowHost = Annotated[
    list[str] | None,
    option(
        "A further name to answer by; may be given again.",
        "还可以用这个主机名访问；可以重复给出。",
        metavar="NAME",
        show_default=False,
    ),
]
