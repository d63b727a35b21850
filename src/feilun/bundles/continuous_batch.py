"""Conversations of one model that are answered at once: each may join and leave at any token.

A step reads one token of each; the weights are read once for all of them, so that eight cost little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence

from feilun.bundles.generator import Generator
from feilun.bundles.onnx_engine import OnnxEngine
from feilun.core.decisions.generate import GenerateDecision
from feilun.text.decoding import Answering, Written


class ContinuousBatch:
    """Writes answers of one model at once; none depends on those beside it. One thread uses it.

    Args:
        generator: The model.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._engine: OnnxEngine | None = None
        self._rows: list[_Row] = []

    def join(self, prompt: Sequence[int], decision: GenerateDecision, owner: str) -> Written:
        """Read a conversation and choose the first token of its answer.

        Args:
            prompt: Its token ids, shorter than the context.
            decision: How tokens are chosen, and when the answer ends.
            owner: Whose conversation it is: nobody else gains from what was read of it.

        Returns:
            The answer; each step adds a token to it until it is finished.
        """
        generator = self._generator
        engine = generator.engine(prompt, owner)
        row = _Row(Answering(prompt, decision, generator.encoder.max_tokens, generator.text_of), owner)
        row.last = row.answering.take(engine.start([prompt])[0])
        if self._engine is None:
            self._engine = engine
        else:
            self._engine.join(engine)
        self._rows.append(row)
        self._let_go()
        return row.answering.written

    def step(self) -> None:
        """Add a token to every answer that is not finished."""
        if self._engine is None:
            return
        logits = self._engine.go_on([row.last for row in self._rows])
        for row, own in zip(self._rows, logits, strict=True):
            row.last = row.answering.take(own)
        self._let_go()

    def leave(self, answer: Written) -> None:
        """Write an answer no further."""
        self._let_go(answer)

    def _let_go(self, named: Written | None = None) -> None:
        """Take out what is finished or named; what was read of these conversations is kept for their next turns."""
        engine = self._engine
        if engine is None:
            return
        staying = [i for i, row in enumerate(self._rows) if not row.finished and row.answering.written is not named]
        for place in set(range(len(self._rows))) - set(staying):
            self._generator.turns.keep(self._rows[place].owner, engine.ids[place], engine.part([place]))
        if not staying:
            self._engine = None
        elif len(staying) < len(self._rows):
            engine.keep(staying)
        self._rows = [self._rows[place] for place in staying]


class _Row:
    """One answer, and the token of it that is read next."""

    def __init__(self, answering: Answering, owner: str) -> None:
        self.answering, self.owner, self.last = answering, owner, 0

    @property
    def finished(self) -> bool:
        return self.answering.written.finish is not None
