"""What people asked for stays when time closes an incident; an incident is told in the language of its story."""

from __future__ import annotations

import pytest

from feilun.apps.public_opinion.incidents import Alarm, acted_on, closed_after, joined_by, opened_by
from feilun.apps.public_opinion.summary import headline, summary


def alarm(bucket: int, count: int = 10) -> Alarm:
    return Alarm("r", "negative", "recall", "X", bucket, count, 5.0, 1e-9)


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ((), "open"),
        (("mute",), "muted"),
        (("acknowledge",), "open"),
        (("mute", "reopen"), "open"),
        (("mute", "close"), "open"),
        (("acknowledge", "mute"), "muted"),
    ],
)
def test_a_muted_incident_opens_muted_again(actions: tuple[str, ...], state: str) -> None:
    incident = opened_by(alarm(0), "X", ["s"], {})
    for action in actions:
        incident = acted_on(incident, action, "li", 1.0)
    closed = closed_after(incident, 10)
    again = joined_by(joined_by(closed, alarm(20), ["s"], {}), alarm(21, 90), ["s"], {})
    assert again.state == state
    assert again.severity == "critical"


def test_an_incident_is_told_in_the_language_of_its_story() -> None:
    story = {"title": "Qinghe recalls cars", "source": "wire", "told": 9, "evidence": "Brakes fail."}
    cause = {"stories": [story], "sources": [["wire", 9]], "phrases": [["brakes", 8]]}
    english = opened_by(alarm(0), "Qinghe", ["a"], cause)
    told = summary(english).splitlines()
    assert headline(english) == "[moderate] Qinghe Qinghe recalls cars"
    assert told[1:] == ["[1] Qinghe recalls cars (wire, told 9 times): Brakes fail.", "Phrases: brakes."]
    chinese = opened_by(alarm(0), "Qinghe", ["a"], {**cause, "stories": [{**story, "title": "青禾汽车召回新车"}]})
    assert headline(chinese) == "[一般] Qinghe 青禾汽车召回新车"
    assert summary(chinese).splitlines()[-1] == "关键短语：brakes。"


def test_an_incident_is_told_in_the_language_that_is_asked_for() -> None:
    story = {"title": "Qinghe recalls cars", "source": "wire", "told": 9, "evidence": "Brakes fail."}
    incident = opened_by(alarm(0), "Qinghe", ["a"], {"stories": [story], "sources": [["wire", 9]], "phrases": []})
    assert headline(incident, "zh") == "[一般] Qinghe Qinghe recalls cars"
    assert summary(incident, "zh").splitlines() == [
        "1970-01-01 00:00（UTC）起的时段内有 10 篇负面文档，预期 5.0 篇（p = 1e-09）。整个事件的来源：wire (9)。",
        "[1] Qinghe recalls cars（wire，被报道 9 次）：Brakes fail.",
    ]
    assert headline(incident, "en") == headline(incident)
