"""`feilun predict`: options that do not go together are refused, and a text cannot command the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from feilun.interfaces.cli.main import run
from tiny_bundle import made_bundle


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--text", "review"], "go with --file"),
        (["x", "--query", "select 1"], "go with --file"),
        (["--file", "t.csv", "--pair", "y"], "--pair goes with texts"),
        (["--file", "-"], "by: feilun predict any -"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["predict", "any", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_text_is_shown_without_its_control_characters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made_bundle(tmp_path / "m", name="m")
    assert run(["predict", str(tmp_path / "m"), "\x1b[31m好\x1b]0;title\x07"]) == 0
    shown = capsys.readouterr().out
    assert "好" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
