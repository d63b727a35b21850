"""What is said in customer service: conversations, turns and candidates, each of one application, as rows."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from feilun.storage.tables.customer_service import service_candidates as candidates
from feilun.storage.tables.customer_service import service_conversations as conversations
from feilun.storage.tables.customer_service import service_turns as turns


@dataclass(frozen=True)
class Conversation:
    """A conversation as it is kept.

    Args:
        id: Names it; nobody can guess it.
        channel: Where it is held.
        started: Seconds since 1970.
        updated: The same of its last turn.
        speaker: Who answers: `bot`, `queue` (a person is waited for) or `person`.
        reason: Why it was handed over.
        waiting_since: Since when a person is waited for.
        memory: What the bot has to know of former turns.
        priority: How urgent it is where a person is waited for; higher comes first.
        resolved: Whether the customer says that the matter is settled.
        rating: How satisfied the customer says to be, 1 to 5.
    """

    id: str
    channel: str
    started: float
    updated: float
    speaker: str
    reason: str | None
    waiting_since: float | None
    memory: Mapping[str, Any]
    priority: int = 0
    resolved: bool | None = None
    rating: int | None = None


@dataclass(frozen=True)
class Turn:
    """Something that was said, personal data replaced.

    Args:
        id: Names it.
        conversation: Id of the conversation.
        time: Seconds since 1970.
        speaker: `customer`, `bot` or `person`.
        text: What was said.
        reply: All of the bot's reply, where the bot said it.
        helpful: Thumbs up or down, where the customer gave it.
        remark: Free words of the customer on it.
    """

    id: str
    conversation: str
    time: float
    speaker: str
    text: str
    reply: Mapping[str, Any] | None = None
    helpful: bool | None = None
    remark: str | None = None


@dataclass(frozen=True)
class Candidate:
    """A question that may come into the FAQ, with a drafted answer.

    Args:
        id: Names it.
        time: When it was proposed, seconds since 1970.
        question: As a customer asked it.
        answer: The draft; may be empty.
        asked: How often it was asked.
        state: `open`, `approved` or `rejected`.
    """

    id: str
    time: float
    question: str
    answer: str
    asked: int
    state: str


def begun(channel: str) -> Conversation:
    """Return a conversation that begins; it is not kept yet."""
    now = time.time()
    return Conversation(uuid.uuid4().hex, channel, now, now, "bot", None, None, {})


def begin(connection: Connection, application: str, one: Conversation) -> None:
    """Write a conversation that begins."""
    connection.execute(insert(conversations), {"application": application, **vars(one)})


def conversation(connection: Connection, application: str, identity: str, *, hold: bool = False) -> Conversation | None:
    """Return a conversation of an application, None where it has none of that id.

    Args:
        connection: A transaction.
        application: Name of the application.
        identity: Its id.
        hold: Keep other transactions from doing the same until this one ends.
    """
    mine = (conversations.c.application == application, conversations.c.id == identity)
    query = select(conversations).where(*mine)
    row = connection.execute(query.with_for_update() if hold else query).one_or_none()
    return None if row is None else _conversation(row)


def save(connection: Connection, application: str, changed: Conversation) -> None:
    """Write what changed of a conversation."""
    mine = (conversations.c.application == application, conversations.c.id == changed.id)
    names = ("updated", "speaker", "reason", "waiting_since", "memory", "priority", "resolved", "rating")
    connection.execute(update(conversations).where(*mine).values({name: getattr(changed, name) for name in names}))


def queue(connection: Connection, application: str) -> list[Conversation]:
    """Return the conversations that wait for a person or are with one, the most urgent and longest waiting first."""
    query = select(conversations).where(
        conversations.c.application == application, conversations.c.speaker.in_(("queue", "person"))
    )
    rows = connection.execute(query.order_by(conversations.c.priority.desc(), conversations.c.waiting_since)).all()
    return [_conversation(row) for row in rows]


def add_turns(connection: Connection, application: str, said: Iterable[Turn]) -> None:
    """Write turns in their order."""
    rows = [{"application": application, **vars(turn)} for turn in said]
    for row in rows:  # one by one, so that their sequence is their order
        connection.execute(insert(turns), row)


def turns_of(connection: Connection, application: str, identity: str) -> list[Turn]:
    """Return the turns of a conversation in order."""
    mine = (turns.c.application == application, turns.c.conversation == identity)
    return [_turn(row) for row in connection.execute(select(turns).where(*mine).order_by(turns.c.sequence))]


def within(
    connection: Connection, application: str, since: float, until: float
) -> tuple[list[Conversation], list[Turn]]:
    """Return the conversations that began in a span of time, and all their turns in order."""
    span = (conversations.c.application == application, conversations.c.started >= since,
            conversations.c.started < until)  # fmt: skip
    begun = connection.execute(select(conversations).where(*span).order_by(conversations.c.started)).all()
    joined = turns.join(
        conversations, (turns.c.application == conversations.c.application)
        & (turns.c.conversation == conversations.c.id),
    )  # fmt: skip
    said = connection.execute(select(turns).select_from(joined).where(*span).order_by(turns.c.sequence))
    return [_conversation(row) for row in begun], [_turn(row) for row in said]


def helped_by_people(connection: Connection, application: str) -> list[list[Turn]]:
    """Return the turns of the conversations in which a person wrote, tests and those called unresolved left out."""
    mine = turns.c.application == application
    helped = select(turns.c.conversation).where(mine, turns.c.speaker == "person")
    bad = select(conversations.c.id).where(
        conversations.c.application == application,
        conversations.c.resolved.is_(False) | (conversations.c.channel == "test"),
    )
    query = select(turns).where(mine, turns.c.conversation.in_(helped), turns.c.conversation.not_in(bad))
    found: dict[str, list[Turn]] = {}
    for row in connection.execute(query.order_by(turns.c.sequence)):
        found.setdefault(row.conversation, []).append(_turn(row))
    return list(found.values())


def judge(connection: Connection, application: str, turn: str, helpful: bool | None, remark: str | None) -> Turn | None:
    """Write what a customer said of a reply; None where there is no such reply."""
    mine = (turns.c.application == application, turns.c.id == turn, turns.c.speaker == "bot")
    connection.execute(update(turns).where(*mine).values(helpful=helpful, remark=remark))
    row = connection.execute(select(turns).where(*mine)).one_or_none()
    return None if row is None else _turn(row)


def propose(connection: Connection, application: str, question: str, answer: str) -> None:
    """Count a question that found no answer, or a wrong one; the first time it becomes a candidate.

    Its answer is kept where it had none, or was approved with another one: it is open again then. A rejected one stays.
    """
    mine = (candidates.c.application == application, candidates.c.question == question)
    found = connection.execute(select(candidates).where(*mine)).first()
    if found is None:
        row = {"id": uuid.uuid4().hex, "time": time.time(), "question": question, "answer": answer, "asked": 1}
        connection.execute(insert(candidates), {"application": application, "state": "open", **row})
        return
    again = found.state == "approved"
    kept = answer or found.answer if again else found.answer or answer
    changed = {"asked": candidates.c.asked + 1, "answer": kept, "state": "open" if again else found.state}
    connection.execute(update(candidates).where(*mine).values(changed))


def suggest(connection: Connection, application: str, question: str, answer: str, asked: int) -> None:
    """Put a question that was found in past conversations among the candidates.

    An open one of the same words gets the answer where it has none, and the higher count; a settled one stays.
    """
    mine = (candidates.c.application == application, candidates.c.question == question)
    found = connection.execute(select(candidates).where(*mine)).one_or_none()
    if found is None:
        row = {"id": uuid.uuid4().hex, "time": time.time(), "question": question, "answer": answer, "asked": asked}
        connection.execute(insert(candidates), {"application": application, "state": "open", **row})
    elif found.state == "open":
        values = {"answer": found.answer or answer, "asked": max(found.asked, asked)}
        connection.execute(update(candidates).where(*mine).values(values))


def candidates_of(connection: Connection, application: str, state: str = "open") -> list[Candidate]:
    """Return the candidates in a state, the most asked first."""
    query = select(candidates).where(candidates.c.application == application, candidates.c.state == state)
    ordered = query.order_by(candidates.c.asked.desc(), candidates.c.sequence)
    return [_candidate(row) for row in connection.execute(ordered)]


def settle(connection: Connection, application: str, identity: str, state: str) -> Candidate | None:
    """Approve or reject an open candidate; None where there is no open one of that id."""
    mine = (candidates.c.application == application, candidates.c.id == identity, candidates.c.state == "open")
    row = connection.execute(select(candidates).where(*mine).with_for_update()).one_or_none()
    if row is None:
        return None
    connection.execute(update(candidates).where(candidates.c.id == identity).values(state=state))
    return _candidate(row)


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        row.id, row.channel, row.started, row.updated, row.speaker, row.reason, row.waiting_since, row.memory,
        row.priority, row.resolved, row.rating,
    )  # fmt: skip


def _turn(row: Row[Any]) -> Turn:
    return Turn(row.id, row.conversation, row.time, row.speaker, row.text, row.reply, row.helpful, row.remark)


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(row.id, row.time, row.question, row.answer, row.asked, row.state)
