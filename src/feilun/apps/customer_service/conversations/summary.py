"""What a person reads who takes a conversation over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feilun.storage.customer_service import Conversation, Turn

LAST = 3
"""Sayings of the customer that a summary holds."""


def summary_of(conversation: Conversation, turns: Sequence[Turn]) -> dict[str, Any]:
    """Return why a conversation was handed over and what went before, in a few fields.

    Args:
        conversation: The conversation.
        turns: All of its turns.
    """
    replies = [turn.reply for turn in turns if turn.reply is not None]
    slots: dict[str, str] = {}
    for reply in replies:
        slots |= reply.get("slots") or {}
    forms = [reply["form"] for reply in replies if reply.get("form")]
    return {
        "reason": conversation.reason,
        "asked": [turn.text for turn in turns if turn.speaker == "customer"][-LAST:],
        "intents": list(dict.fromkeys(reply["intent"] for reply in replies if reply.get("intent"))),
        "slots": slots,
        "form": forms[-1] if forms else None,
        "answered": sum(reply["action"] == "answer" for reply in replies),
        "unanswered": sum(reply["action"] == "unknown" for reply in replies),
    }
