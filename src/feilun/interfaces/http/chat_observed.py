"""What is remembered of a conversation that was answered: its turns as one text, and what was written, once it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

from feilun.core.observation import OVERRIDDEN, TURNS
from feilun.core.prediction import Prediction
from feilun.interfaces.http.metrics import Figures
from feilun.monitoring.log import ObservationLog, Seen

COMPLETION = "chatcmpl-"
"""Stands before the id of an answer, as clients of the OpenAI API know it; the rest names its observation."""


class ChatObserved:
    """One conversation, from when it was asked.

    Args:
        log: Remembers its answer; None remembers nothing.
        figures: Count it.
        model: name@version of what answers.
        messages: Its turns, with `role` and `content`.
        overridden: Whether the caller chose how the answer is written.
    """

    def __init__(
        self,
        log: ObservationLog | None,
        figures: Figures,
        model: str,
        messages: Sequence[dict[str, str]],
        *,
        overridden: bool,
    ) -> None:
        self._log, self._figures, self._model = log, figures, model
        self._messages, self._overridden = messages, overridden
        self._began = time.perf_counter()
        self._drawn = None if log is None else log.draw()
        self.completion = f"{COMPLETION}{self._drawn or uuid4().hex}"
        """Id of the answer, known before it is written."""

    def answered(self, prediction: Prediction) -> str | None:
        """Count and remember the whole answer; return the id of its observation, None where none is kept."""
        self._figures.count(self._model.rpartition("@")[0], [prediction])
        if self._log is None or self._drawn is None:
            return None
        turns = len(self._messages)
        asked = {**({TURNS: turns} if turns > 1 else {}), **({OVERRIDDEN: True} if self._overridden else {})}
        seconds = time.perf_counter() - self._began
        seen = Seen(self._drawn, time.time(), self._model, transcript(self._messages), prediction, seconds, asked=asked)
        return self._drawn if self._log.remember(seen) else None


def transcript(messages: Sequence[dict[str, str]]) -> str:
    """Return a conversation as one text: a single prompt as it is, several turns each with its role before it."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
