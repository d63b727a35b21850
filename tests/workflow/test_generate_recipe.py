"""A model that writes answers, from its table to a bundle that answers and is judged again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.generator import Generator
from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, RecipeError, UsageError
from feilun.interfaces.cli import main
from feilun.workflow import recipe as recipes
from feilun.workflow.finished.compress_bundle import Rows, compress_bundle, wanted
from feilun.workflow.finished.evaluate_file import evaluate_file
from feilun.workflow.getting_started.check_recipe import check_recipe
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.steps import train
from feilun.workflow.untuned_base import UNTUNED
from tiny import WORDS
from tiny_writer import asked, save_base, write_table

pytestmark = pytest.mark.usefixtures("brisk")

RECIPE = """
task = "generate"
[data]
train = "asked.jsonl"
target = "answer"
[model]
base = "./base"
max_tokens = 32
[model.head]
template = "help {text} fee"
max_new_tokens = 6
[training]
learning_rate = 3e-3
epochs = 6
batch_rows = 8
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generate")
    save_base(folder / "base")
    write_table(folder / "asked.jsonl", asked(300))
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bundle(place: Path) -> Bundle:
    return train(recipes.load(place / "recipe.toml", ("evaluation.rows=25",)), out=place / "bundle")


def test_the_report_sets_the_model_beside_the_untuned_base_and_the_beginning_of_the_text(bundle: Bundle) -> None:
    report = bundle.report
    assert report.n == 25
    assert report.value("exact_match") > 0.7
    assert report.value("rouge_l") > 0.8 > report.baselines["beginning of the text"]["rouge_l"]
    assert report.value("perplexity") < report.baselines[UNTUNED]["perplexity"]
    assert report.baselines[UNTUNED]["rouge_l"] < 0.5
    assert set(bundle.report.metrics) == {"perplexity", "rouge_l", "rouge_l_words", "exact_match"}
    assert "A person should read" in (bundle.path / "CARD.md").read_text().replace("a person", "A person")


def test_the_bundle_answers_on_the_command_line_and_is_judged_again(bundle: Bundle, place: Path, capsys) -> None:
    capsys.readouterr()
    assert main.run(["predict", str(bundle.path), "bank good loan", "很差 card", "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["text"], second["text"]) == ("服务 很好", "服务 很差")
    assert 0 < first["score"] <= 1
    assert main.run(["predict", str(bundle.path), "bank good loan"]) == 0
    assert capsys.readouterr().out == "服务 很好\n"
    out = place / "answers.csv"
    assert main.run(["predict", str(bundle.path), "--file", str(place / "asked.jsonl"), "--out", str(out)]) == 0
    assert "predicted_text" in out.read_text("utf-8").splitlines()[0]
    capsys.readouterr()
    assert main.run(["evaluate", str(bundle.path), str(place / "asked.jsonl"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == "generate"
    assert found["exact_match"] == pytest.approx(
        evaluate_file(open_bundle(bundle.path), str(place / "asked.jsonl")).value("exact_match")
    )


def test_the_bundle_needs_no_torch(bundle: Bundle) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from feilun.bundles.bundle import open_bundle\n"
        "print(open_bundle(sys.argv[1]).predict(['bank good loan'])[0].text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle.path)], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout == "服务 很好\n"


def test_a_prompt_that_fills_the_context_is_cut_so_that_its_answer_has_room(bundle: Bundle) -> None:
    generator = bundle.predictor
    assert isinstance(generator, Generator)
    (prompt,) = generator.encode(corpus_of(["card " * 500]))
    assert len(prompt) == 32 - 6
    (answer,) = generator.written([prompt])
    assert len(prompt) + len(answer.ids) <= 32


def test_finished_bundles_are_not_compressed_again(bundle: Bundle, place: Path) -> None:
    with pytest.raises(UsageError, match="are made small when they are trained"):
        compress_bundle(bundle, Rows(str(place / "asked.jsonl")), wanted(bundle, {}))


def test_rows_longer_than_the_context_are_counted_or_refused(place: Path) -> None:
    source = random.Random(2)
    texts = [" ".join(source.choices(WORDS, k=1 + i % 40)) for i in range(80)]
    write_table(place / "long.jsonl", corpus_of(texts, ["bank", "fee"] * 40))
    settings = (f"data.train={place / 'long.jsonl'}", "model.max_tokens=24")
    from feilun.models.bases.catalogue import open_base
    from feilun.models.build import token_encoder

    recipe = recipes.load(place / "recipe.toml", settings)
    tokens = token_encoder(recipe.model, open_base(recipe.model.base))
    length = prepare_rows(recipe, tokens.count).report["length"]
    assert length["tokens"]["maximum"] == 1 + 1 + 40 + 1 + 2
    assert 30 < length["cut_rows"] < 50
    refusing = recipes.load(place / "recipe.toml", (*settings, "model.too_long=refuse"))
    with pytest.raises(DataError, match=r"rows have more than 24 tokens, the longest 45"):
        prepare_rows(refusing, tokens.count)
    tight = recipes.load(place / "recipe.toml", (*settings, "model.max_tokens=9"))
    with pytest.raises(UsageError, match="has 3 tokens and the longest answer 6"):
        token_encoder(tight.model, open_base(tight.model.base))
    few = recipes.load(place / "recipe.toml", (*settings, "data.most_rows=40"))
    report = prepare_rows(few, tokens.count).report
    assert report["rows"]["dropped"]["more than data.most_rows asks for"] == 40
    assert report["rows"]["in"] == 80


def test_a_check_counts_the_tokens_of_prompts_and_answers(place: Path) -> None:
    found = check_recipe(recipes.load(place / "recipe.toml"))
    length = found.splits.report["length"]["tokens"]
    assert found.tokens == pytest.approx(length["mean"] * len(found.splits.train), rel=0.1)
    assert any("tokens a second" in remark for remark in found.remarks)


def test_an_answer_column_of_one_answer_or_few_is_told(place: Path) -> None:
    from feilun.data.prepare import prepare
    from feilun.data.settings import DataSettings

    write_table(place / "one.jsonl", corpus_of([f"card {i}" for i in range(40)], ["bank"] * 40))
    settings = DataSettings(str(place / "one.jsonl"), target="answer")
    with pytest.raises(DataError, match="All 40 rows have the same answer"):
        prepare(settings, task="generate")
    write_table(place / "few.jsonl", corpus_of([f"card {i}" for i in range(40)], ["bank", "fee"] * 20))
    settings = DataSettings(str(place / "few.jsonl"), target="answer")
    assert any('task = "classify" fits' in note for note in prepare(settings, task="generate").report["notes"])


def test_a_recipe_that_cannot_be_says_why(place: Path) -> None:
    def refused(match: str, *settings: str) -> None:
        with pytest.raises(RecipeError, match=match):
            recipes.load(place / "recipe.toml", settings)

    refused(r"must hold \{text\} once", "model.head.template=no place")
    refused("every answer would end before it begins", 'model.head.stop=[""]')
    refused("prompt and answer together have 32 tokens", "model.head.max_new_tokens=32")
    refused("reads one: put both into data.text", "data.pair=answer2")
    refused("would leave out what answers may hold", "model.vocabulary=trim")
    refused("are for tasks that give labels", "evaluation.wanted_accuracy=0.9")
    refused("unknown metric 'macro_f1'", "gate.macro_f1=0.5")
    refused("a generate recipe has none", "compression.form=student")
    made = recipes.load(place / "recipe.toml")
    assert made.training.early_stopping.metric == "perplexity"
    assert made.evaluation.rows == 200
