"""Trains what public opinion needs, sentiment and topics, from one labelled table by Feilun's recipes."""

from __future__ import annotations

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
