"""The commands of the README, one after another, on a tiny base and made data: everything else is the real thing."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import polars
import pytest

from feilun.interfaces.cli import main
from tiny import reviews, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")


def write_table(path, corpus):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "mood", "channel"])
        for i, (text, label) in enumerate(zip(corpus.text, corpus.target, strict=True)):
            writer.writerow([text, label, ("app", "web")[i % 2]])
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny base and tables, and a bundle trained on them by `feilun train`."""
    folder = tmp_path_factory.mktemp("place")
    save_tiny_base(folder / "base")
    write_table(folder / "train.csv", reviews(400, seed=1))
    write_table(folder / "later.csv", reviews(100, seed=2))
    (folder / "recipe.toml").write_text(
        'task = "classify"\n[data]\ntrain = "train.csv"\ntext = "review"\ntarget = "mood"\n'
        '[data.clean]\ndeduplicate = "exact"\n'
        '[model]\nbase = "./base"\nmax_tokens = 16\n[training]\nlearning_rate = 3e-3\nepochs = 8\n',
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEILUN_HOME", str(folder / "home"))
        assert main.run(["train", str(folder / "recipe.toml"), "--out", str(folder / "bundle")]) == 0
    return folder


@pytest.fixture
def bundle(place):
    return str(place / "bundle")


def json_lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_init_writes_a_recipe_that_check_accepts(place, tmp_path, capsys):
    recipe = tmp_path / "own.toml"
    arguments = ["init", "--data", str(place / "train.csv"), "--target", "mood", "--out", str(recipe)]
    assert main.run([*arguments, "--base", str(place / "base"), "--json"]) == 0
    (found,) = json_lines(capsys)
    assert (found["text"], found["target"], found["labels"]) == ("review", "mood", 3)
    assert main.run(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert main.run(["check", str(recipe), "--set", "model.max_tokens=16", "--json"]) == 0
    (checked,) = json_lines(capsys)
    assert checked["labels"] == ["bad", "good", "neutral"]
    assert checked["train"] + checked["validation"] + checked["test"] <= 400


def test_check_shows_the_data_report_and_trains_nothing(place, capsys, own_home):
    assert main.run(["check", str(place / "recipe.toml")]) == 0
    assert "tokens a second" in capsys.readouterr().out
    assert not (own_home / "runs").exists()


def test_train_json_is_one_object_on_standard_output(place, tmp_path, capsys):
    arguments = ["train", str(place / "recipe.toml"), "--out", str(tmp_path / "again"), "--set", "training.epochs=1"]
    assert main.run([*arguments, "--cost-error", "20", "--cost-review", "1", "--json"]) == 0
    (found,) = json_lines(capsys)
    assert Path(found["bundle"]) == tmp_path / "again"
    assert {"hash", "accuracy", "macro_f1", "per_label", "n"} <= set(found)


def test_evaluate_json_has_the_promised_keys(place, bundle, capsys):
    assert main.run(["evaluate", bundle, str(place / "later.csv"), "--slice", "channel", "--json"]) == 0
    (report,) = json_lines(capsys)
    assert {"accuracy", "macro_f1", "per_label", "n"} <= set(report)
    assert report["n"] == 100
    assert report["accuracy"] > 0.8
    assert set(report["slices"]["channel"]) == {"app", "web"}


def test_evaluate_shows_a_report(place, bundle, capsys):
    assert main.run(["evaluate", bundle, str(place / "later.csv")]) == 0
    assert "macro-F1" in capsys.readouterr().out


def test_predict_json_is_one_object_a_text_with_the_promised_keys(bundle, capsys):
    assert main.run(["predict", bundle, "good bank", "很差 bad fee", "--json"]) == 0
    answers = json_lines(capsys)
    assert [answer["label"] for answer in answers] == ["good", "bad"]
    assert all({"label", "score", "abstained"} <= set(answer) for answer in answers)


@pytest.mark.parametrize("text", ["", " ", "\u200b", "😀", "x" * 1_000_000, "\ud800", "a\x00b", "שלום", "-1"])
def test_any_text_is_answered(bundle, text, capsys):
    assert main.run(["predict", bundle, "--json", "--", text]) == 0
    (answer,) = json_lines(capsys)
    assert 0 <= answer["score"] <= 1


def test_predict_reads_standard_input(bundle):
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "predict", bundle, "--json", "-"]
    found = subprocess.run(command, input="good loan\n\nbad 银行\n".encode(), capture_output=True, check=True)
    assert [json.loads(line)["label"] for line in found.stdout.splitlines()][::2] == ["good", "bad"]


def test_bytes_that_are_no_text_are_answered_too(bundle):
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "predict", bundle, "--json", "-"]
    found = subprocess.run(command, input=b"good \xff\xfe loan\r\nbad\r\n", capture_output=True, check=True)
    assert [json.loads(line)["label"] for line in found.stdout.splitlines()] == ["good", "bad"]


def test_a_reader_that_leaves_early_is_no_traceback(bundle):
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "predict", bundle, "--json", "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    _, shown = process.communicate(b"good\n" * 5000, timeout=60)
    assert b"Traceback" not in shown


