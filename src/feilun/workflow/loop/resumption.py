"""A retraining that was stopped goes on: its rows are put together anew as they were, so that its checkpoint fits.

Rows hold texts of customers and are kept nowhere; what they follow from is the moment at which the retraining began.
Its checkpoint, hundreds of megabytes, goes once nothing can go on from it: when a retraining of the model comes to its
end, or begins anew.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feilun.core import places
from feilun.core.files import disk_errors, read_json, write_json
from feilun.training import checkpoint

BEGUN = "begun.json"
ROWS = ".rows-"
"""How the folder of the rows is called, while they are there: by it runs of retrainings are told from others."""


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
    forget(name)


def forget(name: str) -> None:
    """Remove the checkpoints that retrainings of a model left; logs and figures of their runs stay."""
    for folder in _runs(name):
        checkpoint.forget(folder)
        shutil.rmtree(folder / "small", ignore_errors=True)


def _runs(name: str) -> Iterator[Path]:
    """Yield the folders of a model's runs that learned from a retraining's rows."""
    for file in places.runs().glob(f"{name}-*/run.json"):
        try:
            recipe = read_json(file)["recipe"]
            tables = [recipe, *recipe.get("tasks", {}).values()]
            read = [part for own in tables for part in Path(own["data"]["train"]).parts]
            if recipe["name"] == name and any(part.startswith(ROWS) for part in read):
                yield file.parent
        except (OSError, KeyError, TypeError, ValueError):
            continue  # another run's damage


def _note(name: str) -> Path:
    return places.retrainings() / name / BEGUN


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Make a folder for the rows, which hold texts of customers, and remove it whatever comes; under the lock."""
    parent = places.retrainings() / name
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{ROWS}*"):  # by a retraining that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=ROWS, dir=parent)).absolute()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
