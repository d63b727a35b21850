"""A bundle's model on ONNX Runtime and tokenizers alone: no torch, no transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.cores import usable_cores
from feilun.bundles.given_text import clean
from feilun.bundles.session import (
    FEATURES,
    INPUTS,
    Opener,
    Session,
    check_features,
    identity,
    open_session,
    output_widths,
    run,
)
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.table import AnyDecision
from feilun.core.errors import UsageError
from feilun.core.features import FeatureColumns
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision, Prediction
from feilun.core.remark import Remark, said_in
from feilun.core.spans import TokenLogits
from feilun.text.clean import Cleaning
from feilun.text.tokens import TokenEncoder, batches_by_length, pad
from feilun.text.windows import windows

BATCH_TOKENS = 256
"""Tokens of a batch: its activations stay in a core's own cache (measured: 10 % faster than 1024, 40 % than 4096)."""

FIRST_PIECE, LARGEST_PIECE = 32, 8192
"""Texts of a stream held at once: few at first, so that answers come at once; then many, so that lengths match."""


class Runtime:
    """A model in ONNX with all that turns a text into a prediction; a Predictor, safe to share between threads.

    Args:
        model: The ONNX file: `input_ids` and `attention_mask`, int64 (batch, tokens), give `logits`, float32
            (batch, labels) or, of tokens, (batch, tokens, tags), and `pooled`, float32 (batch, hidden). A model that
            reads features has the input `features`, float32 (batch, width), too.
        encoder: Turns cleaned texts into token ids.
        labels: The classes, in the order of the logits.
        cleaning: Applied to every text first, as it was in training.
        decision: Turns logits into predictions.
        pad_id: Id of the padding token.
        threads: Processor threads; None uses all cores that this process may.
        batch_tokens: Tokens of a batch.
        features: Turns the features of rows into numbers, where the model reads some.
        opener: Opens the file; another than the plain one puts an adapter into a base's graph.

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
        decision: AnyDecision | None = None,
        pad_id: int = 0,
        threads: int | None = None,
        batch_tokens: int = BATCH_TOKENS,
        features: FeatureColumns | None = None,
        opener: Opener = open_session,
    ) -> None:
        self.model = model
        self.features = features
        self.encoder = encoder
        self.labels = labels
        self.cleaning = cleaning
        self.decision: AnyDecision = decision or Decision()
        self.pad_id = pad_id
        self.threads = threads or usable_cores()
        self.batch_tokens = batch_tokens
        self.opener = opener
        self._identity = identity(model)
        self._session = opener(model, self.threads)
        self.widths = output_widths(self._session, model, self.decision.width(len(labels)), len(labels))
        check_features(self._session, model, features)
        self._encoding = Lock()  # a tokenizer's settings are changed before it encodes
        self._parallel: Session | None = None
        self._opening = Lock()

    def like(self, model: Path, threads: int | None = None, opener: Opener | None = None) -> Runtime:
        """Return a runtime for another file of the same model.

        Args:
            model: The file.
            threads: Processor threads it runs on; none: as many as this one.
            opener: Opens it; none: what opened this one.
        """
        return Runtime(
            model, self.encoder, self.labels, cleaning=self.cleaning, decision=self.decision, pad_id=self.pad_id,
            threads=threads or self.threads, features=self.features, opener=opener or self.opener,
        )  # fmt: skip

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide(self.logits(corpus), self.labels.names)

    def logits(self, corpus: Corpus) -> Any:
        """Return logits, not yet calibrated: of shape (rows, labels), those of each row's tokens, or two vectors a row.

        Vectors are those of two texts that are read apart, shape (rows, 2, size).
        """
        if self.decision.reads == "tokens":
            return self.token_logits(corpus)
        if self.decision.reads == "apart":
            return np.stack([self.embed(corpus), self.embed_second(corpus)], axis=1)
        return self._run(corpus, "logits")

    def token_logits(self, corpus: Corpus) -> list[TokenLogits]:
        """Return the logits of each row's tokens; long texts are read in windows.

        Raises:
            UsageError: If the model has no numbers for tokens.
        """
        if self.decision.reads != "tokens":
            raise self._lacks(Remark("numbers for tokens", "逐词元的数值"), "logits")
        texts = [clean(self.cleaning, text, i) for i, text in enumerate(corpus.text)]
        with self._encoding:
            found = windows(self.encoder, texts)
        return found.join(self._run_tokens(found.rows), self.widths["logits"])

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return a vector a row, shape (rows, size): what was trained as such, or the pooled state.

        Where texts are read apart these are the vectors of first texts, such as queries. Features have no part in it.
        """
        if self.decision.reads != "apart":
            return self._run(replace(corpus, features={}), "pooled")
        return self._run(replace(corpus, pair=None), "logits")

    def embed_second(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return the vectors of second texts that are read apart, such as passages, shape (rows, size).

        Args:
            corpus: Rows of two texts; of rows of one text, that is taken for the second.

        Raises:
            UsageError: If the model reads both together.
        """
        if self.decision.reads != "apart":
            raise self._lacks(Remark("vectors for second texts alone", "单独的第二文本的向量"), "embed")
        texts = corpus.text if corpus.pair is None else corpus.pair
        return self._run(replace(corpus, text=texts, pair=None), "logits", second=True)

    def logits_of(self, rows: list[list[int]], features: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return logits of shape (rows, labels), or vectors, for token ids, or of shape (tokens of all rows, tags).

        Args:
            rows: Token ids.
            features: Features as numbers, shape (rows, width), where the model reads some.
        """
        if self.decision.reads != "tokens":
            return self._run_rows(rows, "logits", features)
        return np.concatenate([np.empty((0, self.widths["logits"]), np.float32), *self._run_tokens(rows)])

    def embed_rows(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Return the pooled states, of shape (rows, hidden), for token ids."""
        return self._run_rows(rows, "pooled")

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

    def encode(self, corpus: Corpus, *, second: bool = False) -> list[list[int]]:
        """Return the token ids of each row as the model reads them: cleaned, cut, special tokens included.

        Args:
            corpus: The rows.
            second: Whether they hold second texts, which the model reads apart from first ones.
        """
        texts = [clean(self.cleaning, text, i) for i, text in enumerate(corpus.text)]
        pairs = None if corpus.pair is None else [clean(self.cleaning, text, i) for i, text in enumerate(corpus.pair)]
        with self._encoding:
            return self.encoder.encode_second(texts) if second else self.encoder.encode(texts, pairs)

    def lengths(self, corpus: Corpus) -> NDArray[np.int64]:
        """Return the number of tokens of each row, shape (rows,); of two texts that are read apart, the longer's."""
        if self.decision.reads != "apart" or corpus.pair is None:
            return np.array([len(row) for row in self.encode(corpus)], dtype=np.int64)
        first, second = replace(corpus, pair=None), replace(corpus, text=corpus.pair, pair=None)
        sides = self.encode(first), self.encode(second, second=True)
        return np.array([max(len(one), len(other)) for one, other in zip(*sides, strict=True)], dtype=np.int64)

    def _run(self, corpus: Corpus, output: str, *, second: bool = False) -> NDArray[np.float32]:
        """Run a corpus piece by piece: token ids of a million rows as Python integers would fill the memory."""
        if len(corpus) <= LARGEST_PIECE:
            return self._run_rows(self.encode(corpus, second=second), output, self._features(corpus, output))
        starts = range(0, len(corpus), LARGEST_PIECE)
        pieces = (corpus.select(range(start, min(start + LARGEST_PIECE, len(corpus)))) for start in starts)
        return np.concatenate([self._run(piece, output, second=second) for piece in pieces])

    def _features(self, corpus: Corpus, output: str) -> NDArray[np.float32] | None:
        """Return the features as numbers, shape (rows, width); pooled states are those of the text alone."""
        if self.features is None or output == "pooled":
            return None
        return self.features.matrix(corpus.features, len(corpus))

    def _run_rows(
        self, rows: list[list[int]], output: str, features: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        result = np.empty((len(rows), self.widths[output]), dtype=np.float32)

        def keep(batch: list[int], answers: NDArray[np.float32]) -> None:
            result[batch] = answers

        self._run_batches(rows, output, keep, features)
        return result

    def _run_tokens(self, rows: list[list[int]]) -> list[NDArray[np.float32]]:
        """Return the logits of each row's tokens, shape (tokens, tags)."""
        logits: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)

        def keep(batch: list[int], answers: NDArray[np.float32]) -> None:
            for i, own in zip(batch, answers, strict=True):
                logits[i] = own[: len(rows[i])]

        self._run_batches(rows, "logits", keep)
        return logits

    def _run_batches(
        self,
        rows: list[list[int]],
        output: str,
        keep: Callable[[list[int], NDArray[np.float32]], None],
        features: NDArray[np.float32] | None = None,
    ) -> None:
        """Run rows in batches of similar length and hand over what each batch gives."""
        if features is None and self.features is not None:
            features = self.features.unknown(len(rows))
        batches = batches_by_length([len(row) for row in rows], self.batch_tokens)
        many = self.threads > 1 and len(batches) >= 2 * self.threads
        session = self._single_threaded if many else self._session

        def answer(batch: list[int]) -> None:
            inputs: dict[str, Any] = dict(zip(INPUTS, pad([rows[i] for i in batch], self.pad_id), strict=True))
            if features is not None:
                inputs[FEATURES] = features[batch]
            keep(batch, run(session, self.model, output, inputs))

        if many:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(answer, batches))  # as a list, so that an error comes out
        else:
            for batch in batches:
                answer(batch)

    def _lacks(self, what: str, instead: str) -> UsageError:
        task = self.decision.task
        return UsageError(
            Remark(f"A model of the task {task} has no {what}.", f"任务 {task} 的模型没有{said_in('zh', what)}。"),
            Remark(f"Use `{instead}`.", f"请用 `{instead}`。"),
        )

    @property
    def _single_threaded(self) -> Session:
        """Return the session for many batches, opened when first needed.

        A batch on each core is faster than all cores on one batch after another: nothing waits within a layer. It
        costs a second copy of the weights, which a service that only sees a few texts at a time never opens. Where
        the file was replaced or removed meanwhile, by a newer bundle in the same folder, the first session goes on.
        """
        with self._opening:
            if self._parallel is None:
                same = identity(self.model) == self._identity
                self._parallel = self.opener(self.model, 1) if same else self._session
            return self._parallel
