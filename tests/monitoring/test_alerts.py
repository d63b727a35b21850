"""A message arrives once; a channel that fails is tried again, and one that hangs holds up nobody."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import pytest

from feilun.core.errors import UsageError
from feilun.monitoring.alerts import Alerts, Message, delivered
from feilun.storage.database import open_database


def test_once_again_and_never_for_long(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    told: list[str] = []
    broken: list[str] = []
    release = Event()

    def fail(title: str, body: str) -> bool:
        broken.append(title)
        return False

    alerts = Alerts(
        database,
        {"good": lambda title, body: told.append(title) is None, "bad": fail, "slow": lambda *_: release.wait(30)},
        patience_seconds=0.1,
    )
    began = time.monotonic()
    for _ in range(5):
        found = alerts.tell(Message("k", "t", "b"))
    release.set()
    assert time.monotonic() - began < 3
    assert told == ["t"]
    assert broken == ["t"] * 3
    assert found == {"good": True, "bad": False, "slow": False}
    errors = {one["channel"]: one["error"] for one in delivered(database)}
    assert errors["good"] is None
    assert "refused" in errors["bad"]
    with pytest.raises(UsageError, match="no channel 'x'"):
        alerts.tell(Message("k", "t", "b"), ("x",))
    database.close()
