"""`feilun label errors` names the rows that were made wrong, writes them, and writes the others."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from feilun.core.errors import BaseModelError, DataError, UsageError
from feilun.interfaces.cli.main import run
from feilun.workflow.labelling.errors import label_errors
from feilun.workflow.labelling.labelled_texts import place_of
from feilun.workflow.labelling.vectors import WORDS
from labelled_table import labelled_table
from tiny import save_tiny_base

RECIPE = """
task = "{task}"
[data]
train = "reviews.csv"
{more}
[model]
base = "./base"
max_tokens = 16
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    labelled_table(path, wrong=8)
    return path


def recipe(folder: Path, task: str = "classify", more: str = "") -> Path:
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(task=task, more=more), encoding="utf-8")
    return path


@pytest.mark.parametrize("read_by", ["base", WORDS])
def test_the_rows_that_were_made_wrong_are_named(table: Path, read_by: str) -> None:
    wrong = labelled_table(table, wrong=8)
    base = str(save_tiny_base(table.parent / "base")) if read_by == "base" else WORDS
    found = label_errors(place_of(str(table), base=base))
    named = {int(found.corpus.id[row]) for row in found.wrong().tolist()}
    assert len(named & set(wrong)) >= 4
    assert len(named - set(wrong)) <= 4
    (first, *_) = found.to_json(1)["worst"]
    assert (first["given"], first["suggested"]) == ("bad", "good")
    assert found.per_label()[0]["label"] == "bad"


def test_a_recipe_names_base_and_columns(table: Path) -> None:
    save_tiny_base(table.parent / "base")
    found = label_errors(place_of(str(recipe(table.parent))))
    assert "base" in found.read_by
    assert len(found.wrong()) > 0


def test_what_cannot_be_looked_at(table: Path) -> None:
    with pytest.raises(UsageError, match="only `classify`"):
        place_of(str(recipe(table.parent, "match", 'pair = "channel"')))
    with pytest.raises(UsageError, match="names its columns itself"):
        place_of(str(recipe(table.parent)), text="text")
    with pytest.raises(BaseModelError):
        label_errors(place_of(str(table), base="./no-such-base"))
    bare = table.with_name("bare.csv")
    bare.write_text("text\n" + "good bank\nbad loan service here\n" * 9, encoding="utf-8")
    with pytest.raises(UsageError, match="plainly one of labels"):
        label_errors(place_of(str(bare), base=WORDS))
    bare.write_text("text,label\n" + "good bank,1\nbad loan,0\n" * 9, encoding="utf-8")
    with pytest.raises(DataError, match="too few for 50 folds"):
        label_errors(place_of(str(bare), base=WORDS), folds=50)


def test_labels_of_few_rows_are_named(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not label_errors(place_of(str(table), base=WORDS)).notes()
    few = table.with_name("few.csv")
    few.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[:11]), encoding="utf-8")
    [note] = label_errors(place_of(str(few), base=WORDS)).to_json(0)["notes"]
    assert "With fewer than 10 rows a label is hardly learnt" in note
    assert "'bad' (" in note
    assert "'neutral' (" in note
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run(["label", "errors", str(few), "--base", WORDS]) == 0
    assert "少于 10 行的标签几乎学不会" in capsys.readouterr().out


def test_without_a_base_at_hand_words_are_counted(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feilun.workflow.labelling.labelled_texts.base_for", lambda _: "./no-such-base")
    assert label_errors(place_of(str(table))).read_by.startswith("words")


def test_the_verb(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, kept = table.with_name("doubtful.csv"), table.with_name("kept.csv")
    said = ["label", "errors", str(table), "--base", WORDS, "--out", str(out), "--kept", str(kept)]
    assert run(said) == 0
    assert "are called wrong" in capsys.readouterr().out
    assert run([*said, "--json", "--count", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["worst"]) == 3
    with out.open(encoding="utf-8-sig", newline="") as file:
        doubtful = list(csv.DictReader(file))
    with kept.open(encoding="utf-8", newline="") as file:
        left = list(csv.DictReader(file))
    assert len(doubtful) == told["wrong"]
    assert (len(doubtful) + len(left), len(left)) == (240, told["kept"])
    assert list(left[0]) == ["text", "label", "channel"]
    assert {row["label"] for row in doubtful} == {""}
    assert run(["label", "errors", str(table), "--base", WORDS, "--out", str(out.with_suffix(".json"))]) == 0
    assert len(json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["worst"]) == told["wrong"]
    assert run(["label", "errors", str(table), "--base", WORDS, "--out", "x.docx"]) == 2
