"""`feilun recommendation similar`, `search` and `questions`: items by an item, by words, and for a newcomer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.apps.recommendation.records.events import Item

EXAMPLES = (
    "feilun recommendation similar shop.toml tea-1a",
    "feilun recommendation search shop.toml 'green tea' --user u7",
    "feilun recommendation questions shop.toml --count 5",
)

File = Annotated[Path, argument("The application's TOML file.", "应用文件，TOML 格式。", show_default=False)]
Count = Annotated[int, option("Most items.", "最多给出多少件商品。", min=1, max=200)]


def similar(
    file: File, item: Annotated[str, argument("The item.", "商品。", show_default=False)], count: Count = 10,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show the items nearest to one.

    显示与一件商品最接近的商品。
    """
    from feilun.workflow.applications.recommendation import wiring as application
    from feilun.workflow.applications.recommendation.file import read_application

    with application.opened_shop(read_application(file)) as shop:
        found = shop.recommender.similar(item, count)
    _show_scored(found, as_json)


def search(
    file: File,
    query: Annotated[str, argument("A few words.", "几个词。", show_default=False)],
    user: Annotated[str | None, option("Whose history orders what fits.", "按哪位用户的历史给匹配的商品排序。")] = None,
    count: Count = 10,
    as_json: AsJson = False,
) -> None:
    """Find items by what is typed, in the order that suits who asks.

    按输入的词查找商品，顺序适合提问的人。
    """
    from feilun.workflow.applications.recommendation import wiring as application
    from feilun.workflow.applications.recommendation.file import read_application

    with application.opened_shop(read_application(file)) as shop:
        found = shop.recommender.search(query, user, count)
    _show_scored(found, as_json)


def questions(file: File, count: Count = 10, as_json: AsJson = False) -> None:
    """Show which items to ask a newcomer about; `recommend --liked ITEM` takes the answers.

    显示该向新用户问起哪些商品；得到的回答交给 `recommend --liked ITEM`。
    """
    from feilun.workflow.applications.recommendation import wiring as application
    from feilun.workflow.applications.recommendation.file import read_application

    with application.opened_shop(read_application(file)) as shop:
        found = shop.recommender.questions(count)
    for one in found:
        if as_json:
            output.print_json({"item": one.id, "title": one.title})
        else:
            print(f"{one.id}  {one.title}")


def _show_scored(found: list[tuple[Item, float]], as_json: bool) -> None:
    if not found and not as_json:
        output.tell(Remark("Nothing fits.", "没有符合的商品。"))
    for one, score in found:
        if as_json:
            output.print_json({"item": one.id, "title": one.title, "score": score})
        else:
            print(f"{score:6.3f}  {one.id}  {one.title}")
