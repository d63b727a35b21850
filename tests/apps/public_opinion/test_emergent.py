"""A theme that no topic takes is found by its words, with how many documents it has and whether it grows."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from feilun.apps.public_opinion.emergent import Emergent, Theme, _corrected, find_emergent
from feilun.apps.public_opinion.intake import Intake
from feilun.apps.public_opinion.report import make_report
from feilun.apps.public_opinion.report_files import write_report
from feilun.apps.public_opinion.sample.writer import BEGIN, ENTITIES, write_sample
from feilun.apps.public_opinion.sources.files import Files
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.opinion_queries import router
from feilun.interfaces.http.guard import scope_of
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.public_opinion.wiring import opened

DAYS = 60
THEME = ("充电桩排队", "充电桩不够用", "充电桩被占位", "充电桩难找")
SAID = (
    "节假日服务区出行者等待两小时",
    "小区物业称正在协商",
    "网友晒出现场视频",
    "司机抱怨找不到空位",
    "记者走访多个站点",
)

MORE = (
    "运营方称正在增加设备", "有人提出按时长收费", "当地计划下月新建站点", "部分城市试行预约", "评论区各执一词",
    "多地出现类似情况", "夜间情况稍好",
)  # fmt: skip


def planted(count: int, day: float, seed: int = 1) -> Iterator[dict[str, str]]:
    """Write documents on a theme that the finance scheme has no topic for, one each few hours."""
    drawn = random.Random(seed)
    for number in range(count):
        text = f"{drawn.choice(SAID)}，{drawn.choice(THEME)}引发热议。{'，'.join(drawn.sample(MORE, 2))}。"
        time = BEGIN + timedelta(days=day, hours=5 * number)
        yield {"id": f"p{number}", "text": text, "time": time.isoformat(), "source": "财闻"}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Take the sample and the planted theme of its last days in; return the application file and its database."""
    folder = tmp_path_factory.mktemp("emergent")
    records = [*(one.record() for one in write_sample()), *planted(24, DAYS - 6)]
    lines = [json.dumps(one, ensure_ascii=False) for one in records]
    (folder / "news.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = (
        f'application = "public-opinion"\nentities = {json.dumps(str(ENTITIES))}\n[sources]\nfiles = ["news.jsonl"]\n'
    )
    (folder / "application.toml").write_text(settings, encoding="utf-8")
    url = f"sqlite:///{folder / 'a.db'}"
    with opened(folder / "application.toml", url) as made:
        intake: Intake = made.intake()
        intake.take(Files(folder / "news.jsonl", whole=True))
    return folder / "application.toml", url


@pytest.fixture
def database(application: tuple[Path, str]) -> Iterator[Database]:
    held = open_database(application[1])
    yield held
    held.close()


def of_theme(found: dict[str, Any]) -> bool:
    return any("充电" in phrase for phrase in found["phrases"])


def test_a_new_theme_is_found_by_its_words_and_grows(database: Database) -> None:
    with database.read() as connection:
        found: Emergent = find_emergent(connection, 7)
    first = found.themes[0].to_json()
    assert of_theme(first)
    assert first["grows"]
    assert first["stories"] > 3 * first["stories_before"]
    assert first["documents"] >= 12
    assert all("充电桩" in one["title"] for one in first["typical"])
    assert [one for one in found.themes if one.grows] == [found.themes[0]]


def test_days_before_it_began_have_no_theme_that_grows(database: Database) -> None:
    with database.read() as connection:
        for days in (7, 14):
            found = find_emergent(connection, days, until=(BEGIN + timedelta(days=DAYS - 7)).timestamp())
            assert not any(one.grows or of_theme(one.to_json()) for one in found.themes)


def test_chances_are_corrected_for_the_number_of_themes() -> None:
    themes = [Theme((str(chance),), 9, 9, 1, chance, False, ()) for chance in (0.009, 0.2, 0.3, 0.9)]
    assert [one.grows for one in _corrected(themes)] == [False] * 4  # the first alone would grow
    assert _corrected(themes)[0].p_value == pytest.approx(0.036)
    assert [one.grows for one in _corrected(themes[:1])] == [True]
    assert _corrected([]) == []


def test_nothing_is_found_in_an_empty_database(tmp_path: Path) -> None:
    held = open_database(f"sqlite:///{tmp_path / 'none.db'}")
    with held.read() as connection:
        assert find_emergent(connection, 7).themes == ()
    held.close()


def test_it_is_told_by_the_verb_the_service_and_the_report(
    application: tuple[Path, str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEILUN_DATABASE", application[1])
    said = CliRunner().invoke(cli.app, ["emergent", str(application[0]), "--json"])
    assert said.exit_code == 0, said.output
    by_verb = json.loads(said.stdout)
    plain = CliRunner().invoke(cli.app, ["emergent", str(application[0])])
    assert "充电" in plain.stdout
    assert "grows" in plain.stdout
    app = create_app(Engine({}), FeedbackDesk(ObservationLog(database), lambda _: ()))
    app.include_router(router)
    with TestClient(app) as client:
        assert client.get("/v1/apps/public-opinion/emergent").json() == by_verb
        assert client.get("/v1/apps/public-opinion/emergent?days=0").status_code == 422
    assert scope_of("/v1/apps/public-opinion/emergent") == "predict"
    with database.read() as connection:
        report = make_report(connection, 3600, {})
    page = write_report(report, tmp_path)[0].read_text(encoding="utf-8")
    assert "↑ 充电" in page
    assert json.loads(json.dumps(report.to_json()))["emergent"]["themes"] == by_verb["themes"]
