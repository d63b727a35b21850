"""The shape of a rung: it looks at a question and answers it, or leaves it to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.reply import Reply


@dataclass(frozen=True)
class Question:
    """A turn of a customer, as the rungs see it.

    Args:
        text: What was asked, cleaned, personal data replaced.
        search: What is looked for: the text, and the former question before it where it leans on that.
        language: zh or en.
        vector: Vector of `search`, shape (width,).
        memory: What is remembered of former turns: `asked`, `options`, `pending`, `slots`, `failures`.
        orders: Whether it reads like instructions to a machine.
    """

    text: str
    search: str
    language: str
    vector: NDArray[np.float32] | None
    memory: Mapping[str, Any]
    orders: bool = False


@dataclass(frozen=True)
class Step:
    """What a rung decided.

    Args:
        trace: For the operator: the rung's name and its reasons.
        reply: The answer; None leaves the question to the next rung.
        remember: What is to be remembered for the next turn.
    """

    trace: Mapping[str, Any]
    reply: Reply | None = None
    remember: Mapping[str, Any] | None = None


class Rung(Protocol):
    """A rung of the ladder."""

    def step(self, question: Question, library: Library) -> Step:
        """Answer a question, or say why not."""
        ...
