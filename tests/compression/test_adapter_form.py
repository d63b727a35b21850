"""A base's graph with an adapter put into it answers as torch does, whatever was learnt, alone and beside others."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from feilun.bundles.adapter_runtime import read_adapter, shared_session
from feilun.bundles.base_graphs import path_of
from feilun.bundles.runtime import Runtime
from feilun.compression.adapter_form import Apart, refuse_unless_apart
from feilun.compression.export import export_onnx
from feilun.compression.generation import exported
from feilun.compression.graphs.fold import folded_graph
from feilun.compression.quantize import quantize_int8
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.spans import differences
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning
from tiny import LABELS, reviews, tiny_base, tiny_head_model, tiny_model, tiny_task, with_columns
from tiny_writer import FAMILIES, asked, writer_base, writer_model

ADDED: list[Adaptation] = [
    LoRA(2), LoRA(3, targets=("all",)), AdaLoRA(2, 3), Adapter(4), Adapter(4, "pfeiffer"), Frozen(),
]  # fmt: skip
PLAIN = Cleaning()


def moved(model: TextModel, seed: int = 1) -> TextModel:
    """The model with every weight that may move moved by chance, as if it had learnt."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    return model.eval()


def reader(adaptation: Adaptation, kind: str, family: str = "llama") -> TextModel:
    """A model that gives texts one label, on a base of its own kind."""
    base = writer_base(family) if kind == "causal" else tiny_base()
    torch.manual_seed(0)
    return TextModel(base, ClassifyHead(32, LABELS, ClassifySettings()), adaptation, LABELS, 16)


def whole(model: TextModel, folder: Path) -> Runtime:
    """The same model as a bundle of its own holds it: folded, in one file."""
    model.fold()
    export_onnx(model, folder / "whole.onnx")
    features = None if model.fusion is None else model.fusion.columns
    return Runtime(
        folder / "whole.onnx", model.encoder, model.labels, cleaning=PLAIN, decision=model.decision, features=features
    )


@pytest.mark.parametrize("adaptation", ADDED, ids=str)
def test_an_encoder_apart_answers_as_its_whole_file_alone_and_in_batches(
    adaptation: Adaptation, tmp_path: Path
) -> None:
    model, corpus = moved(tiny_model(adaptation)), reviews(40, 7)
    runtime = Apart.of(model, tmp_path).runtime(LABELS, PLAIN)
    logits = runtime.logits(corpus)
    assert np.abs(logits - model.logits(corpus)).max() < 1e-5
    assert np.abs(logits - whole(model, tmp_path).logits(corpus)).max() < 1e-5
    alone = np.concatenate([runtime.logits(corpus.select([row])) for row in range(40)])
    assert np.abs(logits - alone).max() < 1e-5
    assert (np.abs(logits - tiny_model().eval().logits(corpus)).max() > 1e-2) == bool(model.moving)


@pytest.mark.parametrize(
    "task", ["classify", "match", "multilabel", "multitask", "rank", "regress", "similarity", "tag"]
)
def test_every_head_goes_apart(task: str, tmp_path: Path) -> None:
    model = moved(tiny_head_model(task, LoRA(2)))
    corpus, labels = tiny_task(task)
    logits = Apart.of(model, tmp_path).runtime(labels, PLAIN).logits(corpus)
    assert differences(logits, whole(model, tmp_path).logits(corpus)).max() < 1e-5


def test_columns_beside_the_text_are_the_heads(tmp_path: Path) -> None:
    model = moved(tiny_head_model("classify", LoRA(2), features=True))
    corpus = with_columns(reviews(20, 3))
    runtime = Apart.of(model, tmp_path).runtime(LABELS, PLAIN)
    assert np.abs(runtime.logits(corpus) - whole(model, tmp_path).logits(corpus)).max() < 1e-5
    assert runtime.embed(corpus).shape == (20, 32)


