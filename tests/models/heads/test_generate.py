"""What must hold for a model that writes answers, with every adaptation and family of bases."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from feilun.compression.generation import exported, in_float32
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.errors import BaseModelError, Interrupted, UsageError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.models.heads.generate import GenerateSettings
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning
from feilun.training.checkpoint import Progress
from feilun.training.fit import Watcher, fit
from feilun.training.inputs import make_inputs
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny import tiny_base, tiny_tokenizer
from tiny_writer import FAMILIES, SIZES, TURNS, asked, writer_base, writer_model

CASES: list[Adaptation] = [
    Full(), Full(word_embeddings=True), Frozen(layers=1), Adapter(4), Adapter(4, "pfeiffer"), LoRA(2), AdaLoRA(2, 3),
]  # fmt: skip
everywhere = pytest.mark.parametrize("adaptation", CASES)
families = pytest.mark.parametrize("family", FAMILIES)


def trained(adaptation: Adaptation, folder: Path, watcher: Watcher | None = None, resume: bool = False) -> TextModel:
    model = writer_model(adaptation)
    stopping = EarlyStopping(metric="perplexity")
    settings = TrainingSettings(epochs=1, batch_tokens=256, learning_rate=1e-3, early_stopping=stopping)
    splits = Splits(asked(120, 1), asked(30, 2), asked(30, 3), LabelSet(()), {}, "made")
    fit(model, splits, settings, RunFolder(folder), folder, identity="made", watcher=watcher, resume=resume)
    return model


def test_every_adaptation_is_tried_here() -> None:
    assert {type(case) for case in CASES} == set(ADAPTATIONS.values())


@everywhere
def test_gradients_flow_only_where_weights_may_move(adaptation: Adaptation) -> None:
    model = writer_model(adaptation).train()
    corpus = asked(8)
    losses = model.head.loss(model.head(make_inputs(model, corpus).pooled(range(8))), model.head.targets(corpus))
    assert losses.shape == (8,)
    losses.mean().backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@everywhere
def test_trained_saved_loaded_folded_and_exported_it_foretells_the_same(adaptation: Adaptation, tmp_path: Path) -> None:
    model = trained(adaptation, tmp_path)
    corpus = asked(20, 4)
    together = model.logits(corpus)
    alone = np.concatenate([model.logits(corpus.select([i])) for i in range(len(corpus))])
    assert np.allclose(together, alone, atol=1e-4)
    other = writer_model(adaptation)
    assert not np.array_equal(other.logits(corpus), together)
    other.load_trained_state({name: weight.clone() for name, weight in model.trained_state().items()})
    assert np.array_equal(other.logits(corpus), together)
    model.fold()
    assert np.allclose(model.logits(corpus), together, atol=1e-4)
    generator = exported(model, tmp_path / "model.onnx", Cleaning(), corpus)
    assert np.allclose(generator.logits(corpus), together, atol=1e-3)
    assert [one.text for one in generator.predict(corpus)] == [one.text for one in model.predict(corpus)]


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, other = (trained(LoRA(2), tmp_path / name).trained_state() for name in ("a", "b"))
    assert all(torch.equal(one[name], other[name]) for name in one)


class Stopper:
    def step(self, progress: Progress, total: int, figures: Mapping[str, float]) -> None:
        if progress.step == 5:
            signal.raise_signal(signal.SIGINT)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = trained(LoRA(2, dropout=0.1), tmp_path / "whole").trained_state()
    with pytest.raises(Interrupted, match="Stopped at step 5"):
        trained(LoRA(2, dropout=0.1), tmp_path / "parts", Stopper())
    parts = trained(LoRA(2, dropout=0.1), tmp_path / "parts", resume=True).trained_state()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@families
def test_only_the_tokens_of_the_answer_count(family: str) -> None:
    model = writer_model(family=family)
    corpus = asked(5)
    with in_float32(model), torch.no_grad():
        for row, example in enumerate(model.examples(corpus)):
            ids = torch.tensor([example.ids])
            states = model.body(input_ids=ids).last_hidden_state[0]
            told = (states @ model.body.get_input_embeddings().weight.T).log_softmax(1)  # type: ignore[operator]
            wanted = -told[torch.arange(len(example.ids) - 1), ids[0, 1:]][-example.answer :].sum()
            found = model.logits(corpus)[row]
            assert found[0] == pytest.approx(wanted.item(), rel=1e-4)
            assert found[1] == example.answer == len((corpus.target or ())[row].split()) + 1


def test_the_mean_of_the_losses_is_the_mean_over_tokens() -> None:
    head = writer_model().head
    losses = head.loss(torch.tensor([[6.0, 2.0], [4.0, 8.0]]), torch.empty(2, 0))
    assert losses.mean().item() == pytest.approx(10.0 / 10.0)


def test_a_decision_comes_back_from_its_table_as_it_was() -> None:
    for turns in (None, TURNS):
        decision = writer_model(turns=turns, stop=("fee",), temperature=0.5).decision
        assert GenerateDecision.from_table(json.loads(json.dumps(asdict(decision)))) == decision


def test_a_base_with_an_output_matrix_of_its_own_writes_by_it(tmp_path: Path) -> None:
    torch.manual_seed(5)
    config = LlamaConfig(**{**SIZES, "tie_word_embeddings": False}, num_key_value_heads=2)
    whole = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        whole.lm_head.weight.mul_(20)
    whole.save_pretrained(tmp_path / "base")
    tiny_tokenizer().save(str(tmp_path / "base" / "tokenizer.json"))
    base = open_base(str(tmp_path / "base"))
    model = TextModel(base, GenerateSettings(max_new_tokens=6).make(32, LabelSet(())), LoRA(2), LabelSet(()), 32).eval()
    corpus = asked(8)
    for row, example in enumerate(model.examples(corpus)):
        ids = torch.tensor([example.ids])
        labels = ids.clone()
        labels[0, : -example.answer] = -100
        loss = whole(input_ids=ids, labels=labels).loss.item()
        assert model.logits(corpus)[row, 0] / example.answer == pytest.approx(loss, rel=1e-4)
    model.fold()
    generator = exported(model, tmp_path / "model.onnx", Cleaning(), corpus)
    assert [one.text for one in generator.predict(corpus)] == [one.text for one in model.predict(corpus)]


def test_bases_that_cannot_write_are_refused() -> None:
    settings = ModelSettings(max_tokens=16, head=GenerateSettings(max_new_tokens=4))
    splits = Splits(asked(9), asked(3), asked(3), LabelSet(()), {}, "made")

    def refused(base: Base, match: str) -> None:
        with pytest.raises(BaseModelError, match=match):
            build(settings, base, splits, 0)

    refused(tiny_base("encoder"), "writes none: it is an encoder")
    untied = writer_base()
    untied.model.config.tie_word_embeddings = False  # type: ignore[union-attr]
    refused(untied, "should have an output matrix beside")
    other = writer_base()
    other.model.config.model_type = "gpt2"  # type: ignore[union-attr]
    refused(other, "is a gpt2 model")
    narrow = writer_base()
    narrow.model.config.head_dim = 8  # type: ignore[union-attr]
    refused(narrow, "heads of 8 numbers")
    endless = writer_base()
    endless.model.config.eos_token_id = None  # type: ignore[union-attr]
    refused(endless, "does not say which token ends")
    with pytest.raises(UsageError, match="nothing to train"):
        build(replace(settings, adaptation=Frozen()), writer_base(), splits, 0)
