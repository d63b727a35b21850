"""A retraining that was stopped goes on: its rows are put together anew as they were, so that its checkpoint fits.

Rows hold texts of customers and are kept nowhere; what they follow from is the moment at which the retraining began.
"""

from __future__ import annotations

from pathlib import Path

from feilun.core import places
from feilun.core.files import read_json, write_json

BEGUN = "begun.json"


def begin(name: str, champion: int, started: float) -> None:
    """Note that a model is being trained again.

    Args:
        name: The model's.
        champion: The version that answers.
        started: Up to when what people said is learned from, seconds since 1970.
    """
    write_json(_note(name), {"started": started, "champion": champion})


def stopped(name: str, champion: int) -> float | None:
    """Return when a retraining of this champion began that never came to its end; None where there is none."""
    try:
        begun = read_json(_note(name))
        return float(begun["started"]) if begun["champion"] == champion else None
    except (OSError, KeyError, TypeError, ValueError):
        return None


def end(name: str) -> None:
    """Note that it came to its end, whatever that was."""
    _note(name).unlink(missing_ok=True)


def _note(name: str) -> Path:
    return places.retrainings() / name / BEGUN
