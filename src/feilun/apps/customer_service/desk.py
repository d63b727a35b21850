"""The desk: conversations that survive a restart, turns in their order, and people who take over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from feilun.apps.customer_service.business_rules import BusinessRules
from feilun.apps.customer_service.conversations.bursts import Bursts
from feilun.apps.customer_service.conversations.exchange import Answered, Heard, Suggestion
from feilun.apps.customer_service.conversations.lines import Lines
from feilun.apps.customer_service.conversations.listening import Listeners
from feilun.apps.customer_service.conversations.summary import summary_of
from feilun.apps.customer_service.improving.asking import candidate_in, last_question
from feilun.apps.customer_service.improving.learning import Learning, UnknownConversation
from feilun.apps.customer_service.improving.measures import DAY_SECONDS, Held, found_no_answer, held
from feilun.apps.customer_service.known.redacted import kept_but
from feilun.apps.customer_service.ladder import READ, Ladder
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.monitoring.redaction import kept
from feilun.storage import customer_service as storage
from feilun.storage.customer_service import Conversation, Turn
from feilun.storage.database import Database

PRIORITY = {"anger": 2, "rule": 1, "request": 1, "form": 1}
"""How urgent a hand-over is by its reason, where no rule says more."""

CHANNELS = ("web", "terminal", "test", "feishu", "dingtalk", "wecom", "slack", "other")


class Desk:
    """Holds the conversations of one application; safe to share between threads.

    Args:
        settings: The application; conversations of others are not found.
        ladder: Answers.
        database: Keeps conversations and knowledge.
        rules: What the business says of replies, beside the model.
    """

    def __init__(
        self, settings: CustomerServiceSettings, ladder: Ladder, database: Database, rules: BusinessRules
    ) -> None:
        self.application = settings.name
        self.dialogue = settings.dialogue
        self.costs = settings.costs
        self.ladder = ladder
        self.database = database
        self.rules = rules
        self.learning = Learning(self.application, ladder, database, kept_but(settings.knowledge.public))
        self.listeners = Listeners()
        self._lines = Lines()
        self._bursts = Bursts()

    def renew(self, ladder: Ladder) -> None:
        """Answer by another ladder from the next turn on."""
        self.ladder = self.learning.ladder = ladder

    def say(
        self, text: str, conversation: str | None = None, channel: str = "web",
        customer: Mapping[str, str | float | bool] | None = None,
    ) -> Answered:  # fmt: skip
        """Take a customer's turn and answer it; once this returns both are on the disk.

        Turns of one conversation are answered one after another, each with what the former left in mind. What is said
        while another turn is still being answered, or within `dialogue.burst` seconds of it, is one turn with it: the
        last of these messages is answered, and the reply to the others is `silent`.

        Args:
            text: What the customer says.
            conversation: Its id; None begins one.
            channel: Where it is held.
            customer: What the business tells of the customer: rules look at it, and slots of its names are filled
                with it; nothing else of it is kept.

        Raises:
            UnknownConversation: If this application has none of that id.
            StorageError: If the database refuses; nothing was taken.
        """
        return self.answer(self.hear(text, conversation, channel, customer))

    def hear(
        self, text: str, conversation: str | None = None, channel: str = "web",
        customer: Mapping[str, str | float | bool] | None = None,
    ) -> Heard:  # fmt: skip
        """Take note of a customer's turn, which must be answered then; the order in which turns are heard is theirs.

        Args as those of `say`; nothing is waited for.
        """
        if channel not in CHANNELS:
            raise UsageError(
                Remark(f"There is no channel {channel!r}.", f"没有 {channel!r} 这个渠道。"),
                Remark(f"Valid: {', '.join(CHANNELS)}.", f"可用：{'、'.join(CHANNELS)}。"),
            )
        begun = storage.begun(channel) if conversation is None else None
        identity = conversation if begun is None else begun.id
        assert identity is not None  # noqa: S101
        place, ticket = self._lines.join(identity), self._bursts.add(identity, text)
        return Heard(text, time.time(), identity, begun, customer or {}, ticket, place)

    def answer(self, heard: Heard) -> Answered:
        """Answer a turn that was heard; returns and raises as `say` does."""
        if self.dialogue.burst:
            time.sleep(self.dialogue.burst)
        with self._lines.turn(heard.conversation, heard.place):
            words = self._bursts.taken(heard.conversation, heard.ticket)
            held = heard.begun or self._read(heard.conversation)
            reply, memory = self._reply(words, held, heard.customer)
            return self._kept(heard.text, heard.time, held, reply, memory, begins=heard.begun is not None)

    def waiting(self) -> list[Conversation]:
        """Return the conversations that wait for a person or are with one: most urgent, then longest waiting first."""
        with self.database.read() as connection:
            return storage.queue(connection, self.application)

    def summary(self, conversation: str) -> dict[str, Any]:
        """Return what a person reads who takes a conversation over.

        Raises:
            UnknownConversation: If this application has none of that id.
        """
        with self.database.read() as connection:
            held = self._held(connection, conversation)
            return summary_of(held, storage.turns_of(connection, self.application, conversation))

    def held(self, days: float) -> list[Held]:
        """Return the conversations that began in the last days, for measures."""
        now = time.time()
        with self.database.read() as connection:
            return held(*storage.within(connection, self.application, now - days * DAY_SECONDS, now))

    def channel_of(self, conversation: str) -> str:
        """Return where a conversation is held.

        Raises:
            UnknownConversation: If this application has none of that id.
        """
        return self._read(conversation).channel

    def history(self, conversation: str) -> list[Turn]:
        """Return all turns of a conversation.

        Raises:
            UnknownConversation: If this application has none of that id.
        """
        with self.database.read() as connection:
            self._held(connection, conversation)
            return storage.turns_of(connection, self.application, conversation)

    def suggest(self, conversation: str) -> Suggestion | None:
        """Return what the ladder would answer to the customer's last question; None where nothing was asked.

        A request for a person, anger and greetings are no questions: what was asked before them is answered. Rules hold
        for it, but for one that hands over: a person is there.

        Raises:
            UnknownConversation: If this application has none of that id.
        """
        asked = last_question(self.history(conversation))
        if asked is None:
            return None
        memory = self.ladder.answer(asked.former, {})[1] if asked.former else {}
        reply, memory = self.ladder.answer(asked.text, memory)
        ruled = self.rules.applied(reply, asked.text, {}, self.channel_of(conversation), memory["language"])
        return Suggestion(asked.text, reply if ruled.action == "handoff" else ruled)

    def take(self, conversation: str) -> None:
        """A person takes a conversation; the bot is silent from now on."""
        with self._changing(conversation) as (connection, held):
            storage.save(connection, self.application, replace(held, speaker="person"))

    def write(self, conversation: str, text: str) -> str:
        """A person says something to the customer; returns the turn's id.

        Raises:
            UsageError: If nobody took the conversation, or nothing is said.
        """
        if not text.strip():
            raise UsageError(
                Remark("There is nothing to say.", "没有要说的话。"), Remark("Give a text.", "请给出一段文字。")
            )
        with self._changing(conversation) as (connection, held):
            if held.speaker != "person":
                raise UsageError(
                    Remark("Nobody took this conversation.", "还没有人接手这个对话。"),
                    Remark("Take it first; the bot answers until then.", "请先接手；在此之前由机器人回答。"),
                )
            turn = Turn(uuid.uuid4().hex, conversation, time.time(), "person", self.learning.keep(text))
            storage.add_turns(connection, self.application, [turn])
        self.listeners.tell(turn)
        return turn.id

    def give_back(self, conversation: str) -> None:
        """A person gives a conversation back to the bot, which remembers nothing of what went before."""
        with self._changing(conversation) as (connection, held):
            back = replace(held, speaker="bot", reason=None, waiting_since=None, priority=0, memory={})
            storage.save(connection, self.application, back)

    def rate(self, conversation: str, *, resolved: bool | None = None, rating: int | None = None) -> None:
        """Take what a customer says of a whole conversation; what is None stays as it was.

        Args:
            conversation: Its id.
            resolved: Whether the matter is settled.
            rating: How satisfied the customer is, 1 to 5.

        Raises:
            UnknownConversation: If this application has none of that id.
            UsageError: If nothing is said, or the rating is none of 1 to 5.
        """
        if (resolved is None and rating is None) or rating not in {None, 1, 2, 3, 4, 5}:
            raise UsageError(
                Remark(
                    f"resolved {resolved!r} and rating {rating!r} say nothing.",
                    f"resolved {resolved!r} 和 rating {rating!r} 什么也没有说明。",
                ),
                Remark("A rating is 1 to 5.", "评分为 1 到 5。"),
            )
        with self._changing(conversation) as (connection, held):
            told = held if resolved is None else replace(held, resolved=resolved)
            told = told if rating is None else replace(told, rating=rating)
            storage.save(connection, self.application, told)

    @contextmanager
    def _changing(self, conversation: str) -> Iterator[tuple[Connection, Conversation]]:
        with self._lines.turn(conversation), self.database.write() as connection:
            yield connection, self._held(connection, conversation, hold=True)

    def _read(self, identity: str) -> Conversation:
        with self.database.read() as connection:
            return self._held(connection, identity)

    def _held(self, connection: Connection, identity: str, *, hold: bool = False) -> Conversation:
        found = storage.conversation(connection, self.application, identity, hold=hold)
        if found is None:
            raise UnknownConversation(
                Remark(
                    f"{self.application} has no conversation {identity!r}.",
                    f"{self.application} 没有对话 {identity!r}。",
                ),
                Remark("Leave the id out to begin one.", "不写 id 即开始新的对话。"),
            )
        return found

    def _reply(
        self, words: str | None, held: Conversation, customer: Mapping[str, str | float | bool]
    ) -> tuple[Reply, dict[str, object]]:
        if held.speaker != "bot" or words is None:
            why = held.speaker if held.speaker != "bot" else "a later message is answered"
            return Reply("silent", "", handoff=held.reason, trace=({"rung": "desk", "why": why},)), dict(held.memory)
        stale = time.time() - held.updated > 60 * self.dialogue.forget_after
        reply, memory = self.ladder.answer(words, {} if stale else held.memory, customer)
        return self.rules.applied(reply, words, customer, held.channel, memory["language"]), memory

    def _kept(
        self, text: str, arrived: float, held: Conversation, reply: Reply, memory: dict[str, object], *, begins: bool
    ) -> Answered:
        now = time.time()
        asked = Turn(uuid.uuid4().hex, held.id, arrived, "customer", kept(text[:READ]))
        said = Turn(uuid.uuid4().hex, held.id, now, "bot", reply.text, reply.to_json())
        silent = reply.action == "silent"
        changed = replace(held, updated=now, memory=memory)
        if reply.action == "handoff":
            priority = max(reply.priority, PRIORITY.get(reply.handoff or "", 0))
            changed = replace(changed, speaker="queue", reason=reply.handoff, waiting_since=now, priority=priority)
        with self.database.write() as connection:
            write = storage.begin if begins else storage.save
            write(connection, self.application, changed)
            storage.add_turns(connection, self.application, [asked] if silent else [asked, said])
            if found_no_answer(reply.to_json()):
                question = candidate_in(asked.text, str(held.memory.get("asked", "")))
                if question:
                    storage.propose(connection, self.application, question, "")
        return Answered(held.id, None if silent else said.id, reply)
