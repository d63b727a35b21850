"""A bundle that writes answers, on ONNX Runtime and tokenizers alone: no torch, no transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.cores import usable_cores
from feilun.bundles.given_text import clean
from feilun.bundles.onnx_engine import Beginning, OnnxEngine, cache_of, read
from feilun.bundles.prefix_cache import PrefixCache
from feilun.bundles.session import Opener, open_session
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.errors import UsageError
from feilun.core.features import FeatureColumns
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.text.clean import Cleaning
from feilun.text.decoding import Written, write
from feilun.text.prompts import Example, Prompts
from feilun.text.tokens import TokenEncoder, batches_by_length, pad

READ_TOKENS = 1024
"""Tokens of a batch that is only read."""

FORETOLD_TOKENS = 128
"""Tokens of answers in such a batch: their logits over a large vocabulary are there at once."""

FEWEST_KEPT = 8
"""Tokens that every prompt begins with and whose keys and values are worth keeping."""

WRITTEN_TOGETHER = 8
"""Answers that are written at once: a token for each costs little more than one alone, as the weights are read once."""


class Generator:
    """A language model in ONNX with all that turns a prompt into an answer; a Predictor, safe to share between threads.

    Args:
        model: The ONNX file, as `compression/graphs/decoder.py` writes it.
        encoder: Tokenizer and length of the context.
        cleaning: Applied to every text first, as it was in training.
        decision: How prompts are put and answers written.
        pad_id: Id of the padding token.
        threads: Processor threads; None uses all cores that this process may.
        opener: Opens the file; another than the plain one puts an adapter into a base's graph.

    Raises:
        BundleError: If the file is no such model.
    """

    labels = LabelSet(())
    features: FeatureColumns | None = None
    batch_tokens = READ_TOKENS
    beginning: Beginning | None = None

    def __init__(
        self,
        model: Path,
        encoder: TokenEncoder,
        *,
        cleaning: Cleaning,
        decision: GenerateDecision,
        pad_id: int = 0,
        threads: int | None = None,
        opener: Opener = open_session,
    ) -> None:
        self.model = model
        self.encoder = encoder
        self.cleaning = cleaning
        self.decision = decision
        self.pad_id = pad_id
        self.threads = threads or usable_cores()
        self.opener = opener
        self.session = opener(model, self.threads)
        self.cache = cache_of(self.session, model)
        self._encoding = Lock()  # a tokenizer's settings are changed before it encodes, which nobody may do meanwhile
        self.beginning = self._read_beginning()
        self.turns = PrefixCache()

    def like(self, model: Path, opener: Opener | None = None) -> Generator:
        """Return the same on another file of the model, opened as this one was or by another opener."""
        return Generator(
            model, self.encoder, cleaning=self.cleaning, decision=self.decision, pad_id=self.pad_id,
            threads=self.threads, opener=opener or self.opener,
        )  # fmt: skip

    @property
    def prompts(self) -> Prompts:
        """Return what puts prompts and answers into token ids."""
        return Prompts(self.encoder, self.decision)

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        return self.decision.decide(self.written(self.encode(corpus)), ())

    def logits(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return surprise (negative log likelihood) and tokens of each row's known answer, shape (rows, 2).

        Raises:
            UsageError: If the rows have no answers.
        """
        if corpus.target is None:
            raise UsageError(
                Remark(
                    "The rows have no answers, so that nothing can be said of them.", "各行没有答案，因此无从评判。"
                ),
                Remark("Name their column.", "请指明答案所在的列。"),
            )
        texts = [clean(self.cleaning, text, i) for i, text in enumerate(corpus.text)]
        with self._encoding:
            examples = self.prompts.examples(texts, [str(target) for target in corpus.target])
        found = np.zeros((len(examples), 2), dtype=np.float32)
        for batch in _batches(examples):
            found[batch] = self._surprise([examples[i] for i in batch])
        return found

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return the state behind the last token of each text, without what stands around prompts; (rows, hidden)."""
        texts = [clean(self.cleaning, text, i) for i, text in enumerate(corpus.text)]
        with self._encoding:
            return self.embed_rows(self.encoder.encode(texts))

    def embed_rows(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Return the states behind the last of token ids, shape (rows, hidden)."""
        return self.logits_of(rows)

    def logits_of(self, rows: list[list[int]], _: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return what tells a model that runs otherwise: the states behind the last of token ids, (rows, hidden).

        Args:
            rows: Token ids of each row.
        """
        parts = [self.read([row], [len(row) - 1])[1] for row in rows]
        return np.concatenate([np.empty((0, self.cache.hidden), np.float32), *parts])

    def encode(self, corpus: Corpus) -> list[list[int]]:
        """Return the token ids of each row's prompt, cleaned, and cut so that an answer has room."""
        texts = [clean(self.cleaning, text, i) for i, text in enumerate(corpus.text)]
        with self._encoding:
            return self.prompts.prompts(texts)

    def stream(self, texts: Iterable[str], chunk: int = WRITTEN_TOGETHER) -> Iterator[Prediction]:
        """Predict any number of texts in order, one after the other."""
        for text in texts:
            yield from self.predict(corpus_of([text]))

    def written(self, prompts: Sequence[list[int]]) -> list[Written]:
        """Write answers to prompts, several at once; an answer does not depend on those beside it."""
        answers: list[Written] = [Written()] * len(prompts)
        order = np.argsort([-len(prompt) for prompt in prompts], kind="stable").tolist()
        for start in range(0, len(order), WRITTEN_TOGETHER):
            batch = order[start : start + WRITTEN_TOGETHER]
            *_, done = self.writing([prompts[i] for i in batch])
            for row, answer in zip(batch, done, strict=True):
                answers[row] = answer
        return answers

    def writing(
        self, prompts: Sequence[Sequence[int]], decision: GenerateDecision | None = None
    ) -> Iterator[list[Written]]:
        """Write answers token by token; see `feilun.text.decoding.write`."""
        engine = OnnxEngine(self.session, self.cache, self.pad_id, self.beginning)
        return write(engine, prompts, decision or self.decision, self.encoder.max_tokens, self.text_of)

    def engine(self, prompt: Sequence[int], owner: str) -> OnnxEngine:
        """Return what reads a conversation, and has read its earlier turns where they were its owner's."""
        begun = self.turns.beginning(owner, prompt) or self.beginning
        return OnnxEngine(self.session, self.cache, self.pad_id, begun)

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text that token ids stand for."""
        with self._encoding:
            return self.prompts.text_of(ids)

    def conversation(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """Return the token ids of a conversation that an answer is wanted to."""
        cleaned = [
            {**message, "content": clean(self.cleaning, message["content"], i)} for i, message in enumerate(messages)
        ]
        with self._encoding:
            return self.prompts.conversation(cleaned)

    def read(
        self, rows: Sequence[Sequence[int]], picked: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read rows from their start; return logits and states of the picked places in rows × longest."""
        return read(self.session, self.cache, *pad(rows, self.pad_id), picked)

    def _read_beginning(self) -> Beginning | None:
        """Read what every prompt begins with, where that is worth keeping; being the same for all it tells nothing."""
        ids = self.prompts.beginning()
        if len(ids) < FEWEST_KEPT:
            return None
        engine = OnnxEngine(self.session, self.cache, self.pad_id)
        engine.start([ids])
        return Beginning(ids, engine.kept)

    def _surprise(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        rows = [example.ids for example in examples]
        width = max(map(len, rows))
        places = [
            (row, place, ids[place + 1])
            for row, (ids, example) in enumerate(zip(rows, examples, strict=True))
            for place in range(len(ids) - example.answer - 1, len(ids) - 1)
        ]
        logits, _ = self.read(rows, [row * width + place for row, place, _ in places])
        found = np.array([[0.0, example.answer] for example in examples])
        losses = losses_of(logits, np.array([token for *_, token in places]))
        np.add.at(found[:, 0], [row for row, *_ in places], losses)
        return found.astype(np.float32)


def losses_of(logits: NDArray[np.float32], tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the negative log likelihood of tokens by logits of shape (tokens, vocabulary); shape (tokens,)."""
    highest = logits.max(1, keepdims=True)
    normalisers = np.log(np.exp(logits - highest).sum(1, dtype=np.float64)) + highest[:, 0]
    own: NDArray[np.float64] = normalisers - logits[np.arange(len(tokens)), tokens]
    return own


def _batches(examples: Sequence[Example]) -> Iterator[list[int]]:
    """Yield rows of similar length, of which neither all tokens nor those of the answers are too many."""
    for batch in batches_by_length([len(example.ids) for example in examples], READ_TOKENS):
        some: list[int] = []
        for row in batch:
            if some and sum(examples[i].answer for i in [*some, row]) > FORETOLD_TOKENS:
                yield some
                some = []
            some.append(row)
        yield some
