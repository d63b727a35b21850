"""The whole of recommendation once, in the terminal: train, judge, recommend, react to events, explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, Literal

from feilun.apps.recommendation.answering.answer import ALL_TAKEN, NOTHING_SHOWN, Answer
from feilun.apps.recommendation.judging.beside_baselines import Judged
from feilun.apps.recommendation.judging.reliability import Reliability
from feilun.apps.recommendation.records.events import Interaction
from feilun.apps.recommendation.sample.shop import Shoppers, simulate
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage import recommendation as storage
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.recommendation import wiring as application
from feilun.workflow.applications.recommendation.judging import Evaluation, evaluate
from feilun.workflow.applications.recommendation.tables import put_events, put_items, take_tables

BASE = "multilingual-e5-small"
SHOWN = ("ndcg@10", "recall@10", "hr@10", "mrr@10")

ASKED_OF_TASTE = 100
LIKELY = {
    "en": {"impressions": "click", "next": "taken next", "explored": "drawn by chance"},
    "zh": {"impressions": "点击概率", "next": "下一个所选", "explored": "随机探索"},
}
NOTES_IN_CHINESE = {ALL_TAKEN: "所有商品都已选过，重新推荐。", NOTHING_SHOWN: "目录里没有可以展示的商品。"}

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
            Remark("Items and events belong together.", "物品和事件要一起给出。"),
            Remark(
                "feilun recommendation demo --items FILE --events FILE",
                "用法：feilun recommendation demo --items FILE --events FILE",
            ),
        )
    reads = embedder or (BASE if application.embedder_exists(BASE) else None)
    name = "demo" if items is None else f"demo-{sha256(f'{items} {events}'.encode()).hexdigest()[:8]}"
    settings = RecommendationSettings(application="recommendation", name=name, embedder=reads)
    database = open_database()
    try:
        _fill(database, settings, items, events, say)
        say(f"Texts are read by {reads or 'words and their co-occurrence (no language model at hand)'}.")
        prepared = application.prepare(settings, database)
        evaluation = evaluate(settings, prepared, say)
        for line in table_of(evaluation):
            say(line)
        folder = application.train(settings, prepared)
        say(f"\nTrained on all events; the final ranking is in {folder}.")
        shop = application.open_shop(settings, database, prepared, settings.seed)
        if items is None:
            _beside_truth(shop, prepared, say)
        _live(shop, prepared, language, say)
    finally:
        database.close()
    return evaluation


def table_of(evaluation: Evaluation) -> list[str]:
    """Return the evaluation as lines."""
    lines = [f"\n{evaluation.users:,} users, {evaluation.items:,} items, temporal split, full ranking"]
    header = "".join(f"{name:>12}" for name in (*SHOWN, "coverage", "novelty"))
    lines.append(f"{'':<28}{header}")
    lines += [_row(name, judged) for name, judged in evaluation.rows.items()]
    lines += _by_segment(evaluation.rows)
    lines.append("\nItems hidden from training, ranked among themselves (cold start)")
    lines += [_row(name, judged) for name, judged in evaluation.cold.items()]
    return [*lines, *(_reliable(evaluation.clicks) if evaluation.clicks else [])]


def _by_segment(rows: Mapping[str, Judged]) -> list[str]:
    """Return NDCG@10 by how much is known of the users, as lines."""
    segments = next(iter(rows.values())).segments
    header = "".join(f"{f'{name} ({one.users:,})':>18}" for name, one in segments.items())
    lines = [f"\nNDCG@10 by how much is known of the users\n{'':<28}{header}"]
    for name, judged in rows.items():
        figures = [one.figures.get("ndcg@10") for one in judged.segments.values()]
        lines.append(f"{name:<28}" + "".join(f"{one.value:>18.3f}" if one else f"{'':>18}" for one in figures))
    return lines


def _reliable(clicks: Reliability) -> list[str]:
    """Return how far the probabilities can be trusted, as lines."""
    of = {
        "impressions": "Probabilities of a click, on places that were shown after training",
        "next": "No list was logged: probabilities that a candidate is taken next, on what was taken after training",
    }[clicks.basis]
    return [
        f"\n{of} ({clicks.rows:,})",
        f"  said {clicks.predicted:.1%}, happened {clicks.base_rate:.1%}, calibration error "
        f"{clicks.expected_calibration_error:.3f}, AUC {clicks.area_under_curve:.3f}, log loss {clicks.log_loss:.4f} "
        f"(who always says {clicks.base_rate:.1%}: {clicks.log_loss_of_base_rate:.4f})",
    ]


def _row(name: str, judged: Judged) -> str:
    figures = [f"{judged.figures[m].value:>12.3f}" if m in judged.figures else f"{'':>12}" for m in SHOWN]
    more = [f"{judged.catalogue.get(m, 0):>12.3f}" for m in ("coverage", "novelty")]
    return f"{name:<28}{''.join(figures + more)}"


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
    say(f"A fictional shop: {len(sample.items):,} items, {len(sample.events):,} events of simulated shoppers.")


def _beside_truth(shop: Shop, prepared: application.Prepared, say: Say) -> None:
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
            f"\nSix places each for {ASKED_OF_TASTE} shoppers: the chance of a click is said to be {mean_said:.0%} on "
            f"average, and their own taste model gives {mean_true:.0%}. Simulated shoppers are sure of what they like; "
            "people are not."
        )


def _live(shop: Shop, prepared: application.Prepared, language: Literal["zh", "en"], say: Say) -> None:
    """Show that a new user's first clicks change the next list, and that a withdrawn item is gone."""
    now = prepared.now
    usual, _ = Counter(event.user for event in prepared.held.events).most_common(1)[0]
    show(f"\nFor {usual}, who is known:", shop.recommend(usual, 6, explain=True, now=now)[0], language, say)
    show("\nFor a newcomer of whom nothing is known:", shop.recommend("newcomer", 6, now=now)[0], language, say)
    first = shop.recommender.recommend(usual, 3, now=now).places
    clicks = [
        Interaction(f"demo-{now}-{i}", "newcomer", place.item.id, "click", 1.0, now + i, None)
        for i, place in enumerate(first)
    ]
    shop.take([replace(click, id=f"{click.id}-{click.item}") for click in clicks])
    titles = ", ".join(f"“{place.item.title}”" for place in first)
    answer = shop.recommend("newcomer", 6, explain=True, now=now + 10)[0]
    show(f"\nThe newcomer clicks on {titles}; the next list, nothing trained in between:", answer, language, say)
    if answer.places:
        gone = answer.places[0].item
        shop.recommender.withdraw(gone.id)
        left = shop.recommend("newcomer", 6, now=now + 20)[0]
        there = any(place.item.id == gone.id for place in left.places)
        say(f"\n“{gone.title}” is withdrawn; in the next list: {'still there' if there else 'gone'}.")
    plain = shop.recommend(usual, 6, personal=False, now=now)[0]
    show(f"\nFor {usual} without looking at any history:", plain, language, say)
    forgotten = shop.forget("newcomer")
    counts = f"{forgotten['interactions']} events, {forgotten['rankings']} lists"
    say(f"\nThe newcomer asks to be forgotten: {counts} deleted.")


def show(title: str, answer: Answer, language: Literal["zh", "en"], say: Say) -> None:
    """Say a list, a line each."""
    say(title)
    words = LIKELY[language]
    if answer.note:
        say(f"  ({NOTES_IN_CHINESE.get(answer.note, answer.note) if language == 'zh' else answer.note})")
    for number, place in enumerate(answer.places, 1):
        likely = "" if place.probability is None else f"  {words[answer.basis]} {share(place.probability)}"
        drawn = f"  {words['explored']} ({share(place.propensity)})" if place.explored else ""
        say(f"  {number:>2}. {place.item.title}  [{place.reason.said(language)}]{likely}{drawn}")
        if number == 1 and place.contributions:
            say("      " + _shares(list(place.contributions.items())[:4]))


def share(value: float) -> str:
    """Write a share in percent; a small one with two digits that tell something, so that it is not rounded to none."""
    return f"{100 * value:.2g}%" if 0 < value < 0.095 else f"{value:.0%}"


def _shares(parts: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {value:+.2f}" for name, value in parts)
