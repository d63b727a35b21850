"""A small application of public opinion that was really run: forty quiet days of two companies, then one surge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from feilun.interfaces.console.console import with_console
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.opinion_desk import with_public_opinion
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.workflow.applications.public_opinion.wiring import Application, opened, run

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
QUIET_DAYS, BAD = 40, 30
APPLICATION = """
application = "public-opinion"
entities = "entities.toml"
[sources]
files = ["news.jsonl"]
push = false
[counting]
bucket_minutes = 360
"""
ENTITIES = """
[[entity]]
name = "青禾汽车"
[[entity]]
name = "Northlake Bank"
"""


def records() -> Iterator[dict[str, str]]:
    for hours in range(0, QUIET_DAYS * 24, 8):
        time = (BEGIN + timedelta(hours=hours)).isoformat()
        name = "青禾汽车" if hours % 16 else "Northlake Bank"
        told = {"id": f"q{hours}", "time": time, "title": f"{name}召开第 {hours} 次例会", "source": "财闻"}
        yield told | {"region": "" if hours % 16 else "香港"}
    for number in range(BAD):
        time = (BEGIN + timedelta(days=QUIET_DAYS, minutes=5 * number)).isoformat()
        title = f"青禾汽车召回 {number} 千辆新车，刹车缺陷致车主投诉 {number}"
        yield {"id": f"b{number}", "time": time, "title": title, "source": "财闻", "url": "https://example.org/a"}


@contextmanager
def ran(folder: Path) -> Iterator[Application]:
    """Run the application in a folder."""
    (folder / "application.toml").write_text(APPLICATION, encoding="utf-8")
    (folder / "entities.toml").write_text(ENTITIES, encoding="utf-8")
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in records()]
    (folder / "news.jsonl").write_text("".join(lines), encoding="utf-8")
    with opened(folder / "application.toml", f"sqlite:///{folder / 'a.db'}") as application:
        run(application, finish=True)
        yield application


def service(application: Application, access: Access | None = None) -> FastAPI:
    """Make the service, as `feilun public-opinion serve` does."""
    feedback = FeedbackDesk(ObservationLog(application.database), lambda _: ())
    made = with_console(with_public_opinion(create_app, application), "public-opinion")
    app: FastAPI = made(Engine({}), feedback, access)
    return app
