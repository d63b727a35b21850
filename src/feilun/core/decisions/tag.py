"""Spans of a text: each token has a tag, and no tag stands where it cannot (BIO, decoded by Viterbi)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.decisions.linear_chain import Chains, possible_steps
from feilun.core.prediction import Prediction, Ranking, Reads, temperature_of, thresholds
from feilun.core.spans import PredictedSpan, Span, TokenLogits

AT_ONCE = 1 << 20
"""Tokens × tags that are decoded together; bounds the memory."""


@dataclass(frozen=True)
class TagDecision:
    """How the logits of tokens become spans; part of the bundle.

    Tags are: outside, then for each label its first token and its further ones (BIO; Ramshaw and Marcus 1995). A
    further token stands only behind a token of the same label; of the sequences that keep to this, the most probable
    one is taken (Viterbi 1967).

    Args:
        temperature: Divides the logits and the transitions.
        transitions: What a model learned to speak for each tag behind each, shape (tags, tags); empty: nothing.
        abstain_below: Kept at 0: spans are never withheld.
        sure_from: By label the score from which on its spans have the highest F1 on the validation rows. All spans are
            told; who acts on them unseen takes these alone.
    """

    task: ClassVar[str] = "tag"
    reads: ClassVar[Reads] = "tokens"

    temperature: float = 1.0
    abstain_below: float = 0.0
    transitions: tuple[tuple[float, ...], ...] = ()
    sure_from: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        transitions = tuple(tuple(map(float, row)) for row in table.get("transitions", ()))
        return cls(
            temperature_of(table), transitions=transitions, sure_from=thresholds(table.get("sure_from", ()))
        )  # fmt: skip

    def width(self, labels: int) -> int:
        """Return how many tags a token may have."""
        return 2 * labels + 1

    def changed(
        self, before: Sequence[TokenLogits], after: Sequence[TokenLogits], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return which texts get other spans, shape (rows,)."""
        one, other = (self.spans(logits, names) for logits in (before, after))
        return np.array([a != b for a, b in zip(one, other, strict=True)], dtype=np.bool_)

    def spans(self, logits: Sequence[TokenLogits], names: tuple[str, ...]) -> list[list[Span]]:
        """Return the spans of each text."""
        return [[Span(one.start, one.end, one.label) for one in p.spans or ()] for p in self.decide(logits, names)]

    def decide(self, logits: Sequence[TokenLogits], names: tuple[str, ...]) -> list[Prediction]:
        """Turn the logits of tokens into predictions.

        Args:
            logits: Of each text; tags in the order of `names`.
            names: Labels of the spans.

        Returns:
            One prediction a text; its score is the probability of its least certain tag.
        """
        order = sorted(range(len(logits)), key=lambda row: len(logits[row].logits))
        steps = self.steps(self.width(len(names)))
        found: dict[int, Prediction] = {}
        for rows in _groups(order, [len(one.logits) for one in logits], len(steps)):
            chains = Chains.of([_log_softmax(logits[row].logits, self.temperature) for row in rows], steps)
            for row, tags, shares in zip(rows, chains.best(), chains.probabilities(), strict=True):
                found[row] = _prediction(logits[row], tags, shares[np.arange(len(tags)), tags], names)
        return [found[row] for row in range(len(logits))]

    def steps(self, tags: int) -> NDArray[np.float64]:
        """Return what speaks for each tag behind each, -inf where it cannot stand there, shape (tags, tags)."""
        learnt = np.array(self.transitions) if self.transitions else np.zeros((tags, tags))
        return np.where(possible_steps(tags), learnt / self.temperature, -np.inf)


def _prediction(
    one: TokenLogits, tags: NDArray[np.int64], chosen: NDArray[np.float64], names: tuple[str, ...]
) -> Prediction:
    spans = []
    for first, last in runs(tags):
        start, end = int(one.offsets[first, 0]), int(one.offsets[last, 1])
        score = float(chosen[first : last + 1].mean())
        label = names[(int(tags[first]) - 1) // 2]
        spans.append(PredictedSpan(start, end, label, one.text[start:end], score))
    label = " | ".join(f"{span.text} [{span.label}]" for span in spans)
    nothing = Ranking(names, np.zeros(len(names), np.float32))
    return Prediction(label, float(chosen.min(initial=1.0)), nothing, spans=tuple(spans))


def runs(tags: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the first and the last token of each span that tags describe."""
    found: list[tuple[int, int]] = []
    for token, tag in enumerate(tags.tolist()):
        if tag % 2:
            found.append((token, token))
        elif tag:
            found[-1] = (found[-1][0], token)
    return found


def _log_softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return result


def _groups(order: Sequence[int], lengths: Sequence[int], tags: int) -> list[list[int]]:
    """Group rows, shortest first, so that each group, padded, stays within the memory."""
    groups: list[list[int]] = []
    for row in order:
        if groups and (len(groups[-1]) + 1) * max(1, lengths[row]) * tags <= AT_ONCE:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
