"""Distils a static student from any model that runs: a table of vectors that answers as its teacher does.

The student reads its teacher's tokens. Its token vectors begin as what the teacher's encoder makes of each token alone
(as model2vec does), reduced to the wanted width; then it learns the teacher's answers to the training rows, to texts
made from them, and to unlabelled texts where there are any (Hinton et al. 2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch.nn import functional

from feilun.bundles.runtime import Runtime
from feilun.compression.augmentation import Tokens, augmented_rows
from feilun.compression.graphs.static import static_graph
from feilun.compression.quantize import quantize_int8
from feilun.compression.settings import StudentSettings
from feilun.compression.static_model import StaticModel, bags
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.files import atomic_file

FEWEST_STEPS, FEWEST_ROWS, MOST_ROWS = 1000, 16, 256
"""A batch has as many rows as leave the student so many steps, but within bounds."""

BATCH_TOKENS = 4096
"""Tokens of a student's batch: a larger one than a transformer's, for next to nothing is computed."""

START = 0.1
"""Root mean square of the first token vectors."""


def distil(
    teacher: Runtime, train: Corpus, unlabelled: Sequence[str], settings: StudentSettings, path: Path, *, int8: bool
) -> Runtime:
    """Train a student and write it as an ONNX file.

    Args:
        teacher: What it learns from; a model that gives each text one label.
        train: The training rows; only their texts are read.
        unlabelled: Further texts.
        settings: The table `[compression.student]`.
        path: The file to write.
        int8: Store the tables in 8 bits.

    Returns:
        The student, not calibrated; it reads its teacher's tokens.

    Raises:
        StorageError: If the disk is full.
    """
    random = np.random.default_rng(settings.seed)
    rows = teacher.encode(corpus_of([*train.text, *unlabelled]))
    (empty,) = teacher.encode(corpus_of([""]))
    rows += augmented_rows(rows, empty, settings.texts, random)
    taught = teacher.logits_of(rows)  # (rows, labels)
    torch.manual_seed(settings.seed)
    vectors = first_vectors(teacher, empty, settings.width)
    model = StaticModel(vectors, settings.pairs, taught.shape[1], settings.dropout)
    learn(model, rows, taught, settings, random)
    with atomic_file(path) as temporary:
        onnx.save(static_graph(model.weights()), temporary)
    if int8:
        quantize_int8(path, path)
    return Runtime(
        path, teacher.encoder, teacher.labels, cleaning=teacher.cleaning, pad_id=teacher.pad_id,
        threads=teacher.threads, batch_tokens=BATCH_TOKENS,
    )  # fmt: skip


def first_vectors(teacher: Runtime, empty: Tokens, width: int) -> NDArray[np.float32]:
    """Return what a teacher's encoder makes of each token of its vocabulary alone, in its main directions.

    Args:
        teacher: The model.
        empty: Token ids of the empty text; each token stands before the last of them.
        width: Directions to keep; where the teacher has fewer, the others are zero.

    Returns:
        Shape (vocabulary, width).
    """
    size = teacher.encoder.tokenizer.get_vocab_size()
    states = teacher.embed_rows([[*empty[:-1], token, *empty[-1:]] for token in range(size)])  # (vocabulary, hidden)
    states = states - states.mean(0)
    _, directions = np.linalg.eigh(states.T @ states)
    kept = states @ directions[:, ::-1][:, :width]
    kept *= START / max(float(np.sqrt((kept**2).mean())), 1e-12)
    return np.pad(kept, ((0, 0), (0, width - kept.shape[1]))).astype(np.float32)


def learn(
    model: StaticModel,
    rows: Sequence[Tokens],
    taught: NDArray[np.float32],
    settings: StudentSettings,
    random: np.random.Generator,
) -> None:
    """Train a student in place on its teacher's answers.

    Args:
        model: The student.
        rows: Token ids of each row.
        taught: The teacher's logits, shape (rows, labels).
        settings: Epochs, rate and temperature.
        random: Shuffles the rows.
    """
    sparse = [model.token_vectors.weight, model.pair_vectors.weight]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.SparseAdam(sparse, settings.learning_rate),
        torch.optim.Adam(model.head.parameters(), settings.learning_rate),
    ]
    wanted = functional.log_softmax(torch.from_numpy(taught) / settings.temperature, dim=1)  # (rows, labels)
    size = min(MOST_ROWS, max(FEWEST_ROWS, len(rows) * settings.epochs // FEWEST_STEPS))
    total = settings.epochs * math.ceil(len(rows) / size)
    model.train()
    for step, batch in enumerate(_batches(len(rows), size, settings.epochs, random)):
        said = model(bags([rows[i] for i in batch], model.pairs)) / settings.temperature
        loss = functional.kl_div(said.log_softmax(1), wanted[batch], log_target=True, reduction="batchmean")
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = settings.learning_rate * (1 - step / total)
            optimizer.zero_grad()
        (loss * settings.temperature**2).backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
    model.eval()


def _batches(rows: int, size: int, epochs: int, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    for _ in range(epochs):
        order = random.permutation(rows)
        yield from (order[start : start + size] for start in range(0, rows, size))
