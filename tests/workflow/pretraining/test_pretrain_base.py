"""`feilun pretrain`: a table of texts becomes a folder that is a base, or an error that says what to do."""

from __future__ import annotations

import csv
import json
import resource
import signal
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from feilun.core.errors import BaseModelError, DataError, Interrupted, RecipeError, StorageError, UsageError
from feilun.interfaces.cli import main
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.bases.stored import FACTS, load, save_tuned
from feilun.workflow.pretraining.pretrain import pretrain_base, write
from feilun.workflow.pretraining.settings import settings_of
from feilun.workflow.screen import Screen
from labelled_table import labelled_table
from tiny import masked_base, phrases, tiny_base

ROWS = 300
SMALL = ("training.epochs=1", "model.max_tokens=16", "training.threads=1", "training.batch_rows=16")


def written(folder: Path, base: Base) -> Path:
    """A base as `save_tuned` writes it, named in recipes by its folder."""
    folder.mkdir()
    save_tuned(folder, base, {})
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    written(tmp_path / "base", replace(masked_base(), licence="Apache-2.0", prefix="bank ", languages=("zh", "en")))
    texts = [f"{text} {number}" for number, text in enumerate(phrases(ROWS, 5))]  # else most would be copies
    with (tmp_path / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "body"), *enumerate([*texts, " ", texts[0], " ".join(texts[:9])])])
    return tmp_path


def made(place: Path, *more: str, out: str = "new", text: str = "body"):
    asked = settings_of(str(place / "texts.csv"), text, str(place / "base"), (*SMALL, *more))
    return pretrain_base(asked, place / out)


def test_the_folder_is_a_base_that_says_what_it_was_made_of(place):
    new = made(place)
    base = open_base(str(place / "new"))
    former = open_base(str(place / "base"))
    assert (base.licence, base.languages, base.prefix, base.pooling, base.kind) == (
        "Apache-2.0", ("zh", "en"), "bank ", "mean", "encoder",
    )  # fmt: skip
    assert base.name == "new"
    assert base.sha256 == new.base.sha256 != former.sha256
    record = json.loads((place / "new" / FACTS).read_text())
    origin = record["origin"]
    assert origin["pretrained_from"] == {"name": "tiny", "sha256": former.sha256}
    assert origin["perplexity"]["after"] < origin["perplexity"]["before"]
    assert origin["settings"]["data"]["text"] == "body"
    words, former_words = (one.model.get_input_embeddings().weight for one in (base, former))
    assert not torch.equal(words, former_words)
    assert {path.name for path in place.iterdir()} == {"base", "new", "texts.csv"}


def test_a_recipe_trains_on_it(place, own_home):
    from feilun.workflow import steps
    from feilun.workflow.recipe import from_table

    made(place)
    labelled_table(place / "train.csv")
    recipe = from_table({
        "task": "classify", "data": {"train": str(place / "train.csv")},
        "model": {"base": str(place / "new"), "max_tokens": 16}, "training": {"epochs": 1},
    })  # fmt: skip
    bundle = steps.train(recipe, out=place / "bundle")
    assert bundle.manifest["base"]["name"] == "new"
    assert bundle.manifest["base"]["licence"] == "Apache-2.0"


def test_equal_texts_and_settings_give_the_same_base_and_long_texts_are_read_whole(place):
    one, other = made(place), made(place, out="other")
    assert one.base.sha256 == other.base.sha256
    assert one.origin["texts"]["passages"] > 0.85 * ROWS
    longer = made(place, "model.max_tokens=8", out="third")
    assert longer.origin["texts"]["passages"] > 1.5 * one.origin["texts"]["passages"]


@pytest.mark.parametrize("kind", ["lora", "adapter"])
def test_an_adaptation_that_folds_gives_a_whole_base(place, kind):
    if kind == "lora":
        new = made(place, "model.adaptation.kind=lora")
        assert set(new.base.model.state_dict()) == set(masked_base().model.state_dict())
    else:
        with pytest.raises(UsageError, match=r"adapter is no part .* full, frozen, lora, adalora\."):
            made(place, "model.adaptation.kind=adapter")


def test_a_language_model_learns_its_texts_and_keeps_its_turns_and_output_matrix(place):
    from feilun.models.bases.chat_template import SMOLLM2

    torch.manual_seed(1)
    written(place / "causal", replace(tiny_base("causal"), turns=SMOLLM2, output=torch.randn(20, 32)))
    former = open_base(str(place / "causal"))
    asked = settings_of(str(place / "texts.csv"), "body", str(place / "causal"), SMALL)
    new = pretrain_base(asked, place / "new")
    assert new.base.turns == SMOLLM2
    assert torch.equal(new.base.output, former.output)
    assert new.origin["perplexity"]["after"] < new.origin["perplexity"]["before"]
    (place / "new" / "output.safetensors").unlink()
    with pytest.raises(BaseModelError, match=r"output\.safetensors is missing"):
        load(place / "new")


