"""What decision tables say of a reply: opening hours, limits, who goes first, what is not spoken of, what must be said.

A table sees `text`, `language`, `action`, `intent`, `intent_confidence`, `slots`, `confidence`, `customer` (what the
business told of them), `channel`, `hour` (0 to 23) and `weekday` (1 is Monday), and answers with `OUTPUTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.words.phrases import PHRASES, language_of
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.knowledge.rules import DecisionTables

OUTPUTS = ("action", "text", "disclosure", "priority", "rule")
"""`action`: handoff or decline; `text` is said instead, `disclosure` after an answer; `priority` of a hand-over; `rule`
names the row in the trace."""


class BusinessRules:
    """Applies decision tables to replies.

    Args:
        tables: The tables.
        now: Says what time it is.
    """

    def __init__(self, tables: DecisionTables, now: Callable[[], datetime] = datetime.now) -> None:
        self.tables = tables
        self.now = now

    def applied(
        self, reply: Reply, text: str, customer: Mapping[str, Any], channel: str, language: str | None = None
    ) -> Reply:
        """Return a reply as the rules want it; rows are applied in their order.

        Args:
            reply: What the ladder would say.
            text: What the customer said.
            customer: What the business told of the customer.
            channel: Where the conversation is held.
            language: That of the turn, zh or en, which a number or a sign does not tell; None reads it from the text.

        Raises:
            DataError: If a cell cannot be evaluated.
        """
        if not len(self.tables):
            return reply
        now, language = self.now(), language or language_of(text)
        facts = {
            "text": text, "language": language, "action": reply.action, "intent": reply.intent or "",
            "intent_confidence": reply.intent_confidence, "slots": dict(reply.slots), "confidence": reply.confidence,
            "handoff": reply.handoff or "", "customer": dict(customer), "channel": channel,
            "hour": now.hour, "weekday": now.isoweekday(),
        }  # fmt: skip
        for row in self.tables.rows(facts):
            reply = _with_row(reply, row, PHRASES[language])
        return reply


def _with_row(reply: Reply, row: Mapping[str, Any], phrases: Mapping[str, str]) -> Reply:
    action, said, disclosure = (str(row.get(name) or "") for name in ("action", "text", "disclosure"))
    if action == "handoff":
        reply = replace(
            _without_answer(reply), action="handoff", text=phrases["handoff"], handoff=reply.handoff or "rule"
        )
    elif action == "decline":
        reply = replace(_without_answer(reply), action="unknown", text=phrases["unknown"], handoff=None)
    elif action:
        raise DataError(
            Remark(f"A decision table gives the action {action!r}.", f"决策表给出了动作 {action!r}。"),
            Remark("Valid: handoff, decline, or none.", "可用：handoff、decline，或不写。"),
        )
    if said:
        reply = replace(reply, text=said, citations=())
    if disclosure and reply.action == "answer" and disclosure not in reply.text:
        reply = replace(reply, text=f"{reply.text}\n\n{disclosure}")
    priority = max(reply.priority, int(row.get("priority") or 0))
    return replace(reply, priority=priority, trace=(*reply.trace, {"rung": "rules", **row}))


def _without_answer(reply: Reply) -> Reply:
    return replace(reply, citations=(), options=(), form=None, confidence=0.0)
