"""The page of recommendation in a real browser: lists, clicks that count at once, what is similar, experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shops import made_shop, trained

from feilun.apps.recommendation.records.context import ContextSettings
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.settings import ExperimentSettings
from feilun.apps.recommendation.shop import Shop
from feilun.apps.recommendation.stored_data import stored_data
from feilun.interfaces.console.console import with_pages, with_sessions
from feilun.interfaces.http.applications.recommendation import create_app
from feilun.serving.access import Access
from feilun.storage import tokens
from feilun.storage.database import open_database

pytestmark = pytest.mark.slow

ATTACK = "<script>hacked = 1</script><img src=x onerror='hacked = 1'>"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made_shop(database)
    database.close()


def served(shop: Shop, access: Access | None = None) -> Any:
    own = with_sessions(access)
    return with_pages(create_app(shop, own), "recommendation", own)


@pytest.fixture
def address(shop: Shop, serving: Callable[..., Any]) -> Iterator[str]:
    with serving(served(shop)) as base:
        yield f"{base}/console"


def titles(page: Any) -> list[str]:
    return page.locator("ol.list .title").all_inner_texts()


def test_a_click_counts_in_the_next_list_and_names_the_one_that_showed_it(
    address: str, visitor: Callable[..., Any], shop: Shop
) -> None:
    page = visitor().open(address)
    page.wait_for_selector("ol.list .row")
    before = titles(page)
    page.locator("ol.list .row").first.locator("button", has_text="点击").click()
    page.wait_for_function("first => document.querySelector('ol.list .title')?.textContent !== first", arg=before[0])
    assert before[0] not in titles(page)
    assert page.locator("text=因为你选过").count() > 0
    assert "点击概率" in page.locator("ol.list .badge").first.inner_text()
    (event,) = stored_data(shop.database, "tiny").events
    first, *_ = stored_data(shop.database, "tiny").rankings
    assert (event.user, event.type, event.ranking) == ("guest", "click", first.id)
    page.reload()
    page.wait_for_selector("text=因为你选过")
    page.uncheck("input[type=checkbox]")
    page.wait_for_function("() => !document.querySelector('ol.list').textContent.includes('因为你选过')")


def test_what_is_declared_of_the_context_is_asked_for_and_sent(
    tmp_path: Path, serving: Callable[..., Any], visitor: Callable[..., Any]
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'context.db'}")
    shop = made_shop(database, context=ContextSettings(("device", "城市")))
    with serving(served(shop)) as base:
        page = visitor().open(f"{base}/console")
        page.wait_for_selector("ol.list .row")
        page.get_by_label("device").fill(" phone ")
        page.get_by_label("城市").fill("杭州")
        page.get_by_label("城市").press("Enter")
        page.wait_for_load_state("networkidle")
    first, second = stored_data(database, "tiny").rankings
    assert (first.context, second.context) == ({}, {"device": "phone", "城市": "杭州"})
    database.close()


def test_what_is_similar_and_what_is_found_stands_beside(address: str, visitor: Callable[..., Any]) -> None:
    page = visitor(390).open(address)
    page.locator("ol.list .row").first.locator("button", has_text="相似").click()
    page.wait_for_selector("h1:has-text('相似') >> visible=true")
    assert page.locator("ol.stories li").count() == 10
    page.fill("input[type=search]", "乌龙")
    page.press("input[type=search]", "Enter")
    page.wait_for_selector("h1:has-text('乌龙')")
    assert "乌龙" in page.locator("ol.stories li").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_texts_of_items_stay_texts_and_english_is_one_click_away(
    address: str, visitor: Callable[..., Any], shop: Shop
) -> None:
    shop.put([Item("evil", f"Oolong {ATTACK}", categories=("tea",), tags=("plain",))])
    shop.take([Interaction("1", "guest", "evil", "click", 1.0, trained()[0].now)])
    page = visitor().open(address)
    page.click("header >> text=English")
    page.wait_for_selector("text=A list for guest")
    page.wait_for_selector("text=Because you chose")
    page.fill("input[type=search]", "oolong")
    page.press("input[type=search]", "Enter")
    page.wait_for_selector("ol.stories")
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("main img, main script").count() == 0


def test_experiments_show_their_numbers(address: str, visitor: Callable[..., Any], shop: Shop) -> None:
    page = visitor().open(f"{address}/recommendation#experiment")
    page.wait_for_selector("text=没有列表属于实验")
    shop.recommender.settings = replace(shop.recommender.settings, experiment=ExperimentSettings(holdout=0.5))
    now = trained()[0].now
    for user in sorted({event.user for event in trained()[0].events})[:20]:
        answer, _ = shop.recommend(user, 3, now=now)
        if answer.personal:
            shop.take([Interaction(user, user, answer.places[0].item.id, "click", 1.0, now + 9, answer.id)])
    page.reload()
    page.wait_for_selector("table.arms")
    assert "holdout:personal" in page.locator("table.arms thead").inner_text()
    assert "100.0%" in page.locator("tr", has_text="有后续兴趣的列表").inner_text()


def test_who_may_only_ask_for_lists_sees_no_experiments_and_cannot_click(
    shop: Shop, serving: Callable[..., Any], visitor: Callable[..., Any]
) -> None:
    with shop.database.write() as connection:
        secret = tokens.create(connection, "screen", ["predict"])

    def read() -> list[tokens.Token]:
        with shop.database.read() as connection:
            return tokens.valid(connection)

    with serving(served(shop, Access(read, frozenset()))) as base:
        page = visitor().open(f"{base}/console")
        page.fill("input[type=password]", secret)
        page.press("input[type=password]", "Enter")
        page.wait_for_selector("ol.list .row")
        assert page.locator("nav a").all_inner_texts() == ["推荐列表"]
        assert page.locator("ol.list button", has_text="点击").count() == 0
