"""What a turn is about: the intent of the entry or form that answers it, else what a classifier reads in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from feilun.apps.customer_service.improving.asking import question_in
from feilun.apps.customer_service.reply import Reply
from feilun.core.corpus import corpus_of
from feilun.core.ports import Predictor
from feilun.knowledge.terms import simplified

OUT_OF_SCOPE = "(out of scope)"
"""The label of what is no business of the service; it is no intent."""


@dataclass(frozen=True)
class Intents:
    """Names intents.

    Args:
        predictor: A `classify` model of the FAQ's categories; it abstains where it is not sure enough.
    """

    predictor: Predictor

    def named(self, reply: Reply, asked: str) -> Reply:
        """Return a reply with the intent of the turn, where it can be told; it changes no answer.

        Args:
            reply: What is answered; the intent of an entry or a form that does stands.
            asked: The turn, together with the question that it leans on; one that asks nothing has no intent.
        """
        if reply.intent is not None:
            return reply
        question = question_in(asked)
        if not question:
            return reply
        (said,) = self.predictor.predict(corpus_of([simplified(question)]))
        step = {"rung": "intent", "intent": said.label, "probability": round(said.score, 4)}
        if said.label == OUT_OF_SCOPE or said.abstained:
            why = "out of scope" if said.label == OUT_OF_SCOPE else "not sure enough"
            return replace(reply, trace=(*reply.trace, {**step, "decision": why}))
        told = (*reply.trace, {**step, "decision": "named"})
        return replace(reply, intent=said.label, intent_confidence=said.score, trace=told)
