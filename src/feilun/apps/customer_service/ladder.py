"""The ladder: a question climbs from rung to rung until one answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from feilun.apps.customer_service.composing import Composer
from feilun.apps.customer_service.held_out import Thresholds
from feilun.apps.customer_service.injection import gives_orders
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.phrases import language_in, leans_on_former
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.rungs.clarify import Clarify
from feilun.apps.customer_service.rungs.curated import Curated
from feilun.apps.customer_service.rungs.form import Forms
from feilun.apps.customer_service.rungs.grounded import Grounded
from feilun.apps.customer_service.rungs.guard import LONGEST, Guard
from feilun.apps.customer_service.rungs.rung import Question, Rung, Step
from feilun.apps.customer_service.rungs.unknown import Unknown
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.monitoring.redaction import kept

Said = tuple[Reply, Mapping[str, Any]]
"""A reply, and what is to be remembered after it."""

READ = 10_000
"""Characters of a turn that are read at all."""


class Ladder:
    """Answers questions from a library; holds no state of its own.

    Args:
        library: What is known.
        thresholds: How sure the rungs have to be.
        settings: The application.
        composer: Says what documents say in its own words; None quotes them.
    """

    def __init__(
        self,
        library: Library,
        thresholds: Thresholds,
        settings: CustomerServiceSettings,
        composer: Composer | None = None,
    ) -> None:
        self.library = library
        self.thresholds = thresholds
        self.settings = settings
        self.composer = composer
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
        return Ladder(self.library, thresholds, self.settings, self.composer)

    def answer(self, text: str, memory: Mapping[str, Any]) -> tuple[Reply, dict[str, Any]]:
        """Answer a turn.

        Args:
            text: What the customer said, raw.
            memory: What was remembered after the turn before.

        Returns:
            The reply, and what is to be remembered after it.
        """
        question = self._question(kept(text[:READ]), memory)
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

    def _question(self, text: str, memory: Mapping[str, Any]) -> Question:
        former = str(memory.get("asked", ""))
        search = f"{former} {text}" if former and leans_on_former(text) else text
        short = search[:LONGEST]
        vector = self.library.embed(short) if short.strip() else None
        found = cache(partial(self.library.question, short, vector))
        language = language_in(text, memory.get("language"))
        return Question(text, short, language, vector, found, memory, gives_orders(text))


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
    answered = reply.action in {"answer", "ask_slot"} and reply.form is None
    asked = question.search if answered else question.memory.get("asked", "")
    return {"asked": str(asked)[-300:], "language": question.language, **more}
