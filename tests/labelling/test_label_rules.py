"""Rules speak where they should, an expression cannot hang, and trust goes to the rules that deserve it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.errors import RecipeError, UsageError
from feilun.data.readers.sources import open_rows
from feilun.interfaces.cli.main import run
from feilun.labelling.label_model import conflicts, fit_label_model
from feilun.labelling.rules import Rule, read_rules, votes
from feilun.workflow.labelling.weak_supervision import label_by_rules

RULES = """
[rules.thanks]
label = "good"
any = ["thank*", "很好"]
unless = ["no thanks"]

[rules.both]
label = "good"
all = ["fast", "help"]

[rules.late]
label = "bad"
pattern = '\\b\\d+ hours?\\b'

[rules.awful]
label = "bad"
any = ["bad", "很差"]
"""

TEXTS = ["Thanks a lot", "no thanks", "服务很好", "fast help", "fast", "2 HOURS late", "badge", "Bad! 很差", ""]


def rules_file(folder: Path, text: str = RULES) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_rule_speaks_of_its_texts(tmp_path: Path) -> None:
    found = votes(list(read_rules(rules_file(tmp_path)).rules.values()), TEXTS)
    spoken = [[text for text, vote in zip(TEXTS, column, strict=True) if vote] for column in found.T]
    assert spoken == [["Thanks a lot", "服务很好"], ["fast help"], ["2 HOURS late"], ["Bad! 很差"]]


def test_an_expression_that_hangs_elsewhere_does_not_hang_here() -> None:
    start = time.monotonic()
    votes([Rule("x", pattern="(a+)+$"), Rule("y", pattern="(a|aa)+b")], ["a" * 20_000 + "!"] * 20)
    assert time.monotonic() - start < 20  # Python's own engine would not come back


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "fewer than two labels"),
        ('[rules.a]\nlabel = "x"\n', "one of any, all and pattern"),
        ('[rules.a]\nany = ["b"]\n', "'rules.a.label' is required"),
        ('[rules.a]\nlabel = "x"\nany = ["b", "*"]\n', "a word is empty"),
        ('[rules.a]\nlabel = "x"\nanny = ["b"]\n', "Did you mean 'any'"),
        (RULES + '[rules.z]\nlabel = "bad"\npattern = "(?=a)b"\n', "rules.z.pattern: look-around"),
        (RULES + '[rules.z]\nlabel = "bad"\npattern = "(a"\n', "rules.z.pattern: unclosed group"),
        (RULES + '[rules.z]\nlabel = "bad"\npattern = "(a{1000}){1000}"\n', "size limit"),
        ("[shares]\ngood = 0.5\n" + RULES, "no share above 0 for 'bad'"),
        ("= 1", "no TOML"),
    ],
)
def test_faults_of_a_file_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RecipeError, match="(?s)" + says.replace("(", r"\(")):
        read_rules(rules_file(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")


def spoken_by(accuracy: list[float], classes: list[int], rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return true classes, and votes of independent rules that are right as often as said where they speak."""
    random = np.random.default_rng(0)
    true = (random.random(rows) < 0.3).astype(int)
    found = np.zeros((rows, len(classes)), bool)
    for rule, (right, named) in enumerate(zip(accuracy, classes, strict=True)):
        share = (true == named).mean()
        own = 0.3 * right
        other = own * (1 - right) / right * share / (1 - share)
        found[:, rule] = random.random(rows) < np.where(true == named, own, other)
    return true, found


def test_trust_goes_to_the_rules_that_deserve_it() -> None:
    classes = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    accuracy = [0.95, 0.9, 0.85, 0.75, 0.9, 0.85, 0.8, 0.5]
    true, found = spoken_by(accuracy, classes.tolist())
    model = fit_label_model(found, classes, 2)
    np.testing.assert_allclose(model.trusted, accuracy, atol=0.12)
    assert model.trusted.argmin() == 7
    covered = found.any(axis=1)
    voted = found[:, classes == 1].sum(axis=1) > found[:, classes == 0].sum(axis=1)  # ties go to the commoner class
    learnt = model.probabilities(found).argmax(axis=1)
    assert (learnt == true)[covered].mean() > (voted == true)[covered].mean()


def test_shares_that_are_known_stay() -> None:
    classes = np.array([0, 1])
    _, found = spoken_by([0.9, 0.9], [0, 1], 300)
    model = fit_label_model(found, classes, 2, np.array([0.7, 0.3]))
    assert model.shares.tolist() == [0.7, 0.3]
    assert model.probabilities(np.zeros((1, 2), bool)).tolist() == [[0.7, 0.3]]


@settings(max_examples=60)
@given(st.integers(0, 30), st.integers(2, 6), st.integers(0, 10_000))
def test_probabilities_sum_to_one_whatever_the_votes(rows, rules, seed):
    random = np.random.default_rng(seed)
    found = random.random((rows, rules)) < random.random()
    classes = np.arange(rules) % 2
    model = fit_label_model(found, classes, 2)
    probabilities = model.probabilities(found)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert ((model.trusted > 0) & (model.trusted < 1)).all()
    assert not (conflicts(found, classes) & ~found).any()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    rows = [
        ("thank you", "good"),
        ("很差", "bad"),
        ("nothing", "bad"),
        ("很好 but bad", "bad"),
        ("3 hours", "good"),
    ] * 8
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


def test_a_table_keeps_its_rows_and_gains_two_columns(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, out = rules_file(table.parent), table.with_name("labelled.csv")
    said = ["label", "rules", str(rules), str(table), "--out", str(out), "--target", "label"]
    assert run([*said, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["coverage"], report["conflicts"]) == (40, 0.8, 0.2)
    assert [one["rule"] for one in report["rules"]] == ["thanks", "both", "late", "awful"]
    assert report["rules"][2]["accuracy"] == 0
    assert report["rules"][1]["accuracy"] is None
    (frame,) = open_rows(str(out))
    assert frame.columns == ["text", "label", "weak_label", "weak_confidence"]
    assert frame["weak_label"].to_list()[:3] == ["good", "bad", None]
    assert frame["weak_label"].null_count() == 40 - report["labelled"]
    assert run(said) == 0
    assert "To train on them" in capsys.readouterr().out


def test_labels_that_are_not_sure_enough_are_left_out(table: Path) -> None:
    rules = read_rules(rules_file(table.parent))
    assert label_by_rules(rules, str(table), minimum=1.0).to_json()["labelled"] == 0


def test_only_rows_whose_label_is_known_measure_the_rules(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    lines[11:] = [line.rpartition(",")[0] + "," for line in lines[11:]]  # of 30 of 40 rows the label is not known
    lines[1] = "thank you, good "
    some = table.with_name("some.csv")
    some.write_text("\n".join(lines), encoding="utf-8")
    rules = read_rules(rules_file(table.parent))
    whole, part = (label_by_rules(rules, str(path), target="label").to_json() for path in (table, some))
    assert part["accuracy"] == whole["accuracy"]
    assert part["measured"] * 4 == whole["measured"]
    assert [one["accuracy"] for one in part["rules"]] == [one["accuracy"] for one in whole["rules"]]
