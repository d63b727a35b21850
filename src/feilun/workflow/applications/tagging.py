"""The entity tagger of an application: trained by a `tag` recipe, judged together with the list that it completes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.spans import Span
from feilun.evaluation.metrics.spans import SpanJudgement, figures
from feilun.knowledge.mentions import Mention, Tagger
from feilun.models.bases.catalogue import open_base
from feilun.models.build import token_encoder
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen
from feilun.workflow.steps import train

Find = Callable[[Sequence[str]], Sequence[Sequence[Mention]]]
"""Finds the mentions in texts."""


def open_tagger(bundle: Bundle, labels: Collection[str], key: str) -> Tagger:
    """Return a bundle as a tagger.

    Args:
        bundle: The bundle.
        labels: The labels of which it must have one; its others are left out.
        key: The setting that names it.

    Raises:
        UsageError: If it is no `tag` bundle, or none of its labels counts.
    """
    if bundle.manifest.get("task") != "tag" or not set(labels) & set(bundle.labels.names):
        own = ", ".join(bundle.labels.names[:10])
        raise UsageError(
            Remark(
                f"{bundle.path} finds none of {', '.join(labels)}: it is of the task {bundle.manifest.get('task')!r} "
                f"with the labels {own}.",
                f"{bundle.path} 找不出 {'、'.join(labels)} 中的任何一种：它的任务是 {bundle.manifest.get('task')!r}，"
                f"标签为 {own}。",
            ),
            Remark(f"{key} names a `tag` bundle with these labels.", f"{key} 写带这些标签的 `tag` 模型包。"),
        )
    return Tagger(bundle, labels)


def train_tagger(table: Mapping[str, Any], out: Path | None, screen: Screen) -> tuple[Bundle, Corpus]:
    """Train a tagger.

    Args:
        table: Its recipe, of the task `tag`.
        out: Folder of the bundle; None registers it under the recipe's name.
        screen: What the user sees.

    Returns:
        The bundle, and the rows with their true spans that it did not learn.
    """
    recipe = from_table(table)
    bundle = train(recipe, out=out, screen=screen)
    encoder = token_encoder(recipe.model, open_base(recipe.model.base))
    return bundle, prepare_rows(recipe, encoder.count).test


def entity_f1(corpus: Corpus, labels: Sequence[str], find: Find) -> float:
    """Return the F1 of mentions whose both ends and label are right, as in CoNLL 2003.

    Args:
        corpus: Texts with their true spans.
        labels: Labels that count.
        find: What is judged.
    """
    truth = [[Span(*one) for one in own if one[2] in labels] for own in corpus.target or ()]
    found = [[Span(one.start, one.end, one.label) for one in own if one.label in labels] for own in find(corpus.text)]
    return float(figures(SpanJudgement(tuple(labels), truth, found).counts.sum(0))["entity_f1"])


def tell_beside_list(
    corpus: Corpus, labels: Sequence[str], listed: Find, model: Find, both: Find, screen: Screen
) -> bool:
    """Say how right the list alone, the model alone and both together are on rows that were not learned.

    Returns:
        Whether both together are better than the list alone.
    """
    alone, own, together = (entity_f1(corpus, labels, find) for find in (listed, model, both))
    screen.say(
        Remark(
            f"\nEntities of {len(corpus):,} texts that were not learned, F1: list and rules {alone:.3f}, "
            f"model {own:.3f}, together {together:.3f}.",
            f"\n在没有学习过的 {len(corpus):,} 篇文本上，实体 F1：名单与规则 {alone:.3f}，模型 {own:.3f}，"
            f"合用 {together:.3f}。",
        )
    )
    if together <= alone:
        screen.say(
            Remark(
                "The model adds nothing to the list: leave it out, or label more texts.",
                "模型没有给名单带来好处：不必使用，或多标注一些文本。",
            )
        )
    return together > alone
