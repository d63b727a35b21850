"""Incidents: the three planted ones and no other, one for one event, and what people do with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from feilun.apps.public_opinion.incidents import Incident
from feilun.core.errors import RecipeError, UsageError
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
