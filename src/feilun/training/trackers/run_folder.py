"""The run's own folder: one line of JSON for each figure, and one file of facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.core.files import disk_errors, read_json, write_json


class RunFolder:
    """Writes `log.jsonl` and `run.json` into a run's folder.

    Args:
        folder: The run's folder; made where it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Append named figures at an optimiser step."""
        with disk_errors(self.folder), (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")

    def note(self, **facts: Any) -> None:
        """Merge facts of the run into `run.json`."""
        path = self.folder / "run.json"
        former = read_json(path) if path.exists() else {}
        write_json(path, former | facts)

    def clear(self) -> None:
        """Forget the figures of a former start of the run."""
        (self.folder / "log.jsonl").unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: each figure is in the file already."""
