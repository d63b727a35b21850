"""`feilun train` with an adaptation, `feilun adaptations` and `feilun search`, on a tiny base and made data."""

import csv
import json

import pytest

from feilun.interfaces.cli import main
from tiny import reviews, save_tiny_base

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("brisk")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    save_tiny_base(folder / "base")
    rows = reviews(400, seed=1)
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(rows.text, rows.target, strict=True)])
    (folder / "recipe.toml").write_text(
        'task = "classify"\n[data]\ntrain = "train.csv"\ntext = "text"\ntarget = "label"\n'
        '[data.clean]\ndeduplicate = "exact"\n[model]\nbase = "./base"\nmax_tokens = 16\n'
        "[training]\nlearning_rate = 3e-2\nepochs = 4\nearly_stopping = { patience = 0 }\n",
        encoding="utf-8",
    )
    return folder


def json_lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("kind", ["adapter", "lora", "adalora"])
def test_a_bundle_is_trained_folded_and_answers(place, own_home, kind, capsys):
    arguments = ["train", str(place / "recipe.toml"), "--set", f"model.adaptation.kind={kind}", "--json"]
    hashes = set()
    for name in "ab":
        assert main.run([*arguments, "--out", str(own_home / name)]) == 0
        (trained,) = json_lines(capsys)
        hashes.add(trained["hash"])
    assert len(hashes) == 1
    assert trained["accuracy"] > 0.6
    assert main.run(["predict", str(own_home / "a"), "good bank", "--json"]) == 0
    assert json_lines(capsys)[0]["label"] == "good"
    (log,) = (own_home / "runs").glob("*/log.jsonl")
    ranks = [line for line in map(json.loads, log.read_text().splitlines()) if "rank_sum" in line]
    assert bool(ranks) == (kind == "adalora")
    if ranks:
        assert ranks[-1]["rank_sum"] == ranks[-1]["rank_budget"] == 8 * 12


def test_adaptations_are_measured_on_the_base_that_is_named(place, capsys):
    base, recipe = str(place / "base"), str(place / "recipe.toml")
    assert main.run(["adaptations", "--base", base, "--on", recipe, "--seconds", "0.1", "--json"]) == 0
    found = json_lines(capsys)
    assert {line["base"] for line in found} == {base}
    assert all(line["tokens_per_second"] > 0 < line["peak_megabytes"] for line in found)
    reached = {line["kind"]: line["quality"]["recipe"] for line in found}
    assert list(reached) == ["full", "frozen", "adapter", "lora", "adalora"]
    assert reached["full"] < 0.6 < reached["lora"] <= 1  # the rate of the recipe is one for adapters
    assert main.run(["adaptations", "--on", recipe, "--on", recipe]) == 2
    assert "named 'recipe'" in capsys.readouterr().err
    assert main.run(["adaptations", "--base", "./nowhere"]) == 1
    assert "error: " in capsys.readouterr().err


def test_a_search_writes_a_recipe_that_trains(place, own_home, capsys):
    arguments = ["search", str(place / "recipe.toml"), "--trials", "3", "--set", "training.epochs=1"]
    vary = ["--vary", "training.learning_rate=1e-3..1e-1", "--vary", "model.dropout=0.0|0.1"]
    assert main.run([*arguments, *vary, "--json"]) == 0
    (found,) = json_lines(capsys)
    assert found["trials"] == 3
    assert found["best"]["value"] >= found["standing"] or found["standing"] is None
    assert main.run(["check", found["recipe"]]) == 0
    capsys.readouterr()
    assert main.run(["search", str(place / "recipe.toml"), "--vary", "training.learning_rat=1..2"]) == 2
    assert "no key that can be varied" in capsys.readouterr().err
