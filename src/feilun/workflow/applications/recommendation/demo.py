"""The whole of recommendation once, in the terminal: train, judge, recommend, react to events, explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, Literal

from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.sample.shop import Shoppers, simulate
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage import recommendation as storage
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.recommendation import wiring as application
from feilun.workflow.applications.recommendation.judging import Evaluation, evaluate
from feilun.workflow.applications.recommendation.prepared import Prepared, embedder_exists, prepare
from feilun.workflow.applications.recommendation.tables import put_events, put_items, take_tables
from feilun.workflow.applications.recommendation.terminal import show, table_of

BASE = "multilingual-e5-small"
COMMAND = "feilun recommendation demo --items FILE --events FILE"
ASKED_OF_TASTE = 100

Say = Callable[[str], Any]


def demo(
    items: str | None = None,
    events: str | None = None,
    embedder: str | None = None,
    *,
    language: Literal["zh", "en"] = "en",
    say: Say = print,
) -> Evaluation:
    """Run it, on the fictional shop or on tables of one's own.

    Args:
        items: Table of items.
        events: Table of interactions.
        embedder: A bundle or base that reads texts; the packaged one where it is at hand, else words.
        language: Of the reasons.
        say: Is told everything, a line each.

    Returns:
        How good it is.

    Raises:
        UsageError: If only one of both tables is given.
    """
    if (items is None) != (events is None):
        raise UsageError(
            Remark("Items and events belong together.", "商品表和事件表要一起给出。"),
            Remark(COMMAND, COMMAND),
        )
    reads = embedder or (BASE if embedder_exists(BASE) else None)
    name = "demo" if items is None else f"demo-{sha256(f'{items} {events}'.encode()).hexdigest()[:8]}"
    settings = RecommendationSettings(application="recommendation", name=name, embedder=reads)
    database = open_database()
    try:
        _fill(database, settings, items, events, say)
        words = Remark("words and their co-occurrence (no language model at hand)", "词语及其共现（手头没有语言模型）")
        say(Remark(f"Texts are read by {reads or words}.", f"读取文本的是{reads or words.chinese}。"))
        prepared = prepare(settings, database)
        evaluation = evaluate(settings, prepared, say)
        for line in table_of(evaluation):
            say(line)
        folder = application.train(settings, prepared)
        kept = f"\nTrained on all events; the final ranking is in {folder}."
        say(Remark(kept, f"\n已用全部事件训练；精排模型在 {folder}。"))
        shop = application.open_shop(settings, database, prepared, settings.seed)
        if items is None:
            _beside_truth(shop, prepared, say)
        _live(shop, prepared, language, say)
    finally:
        database.close()
    return evaluation


def _fill(
    database: Database, settings: RecommendationSettings, items: str | None, events: str | None, say: Say
) -> None:
    if items is not None and events is not None:
        take_tables(database, replace(settings, items=items, events=events), say)
        return
    sample = simulate(settings.seed)
    put_items(database, settings, sample.items)
    put_events(database, settings, sample.events)
    with database.write() as connection:
        known = {row["id"] for row in storage.all_rankings(connection, settings.name)}
        new = [asdict(ranking) for ranking in sample.rankings if ranking.id not in known]
        storage.add_rankings(connection, settings.name, new)
    say(
        Remark(
            f"A fictional shop: {len(sample.items):,} items, {len(sample.events):,} events of simulated shoppers.",
            f"一家虚构的商店：{len(sample.items):,} 个商品，模拟顾客的 {len(sample.events):,} 个事件。",
        )
    )


def _beside_truth(shop: Shop, prepared: Prepared, say: Say) -> None:
    """Say what the simulated shoppers' own taste model gives the places that are recommended to them."""
    sample = simulate(shop.recommender.settings.seed)
    people = Shoppers(sample.items, shop.recommender.settings.seed)
    number = {item.id: i for i, item in enumerate(sample.items)}
    said, true = [], []
    for user in sorted({event.user for event in prepared.held.events})[:ASKED_OF_TASTE]:
        for place in shop.recommender.recommend(user, 6, now=prepared.now).places:
            if place.probability is not None and place.item.id in number:
                said.append(place.probability)
                true.append(people.chance(int(user[-4:]), number[place.item.id], 1))
    if said:
        mean_said, mean_true = sum(said) / len(said), sum(true) / len(true)
        say(
            Remark(
                f"\nSix places each for {ASKED_OF_TASTE} shoppers: the chance of a click is said to be {mean_said:.0%} "
                f"on average, and their own taste model gives {mean_true:.0%}. Simulated shoppers are sure of what they"
                " like; people are not.",
                f"\n给 {ASKED_OF_TASTE} 位顾客各 6 个位置：给出的点击概率平均为 {mean_said:.0%}，他们自己的口味模型"
                f"给出 {mean_true:.0%}。模拟顾客清楚自己喜欢什么，真人则不然。",
            )
        )


def _live(shop: Shop, prepared: Prepared, language: Literal["zh", "en"], say: Say) -> None:
    """Show that a new user's first clicks change the next list, and that a withdrawn item is gone."""
    now = prepared.now
    usual, _ = Counter(event.user for event in prepared.held.events).most_common(1)[0]
    known = Remark(f"\nFor {usual}, who is known:", f"\n给老用户 {usual}：")
    show(known, shop.recommend(usual, 6, explain=True, now=now)[0], language, say)
    unknown = Remark("\nFor a newcomer of whom nothing is known:", "\n给一位一无所知的新用户：")
    show(unknown, shop.recommend("newcomer", 6, now=now)[0], language, say)
    first = shop.recommender.recommend(usual, 3, now=now).places
    clicks = [
        Interaction(f"demo-{now}-{i}", "newcomer", place.item.id, "click", 1.0, now + i, None)
        for i, place in enumerate(first)
    ]
    shop.take([replace(click, id=f"{click.id}-{click.item}") for click in clicks])
    titles = ", ".join(f"“{place.item.title}”" for place in first)
    answer = shop.recommend("newcomer", 6, explain=True, now=now + 10)[0]
    clicked = Remark(
        f"\nThe newcomer clicks on {titles}; the next list, nothing trained in between:",
        f"\n新用户点击了{titles.replace(', ', '')}；下一个列表（其间没有训练）：",
    )
    show(clicked, answer, language, say)
    if answer.places:
        _withdraw(shop, answer.places[0].item, now + 20, say)
    plain = shop.recommend(usual, 6, personal=False, now=now)[0]
    without = Remark(f"\nFor {usual} without looking at any history:", f"\n给 {usual}，不看任何历史：")
    show(without, plain, language, say)
    gone = shop.forget("newcomer")
    events, lists = gone["interactions"], gone["rankings"]
    say(
        Remark(
            f"\nThe newcomer asks to be forgotten: {events} events, {lists} lists deleted.",
            f"\n新用户要求删除自己的数据：已删除 {events} 个事件、{lists} 个列表。",
        )
    )


def _withdraw(shop: Shop, item: Item, now: float, say: Say) -> None:
    """Take an item out and say whether the next list still has it."""
    shop.recommender.withdraw(item.id)
    there = any(place.item.id == item.id for place in shop.recommend("newcomer", 6, now=now)[0].places)
    state, state_zh = ("still there", "仍在") if there else ("gone", "已不在")
    said = f"\n“{item.title}” is withdrawn; in the next list: {state}."
    say(Remark(said, f"\n“{item.title}”下架了；下一个列表中：{state_zh}。"))
