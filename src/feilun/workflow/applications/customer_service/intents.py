"""What an application sorts questions into: the categories of its FAQ, learned by a recipe `classify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from feilun.apps.customer_service.finding.held_out import enough, held_out, without_held_out
from feilun.apps.customer_service.intents import OUT_OF_SCOPE, Intents
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.apps.customer_service.settings import ModelSettings
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import UsageError
from feilun.core.prediction import Decision
from feilun.core.remark import Remark, said_in

FEWEST_OF_EACH = 5
"""Ways to ask a category, below which it is none of the intents: it could be learned from, or judged by, not both."""

FEWEST = 60
"""Ways to ask, below which nothing is learned: a threshold would rest on a handful."""

RIGHT = 0.9
"""Share of the named intents that must be right on the rows that choose the threshold; the rest are not named."""

Row = tuple[str, str]
"""A text and its intent."""


NO_INTENTS = Remark(
    f"No intents are learned: that takes two categories of {FEWEST_OF_EACH} ways to ask or more, and {FEWEST} in all.",
    f"不学习意图：至少要有两个类别、每类 {FEWEST_OF_EACH} 种问法，合计 {FEWEST} 种。",
)


@dataclass(frozen=True)
class Lessons:
    """What a classifier of intents learns from.

    Args:
        parts: Rows by the set that they are in; `train` alone where the recipe divides it.
        few: Categories with too few ways to ask.
    """

    parts: Mapping[str, Sequence[Row]]
    few: tuple[str, ...]


def lessons_of(entries: Sequence[FaqEntry], labelled: Sequence[Row]) -> Lessons | None:
    """Return what there is to learn the FAQ's categories from; None where that is too little.

    The variants on which the ladder is calibrated choose and judge this model too, and are learned from by none.

    Args:
        entries: The FAQ.
        labelled: Sayings of customers with the intent that somebody gave them.
    """
    sorted_in = [entry for entry in entries if entry.category]
    held = held_out(sorted_in)
    held = held if enough(held) else {}
    apart = {spelt_alike(text) for text in held.values()}
    ways = [(text, entry.category) for entry in without_held_out(sorted_in, held) for text in entry.texts]
    told = [(text, intent) for text, intent in labelled if spelt_alike(text) not in apart]
    train = list(dict.fromkeys([*ways, *told]))
    counts = Counter(intent for _, intent in train)
    kept = {intent for intent, count in counts.items() if count >= FEWEST_OF_EACH}
    train = [row for row in train if row[1] in kept]
    if len(kept) < 2 or len(train) < FEWEST:
        return None
    judging = [(held[entry.id], entry.category) for entry in sorted_in if entry.id in held and entry.category in kept]
    few, beyond = tuple(sorted(counts.keys() - kept)), beyond_scope()
    if not judging:
        return Lessons({"train": [*train, *beyond]}, few)
    parts = {"train": [*train, *beyond[::2]], "validation": [*judging[::2], *beyond[1::4]],
             "test": [*judging[1::2], *beyond[3::4]]}  # fmt: skip
    return Lessons(parts, few)


def beyond_scope() -> list[Row]:
    """Return what customers say that is no business of a service, in both languages (words/out_of_scope.txt)."""
    text = (files("feilun.apps.customer_service.words") / "out_of_scope.txt").read_text(encoding="utf-8")
    return [(line, OUT_OF_SCOPE) for line in text.splitlines()]


def too_few(categories: Sequence[str]) -> Remark:
    """Say which categories are no intents, and what would make them."""
    named = ", ".join(categories[:5]) + (" …" if len(categories) > 5 else "")
    return Remark(
        f"No intents, for they have fewer than {FEWEST_OF_EACH} ways to ask: {named}.",
        f"问法不足 {FEWEST_OF_EACH} 种，不作为意图：{named}。",
    )


def not_learned(why: str) -> Remark:
    """Say that the rows are none that intents can be learned from."""
    return Remark(f"No intents are learned: {why}", f"不学习意图：{said_in('zh', why)}")


def intent_recipe(name: str, settings: ModelSettings, tables: Mapping[str, str]) -> dict[str, Any]:
    """Return the recipe: the base stands still, and a logistic regression reads what it gives (docs/benchmarks.md).

    What is no business of the service is a label of its own, so that a question about the weather has no intent.

    Args:
        name: Of the bundle.
        settings: Names the base and the seed.
        tables: The file of each set.
    """
    return {
        "task": "classify",
        "name": name,
        "data": {**tables, "target": "intent", "clean": {"deduplicate": "exact"},
                 "split": {"validation": 0.2, "test": 0.2}},
        "model": {"base": settings.base, "max_tokens": 64, "adaptation": {"kind": "frozen"},
                  "head": {"out_of_scope": OUT_OF_SCOPE}},
        "training": {"method": "contrastive", "epochs": 1, "seed": settings.seed},
        "compression": {"texts": 300},
        "evaluation": {"wanted_accuracy": RIGHT},
    }  # fmt: skip


def outcome_of(bundle: Bundle) -> Remark:
    """Say how well intents are told, beside what words alone tell."""
    report = bundle.report
    right = report.value("in_scope_accuracy")
    words = max(row["in_scope_accuracy"] for row in report.baselines.values())
    count, decision = len(bundle.labels.names) - 1, bundle.decision
    assert isinstance(decision, Decision)  # noqa: S101 - the recipe's task
    least = decision.abstain_below
    return Remark(
        f"Intents: {count} categories; {right:.0%} of the held-out questions are told rightly (by words alone "
        f"{words:.0%}). One that is less sure than {least:.2f} is not named.",
        f"意图：{count} 个类别；留出的问题识别正确 {right:.0%}（只看词语为 {words:.0%}）。"
        f"把握低于 {least:.2f} 的不给出意图。",
    )


def intents_of(reference: str) -> Intents | None:
    """Open what tells intents; None where nothing is named.

    Raises:
        BundleError: If there is no such bundle.
        UsageError: If it gives no label.
    """
    if not reference:
        return None
    bundle = open_bundle(reference)
    task = bundle.manifest.get("task", "classify")
    if task != "classify":
        raise UsageError(
            Remark(
                f"{reference} tells no intents: its task is {task!r}.", f"{reference} 不能识别意图：任务是 {task!r}。"
            ),
            Remark("Train again: feilun customer-service train FILE", "请重新训练：feilun customer-service train FILE"),
        )
    return Intents(bundle)
