import shutil
import subprocess

import pytest

from feilun.core.errors import DataError, UsageError
from feilun.core.files import write_json
from feilun.interfaces.cli.main import run
from feilun.workflow.run import git_state
from feilun.workflow.state.run_history import differing_settings, figures, find_run, read_run


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path))
    for name in ("reviews-1", "reviews-12", "news-3"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        write_json(tmp_path / "runs" / name / "run.json", {"base": name})
    return tmp_path


def test_a_run_is_found_by_the_beginning_of_its_id(home):
    assert find_run("news").name == "news-3"
    assert find_run("reviews-1").name == "reviews-1"  # one id may begin another


def test_a_beginning_of_several_ids_names_them(home):
    with pytest.raises(UsageError, match=r"reviews-1, reviews-12"):
        find_run("rev")


def test_a_run_that_is_not_there_is_answered_with_the_nearest(home):
    with pytest.raises(UsageError, match="Did you mean 'news-3'"):
        find_run("new-3")


def test_a_damaged_run_is_named(home):
    (home / "runs" / "news-3" / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        read_run(find_run("news"))


def test_what_differs_is_told_and_what_does_not_is_left_out():
    one = {"recipe": {"training": {"epochs": 1, "seed": 13}}, "fingerprint": "a", "libraries": {"torch": "2"}}
    other = {"recipe": {"training": {"epochs": 2, "seed": 13, "decay": 0.1}}, "fingerprint": "a", "libraries": {}}
    assert differing_settings([one, other]) == [
        ("training.epochs", [1, 2]), ("libraries.torch", ["2", None]), ("training.decay", [None, 0.1]),
    ]  # fmt: skip


def test_a_run_without_a_report_has_no_figures():
    done = {"report": {"n": 5, "accuracy": 0.8, "metrics": ["accuracy"], "labels": ["a"]}}
    assert figures([done, {}]) == [("n", [5, None]), ("accuracy", [0.8, None])]


def test_the_curve_of_a_run_that_goes_on_is_drawn_from_its_log(home, capsys):
    log = home / "runs" / "news-3" / "log.jsonl"
    assert run(["runs", "plot", "news-3"]) == 2
    assert "no figures yet" in capsys.readouterr().err
    log.write_text('{"step": 5, "perplexity": 30.0}\n{"step": 10, "perplexity": 20.5}\n{"step": 1', encoding="utf-8")
    assert run(["runs", "plot", "news-3"]) == 0
    drawn = (home / "runs" / "news-3" / "plots" / "learning_curve.svg").read_text(encoding="utf-8")
    assert "<!-- perplexity -->" in drawn
    assert "learning_curve.png" in capsys.readouterr().out
    assert run(["runs", "list"]) == 0
    assert "news-3" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_of_the_working_folder_is_kept_and_whether_files_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() is None
    file = tmp_path / "recipe.toml"
    file.write_text("a")
    own = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*own, "commit", "-qm", "first"]):
        subprocess.run([str(shutil.which("git")), *words], check=True)
    state = git_state()
    assert state is not None
    assert (len(state["commit"]), state["changed"]) == (40, False)
    file.write_text("b")
    assert git_state() == {**state, "changed": True}