def test_predicting_texts_needs_neither_torch_nor_tables(bundle):
    script = f"""import sys
from feilun.interfaces.cli import main
assert main.run(["predict", {bundle!r}, "good"]) == 0
print([name for name in ("torch", "transformers", "polars", "sklearn", "scipy") if name in sys.modules])"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_predict_adds_columns_to_a_file(place, bundle, tmp_path, ending, capsys):
    out = tmp_path / f"answers{ending}"
    assert main.run(["predict", bundle, "--file", str(place / "later.csv"), "--out", str(out)]) == 0
    read = {".csv": polars.read_csv, ".jsonl": polars.read_ndjson, ".parquet": polars.read_parquet}[ending]
    rows = read(out)
    given = polars.read_csv(place / "later.csv")
    assert rows.select(given.columns).equals(given)
    assert (rows["predicted_label"] == rows["mood"]).mean() > 0.8


def test_predict_without_out_prints_csv(place, bundle, capsys):
    assert main.run(["predict", bundle, "--file", str(place / "later.csv")]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 100
    assert {"review", "predicted_label"} <= set(rows[0])


@pytest.mark.parametrize("arguments", [[], ["good", "--file", "x.csv"], ["good", "--out", "x.csv"]])
def test_predict_without_a_clear_source_is_wrong_use(bundle, arguments, capsys):
    assert main.run(["predict", bundle, *arguments]) == 2
    assert "error:" in capsys.readouterr().err


def test_predict_does_not_write_over_the_table_that_it_reads(bundle, tmp_path, capsys):
    table = write_table(tmp_path / "own.csv", reviews(5, seed=3))
    before = table.read_bytes()
    assert main.run(["predict", bundle, "--file", str(table), "--out", str(table)]) == 2
    assert "would be replaced" in capsys.readouterr().err
    assert table.read_bytes() == before


def test_evaluate_names_its_option_for_a_slice_that_is_no_column(bundle, place, capsys):
    assert main.run(["evaluate", bundle, str(place / "later.csv"), "--slice", "chanel"]) == 1
    assert "Did you mean 'channel'? Name it with --slice." in capsys.readouterr().err


@pytest.mark.parametrize(("option", "header"), [("--text", "body,mood"), ("--target", "review,feeling")])
def test_evaluate_names_the_option_for_a_column_that_is_called_otherwise(bundle, option, header, tmp_path, capsys):
    (tmp_path / "x.csv").write_text(f"{header}\ngood,positive\n", encoding="utf-8")
    assert main.run(["evaluate", bundle, str(tmp_path / "x.csv")]) == 1
    assert f"Name it with {option}." in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["predict"], ["evaluate"], ["serve"]])
def test_a_bundle_that_is_not_there_is_named(verb, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rest = ["x.csv"] if verb == ["evaluate"] else ["text"] if verb == ["predict"] else []
    assert main.run([*verb, "no-such-bundle", *rest]) in {1, 2}
    assert "no-such-bundle" in capsys.readouterr().err


def test_a_tampered_bundle_is_refused_by_the_file_s_name(place, tmp_path, capsys):
    import shutil

    shutil.copytree(place / "bundle", tmp_path / "bundle")
    labels = tmp_path / "bundle" / "labels.json"
    labels.write_text(labels.read_text().replace("good", "evil"))
    assert main.run(["predict", str(tmp_path / "bundle"), "text"]) == 1
    assert "labels.json" in capsys.readouterr().err


def test_a_missed_gate_is_exit_code_1_and_leaves_no_bundle(place, tmp_path, capsys):
    arguments = ["train", str(place / "recipe.toml"), "--out", str(tmp_path / "none"), "--set", "training.epochs=1"]
    assert main.run([*arguments, "--set", "gate.log_loss=0.0001"]) == 1
    assert "log_loss" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_serve_answers_and_stops_at_ctrl_c(bundle):
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "serve", bundle, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address, shown = None, []
        deadline = time.monotonic() + 60
        while address is None and time.monotonic() < deadline:
            line = process.stdout.readline()
            shown.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            address = found and found[0]
        assert address, shown
        answer = json.load(urllib.request.urlopen(f"{address}/v1/models", timeout=30))  # noqa: S310
        assert answer
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in {0, 130}
    finally:
        process.kill()
    assert "Traceback" not in process.stdout.read()


def test_models_and_runs_list_what_there_is(place, capsys, monkeypatch):
    monkeypatch.setenv("FEILUN_HOME", str(place / "home"))
    arguments = ["train", str(place / "recipe.toml"), "--set", "training.epochs=1", "--set", "name=listed"]
    assert main.run([*arguments, "--json"]) == 0
    (trained,) = json_lines(capsys)
    assert main.run(["models", "--json"]) == 0
    (model,) = json_lines(capsys)
    assert (model["name"], model["version"], model["labels"]) == ("listed", 1, 3)
    assert model["accuracy"] == trained["accuracy"]
    assert main.run(["runs", "--json"]) == 0
    latest, *others = json_lines(capsys)
    assert latest["id"].startswith("listed-")
    assert latest["finished"]
    assert latest["step"] > 0
    other = next(run["id"] for run in others if run["id"].startswith("recipe-"))
    assert main.run(["runs", "show", "listed", "--json"]) == 0
    (run,) = json_lines(capsys)
    assert (run["id"], run["report"]["accuracy"]) == (latest["id"], trained["accuracy"])
    assert main.run(["runs", "compare", other, latest["id"], "--json"]) == 0
    (compared,) = json_lines(capsys)
    assert compared["settings"]["name"] == ["recipe", "listed"]
    assert compared["settings"]["training.epochs"][1] == 1
    assert compared["figures"]["accuracy"][1] == trained["accuracy"]
    assert main.run(["runs", "compare", other, "listed"]) == 0
    assert "training.epochs" in capsys.readouterr().out
    assert main.run(["predict", "listed@1", "good", "--json"]) == 0
    assert main.run(["models"]) == 0
    assert "listed@1" in capsys.readouterr().out
    assert main.run(["runs"]) == 0
    shown = capsys.readouterr().out
    assert {latest["id"], other} <= set(shown.split())
    assert str(place / "home" / "runs") in shown


def test_an_empty_home_says_how_to_begin(capsys):
    assert main.run(["models"]) == 0
    assert main.run(["runs"]) == 0
    assert capsys.readouterr().out.count("feilun train") == 2
