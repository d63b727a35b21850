"""Trains what public opinion needs: sentiment and topics from one labelled table, entities from labelled spans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.corrected import Corrected
from feilun.apps.public_opinion.gazetteer import KINDS, Gazetteer
from feilun.apps.public_opinion.understanding import named
from feilun.bundles.bundle import Bundle
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.evaluation.paired import mcnemar
from feilun.workflow.applications.public_opinion.file import ModelSettings, Settings
from feilun.workflow.applications.public_opinion.labelled import write_labelled
from feilun.workflow.applications.tagging import open_tagger, tell_beside_list, train_tagger
from feilun.workflow.getting_started.default_settings import top_layers
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train

TASKS: Mapping[str, str] = {"sentiment": "classify", "topics": "multilabel"}

SPAN_EPOCHS = 2
"""Spans take more passes than labels: times `models.epochs`."""

SIGNIFICANT = 0.05
"""A lead of a baseline that chance would bring about less often than this is one."""


def train_models(
    settings: Settings, folder: Path, out: Path, screen: Screen = silent, corrected: Corrected | None = None
) -> dict[str, Bundle]:
    """Train a model of sentiment and topics, or one of each.

    Args:
        settings: The application file; its `models.labelled` has the columns text, sentiment and topics.
        folder: Where that file is.
        out: Folder of the bundle `opinion`, or of the bundles `sentiment` and `topics`.
        screen: What the user sees.
        corrected: What operators put right: learned beside the table, in the place of its rows of the same text.

    Returns:
        The bundle that tells sentiment and the one that tells topics, by these names.

    Raises:
        UsageError: If the file names no labelled table.
    """
    models = settings.models
    if not models.labelled:
        raise UsageError(
            Remark("The application file names no labelled table.", "应用文件没有写明带标签的表。"),
            Remark(
                "Set models.labelled to a table with columns text, sentiment, topics (a JSON list).",
                "请把 models.labelled 设为一张有 text、sentiment、topics（JSON 列表）列的表。",
            ),
        )
    right = corrected or Corrected({}, {})
    files = write_labelled(folder / models.labelled, right, out / "labelled")
    counts = {"sentiment": len(right.sentiment), "topics": len(right.topics)}
    for name, count in counts.items():
        if count:
            screen.say(Remark(f"\n{name}: {count:,} corrections are learned.", f"\n{name}：学习 {count:,} 处更正。"))
    data = {name: {**own, "text": "text", "target": name} for name, own in files.items()}
    if models.together:
        screen.say(Remark("\nsentiment and topics:", "\n情感与话题："))
        bundle = train(from_table(_both(models, data)), out=out / "opinion", screen=screen)
        return dict.fromkeys(TASKS, bundle)
    found = {}
    for name, task in TASKS.items():
        screen.say(f"\n{name}:")
        table = {"name": f"opinion-{name}", "task": task, "data": data[name], **_training(models)}
        found[name] = train(from_table(table), out=out / name, screen=screen)
    return found


def train_entities(
    settings: Settings, folder: Path, out: Path, gazetteer: Gazetteer, screen: Screen = silent
) -> Bundle:
    """Train the tagger from labelled spans, and say what it adds to the list of entities.

    Args:
        settings: The application file; its `models.spans` has the columns text and entities.
        folder: Where that file is.
        out: Folder of the bundle `tagger`.
        gazetteer: The list.
        screen: What the user sees.

    Raises:
        UsageError: If no span is labelled as a company, a person or a product.
    """
    models = settings.models
    screen.say(Remark("\nentities:", "\n主体："))
    table = {
        "name": "opinion-entities", "task": "tag",
        "data": {"train": str(folder / models.spans), "text": "text", "target": "entities"}, **_training(models),
    }  # fmt: skip
    table["training"] = {"epochs": SPAN_EPOCHS * models.epochs}
    bundle, test = train_tagger(table, out / "tagger", screen)
    tagger = open_tagger(bundle, KINDS, "models.spans")
    labels = [name for name in bundle.labels.names if name in KINDS]
    tell_beside_list(
        test, labels, lambda texts: named(texts, gazetteer, None), tagger.read,
        lambda texts: named(texts, gazetteer, tagger), screen,
    )  # fmt: skip
    return bundle


def _both(models: ModelSettings, data: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    """Return the recipe of one model of both."""
    tasks = {name: {"task": task, "data": data[name]} for name, task in TASKS.items()}
    return {"name": "opinion", "task": "multitask", "tasks": tasks, **_training(models)}


def _training(models: ModelSettings) -> dict[str, Any]:
    """Return what the recipes share."""
    return {
        "model": {"base": models.base, "max_tokens": 128, **top_layers(models.layers)},
        "training": {"epochs": models.epochs},
        "compression": {"texts": models.compared},
    }  # fmt: skip


def worth_their_cost(trained: Mapping[str, Bundle], screen: Screen = silent) -> list[str]:
    """Return what no baseline tells better beyond chance; the rules go on telling the rest.

    Args:
        trained: The bundles by name.
        screen: Is told which are not.
    """
    kept = []
    for name, bundle in trained.items():
        before = f"{name}." if bundle.manifest["task"] == "multitask" else ""
        figure = f"{before}macro_f1"
        own = bundle.report.metrics[figure].value
        baseline, row = max(bundle.report.baselines.items(), key=lambda pair: pair[1][figure])
        lost, won = (int(row[f"{before}only_{who}_right"]) for who in ("baseline", "model"))
        if own >= row[figure] or mcnemar(lost, won) >= SIGNIFICANT:
            kept.append(name)
        else:
            screen.say(
                Remark(
                    f"\n{name}: macro-F1 {own:.3f} is below {row[figure]:.3f} of the baseline {baseline}. The model is "
                    "not used; the rules go on telling it. More labelled texts, or models.epochs, may change that.",
                    f"\n{name}：宏 F1 {own:.3f} 低于基线 {baseline} 的 {row[figure]:.3f}。不用该模型，仍由规则判断；"
                    "增加标注文本，或调大 models.epochs，可能会有改善。",
                )
            )
    return kept
