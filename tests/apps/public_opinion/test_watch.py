"""Incidents: the three planted ones and no other, one for one event, and what people do with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.public_opinion.made import NOW, WIDTH, made_intake, record, write_lines
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.watch import Watch
from feilun.core.errors import RecipeError, UsageError
from feilun.monitoring.surge import SurgeDetector
from feilun.storage.database import open_database
from feilun.workflow.applications.public_opinion import desk
from feilun.workflow.applications.public_opinion import wiring as wired
from feilun.workflow.applications.public_opinion.demo import demonstrate

EXAMPLE = Path(__file__).parents[3] / "examples" / "public_opinion.toml"


def test_the_example_is_valid() -> None:
    assert wired.read_application(EXAMPLE).counting.bucket_minutes == 60


def test_faults_come_together_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('application = "public-opinion"\n[counting]\nbucket_minutes = 7\n[sources]\nfile = "x"\n')
    with pytest.raises(RecipeError) as caught:
        wired.read_application(path)
    said = str(caught.value)
    assert "'entities' is required" in said
    assert "must divide a day" in said
    assert "line 5: unknown key 'file'. Did you mean 'files'?" in said


def test_the_demonstration_finds_its_crises_and_an_operator_acts() -> None:
    outcome = demonstrate(train=False)
    assert outcome.documents >= 1500
    assert outcome.found == ("recall", "default", "breach")
    assert outcome.others == ()
    assert [path.name for path in outcome.files] == ["report.html", "report.pdf", "report.json"]
    report = json.loads(outcome.files[2].read_text(encoding="utf-8"))
    assert report["documents"] == outcome.documents
    assert all(len(one["latest"]) == min(200, one["documents"]) for one in report["entities"] + report["topics"])
    assert report["entities"][0]["latest"][0][:12] in outcome.files[0].read_text(encoding="utf-8")
    assert all(path.stat().st_size > 1000 for path in outcome.files)
    first = outcome.incidents[0]
    assert Incident.from_json(first.to_json()) == first
    with wired.opened(outcome.folder / "application.toml", f"sqlite:///{outcome.folder / 'documents.db'}") as app:
        assert [one.id for one in wired.preview(app, app.rules)] == [one.id for one in outcome.incidents]
        assert wired.run(app, finish=True).new == 0
        assert [one.id for one in desk.listed(app)] == [one.id for one in outcome.incidents]
        assert desk.act(app, first.id, "reopen", "li").state == "open"
        with pytest.raises(UsageError, match="There is no incident 'x'"):
            desk.act(app, "x", "mute", "li")
        key = first.cause["stories"][0]["document"]
        said = desk.correct(app, key, desk.Correction(sentiment="neutral"), "li")
        assert said["before"]["sentiment"] == "negative"
        with pytest.raises(UsageError, match="no topic 'recal'"):
            desk.correct(app, key, desk.Correction(topics=["recal"]), "li")


def test_years_without_a_document_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry of years ago, in a feed of today: each hour since would be judged, and again at every start."""
    steps, step = [0, 0, 0, 0], SurgeDetector.step
    run = 0

    def counted(*given: Any) -> Any:
        steps[run] += 1
        return step(*given)

    monkeypatch.setattr(SurgeDetector, "step", counted)
    begin = NOW - 20 * 86_400
    said = [record(i, f"青禾汽车第{i}号公告", begin + i * WIDTH) for i in range(24 * 12)]
    said += [record(1000 + i, f"青禾汽车第{i}名车主投诉刹车故障", begin + 24 * 12 * WIDTH) for i in range(40)]
    said += [record(2000, "青禾汽车第2000号公告", begin + 24 * 13 * WIDTH)]
    old = record(3000, "青禾汽车遭起诉", datetime(1991, 5, 1, tzinfo=UTC).timestamp())
    found = []
    for documents in (said, [old, *said]):
        database = open_database(f"sqlite:///{tmp_path / str(run)}.db")
        intake, watch = made_intake(database), Watch(WIDTH)
        for part in (documents[:100], documents[100:]):
            intake.take(Files(write_lines(tmp_path / f"{run}-{len(part)}.jsonl", part)))
            watch.advance(database, intake.watermark)
        found.append([(one.opened, one.peak.count, one.peak.expected) for one in watch.incidents.values()])
        run += 1
        again = Watch(WIDTH)
        again.resume(database)
        assert again.incidents == watch.incidents
        database.close()
        run += 1
    assert len(found[0]) == 1
    assert found[0] == found[1]
    assert steps[0] == steps[1]
    assert all(more < steps[0] + 2 * 501 for more in steps[2:])  # the hours that are read with it
