"""Where Feilun keeps its state."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return FEILUN_HOME, by default `./.feilun`."""
    return Path(os.environ.get("FEILUN_HOME") or ".feilun")


def cache() -> Path:
    """Return the folder of converted base models."""
    return home() / "cache"


def base_graphs() -> Path:
    """Return the folder of the graphs that adapter bundles share."""
    return cache() / "graphs"


def runs() -> Path:
    """Return the folder of training runs."""
    return home() / "runs"


def studies() -> Path:
    """Return the folder of searches for settings."""
    return home() / "studies"


def registered() -> Path:
    """Return the folder of registered bundles, `NAME/VERSION` inside."""
    return home() / "models"


def retrainings() -> Path:
    """Return the folder of what retraining remembers: by model, the recipe and a report of each time."""
    return home() / "retrainings"


def typed(word: Path | str) -> str:
    """Return a path or a name as it is typed in a command: in quotes where it has blanks."""
    return f'"{word}"' if " " in str(word) else str(word)
