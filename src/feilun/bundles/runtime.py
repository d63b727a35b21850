"""A bundle's model on ONNX Runtime and tokenizers alone: no torch, no transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from feilun.bundles.processor import usable_cores
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import BundleError, UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision, Prediction
from feilun.text.clean import Cleaning
from feilun.text.tokens import TokenEncoder, batches_by_length, pad

BATCH_TOKENS = 256
"""Tokens of a batch: its activations stay in a core's own cache (measured: 10 % faster than 1024, 40 % than 4096)."""

FIRST_PIECE, LARGEST_PIECE = 32, 8192
"""Texts of a stream held at once: few at first, so that answers come at once; then many, so that lengths match."""

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("logits", "pooled")


class Runtime:
    """A model in ONNX with all that turns a text into a prediction; a Predictor, safe to share between threads.

    Args:
        model: The ONNX file: `input_ids` and `attention_mask`, int64 (batch, tokens), give `logits`, float32
            (batch, labels), and `pooled`, float32 (batch, hidden).
        encoder: Turns cleaned texts into token ids.
        labels: The classes, in the order of the logits.
        cleaning: Applied to every text first, as it was in training.
        decision: Turns logits into predictions.
        pad_id: Id of the padding token.
        threads: Processor threads; None uses all cores that this process may.

    Raises:
        BundleError: If the file is no such model.
    """

    def __init__(
        self,
        model: Path,
        encoder: TokenEncoder,
        labels: LabelSet,
        *,
        cleaning: Cleaning,
        decision: Decision | None = None,
        pad_id: int = 0,
        threads: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.labels = labels
        self.cleaning = cleaning
        self.decision = decision or Decision()
        self.pad_id = pad_id
        self.threads = threads or usable_cores()
        self._model, self._identity = model, _identity(model)
        self._session = _open(model, self.threads)
        self.widths = _output_widths(self._session, model, len(labels))
        self._encoding = Lock()  # a tokenizer's settings are changed before it encodes
        self._parallel: onnxruntime.InferenceSession | None = None
        self._opening = Lock()

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide(self.logits(corpus), self.labels.names)

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return logits, not yet calibrated, of shape (rows, labels)."""
        return self._run(corpus, "logits")

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return the pooled states, of shape (rows, hidden)."""
        return self._run(corpus, "pooled")

    def logits_of(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Return logits of shape (rows, labels) for token ids."""
        return self._run_rows(rows, "logits")

    def stream(self, texts: Iterable[str], chunk: int = LARGEST_PIECE) -> Iterator[Prediction]:
        """Predict any number of texts in order, holding only a piece of them.

        Args:
            texts: The texts.
            chunk: Most texts held at once; texts of a piece are batched by length.

        Yields:
            One prediction a text.
        """
        remaining = iter(texts)
        size = min(FIRST_PIECE, chunk)
        while piece := list(islice(remaining, size)):
            yield from self.predict(corpus_of(piece))
            size = min(size * 4, chunk)

    def encode(self, corpus: Corpus) -> list[list[int]]:
        """Return the token ids of each row as the model reads them: cleaned, cut, special tokens included."""
        texts = [self._clean(text, i) for i, text in enumerate(corpus.text)]
        pairs = None if corpus.pair is None else [self._clean(text, i) for i, text in enumerate(corpus.pair)]
        with self._encoding:
            return self.encoder.encode(texts, pairs)

    def _run(self, corpus: Corpus, output: str) -> NDArray[np.float32]:
        """Run a corpus piece by piece: token ids of a million rows as Python integers would fill the memory."""
        if len(corpus) <= LARGEST_PIECE:
            return self._run_rows(self.encode(corpus), output)
        starts = range(0, len(corpus), LARGEST_PIECE)
        pieces = (corpus.select(range(start, min(start + LARGEST_PIECE, len(corpus)))) for start in starts)
        return np.concatenate([self._run_rows(self.encode(piece), output) for piece in pieces])

    def _run_rows(self, rows: list[list[int]], output: str) -> NDArray[np.float32]:
        result = np.empty((len(rows), self.widths[output]), dtype=np.float32)
        batches = batches_by_length([len(row) for row in rows], BATCH_TOKENS)
        many = self.threads > 1 and len(batches) >= 2 * self.threads
        session = self._single_threaded if many else self._session

        def answer(batch: list[int]) -> None:
            ids, mask = pad([rows[i] for i in batch], self.pad_id)
            (result[batch],) = session.run([output], dict(zip(INPUTS, (ids, mask), strict=True)))

        if many:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(answer, batches))  # as a list, so that an error comes out
        else:
            for batch in batches:
                answer(batch)
        return result

    def _clean(self, text: str, row: int) -> str:
        if not isinstance(text, str):
            raise UsageError(f"Text {row} is {text!r}, not text.", "Give strings; an absent text is an empty one.")
        return self.cleaning.apply(text)

    @property
    def _single_threaded(self) -> onnxruntime.InferenceSession:
        """Return the session for many batches, opened when first needed.

        A batch on each core is faster than all cores on one batch after another: nothing waits within a layer. It
        costs a second copy of the weights, which a service that only sees a few texts at a time never opens. Where
        the file was replaced or removed meanwhile, by a newer bundle in the same folder, the first session goes on.
        """
        with self._opening:
            if self._parallel is None:
                same = _identity(self._model) == self._identity
                self._parallel = _open(self._model, 1) if same else self._session
            return self._parallel


def _identity(file: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _open(model: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; they are raised as well
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(
            f"{model} cannot be run by ONNX Runtime {onnxruntime.__version__}: {error}.",
            "If the bundle was written with a newer ONNX Runtime: pip install --upgrade onnxruntime",
        ) from error


def _output_widths(session: onnxruntime.InferenceSession, model: Path, labels: int) -> dict[str, int]:
    """Return the width of each output, once inputs, outputs and labels are known to fit."""
    inputs = {value.name for value in session.get_inputs()}
    shapes = {value.name: value.shape for value in session.get_outputs()}
    if inputs != set(INPUTS) or not set(OUTPUTS) <= set(shapes):
        raise BundleError(
            f"{model} reads {sorted(inputs)} and gives {sorted(shapes)}; "
            f"a bundle's model reads {sorted(INPUTS)} and gives {sorted(OUTPUTS)}.",
            "Export it again.",
        )
    widths = {name: shapes[name][-1] for name in OUTPUTS}
    if widths["logits"] != labels or not isinstance(widths["pooled"], int):
        raise BundleError(
            f"{model} gives {widths['logits']} scores a text, but there are {labels} labels.", "Export it again."
        )
    return widths
