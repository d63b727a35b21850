"""Shared by all tests: a home of their own, and a fixed number of threads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a FEILUN_HOME of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FEILUN_HOME", str(home))
    return home
