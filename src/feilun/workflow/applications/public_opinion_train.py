"""Trains what public opinion needs, sentiment and topics, from one labelled table by Feilun's recipes."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.corrected import Corrected
from feilun.bundles.bundle import Bundle
from feilun.core.errors import UsageError
from feilun.core.files import atomic_file
from feilun.data.sources import open_rows
from feilun.data.tables import texts_of
from feilun.evaluation.paired import mcnemar
from feilun.workflow.applications.public_opinion_file import Settings
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train
from feilun.workflow.top_layers import top_layers

SIGNIFICANT = 0.05
"""A lead of a baseline that chance would bring about less often than this is one."""


def train_models(
    settings: Settings, folder: Path, out: Path, screen: Screen = silent, corrected: Corrected | None = None
) -> dict[str, Bundle]:
    """Train a model of sentiment and one of topics.

    Args:
        settings: The application file; its `models.labelled` has the columns text, sentiment and topics.
        folder: Where that file is.
        out: Folder of the bundles `sentiment` and `topics`.
        screen: What the user sees.
        corrected: What operators put right: learned beside the table, in the place of its rows of the same text.

    Returns:
        The bundles by name.

    Raises:
        UsageError: If the file names no labelled table.
    """
    if not settings.models.labelled:
        raise UsageError(
            "The application file names no labelled table.",
            "Set models.labelled to a table with columns text, sentiment, topics (a JSON list).",
        )
    labelled = str((folder / settings.models.labelled).absolute())
    said: dict[str, dict[str, str]] = {"sentiment": {}, "topics": {}}
    if corrected is not None:
        topics = {text: json.dumps(names, ensure_ascii=False) for text, names in corrected.topics.items()}
        said = {"sentiment": corrected.sentiment, "topics": topics}
    found = {}
    for name, task in (("sentiment", "classify"), ("topics", "multilabel")):
        table: dict[str, Any] = {
            "name": f"opinion-{name}", "task": task,
            "data": {"train": _with_corrections(labelled, name, said[name], out), "text": "text", "target": name},
            "model": {"base": settings.models.base, "max_tokens": 128, **top_layers(settings.models.layers)},
            "training": {"epochs": settings.models.epochs},
        }  # fmt: skip
        screen.say(f"\n{name}:" + (f" {len(said[name]):,} corrections are learned." if said[name] else ""))
        found[name] = train(from_table(table), out=out / name, screen=screen)
    return found


def _with_corrections(labelled: str, name: str, right: Mapping[str, str], out: Path) -> str:
    """Return a table in which what was put right stands as well; the labelled one itself where there is nothing."""
    if not right:
        return labelled
    path = (out / f"labelled-{name}.csv").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", name))
        for frame in open_rows(labelled, columns=("text", name)):
            rows = zip(texts_of(frame, "text"), texts_of(frame, name), strict=True)
            table.writerows((text, label) for text, label in rows if text not in right)
        table.writerows(right.items())
    return str(path)


def worth_their_cost(trained: Mapping[str, Bundle], screen: Screen = silent) -> list[str]:
    """Return the models that no baseline beats beyond chance; the rules go on in the place of the others.

    Args:
        trained: The bundles by name.
        screen: Is told which are not.
    """
    kept = []
    for name, bundle in trained.items():
        own = bundle.report.metrics["macro_f1"].value
        baseline, row = max(bundle.report.baselines.items(), key=lambda pair: pair[1]["macro_f1"])
        by_chance = mcnemar(int(row["only_baseline_right"]), int(row["only_model_right"]))
        if own >= row["macro_f1"] or by_chance >= SIGNIFICANT:
            kept.append(name)
        else:
            screen.say(
                f"\n{name}: macro-F1 {own:.3f} is below {row['macro_f1']:.3f} of the baseline {baseline}. The model is "
                "not used; the rules go on telling it. More labelled texts, or models.epochs, may change that."
            )
    return kept
