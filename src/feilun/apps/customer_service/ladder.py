"""The ladder: a question climbs from rung to rung until one answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.evidence import Evidence
from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.intents import Intents
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.clarify import Clarify
from feilun.apps.customer_service.rungs.composing import Composer
from feilun.apps.customer_service.rungs.curated import Curated
from feilun.apps.customer_service.rungs.form import Forms
from feilun.apps.customer_service.rungs.grounded import Grounded
from feilun.apps.customer_service.rungs.guard import LONGEST, Guard
from feilun.apps.customer_service.rungs.rung import Question, Rung, Step
from feilun.apps.customer_service.rungs.unknown import Unknown
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.apps.customer_service.words.injection import gives_orders
from feilun.apps.customer_service.words.phrases import language_in, leans_on_former
from feilun.apps.customer_service.words.slots import Products, SlotReader
from feilun.knowledge.search import Hit
from feilun.knowledge.terms import simplified
from feilun.monitoring.redaction import kept

Said = tuple[Reply, Mapping[str, Any]]
"""A reply, and what is to be remembered after it."""

READ = 10_000
"""Characters of a turn that are read at all."""

UNANSWERED = ("clarify", "unknown", "handoff")
"""Actions after which a question is understood otherwise: without the former one, or without typing mistakes."""


class Ladder:
    """Answers questions from a library; holds no state of its own.

    Args:
        library: What is known.
        thresholds: How sure the rungs have to be.
        settings: The application.
        composer: Says what documents say in its own words; None quotes them.
        intents: Says what questions are about that no entry answers; None leaves it open.
    """

    def __init__(
        self,
        library: Library,
        thresholds: Thresholds,
        settings: CustomerServiceSettings,
        composer: Composer | None = None,
        intents: Intents | None = None,
    ) -> None:
        self.library = library
        self.thresholds = thresholds
        self.settings = settings
        self.composer = composer
        self.intents = intents
        self._reader = SlotReader(Products(settings.product_names), library.tagger)
        self.rungs: Sequence[Rung] = (
            Guard(settings.handover.anger),
            *((Forms(settings.forms, thresholds.curated),) if settings.forms else ()),
            Curated(thresholds.curated),
            Grounded(thresholds.grounded, settings.ladder.sentences, settings.ladder.hosts, composer),
            Clarify(thresholds.curated, settings.ladder.options),
            Unknown(settings.handover.after_failures),
        )

    def recalibrated(self, thresholds: Thresholds) -> Ladder:
        """Return a ladder over the same library that has to be as sure as other thresholds say."""
        return Ladder(self.library, thresholds, self.settings, self.composer, self.intents)

    def answer(
        self, text: str, memory: Mapping[str, Any], customer: Mapping[str, str | float | bool] | None = None
    ) -> tuple[Reply, dict[str, Any]]:
        """Answer a turn: together with the question that it leans on, where it does, else by itself.

        What finds no answer is read once more without typing mistakes, where it has any: a word that only looks like
        one is found as it stands.

        Args:
            text: What the customer said, raw.
            memory: What was remembered after the turn before.
            customer: What the business tells of the customer.

        Returns:
            The reply, and what is to be remembered after it.
        """
        said, former = kept(text[:READ]), str(memory.get("asked", ""))
        leans = bool(former) and leans_on_former(said)
        reply, remember = self._answer(said, former if leans else "", memory, customer or {})
        if reply.intent is not None:
            return replace(reply, intent_confidence=reply.confidence), remember
        asked = f"{former} {said}" if leans else said
        return reply if self.intents is None else self.intents.named(reply, asked[:LONGEST]), remember

    def _answer(
        self, said: str, former: str, memory: Mapping[str, Any], known: Mapping[str, str | float | bool]
    ) -> tuple[Reply, dict[str, Any]]:
        if former:
            reply, remember = self._climbed(self._question(said, f"{former} {said}", memory, known, leans=True))
            if reply.action not in UNANSWERED:
                return reply, remember
            alone = self._alone(said, memory, known)
            return (reply, remember) if alone[0].action in UNANSWERED else alone
        return self._alone(said, memory, known)

    def _alone(
        self, said: str, memory: Mapping[str, Any], customer: Mapping[str, str | float | bool]
    ) -> tuple[Reply, dict[str, Any]]:
        reply, remember = self._climbed(self._question(said, said, memory, customer))
        if reply.action not in UNANSWERED:
            return reply, remember
        meant = self.library.spelling.corrected(said[:LONGEST])
        if meant == simplified(said[:LONGEST]):
            return reply, remember
        other, after = self._climbed(self._question(said, meant, memory, customer))
        if other.action in UNANSWERED and (other.action, reply.action) != ("clarify", "unknown"):
            return reply, remember
        read = {"rung": "spelling", "decision": "read otherwise", "read": meant}
        return replace(other, trace=(read, *other.trace)), after

    def _climbed(self, question: Question) -> tuple[Reply, dict[str, Any]]:
        trace: list[Mapping[str, Any]] = []
        waiting = resumed = None
        for rung in self.rungs:
            step = rung.step(question, self.library)
            trace.append(step.trace)
            waiting, resumed = step.waiting or waiting, step.resumed or resumed
            if step.reply is not None:
                reply, remember = _in_between(step, waiting, resumed)
                return replace(reply, trace=tuple(trace)), _remembered(question, reply, remember)
        raise AssertionError("the last rung answers everything")

    def _question(
        self, text: str, search: str, memory: Mapping[str, Any], customer: Mapping[str, str | float | bool],
        *, leans: bool = False,
    ) -> Question:  # fmt: skip
        short = search[:LONGEST]
        vector = self.library.embed(short) if short.strip() else None
        answered = str(memory.get("answered", "")) if leans else ""
        spoken = cache(partial(self.library.spoken, short, vector))
        found = cache(partial(self._entries, short, vector, answered, spoken))
        language = language_in(text, memory.get("language"), self.library.language)
        return Question(
            text, short, language, vector, found, spoken, memory, customer, gives_orders(text), self._reader
        )  # fmt: skip

    def _entries(
        self, text: str, vector: NDArray[np.float32] | None, answered: str, spoken: Callable[[], Sequence[Hit]]
    ) -> Evidence | None:
        """Find what may be meant; what leans on a question asks something else than what was answered to it."""
        found = self.library.question(text, vector, spoken())
        left = found.without(answered) if found is not None and answered else found
        return left if left is None or left.ids else None


def _in_between(step: Step, waiting: Said | None, resumed: Said | None) -> Said:
    """Return what is said where a form waits: an answer, and below it what the form asked; else the form alone."""
    assert step.reply is not None  # noqa: S101
    remember = step.remember or {}
    if waiting is None or resumed is None:
        return step.reply, remember
    if step.reply.action != "answer":
        return waiting
    asked, kept_open = resumed
    return replace(step.reply, text=step.reply.text + asked.text, form=asked.form), {**remember, **kept_open}


def _remembered(question: Question, reply: Reply, more: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the last question that was answered, which no value of a form is, and what the rung wants remembered."""
    memory = question.memory
    before = {name: memory[name] for name in ("asked", "answered") if name in memory}
    asked = {"asked": question.search[-300:]} if reply.action == "answer" and reply.form is None else before
    return {**asked, **more, "language": question.language}
