"""A run's figures as TensorBoard's event files, beside its log: `tensorboard --logdir .feilun/runs`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from feilun.core.errors import MissingExtra
from feilun.core.files import disk_errors
from feilun.core.remark import Remark

FOLDER = "tensorboard"


class TensorBoard:
    """Writes scalars, and facts as text.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self._writer: Any = None

    @staticmethod
    def check() -> None:
        """Refuse where it cannot work.

        Raises:
            MissingExtra: If the package is not installed.
        """
        if find_spec("tensorboard") is None:
            raise MissingExtra(
                "tensorboard",
                "tensorboard",
                Remark('training.trackers = ["tensorboard"]', 'training.trackers = ["tensorboard"] '),
            )

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Append named figures at an optimiser step."""
        with disk_errors(self.folder):
            for name, value in figures.items():
                self._opened().add_scalar(name, value, step)
            self._opened().flush()

    def note(self, **facts: Any) -> None:
        """Append facts of the run, each as JSON text."""
        with disk_errors(self.folder):
            for name, fact in facts.items():
                text = json.dumps(fact, ensure_ascii=False, indent=2, default=str)
                self._opened().add_text(name, "".join(f"    {line}\n" for line in text.splitlines()))
            self._opened().flush()

    def clear(self) -> None:
        """Forget the figures of a former start of the run."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Write what is waiting."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _opened(self) -> Any:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder))
        return self._writer
