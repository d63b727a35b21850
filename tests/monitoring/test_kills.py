"""Killed at random moments under write load, nothing acknowledged is lost and nothing doubles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


def test_twenty_kills(database_url: str) -> None:
    """A tenth of benchmarks/kills.py, in a process that forks before it has any thread."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "20", "--database", database_url],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "20 kills" in done.stdout
    assert "none lost, none twice" in done.stdout