@pytest.mark.parametrize("adaptation", ADDED[:-1], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_writes_goes_apart(adaptation: Adaptation, family: str, tmp_path: Path) -> None:
    model, rows = moved(writer_model(adaptation, family=family)), asked(12)
    generator = Apart.of(model, tmp_path).generator(PLAIN, rows)
    model.fold()
    folded = exported(model, tmp_path / "whole.onnx", PLAIN, rows)
    assert np.allclose(generator.logits(rows), folded.logits(rows), atol=1e-4, rtol=1e-5)
    prompts = generator.encode(rows)
    together, alone = generator.written(prompts), [generator.written([prompt])[0] for prompt in prompts]
    assert [answer.ids for answer in together] == [answer.ids for answer in alone]
    assert [answer.ids for answer in together] == [answer.ids for answer in folded.written(prompts)]


@pytest.mark.parametrize("adaptation", ADDED, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_language_model_that_only_reads_goes_apart(adaptation: Adaptation, family: str, tmp_path: Path) -> None:
    model, corpus = moved(reader(adaptation, "causal", family)), reviews(20, 7)
    apart = Apart.of(model, tmp_path)
    logits = apart.runtime(LABELS, PLAIN).logits(corpus)
    assert np.allclose(logits, model.logits(corpus), atol=1e-5, rtol=1e-5)
    onnx.save(folded_graph(path_of(apart.float32), apart.files), tmp_path / "whole.onnx")
    folded = Runtime(tmp_path / "whole.onnx", model.encoder, LABELS, cleaning=PLAIN, decision=model.decision)
    assert np.allclose(logits, folded.logits(corpus), atol=1e-5, rtol=1e-5)
    alone = np.concatenate([folded.logits(corpus.select([row])) for row in range(20)])
    assert np.allclose(logits, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["encoder", "causal"])
def test_int8_changes_the_base_and_leaves_the_adapter(kind: str, tmp_path: Path) -> None:
    model, corpus = moved(reader(LoRA(2, targets=("all",)), kind)), reviews(40, 7)
    plain = Apart.of(model, tmp_path).runtime(LABELS, PLAIN)
    assert quantize_int8(plain.model, tmp_path / "int8.onnx") > 8
    small = plain.like(tmp_path / "int8.onnx")
    places = {value.name for value in onnx.load(small.model).graph.input}
    assert {value.name for value in onnx.load(plain.model).graph.input} == places
    wanted, found = plain.logits(corpus), small.logits(corpus)
    assert 0 < np.abs(wanted - found).max() < 0.1 * np.abs(wanted).max()
    alone = np.concatenate([small.logits(corpus.select([row])) for row in range(40)])
    assert np.abs(found - alone).max() < 1e-4


def test_models_of_all_kinds_stand_on_one_graph_and_one_session(tmp_path: Path) -> None:
    models = [moved(tiny_model(adaptation), seed) for seed, adaptation in enumerate(ADDED)]
    apart = [Apart.of(model, tmp_path / str(i)) for i, model in enumerate(models)]
    assert len({one.float32 for one in apart}) == 1
    runtimes = [one.runtime(LABELS, PLAIN) for one in apart]
    session = shared_session(path_of(apart[0].float32), runtimes[0].threads)
    assert all(runtime._session.base is session for runtime in runtimes)  # type: ignore[attr-defined]
    corpus: Corpus = reviews(30, 5)
    gc.collect()  # what a run needs of an adapter must live as long as its runtime
    for _ in range(2):
        for model, runtime in zip(models, runtimes, strict=True):
            assert np.abs(runtime.logits(corpus) - model.logits(corpus)).max() < 1e-5


def test_a_base_is_the_same_after_its_norms_learnt(tmp_path: Path) -> None:
    fresh, trained = tiny_model(Adapter(4)), moved(tiny_model(Adapter(4)))
    hashes = {Apart.of(model, tmp_path / name).float32 for name, model in {"a": fresh, "b": trained}.items()}
    assert len(hashes) == 1


def test_ranks_that_adalora_gave_up_are_not_written(tmp_path: Path) -> None:
    model = moved(tiny_model(AdaLoRA(2, 4)))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_E" in name:
                weight[1:] = 0.0
    apart = Apart.of(model, tmp_path)
    assert apart.files.adapter is not None
    ranks = {array.shape[1] for name, array in read_adapter(apart.files.adapter).items() if name.endswith("low_rank.a")}
    assert ranks == {1}
    apart.runtime(LABELS, PLAIN)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (tiny_model(Full()), "weights of the base itself move"),
        (tiny_model(Frozen(layers=1)), "weights of the base itself move"),
        (tiny_model(LoRA(2), "causal"), "no graph can be written"),
    ],
)
def test_what_cannot_be_parted_is_refused_with_what_to_do(model: TextModel, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        refuse_unless_apart(model)
    assert 'compression.form to "model"' in str(refused.value)
