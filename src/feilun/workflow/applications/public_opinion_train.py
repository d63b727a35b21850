"""Trains what public opinion needs, sentiment and topics, from one labelled table by Feilun's recipes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.core.errors import UsageError
from feilun.workflow.applications.public_opinion import Settings
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train


def train_models(settings: Settings, folder: Path, out: Path, screen: Screen = silent) -> dict[str, Bundle]:
    """Train a model of sentiment and one of topics.

    Args:
        settings: The application file; its `models.labelled` has the columns text, sentiment and topics.
        folder: Where that file is.
        out: Folder of the bundles `sentiment` and `topics`.
        screen: What the user sees.

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
    found = {}
    for name, task in (("sentiment", "classify"), ("topics", "multilabel")):
        table: dict[str, Any] = {
            "name": f"opinion-{name}", "task": task,
            "data": {"train": labelled, "text": "text", "target": name},
            "model": {"base": settings.models.base, "max_tokens": 128},
            "training": {"epochs": settings.models.epochs},
        }  # fmt: skip
        screen.say(f"\n{name}:")
        found[name] = train(from_table(table), out=out / name, screen=screen)
    return found


def worth_their_cost(trained: Mapping[str, Bundle], screen: Screen = silent) -> list[str]:
    """Return the models that are at least as good as their baselines; the rules go on in the place of the others.

    Args:
        trained: The bundles by name.
        screen: Is told which are not.
    """
    kept = []
    for name, bundle in trained.items():
        report = bundle.report
        own = report.metrics["macro_f1"].value
        baseline, best = max(((b, row["macro_f1"]) for b, row in report.baselines.items()), key=lambda pair: pair[1])
        if own >= best:
            kept.append(name)
        else:
            screen.say(
                f"\n{name}: macro-F1 {own:.3f} is below {best:.3f} of the baseline {baseline}. The model is not used; "
                "the rules go on telling it. More labelled texts, or models.epochs, may change that."
            )
    return kept
