import json
import os

from feilun.workflow.getting_started import doctor


def test_every_finding_says_something_and_what_is_missing_has_a_remedy():
    findings = list(doctor.examine())
    assert len({finding.name for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.found
        assert finding.remedy or finding.state != "missing"
        json.dumps(finding.to_json())
    assert not [finding for finding in findings if "could not be looked at" in finding.found]


def test_a_look_that_fails_is_itself_a_finding(monkeypatch):
    def falls_ill():
        raise RuntimeError("ill")
        yield

    monkeypatch.setattr(doctor, "EXAMINATIONS", (("first", falls_ill), ("second", doctor._machine)))
    findings = list(doctor.examine())
    assert findings[0].name == "first"
    assert "ill" in findings[0].found
    assert any(finding.name == "memory" for finding in findings)


def test_a_home_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    home = next(finding for finding in doctor.examine() if finding.name == "home")
    assert home.state == "missing"
    assert "FEILUN_HOME" in home.remedy


def test_a_database_that_cannot_be_made_is_named(own_home, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = {finding.name: finding for finding in doctor.examine()}
    assert found["database"].state == "missing"
    assert "feilun.db cannot be made" in found["database"].found


def test_a_home_below_what_is_no_folder_is_named(monkeypatch):
    monkeypatch.setenv("FEILUN_HOME", "/dev/null/home")
    assert {finding.name: finding.state for finding in doctor.examine()}["home"] == "missing"


def test_little_memory_is_a_note_with_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "memory", lambda: 1024**3)
    memory = next(finding for finding in doctor.examine() if finding.name == "memory")
    assert memory.state == "note"
    assert memory.remedy


def test_a_missing_package_names_its_extra():
    finding = doctor._package("no-such-package", "pip install 'feilun[data]'", "tables")
    assert finding.state == "missing"
    assert "feilun[data]" in finding.remedy


def test_the_machine_is_measured():
    assert doctor.cores() >= 1
    assert (doctor.memory() or 1) > 0


def test_the_database_is_looked_at_and_not_made(own_home, monkeypatch, tmp_path):
    def look():
        return next(finding for finding in doctor.examine() if finding.name == "database")

    assert look().state == "ok"
    assert str(own_home / "feilun.db") in look().found
    assert not (own_home / "feilun.db").exists()
    other = tmp_path / "notes.db"
    other.write_text("no database at all, but a file that is long enough to have a header" * 20, encoding="utf-8")
    monkeypatch.setenv("FEILUN_DATABASE", f"sqlite:///{other}")
    assert look().state == "missing"
    assert "is no SQLite database" in look().found
    assert "FEILUN_DATABASE" in look().remedy
