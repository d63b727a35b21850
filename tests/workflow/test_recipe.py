from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.errors import RecipeError, UsageError
from feilun.core.labels import LabelSet
from feilun.core.settings import describe, to_table
from feilun.evaluation import out_of_scope
from feilun.evaluation.judgement import from_probabilities
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.metrics.single_label import figures
from feilun.workflow.recipe import Recipe, from_table, load, to_toml

MINIMAL = 'task = "classify"\n[data]\ntrain = "news.csv"\n'


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "recipe.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(path, overrides=()):
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    assert caught.value.exit_code == 2
    return caught.value.faults


def test_a_minimal_recipe_takes_its_name_from_the_file_and_its_defaults_from_the_settings(write):
    recipe = load(write(MINIMAL, "finance sentiment.toml"))
    assert recipe.name == "finance-sentiment"
    assert recipe.task == "classify"
    defaults = {key: default for key, _, default, _ in describe(Recipe)}
    assert str(recipe.training.epochs) == defaults["training.epochs"]
    assert recipe.model.base == defaults["model.base"]


def test_all_faults_are_reported_together_each_with_its_line_and_the_nearest_key(write):
    text = """task = "clasify"
nmae = "x"
[data]
trian = "a.csv"
text = 3
[training]
learning_rate = -1
epochs = "many"
epoch = 3
[training.early_stopping]
patiense = 1
[model.adaptation]
kind = "lorra"
[evaluation]
cost_error = 3
[gate]
macro_f2 = 0.8
accuracy = "high"
"""
    found = faults(write(text))
    expected = {
        1: "classify", 2: "'name'", 3: "data.train", 4: "'train'", 5: "data.text", 7: "above 0", 8: "training.epochs",
        9: "'epochs'", 11: "'patience'", 13: "lorra", 15: "cost_review", 17: "'macro_f1'", 18: "gate",
    }  # fmt: skip
    for line, words in expected.items():
        assert any(fault.startswith(f"line {line}: ") and words in fault for fault in found), (line, words, found)
    assert len(found) == len(expected)
    assert list(found) == sorted(found, key=lambda fault: int(fault.split(":")[0].split()[1]))


def test_faults_of_the_command_line_name_the_option(write):
    found = faults(write(MINIMAL), ["training.epochs=0", "training.lerning_rate=1", "nonsense", "=3"])
    assert any("--set nonsense" in fault and "key=value" in fault for fault in found)
    assert any("--set =3" in fault for fault in found)
    assert any(fault.startswith("--set training.epochs") for fault in found)
    assert any("learning_rate" in fault for fault in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task = “classify”\n", ["line 1", "typographic"]),
        ("task = classify\n", ["line 1", "straight quotes"]),
        ('task = "classify"\n[data\n', ["line 2"]),
        ("a = 1\nb = 2\na = 3\n", ["line 3"]),
        ("[data]\nclean = { a = 1,\nb = 2 }\n", ["line 2", "braces"]),
        ('task = "classify', ["line 1"]),
    ],
)
def test_broken_toml_is_placed(write, text, words):
    (fault,) = faults(write(text))
    assert all(word in fault for word in words), fault


def test_a_recipe_saved_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "gbk.toml"
    path.write_bytes('task = "classify"\nname = "情感"\n'.encode("gbk"))
    (fault,) = faults(path)
    assert "line 2" in fault
    assert "UTF-8" in fault


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load(path).task == "classify"


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_missing_recipe_or_a_folder_says_what_to_do(tmp_path, name):
    with pytest.raises(UsageError, match="feilun init"):
        load(tmp_path / name)


def test_paths_of_the_file_are_relative_to_it_and_those_of_the_command_line_to_the_working_folder(
    write, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = write('task = "classify"\n[data]\ntrain = "news.csv"\nvalidation = "../dev.csv"\n[model]\nbase = "./own"\n')
    monkeypatch.chdir(elsewhere)
    recipe = load(path, ["data.test=rows.csv"])
    assert Path(recipe.data.train) == tmp_path / "news.csv"
    assert Path(recipe.data.validation) == tmp_path.parent / "dev.csv"
    assert Path(recipe.data.test) == elsewhere / "rows.csv"
    assert Path(recipe.model.base) == tmp_path / "own"


def test_database_urls_absolute_paths_and_hub_ids_stay(write):
    text = '[data]\ntrain = "postgresql://host/db"\ntest = "/data/test.csv"\n[model]\nbase = "intfloat/e5"\n'
    recipe = load(write('task = "classify"\n' + text))
    assert recipe.data.train == "postgresql://host/db"
    assert recipe.data.test == "/data/test.csv"
    assert recipe.model.base == "intfloat/e5"


def test_the_command_line_replaces_keys_and_makes_tables(write):
    overrides = [
        "training.epochs=3", "training.learning_rate=3e-5", "data.target=1", "data.text=a=b", "gate.macro_f1=0.8",
        "evaluation.slices=channel, length", "model.adaptation.kind=frozen", "model.adaptation.layers=2", "name=x",
    ]  # fmt: skip
    recipe = load(write(MINIMAL + "[training]\nepochs = 9\n"), overrides)
    assert recipe.training.epochs == 3
    assert recipe.training.learning_rate == 3e-5
    assert recipe.data.target == "1"
    assert recipe.data.text == "a=b"
    assert recipe.gate == {"macro_f1": 0.8}
    assert recipe.evaluation.slices == ("channel", "length")
    assert recipe.model.adaptation.layers == 2
    assert recipe.name == "x"


def test_a_recipe_written_reads_back_equal(write):
    recipe = load(write(MINIMAL), ["gate.accuracy=0.9", "model.adaptation.kind=frozen", "data.clean.redact=email"])
    assert load(write(to_toml(recipe), "again.toml")) == recipe
    assert from_table(to_table(recipe)) == recipe


def test_a_table_from_python_reports_its_faults_too():
    with pytest.raises(RecipeError) as caught:
        from_table({"task": "classify", "data": {"trian": "x"}, "gate": {"acuracy": 1}})
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("name", ["a/b", "", "..", "a\nb", "-x", ".hidden"])
def test_a_name_that_is_no_folder_name_is_refused(name):
    with pytest.raises(RecipeError, match="name"):
        from_table({"task": "classify", "name": name, "data": {"train": "x.csv"}})


def test_a_gate_may_name_every_metric_that_reports_have():
    labels = LabelSet(("a", "b"))
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    judged = figures(from_probabilities(probabilities, np.array([0, 1]), labels))
    assert {*judged, *out_of_scope.METRICS} == set(JUDGES["classify"].metrics)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_gives_a_recipe_or_faults_but_no_other_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("recipes") / "recipe.toml"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(RecipeError):
        load(path)


@given(key=st.text(max_size=10), value=st.text(max_size=10))
def test_any_override_gives_a_recipe_or_faults_but_no_other_error(tmp_path_factory, key, value):
    path = tmp_path_factory.mktemp("recipes") / "recipe.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    try:
        load(path, [f"{key}={value}"])
    except RecipeError as error:
        assert error.faults  # noqa: PT017


@pytest.mark.parametrize("overrides", [[], ["evaluation.wanted_accuracy=0.9", "task=multilabel"]])
def test_a_threshold_of_each_label_needs_a_wish_and_a_task_with_one_label(write, overrides):
    with pytest.raises(RecipeError, match=r"evaluation\.by_label"):
        load(write(MINIMAL), ["evaluation.by_label=true", *overrides])
