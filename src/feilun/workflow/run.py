"""One run of a recipe: its identity, its folder, its log."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from feilun import __version__
from feilun.core import places
from feilun.core.settings import to_table
from feilun.core.splits import Splits
from feilun.models.bases.base import Base
from feilun.training import checkpoint
from feilun.training.distil import Lessons
from feilun.training.trackers.run_folder import RunFolder
from feilun.training.trackers.table import Together, trackers_of
from feilun.workflow.confidential import without_passwords, without_texts
from feilun.workflow.recipe import Recipe

NOT_DECIDING = {"checkpoint_seconds", "distil", "trackers"}
"""Settings of training that leave the weights as they are, or that count by what they bring about."""

LIBRARIES = ("feilun", "torch", "transformers", "peft", "tokenizers", "onnxruntime", "numpy")


@dataclass(frozen=True)
class Run:
    """One run of a recipe.

    Args:
        identity: Hash of what decides the weights: the recipe's data, model and training, the rows, the base.
        folder: Where its checkpoint, log, plots and reports are.
        tracker: Writes its figures there, and wherever else the recipe says.
    """

    identity: str
    folder: Path
    tracker: Together

    @staticmethod
    def of(recipe: Recipe, splits: Splits, base: Base, lessons: Lessons | None = None) -> Run:
        """Open the run that this recipe on these rows always has: equal inputs meet in one folder.

        Args:
            recipe: The recipe.
            splits: Its rows.
            base: Its base.
            lessons: What its teachers say about the training rows.
        """
        decides = {**deciding(recipe, splits, base), "threads": recipe.training.threads or torch.get_num_threads()}
        if lessons is not None:
            decides["lessons"] = lessons.identity
        identity = hash_of(decides)
        folder = places.runs() / f"{recipe.name}-{identity[:8]}"
        tracker = trackers_of(folder, RunFolder(folder), recipe.training.trackers)
        tracker.note(
            recipe=without_passwords(to_table(recipe)), fingerprint=splits.fingerprint, base=base.sha256,
            libraries=libraries(), machine=machine(), git=git_state(), data_report=without_texts(splits.report),
        )  # fmt: skip
        return Run(identity, folder, tracker)

    def tidy(self) -> None:
        """Remove what only an unfinished run needs, hundreds of megabytes; log, report and plots stay."""
        checkpoint.forget(self.folder)
        shutil.rmtree(self.folder / "small", ignore_errors=True)
        self.tracker.close()


def deciding(recipe: Recipe, splits: Splits, base: Base) -> dict[str, Any]:
    """Return what decides the weights of a recipe on a machine: settings, rows and base."""
    table = to_table(recipe)
    found = {
        "model": table["model"],
        "training": {k: v for k, v in table["training"].items() if k not in NOT_DECIDING},
        "tasks": {name: {k: v for k, v in own.items() if k != "data"} for name, own in table["tasks"].items()},
        "data": splits.fingerprint,
        "base": base.sha256,
    }
    return found if splits.features is None else {**found, "features": splits.features.to_table()}


def hash_of(table: dict[str, Any]) -> str:
    """Return the SHA-256 of nested tables, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that decide what comes out."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = __version__ if name == "feilun" else "absent"
    return found


def machine() -> dict[str, Any]:
    """Return what of this machine decides speed and rounding."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def git_state() -> dict[str, Any] | None:
    """Return the commit that the working folder stands at, and whether files that git knows differ from it.

    Returns:
        None outside of a repository, without git, or where it takes too long to say.
    """
    commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return None if not commit or changed is None else {"commit": commit, "changed": bool(changed)}


def _git(*words: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    plain = [program, "-c", "core.fsmonitor=false", "--no-optional-locks", *words]  # runs nothing, writes nothing
    try:
        done = subprocess.run(plain, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
