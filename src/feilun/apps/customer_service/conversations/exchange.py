"""What goes over the desk: a turn that was heard, what was answered to it, what is suggested to an operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feilun.apps.customer_service.reply import Reply
from feilun.storage.customer_service import Conversation


@dataclass(frozen=True)
class Answered:
    """A reply, and where it was given.

    Args:
        conversation: Id of the conversation.
        turn: Id of the reply, for feedback on it; None where nobody replied.
        reply: The reply.
    """

    conversation: str
    turn: str | None
    reply: Reply

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {"conversation": self.conversation, "turn": self.turn, **self.reply.to_json()}


@dataclass(frozen=True)
class Heard:
    """A customer's turn that waits for its answer.

    Args:
        text: What was said.
        time: When, seconds since 1970.
        conversation: Id of its conversation.
        begun: The conversation, where this turn begins it.
        customer: What the business tells of the customer.
        ticket: What tells it from the other messages of a moment.
        place: Its place in the conversation's line.
    """

    text: str
    time: float
    conversation: str
    begun: Conversation | None
    customer: Mapping[str, str | float | bool]
    ticket: object
    place: object


@dataclass(frozen=True)
class Suggestion:
    """What the bot would say, for an operator.

    Args:
        question: The customer's question.
        reply: The reply to it.
    """

    question: str
    reply: Reply
