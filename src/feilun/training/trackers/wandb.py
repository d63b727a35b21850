"""A run's figures at Weights & Biases, or, with WANDB_MODE=offline, in a folder that `wandb sync` sends later.

Figures, settings and versions go there, and whatever W&B gathers of the machine and of git; no text of the data does:
the data report, which quotes rows, stays here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from feilun.core.errors import MissingExtra, UsageError
from feilun.core.files import disk_errors
from feilun.core.remark import Remark

PROJECT = "feilun"
OFFLINE = {"offline", "disabled", "dryrun"}

SETTINGS = ("recipe", "fingerprint", "base", "libraries", "machine")
"""Facts of a run that go out as its settings."""


class WeightsAndBiases:
    """Sends figures as a run's history, and its settings.

    Args:
        folder: The run's folder; its name is the run's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run: Any = None

    @staticmethod
    def check() -> None:
        """Refuse where it cannot work.

        Raises:
            MissingExtra: If the package is not installed.
            UsageError: If it would send, and nobody is logged in.
        """
        if find_spec("wandb") is None:
            raise MissingExtra(
                "wandb", "wandb", Remark('training.trackers = ["wandb"]', 'training.trackers = ["wandb"] ')
            )
        if os.environ.get("WANDB_MODE", "online").lower() in OFFLINE:
            return
        import wandb

        with redirect_stderr(StringIO()):  # newer versions of it print that another call should be used
            key = wandb.api.api_key
        if not key:
            raise UsageError(
                Remark(
                    'training.trackers = ["wandb"] sends figures to Weights & Biases, but nobody is logged in.',
                    'training.trackers = ["wandb"] 会把指标发送到 Weights & Biases，但还没有登录。',
                ),
                Remark(
                    "Log in with `wandb login`, or set WANDB_MODE=offline to keep them here.",
                    "请用 `wandb login` 登录，或设置 WANDB_MODE=offline 把指标留在本机。",
                ),
            )

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Append named figures at an optimiser step."""
        self._opened().log({**figures, "step": step})

    def note(self, **facts: Any) -> None:
        """Send the facts that are settings, and the figures of the report as the run's summary."""
        chosen = {name: fact for name, fact in facts.items() if name in SETTINGS}
        if chosen:
            self._opened().config.update(chosen, allow_val_change=True)
        figures = facts.get("report", {})
        self._opened().summary.update(
            {f"test/{name}": value for name, value in figures.items() if isinstance(value, (int, float))}
        )

    def clear(self) -> None:
        """Forget what is still here of a former start of the run; what was sent stays where it is."""
        self.close()
        shutil.rmtree(self.folder / "wandb", ignore_errors=True)

    def close(self) -> None:
        """Send, or write, what is waiting."""
        if self._run is not None:
            self._run.finish()
            self._run = None

    def _opened(self) -> Any:
        if self._run is None:
            import wandb

            with disk_errors(self.folder):
                self._run = wandb.init(
                    project=os.environ.get("WANDB_PROJECT", PROJECT), name=self.folder.name, dir=str(self.folder),
                    reinit="create_new", settings=wandb.Settings(silent=True, console="off", save_code=False),
                )  # fmt: skip
            self._run.define_metric("*", step_metric="step")
        return self._run
