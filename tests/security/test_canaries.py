"""Nothing that was made to do harm is opened, each is refused by name, also where Python leaves assertions out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import canaries
import canary_files
import pytest
from canaries import CANARIES
from canary import Canary, refusal

from feilun.data.readers.documents import read_document


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_refused_by_name(canary: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = refusal(canary)
    assert found["kind"] == "refused", found
    assert canary.says in found["said"]


@pytest.mark.slow
def test_no_refusal_rests_on_an_assertion(own_home: Path) -> None:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-O", canaries.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths})
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["name"] for one in found] == [canary.name for canary in CANARIES]
    assert {one["kind"] for one in found} == {"refused"}, [one for one in found if one["kind"] != "refused"]


def test_entities_reach_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    entity = f'<!DOCTYPE l [<!ENTITY a SYSTEM "file://{tmp_path}/secret">]>'
    blocks = canary_files.docx(canary_files.DOCUMENT.format(entity, "before &a; after"))(tmp_path)
    assert "SECRET" not in str(blocks)
    assert read_document(tmp_path / "d.docx") == blocks


def test_members_of_an_archive_reach_no_folder(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    members = {"../../slip.txt": "x", str(tmp_path / "slip.txt"): "x"}
    blocks = canary_files.docx(canary_files.DOCUMENT.format("", "text"), members)(inside)
    assert [block.text for block in blocks] == ["text"]
    assert not (tmp_path / "slip.txt").exists()