def test_what_cannot_be_is_refused_with_a_remedy(place):
    with pytest.raises(BaseModelError, match="no token that stands for a hidden word"):
        pretrain_base(
            settings_of(str(place / "texts.csv"), "body", str(written(place / "no-mask", tiny_base())), SMALL),
            place / "new",
        )
    with pytest.raises(BaseModelError, match="reads no text"):
        pretrain_base(settings_of(str(place / "texts.csv"), "body", "none", SMALL), place / "new")
    with pytest.raises(DataError, match="boddy"):
        made(place, text="boddy")
    with pytest.raises(DataError, match="an epoch would be a single step"):
        made(place, "training.batch_rows=1000", "training.batch_tokens=100000")
    (place / "texts.csv").write_text("id,body\n" + "".join(f"{i},\n" for i in range(50)))
    with pytest.raises(DataError, match="empty"):
        made(place)
    with pytest.raises(UsageError, match="is there already and is no base"):
        made(place, out=".")
    assert not (place / "new").exists()


def test_every_fault_of_the_settings_is_said_at_once():
    with pytest.raises(RecipeError) as caught:
        settings_of("texts.csv", None, None, ["training.epoch=3", "masking.share=1.5", "model.layers"])
    assert all(said in str(caught.value) for said in ("'epochs'", "masking.share must be below 1", "write key=value"))
    with pytest.raises(RecipeError, match=r"model\.layers has no meaning here"):
        settings_of("texts.csv", None, None, ["model.layers=3"])
    assert settings_of("texts.csv", None, None).model.adaptation.word_embeddings


def test_settings_stand_in_a_file_too_with_paths_relative_to_it(place):
    path = place / "pretrain.toml"
    path.write_text('[data]\ntrain = "texts.csv"\ntext = "body"\n[model]\nbase = "./base"\n[masking]\nshare = 0.3\n')
    found = settings_of(str(path), None, None, ["training.epochs=2"])
    assert (found.data.train, found.model.base) == (str(place / "texts.csv"), str(place / "base"))
    assert (found.masking.share, found.training.epochs, found.training.layer_decay) == (0.3, 2, 1.0)
    assert settings_of(str(path), "title", None).data.text == "title"
    path.write_text('[data]\ntrain = "texts.csv"\n[masking]\nshares = 0.3\n')
    with pytest.raises(RecipeError, match=r"line 4: unknown key 'shares'"):
        settings_of(str(path), None, None)
    path.write_text('model = 3\n[data]\ntrain = "texts.csv"\n')
    with pytest.raises(RecipeError, match="model must be a table, not 3"):
        settings_of(str(path), None, None)
    path.write_text("[data\n")
    with pytest.raises(RecipeError, match="line 1, column 6"):
        settings_of(str(path), None, None)
    with pytest.raises(UsageError, match="not there"):
        settings_of(str(place / "absent.toml"), None, None)


def test_ctrl_c_leaves_a_checkpoint_and_resume_goes_on_to_the_same_base(place):
    whole = made(place, out="whole").base.sha256

    class Stop:
        def step(self, progress, total, figures):
            if progress.step == 5:
                signal.raise_signal(signal.SIGINT)

    class Stopping(Screen):
        @contextmanager
        def training(self, what="fine-tuning"):
            yield Stop()

    asked = settings_of(str(place / "texts.csv"), "body", str(place / "base"), (*SMALL, "training.seed=14"))
    with pytest.raises(Interrupted, match="--resume"):
        pretrain_base(asked, place / "stopped", screen=Stopping())
    assert not (place / "stopped").exists()
    resumed = pretrain_base(asked, place / "stopped", resume=True).base.sha256
    assert resumed == made(place, "training.seed=14", out="other").base.sha256 != whole


def test_a_full_disk_leaves_no_half_written_base(place):
    former = made(place).base.sha256
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(StorageError, match="disk is full"):
            write(place / "new", open_base(str(place / "base")), {}, phrases(4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert load(place / "new", whole_hash=True).sha256 == former
    assert {path.name for path in place.iterdir()} == {"base", "new", "texts.csv"}


def test_the_verb_prints_what_it_made(place, capsys):
    arguments = ["pretrain", str(place / "texts.csv"), "--text", "body", "--base", str(place / "base"),
                 *(word for one in SMALL for word in ("--set", one))]  # fmt: skip
    assert main.run([*arguments, "--out", str(place / "new")]) == 0
    said = capsys.readouterr().out
    assert "Perplexity of" in said
    assert f"model.base={place / 'new'}" in said
    assert main.run([*arguments, "--out", str(place / "new"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["licence"] == "Apache-2.0"
    assert found["perplexity"]["after"] < found["perplexity"]["before"]
    assert main.run([*arguments, "--out", str(place / "new"), "--set", "data.text=nothing"]) == 1
    assert "error: " in capsys.readouterr().err
    assert main.run([*arguments, "--out", str(place / "new"), "--text", "nope"]) == 1
    assert capsys.readouterr().err.endswith("no column 'nope' (it has: id, body). Pass --text body.\n")
