"""A base, a head and the way the base may move: the model that is trained, judged and exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from feilun.core.corpus import Corpus
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.decisions.table import AnyDecision
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction
from feilun.core.spans import TokenLogits
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.answers import TorchEngine, surprise
from feilun.models.bases.base import Base
from feilun.models.fast_encoder import encode, encode_from
from feilun.models.fusion import Fusion
from feilun.models.heads.head import Head
from feilun.models.pooling import pool, side_by_side
from feilun.text.decoding import Written, write
from feilun.text.prompts import Example, Prompts
from feilun.text.tokens import TokenEncoder, batches_by_length, pad
from feilun.text.windows import windows

INFERENCE_TOKENS = 8192
"""Tokens of a batch where no gradient is kept."""

ANSWER_TOKENS = 2048
"""The same, of language models, which are larger."""


class StateSource(Protocol):
    """Gives what the head reads of the rows of a corpus."""

    def pooled(self, rows: Sequence[int]) -> Tensor:
        """Return the states of rows, or those of the tokens of windows, shape (rows, longest, hidden)."""
        ...

    def all(self) -> Tensor:
        """Return the pooled states, shape (rows, hidden)."""
        ...


class TextModel(nn.Module):
    """A base with a task head on its pooled state; a Predictor.

    Args:
        base: The pretrained model with its tokenizer.
        head: What the task adds.
        adaptation: Which of the base's weights may move; applied at once.
        labels: The classes, in class order.
        max_tokens: Longest sequence that the model reads; longer texts are cut.
        dtype: Type of the matrix products: float32 or bfloat16. Weights stay float32.
        pair_prefix: What stands before second texts, where they are read apart; None: what stands before first ones.
        fusion: Adds the features to the pooled state, where the model reads some.
    """

    def __init__(
        self,
        base: Base,
        head: Head,
        adaptation: Adaptation,
        labels: LabelSet,
        max_tokens: int,
        dtype: torch.dtype = torch.float32,
        pair_prefix: str | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__()
        self.base = base
        self.body = base.model
        self.head = head
        self.fusion = fusion
        self.adaptation = adaptation
        self.labels = labels
        self.dtype = dtype
        head.meet(base)
        self.reads = head.reads
        self.remarks: tuple[str, ...] = ()
        before_second = base.prefix if pair_prefix is None else pair_prefix
        apart = before_second if head.reads == "apart" else None
        self.encoder = TokenEncoder(base.tokenizer, max_tokens, base.prefix, apart)
        head.encoder = self.encoder
        adaptation.apply(base)
        self.moving = tuple(name for name, weight in self.named_parameters() if weight.requires_grad)

    def wear(self, head: Head) -> None:
        """Exchange the head for another one of the same task that reads the same."""
        self.head = head
        self.moving = tuple(name for name, weight in self.named_parameters() if weight.requires_grad)

    @property
    def decision(self) -> AnyDecision:
        """Return how its logits become predictions, as far as it has learned."""
        return self.head.learnt()

    @property
    def device(self) -> torch.device:
        """Return where the weights are."""
        return next(self.parameters()).device

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, features: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run base and head by the base's own code; this is what is exported.

        Args:
            input_ids: Token ids, shape (batch, tokens).
            attention_mask: 1 where there is a token, 0 on padding, shape (batch, tokens).
            features: Features as numbers, shape (batch, width), where the model reads some.

        Returns:
            Logits of shape (batch, labels), or (batch, tokens, tags) where the head reads tokens, or vectors of shape
            (batch, size) where texts are read apart; and the text's pooled state of shape (batch, hidden).
        """
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = pool(hidden, attention_mask, self.base.pooling)  # (batch, hidden)
        return self.head(hidden if self.reads == "tokens" else self.fused(pooled, features)), pooled

    def pooled(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Run the base over token ids, in the model's precision and by the fastest way there is.

        Args:
            rows: Token ids of each row.

        Returns:
            What the head reads, in float32: pooled states of shape (rows, hidden), or those of the tokens, shape
            (rows, longest, hidden).
        """
        hidden, mask = self.hidden(rows)
        return self.read(hidden.float(), mask)

    def read(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return what the head reads of states of shape (rows, tokens, hidden): all of them, or the pooled ones."""
        return hidden if self.reads == "tokens" else pool(hidden, mask, self.base.pooling)

    def hidden(self, rows: Sequence[Sequence[int]], layers: int | None = None) -> tuple[Tensor, Tensor]:
        """Run the base, or only so many of its lowest layers, over token ids.

        Args:
            rows: Token ids of each row.
            layers: How many of the lowest layers to run; None runs all.

        Returns:
            States of shape (rows, tokens, hidden) and the mask, 1 where there is a token, of shape (rows, tokens).
        """
        ids, mask = (torch.from_numpy(array).to(self.device) for array in pad(rows, self.base.pad_id))
        with self.precision():
            return encode(self.body, ids, mask, layers=layers), mask

    def pooled_from(self, hidden: Tensor, mask: Tensor, first: int) -> Tensor:
        """Run the layers from `first` on over what `hidden(rows, layers=first)` gave; pooled as `pooled` does."""
        with self.precision():
            return self.read(encode_from(self.body, hidden, mask, first).float(), mask)

    def precision(self) -> torch.autocast:
        """Return the context in which the base's matrix products have the model's type."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def pooled_states(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Run the base over any number of rows without gradients; shape (rows, hidden), float32."""
        states: Tensor | None = None
        with evaluating(self), torch.no_grad():
            for batch in batches_by_length([len(row) for row in rows], INFERENCE_TOKENS):
                pooled = self.pooled([rows[i] for i in batch])
                if states is None:
                    states = pooled.new_empty(len(rows), pooled.shape[1])
                states[batch] = pooled
        return torch.empty(0, self.base.hidden) if states is None else states

    def encode(self, corpus: Corpus) -> list[list[int]]:
        """Return token ids of each row; where texts are read apart, of the first ones, then of the second ones.

        Of a model that writes answers they are those of the prompt and, where it is known, the answer.
        """
        if self.reads == "answers":
            known = corpus.target is not None
            return [one.ids for one in self.examples(corpus)] if known else self.prompts.prompts(corpus.text)
        if self.reads != "apart" or corpus.pair is None:
            return self.encoder.encode(corpus.text, corpus.pair)
        return self.encoder.encode(corpus.text) + self.encoder.encode_second(corpus.pair)

    def logits(self, corpus: Corpus) -> Any:
        """Return logits of shape (rows, labels), those of each row's tokens, or vectors of shape (rows, 2, size)."""
        if self.reads == "tokens":
            return self.token_logits(corpus)
        if self.reads == "answers":
            return self.surprise(self.examples(corpus)).cpu().numpy()
        states = self.pooled_states(self.encode(corpus))
        if self.reads == "apart":
            states = side_by_side(states, len(corpus))
        with evaluating(self), torch.no_grad():
            result: NDArray[np.float32] = self.head(self.fused(states, self.features(corpus))).float().cpu().numpy()
        return result

    def features(self, corpus: Corpus) -> Tensor | None:
        """Return the features of a corpus as numbers, shape (rows, width); None where the model reads none."""
        if self.fusion is None:
            return None
        return torch.from_numpy(self.fusion.columns.matrix(corpus.features, len(corpus))).to(self.device)

    def fused(self, states: Tensor, features: Tensor | None) -> Tensor:
        """Return what the head reads, shape (rows, hidden): pooled states, and in them the features where there are."""
        return states if self.fusion is None or features is None else self.fusion(states, features)

    def logits_from(self, inputs: StateSource, corpus: Corpus) -> Any:
        """Return logits of rows whose states, or those of whose windows, are at hand already."""
        if self.reads == "tokens":
            return self.token_logits(corpus, inputs)
        with evaluating(self), torch.no_grad():
            return self.head(inputs.all()).float().cpu().numpy()

    def token_logits(self, corpus: Corpus, inputs: StateSource | None = None) -> list[TokenLogits]:
        """Return the logits of each row's tokens; long texts are read in windows, whose states may be at hand."""
        found = windows(self.encoder, corpus.text)
        logits: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(found.rows)
        with evaluating(self), torch.no_grad():
            for batch in batches_by_length([len(row) for row in found.rows], INFERENCE_TOKENS):
                rows = [found.rows[i] for i in batch]
                states = self.pooled(rows) if inputs is None else inputs.pooled(batch)
                for i, own in zip(batch, self.head(states).float().cpu().numpy(), strict=True):
                    logits[i] = own[: len(found.rows[i])]
        return found.join(logits, self.decision.width(len(self.labels)))

    @property
    def prompts(self) -> Prompts:
        """Return what puts prompts and answers into token ids, where the model writes answers."""
        assert isinstance(self.decision, GenerateDecision)  # noqa: S101 - the task of such models
        return Prompts(self.encoder, self.decision)

    def examples(self, corpus: Corpus) -> list[Example]:
        """Return the rows of a model that writes answers as prompts with their answers."""
        return self.prompts.examples(corpus.text, [str(target) for target in corpus.target or ()])

    def surprise(self, examples: Sequence[Example]) -> Tensor:
        """Return surprise and length of known answers without gradients, shape (rows, 2)."""
        found = torch.zeros(len(examples), 2)
        with evaluating(self), torch.no_grad():
            for batch in batches_by_length([len(example.ids) for example in examples], ANSWER_TOKENS):
                found[batch] = surprise(self, [examples[i] for i in batch]).cpu()
        return found

    def written(self, texts: Sequence[str]) -> list[Written]:
        """Write an answer to each prompt, one after the other."""
        answers = []
        with evaluating(self):
            for prompt in self.prompts.prompts(texts):
                *_, (answer,) = write(
                    TorchEngine(self), [prompt], self.prompts.decision, self.prompts.context, self.prompts.text_of
                )
                answers.append(answer)
        return answers

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        if self.reads == "answers":
            return self.decision.decide(self.written(corpus.text), self.labels.names)
        return self.head.decode(self.logits(corpus), self.decision)

    def trained_state(self) -> dict[str, Tensor]:
        """Return the weights that may ever move, and the state kept beside them: all that a checkpoint has to hold."""
        state: dict[str, Tensor] = self.state_dict()
        fixed = {name for name, _ in self.named_parameters(remove_duplicate=False)} - set(self.moving)
        return {name: tensor for name, tensor in state.items() if name not in fixed}

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Put back what `trained_state` returned, in place."""
        with torch.no_grad():
            for name, tensor in self.trained_state().items():
                tensor.copy_(state[name])

    def fold(self) -> None:
        """Merge what the adaptation added into the base's weights: the model answers as before, and trains no more."""
        self.adaptation.fold(self.base)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout off for a while."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
