"""`feilun public-opinion names`: names that the tagger found and the list of entities has not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.public_opinion_numbers import Days, File
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson

EXAMPLE = "feilun public-opinion names examples/public_opinion.toml --days 30"

KINDS = {
    "company": Remark("company", "公司"),
    "person": Remark("person", "人物"),
    "product": Remark("product", "产品"),
}


def names(
    file: File,
    days: Days = None,
    approve: Annotated[
        list[str] | None,
        option(
            "Write this name into the list; may be given again.",
            "把这个名称写进名单；可以重复给出。",
            show_default=False,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        option("Find this name no more; may be given again.", "不再找这个名称；可以重复给出。", show_default=False),
    ] = None,
    most: Annotated[int, option("Show at most so many.", "最多显示多少个。", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the names that the tagger found and no list has, with how often; approve some as entities, ignore others.

    What is approved or ignored goes into the file of entities; `run` reads it when it starts.

    列出标注模型找到而名单上没有的名称及其次数；批准其中一些为主体，忽略另一些。

    批准和忽略的名称写进主体文件；`run` 在启动时读取它。
    """
    from feilun.apps.public_opinion.unlisted import add_to_list, unlisted
    from feilun.storage import opinion
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application:
        with application.database.read() as connection:
            since = opinion.since_days(connection, days)
            found = unlisted(connection, application.gazetteer, since)
        if approve or ignore:
            add_to_list(application.folder / application.settings.entities, found, approve or [], ignore or [])
            found = [one for one in found if one.name not in {*(approve or ()), *(ignore or ())}]
    for one in found[:most]:
        if as_json:
            output.print_json(asdict(one))
            continue
        output.tell(
            Remark(
                f"{one.stories:>6,} stories {one.documents:>6,} documents  {one.name}  ({KINDS[one.kind]})",
                f"报道 {one.stories:>6,}  文档 {one.documents:>6,}  {one.name}（{KINDS[one.kind].chinese}）",
            )
        )
        for title in one.titles[:1]:
            print(f"        {title}")
    if not found and not as_json:
        output.tell(Remark("No name is waiting.", "没有待处理的名称。"))
