"""`feilun check`: a recipe and its data are looked at; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.core.places import typed
from feilun.core.remark import said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument
from feilun.interfaces.cli.options import AcceptLicence, AsJson, Settings

EXAMPLES = ("feilun check recipe.toml", "feilun check recipe.toml --set data.train=news.csv --json")


def check(
    recipe: Annotated[Path, argument("The recipe, a TOML file.", "配方，TOML 文件。", show_default=False)],
    settings: Settings = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Validate a recipe and its data: what is wrong, what is dropped, what it will cost.

    Reads, cleans and splits the rows exactly as training would, and trains nothing.

    检查配方和数据：哪里有错、会丢弃什么、训练代价多大。

    读取、清洗和切分都与训练时完全相同，但不训练。
    """
    from feilun.workflow import recipe as recipes
    from feilun.workflow.getting_started.check_recipe import check_recipe

    found = check_recipe(recipes.load(recipe, settings or []), accept_licence=accept_licence)
    if as_json:
        output.print_json(found.to_json())
        return
    from feilun.data.render import render

    console, language = output.result_console(), output.language()
    console.print(render(found.splits.report, language))
    for remark in found.remarks:
        console.print(f"• {said_in(language, remark)}", highlight=False, soft_wrap=True)
    can = "可以训练" if language == "zh" else "can be trained"
    console.print(f"{recipe} {can}: feilun train {typed(recipe)}", highlight=False, soft_wrap=True)
