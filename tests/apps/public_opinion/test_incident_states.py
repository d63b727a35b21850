"""What people asked for stays when time closes an incident and an alarm opens it again."""

from __future__ import annotations

import pytest

from feilun.apps.public_opinion.incidents import Alarm, acted_on, closed_after, joined_by, opened_by


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
