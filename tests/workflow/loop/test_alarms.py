"""Alarms about a served model: told once when they open and once when they are over, not at every look between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from feilun.core.errors import UsageError
from feilun.interfaces.cli.main import run
from feilun.monitoring.alerts import Alerts
from feilun.monitoring.drift import Drift, Signal
from feilun.monitoring.log import ObservationLog
from feilun.monitoring.performance import Observed
from feilun.storage import audit
from feilun.storage.database import Database, open_database
from feilun.workflow.loop.alarms import HOUR, AlarmRules, channels_of, sound
from feilun.workflow.loop.monitor import Window
from workflow.loop.test_monitor import bundle, texts

__all__ = ["bundle"]
MODEL = "reviews@1"


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    opened = open_database()
    yield opened
    opened.close()


def window(p_value: float, right: int | None = None) -> Window:
    """A window with one signal, and of a hundred answers with feedback so many that are right."""
    drift = Drift(200, 300, 0.01, (Signal("labels", 3.0, p_value, p_value <= 0.01, "good 0.9 → 0.2"),))
    said = Observed(0, 0, 0, 0) if right is None else Observed(100, right, 0, 0)
    return Window("last 200", 200, 0.0, 1.0, None, {}, {}, 0.0, drift, None, said)


def test_drift_opens_once_ends_only_when_calm_and_rests_before_the_next(database: Database) -> None:
    told: list[str] = []
    alerts = Alerts(database, {"people": lambda title, body: told.append(f"{title} | {body}") is None})
    hours = {0: 0.5, 1: 0.001, 2: 0.001, 3: 0.03, 4: 0.2, 5: 0.001, 20: 0.001, 28: 0.001, 29: 0.9}
    changed = []
    for hour, p_value in hours.items():
        with alerts:
            found = sound(MODEL, window(p_value), AlarmRules(), alerts, now=1e9 + hour * HOUR)
        changed += [(hour, one.opened) for one in found]
    assert changed == [(1, True), (4, False), (28, True), (29, False)]
    assert len(told) == 4
    assert told[0].startswith("reviews@1: drift alarm | last 200: labels (p = 0.001) good 0.9")
    assert told[1].startswith("reviews@1: drift alarm over")
    with database.read() as connection:
        assert [entry.action for entry in audit.entries(connection)] == ["alarm"] * 4
        assert audit.verify(connection).fault is None


def test_people_are_told_in_their_language(database: Database) -> None:
    told: list[tuple[str, str]] = []
    alerts = Alerts(database, {"people": lambda title, body: told.append((title, body)) is None})
    for hour, p_value in ((0, 0.001), (1, 0.5)):
        with alerts:
            sound(MODEL, window(p_value), AlarmRules(), alerts, now=1e9 + hour * HOUR, language="zh")
    assert [title for title, _ in told] == ["reviews@1：漂移告警", "reviews@1：漂移告警解除"]
    assert told[1][1].endswith("不再有信号漂移（p = 0.500）")


def test_accuracy_opens_when_surely_below_and_ends_when_it_is_not_below(database: Database) -> None:
    rules, alerts = AlarmRules(accuracy_below=0.8), Alerts(database, {})
    found = [
        [one.opened for one in sound(MODEL, window(0.5, right), rules, alerts, now=1e9 + hour * HOUR)]
        for hour, right in enumerate((75, 70, None, 79, 80))
    ]
    assert found == [[], [True], [], [], [False]]
    nothing = replace(window(0.5), drift=None)
    assert sound(MODEL, nothing, rules, alerts) == []


def test_what_was_told_and_not_noted_is_not_told_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    alerts = Alerts(database, {"people": lambda title, body: told.append(title) is None})

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, alerts:
        killed.setattr(audit, "record", die)
        with pytest.raises(KeyboardInterrupt):
            sound(MODEL, window(0.001), AlarmRules(), alerts, now=1e9)
    with alerts:
        assert [one.opened for one in sound(MODEL, window(0.001), AlarmRules(), alerts, now=1e9 + 60)] == [True]
    assert told == ["reviews@1: drift alarm"]


def test_names_of_channels_hold_no_secret() -> None:
    (name,) = channels_of(["json://localhost/secret"])
    assert name.startswith("json ")
    assert "secret" not in name
    with pytest.raises(UsageError, match="'nothing' is none of apprise's"):
        channels_of(["nothing://secret"])


def test_the_verb_tells_over_http(
    bundle: object, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[dict[str, str]] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    asked = texts(80, 3, ("很差", "nowhere"))
    with ObservationLog(database) as log:
        log.observe(MODEL, asked, bundle.predict(asked), 0.002)  # type: ignore[attr-defined]
    server = HTTPServer(("127.0.0.1", 0), Ear)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("FEILUN_TELL", f"json://127.0.0.1:{server.server_port}/")
    for _ in range(2):
        assert run(["monitor", "reviews", "--count", "80", "--threads", "1"]) == 0
    server.shutdown()
    server.server_close()
    page = capsys.readouterr().out
    assert page.count("alarm opened: drift, last 80: ") == 1
    assert [body["title"] for body in bodies] == ["reviews@1: drift alarm"]
    monkeypatch.delenv("FEILUN_TELL")
    assert run(["monitor", "reviews", "--accuracy-below", "0.8"]) == 2
    assert "Give --tell ADDRESS too" in capsys.readouterr().err
