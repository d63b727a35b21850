"""The written graph answers as torch does, in every family; int8 is kept only where it costs little."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.generator import Generator
from feilun.compression.compress import compress
from feilun.compression.generation import export_generator, exported, in_float32
from feilun.compression.settings import CompressionSettings
from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError, UsageError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.text.clean import Cleaning
from feilun.training.fit import fit
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from tiny_bundle import made_model
from tiny_writer import FAMILIES, asked, writer_model

families = pytest.mark.parametrize("family", FAMILIES)


@families
def test_greedy_answers_equal_torchs_alone_and_together(family: str, tmp_path: Path) -> None:
    model = writer_model(family=family, max_new_tokens=12)
    rows = asked(20)
    generator = exported(model, tmp_path / "model.onnx", Cleaning(), rows)
    with in_float32(model):
        wanted = [answer.ids for answer in model.written(rows.text)]
    assert len({tuple(ids) for ids in wanted}) > 3
    together = generator.written(generator.encode(rows))
    assert [answer.ids for answer in together] == wanted
    alone = [generator.written([prompt])[0] for prompt in generator.encode(rows)]
    assert [answer.ids for answer in alone] == wanted
    likelihoods = [[answer.mean_likelihood for answer in answers] for answers in (together, alone)]
    assert np.allclose(*likelihoods, atol=1e-4)
    assert generator.predict(rows.select([])) == []


@families
def test_int8_foretells_nearly_the_same(family: str, tmp_path: Path) -> None:
    model, rows = writer_model(family=family), asked(20)
    surprises, sizes = [], []
    for block in (None, 16, 32):
        generator = export_generator(model, tmp_path / f"{block}.onnx", Cleaning(), block=block)
        surprises.append(generator.logits(rows)[:, 0] / generator.logits(rows)[:, 1])
        sizes.append(generator.model.stat().st_size)
    for surprise in surprises[1:]:
        assert not np.array_equal(surprise, surprises[0])
        assert np.allclose(surprise, surprises[0], atol=0.1)
    assert sizes == sorted(sizes, reverse=True)


def test_int8_is_kept_or_refused_by_the_perplexity_of_the_validation_rows(tmp_path: Path) -> None:
    model = writer_model()
    splits = Splits(asked(80), asked(30, 1), asked(5, 2), LabelSet(()), {}, "made")
    settings = TrainingSettings(epochs=3, learning_rate=3e-3, early_stopping=EarlyStopping("perplexity"))
    fit(model, splits, settings, RunFolder(tmp_path), tmp_path, identity="made")
    kept = compress(model, splits, CompressionSettings(max_perplexity_rise=0.5), Cleaning(), tmp_path / "a")
    assert kept.precision == "int8"
    assert "perplexity is" in kept.remarks[0]
    plain = compress(model, splits, CompressionSettings(quantize="none"), Cleaning(), tmp_path / "b")
    assert plain.precision == "fp32"
    assert kept.cost()["model_bytes"] < plain.cost()["model_bytes"]
    model.fold()
    for name, weight in model.named_parameters():  # the same in float32, but one input leaves its block no digits
        if "layernorm" in name:
            weight.data[0] /= 1e5
        elif any(part in name for part in ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")):
            weight.data[:, 0] *= 1e5
    refused = compress(model, splits, CompressionSettings(), Cleaning(), tmp_path / "c")
    assert refused.precision == "fp32"
    assert "int8 was tried and refused" in refused.remarks[0]
    assert refused.remarks[0].count("int8 was tried and refused") == 2  # in large blocks, then in small ones


def test_a_graph_that_is_not_the_model_is_refused(tmp_path: Path) -> None:
    model = writer_model()
    model.body.config.rms_norm_eps = 0.5  # type: ignore[union-attr]
    with pytest.raises(BundleError, match="not the trained one"):
        exported(model, tmp_path / "model.onnx", Cleaning(), asked(20))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    model = writer_model()
    made_model(tmp_path / "model.onnx")
    with pytest.raises(BundleError, match="a model that writes answers reads"):
        Generator(tmp_path / "model.onnx", model.encoder, cleaning=Cleaning(), decision=model.prompts.decision)


def test_rows_without_answers_have_no_likelihood_and_states_do_not_depend_on_their_batch(tmp_path: Path) -> None:
    generator = export_generator(writer_model(), tmp_path / "model.onnx", Cleaning())
    with pytest.raises(UsageError, match="have no answers"):
        generator.logits(corpus_of(["loan"]))
    states = generator.embed(corpus_of(["loan", "card bank fee"]))
    assert states.shape == (2, 32)
    assert np.allclose(generator.embed(corpus_of(["loan"])), states[:1], atol=1e-6)


@families
def test_what_every_prompt_begins_with_is_read_once_and_the_answers_stay(family: str, tmp_path: Path) -> None:
    model = writer_model(family=family, template="loan card rate bank fee good bad fast slow {text} help")
    generator = export_generator(model, tmp_path / "model.onnx", Cleaning())
    assert generator.beginning is not None
    assert len(generator.beginning.ids) == 10
    prompts = generator.encode(asked(12))
    assert all(generator.beginning.begins(prompt) for prompt in prompts)
    kept = [generator.written([prompt])[0] for prompt in prompts]
    again = [generator.written([prompt])[0] for prompt in prompts]  # what was kept was not changed
    generator.beginning = None
    plain = [generator.written([prompt])[0] for prompt in prompts]
    assert [one.ids for one in kept] == [one.ids for one in again] == [one.ids for one in plain]
    likelihoods = [[one.mean_likelihood for one in answers] for answers in (kept, plain)]
    assert np.allclose(*likelihoods, atol=1e-4)
    assert export_generator(writer_model(family=family), tmp_path / "b.onnx", Cleaning()).beginning is None


def test_many_threads_ask_at_once(tmp_path: Path) -> None:
    generator = export_generator(writer_model(), tmp_path / "model.onnx", Cleaning())
    rows = asked(12)
    wanted = generator.predict(rows)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: generator.predict(rows), range(24)))
    assert all([one.text for one in said] == [one.text for one in wanted] for said in found)
