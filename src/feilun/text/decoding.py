"""Writes answers token by token, for any engine that gives the next token's logits.

A row's answer depends on its own prompt alone: draws are seeded by the prompt, and rows that are finished wait for the
others of their batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feilun.core.decisions.generate import Finish, GenerateDecision


class Engine(Protocol):
    """Gives the logits of the next token of several rows, and remembers what it read."""

    def start(self, prompts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Read prompts; return the logits of the token behind each, shape (rows, vocabulary)."""
        ...

    def go_on(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Read one more token of each row; return the logits of the one behind it, shape (rows, vocabulary)."""
        ...


@dataclass
class Written:
    """An answer as far as it is written.

    Args:
        ids: Its tokens, without the one that ended it.
        likelihood: Sum of the log likelihoods of its tokens, the ending one included.
        steps: How many tokens these are.
        finish: Why it ended: by itself or at a stop text, or for its length; None while it goes on.
        text: What the tokens say, without stop text.
    """

    ids: list[int] = field(default_factory=list)
    likelihood: float = 0.0
    steps: int = 0
    finish: Finish | None = None
    text: str = ""

    @property
    def mean_likelihood(self) -> float:
        """Return the mean log likelihood of a token."""
        return self.likelihood / max(1, self.steps)


def write(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    decision: GenerateDecision,
    context: int,
    text_of: Callable[[Sequence[int]], str],
) -> Iterator[list[Written]]:
    """Write answers to prompts.

    Args:
        engine: Runs the model.
        prompts: Token ids, each shorter than the context.
        decision: How tokens are chosen, and when an answer ends.
        context: Most tokens of a prompt and its answer.
        text_of: Turns tokens into text.

    Yields:
        The answers, after each step; those that are not finished have one token more each time.
    """
    answers = [Answering(prompt, decision, context, text_of) for prompt in prompts]
    logits = engine.start(prompts)
    while True:
        tokens = [answer.take(row) for answer, row in zip(answers, logits, strict=True)]
        yield [answer.written for answer in answers]
        if all(answer.written.finish is not None for answer in answers):
            return
        logits = engine.go_on(tokens)


class Answering:
    """One answer while it is written.

    Args:
        prompt: Token ids, shorter than the context.
        decision: How tokens are chosen, and when the answer ends.
        context: Most tokens of the prompt and its answer.
        text_of: Turns tokens into text.
    """

    def __init__(
        self, prompt: Sequence[int], decision: GenerateDecision, context: int, text_of: Callable[[Sequence[int]], str]
    ) -> None:
        self.written = Written()
        self._decision, self._room, self._text_of = decision, context - len(prompt), text_of
        self._draws = _draws(decision.seed, prompt)

    def take(self, logits: NDArray[np.float32]) -> int:
        """Choose the next token by logits of shape (vocabulary,) and return it; a finished answer stays as it is."""
        token, likelihood = choose(logits, self._decision, self._draws)
        if self.written.finish is None:
            _take(self.written, token, likelihood, self._decision, self._room, self._text_of)
        return token


def choose(logits: NDArray[np.float32], decision: GenerateDecision, random: np.random.Generator) -> tuple[int, float]:
    """Choose the next token.

    Args:
        logits: Shape (vocabulary,).
        decision: The likeliest where the temperature is 0, else drawn from the nucleus.
        random: Where the draw comes from.

    Returns:
        The token, and its log likelihood by the model, whatever the temperature.
    """
    highest = float(logits.max())
    normaliser = highest + float(np.log(np.exp(logits - highest, dtype=np.float64).sum()))
    token = int(logits.argmax()) if decision.temperature == 0 else _drawn(logits, decision, random)
    return token, float(logits[token]) - normaliser


def _drawn(logits: NDArray[np.float32], decision: GenerateDecision, random: np.random.Generator) -> int:
    scaled = logits.astype(np.float64) / decision.temperature
    shares = np.exp(scaled - scaled.max())
    shares /= shares.sum()
    order = np.argsort(-shares, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(shares[order]), decision.top_p)) + 1]
    return int(random.choice(kept, p=shares[kept] / shares[kept].sum()))


def _take(
    row: Written,
    token: int,
    likelihood: float,
    decision: GenerateDecision,
    room: int,
    text_of: Callable[[Sequence[int]], str],
) -> None:
    """Add a token to an answer, and end the answer where it is to end."""
    row.likelihood += likelihood
    row.steps += 1
    if token in decision.ends:
        row.finish = "stop"
        return
    row.ids.append(token)
    row.text = text_of(row.ids)
    place = min((row.text.find(stop) for stop in decision.stop if stop in row.text), default=-1)
    if place >= 0:
        row.text, row.finish = row.text[:place], "stop"
    elif len(row.ids) >= min(decision.max_new_tokens, room):
        row.finish = "length"


def _draws(seed: int, prompt: Sequence[int]) -> np.random.Generator:
    digest = hashlib.sha256(np.asarray([seed, *prompt], dtype=np.int64).tobytes()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))


def settled(row: Written, stops: Sequence[str]) -> str:
    """Return how much of an unfinished answer can be shown: no half character, and no beginning of a stop text."""
    if row.finish is not None:
        return row.text
    text = row.text.rstrip("\ufffd")
    held = max((_begun(text, stop) for stop in stops), default=0)
    return text[: len(text) - held]


def _begun(text: str, stop: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a stop text."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
