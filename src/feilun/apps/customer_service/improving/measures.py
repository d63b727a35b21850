"""How well customers are served: figures over conversations, as a whole and by day, channel or intent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from feilun.apps.customer_service.settings import CostSettings
from feilun.storage.customer_service import Conversation, Turn

By = Literal["all", "day", "channel", "intent"]

NO_INTENT = "(none)"

FREE = CostSettings()
"""Nothing is known of costs."""

DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Measures:
    """Figures of some conversations; shares are None where there is nothing to divide by.

    Args:
        conversations: Those with at least one turn of a customer.
        turns: Turns of customers.
        answered: Share of the bot's replies that answer.
        contained: Share of the conversations that no person was asked into (containment).
        deflected: Share in which the bot answered and no person was needed (deflection).
        resolved: Share of those called resolved, among those of which customers said whether they are.
        handed_over: Share of the conversations that were handed over.
        reasons: How often, by reason.
        response_median: Seconds from a customer's turn to the bot's reply, the median.
        response_p95: The same, the 95th percentile.
        person_median: Seconds from a hand-over to a person's first words, the median.
        helpful: Share of thumbs up among all thumbs.
        rating: Mean of the ratings, 1 to 5 (CSAT).
        cost: What the replies of bot and persons cost, in the currency of `[costs]`; None where nothing is declared.
        cost_each: The same by conversation.
    """

    conversations: int
    turns: int
    answered: float | None
    contained: float | None
    deflected: float | None
    resolved: float | None
    handed_over: float | None
    reasons: Mapping[str, int]
    response_median: float | None
    response_p95: float | None
    person_median: float | None
    helpful: float | None
    rating: float | None
    cost: float | None
    cost_each: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, rounded."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Held:
    """A conversation with its turns in order."""

    conversation: Conversation
    turns: Sequence[Turn]

    @property
    def replies(self) -> list[Mapping[str, Any]]:
        """Return the bot's replies."""
        return [turn.reply for turn in self.turns if turn.reply is not None]

    @property
    def handovers(self) -> list[str]:
        """Return why it was handed over, each time."""
        return [str(reply.get("handoff")) for reply in self.replies if reply["action"] == "handoff"]


def held(conversations: Sequence[Conversation], turns: Sequence[Turn]) -> list[Held]:
    """Put turns to their conversations; one in which no customer spoke is left out, as are turns of none of them."""
    own: dict[str, list[Turn]] = {one.id: [] for one in conversations}
    for turn in turns:
        if turn.conversation in own:  # one that began between two queries of a database is not
            own[turn.conversation].append(turn)
    return [Held(one, own[one.id]) for one in conversations if any(t.speaker == "customer" for t in own[one.id])]


def measured(held: Sequence[Held], costs: CostSettings = FREE) -> Measures:
    """Return the figures of some conversations."""
    replies = [reply for one in held for reply in one.replies]
    thumbs = [turn.helpful for one in held for turn in one.turns if turn.helpful is not None]
    settled = [one.conversation.resolved for one in held if one.conversation.resolved is not None]
    ratings = [one.conversation.rating for one in held if one.conversation.rating is not None]
    waits = [wait for one in held for wait in _waits(one.turns, "bot")]
    persons = [wait for one in held for wait in _person_waits(one.turns)]
    contained = [not one.handovers for one in held]
    answered = [any(reply["action"] == "answer" for reply in one.replies) for one in held]
    cost = sum(_cost(one.turns, costs) for one in held) if held and costs != FREE else None
    return Measures(
        conversations=len(held),
        turns=sum(turn.speaker == "customer" for one in held for turn in one.turns),
        answered=_mean([reply["action"] == "answer" for reply in replies]),
        contained=_mean(contained),
        deflected=_mean([own and other for own, other in zip(contained, answered, strict=True)]),
        resolved=_mean(settled),
        handed_over=_mean([not own for own in contained]),
        reasons=dict(Counter(reason for one in held for reason in one.handovers).most_common()),
        response_median=_quantile(waits, 0.5),
        response_p95=_quantile(waits, 0.95),
        person_median=_quantile(persons, 0.5),
        helpful=_mean(thumbs),
        rating=_mean(ratings),
        cost=cost,
        cost_each=None if cost is None else cost / len(held),
    )


def measured_by(held: Sequence[Held], by: By, costs: CostSettings = FREE) -> dict[str, Measures]:
    """Return the figures of each day (UTC), channel or intent, in the order of their names; `all` is one row.

    By intent a conversation is taken apart: what was said about one counts under it alone, so that its thumbs tell
    how often its answers are right; what a customer says of the whole (resolved, rating) counts under each.
    """
    groups: dict[str, list[Held]] = {}
    for one in held:
        for name, own in PARTS[by](one):
            groups.setdefault(name, []).append(own)
    return {name: measured(groups[name], costs) for name in sorted(groups)}


def unanswered(held: Sequence[Held], most: int = 20) -> list[tuple[str, int]]:
    """Return the questions that found no answer with how often they were asked, the most frequent first."""
    counts: Counter[str] = Counter()
    for one in held:
        asked = ""
        for turn in one.turns:
            if turn.speaker == "customer":
                asked = turn.text
            elif turn.reply is not None and found_no_answer(turn.reply):
                counts[asked] += 1
    return counts.most_common(most)


def found_no_answer(reply: Mapping[str, Any]) -> bool:
    """Say whether a reply left an honest question open: orders to a machine and what rules decline are none."""
    steps = reply.get("trace", ())
    if any(step.get("orders") or (step.get("rung") == "rules" and step.get("action")) for step in steps):
        return False
    return (reply["action"], reply.get("handoff")) == ("handoff", "repeated failure") or reply["action"] == "unknown"


def _by_intent(one: Held) -> Iterator[tuple[str, Held]]:
    """Yield what was said about each intent: turns of the customer with all that is said before the next."""
    own: dict[str, list[Turn]] = {}
    about = NO_INTENT
    asked: list[Turn] = []
    for turn in one.turns:
        if turn.speaker == "customer":
            asked.append(turn)
            continue
        if turn.reply is not None:
            about = str(turn.reply.get("intent") or NO_INTENT)
        own.setdefault(about, []).extend([*asked, turn])
        asked = []
    if asked:
        own.setdefault(about, []).extend(asked)
    for name, turns in own.items():
        yield name, Held(one.conversation, turns)


PARTS: Mapping[By, Callable[[Held], Iterable[tuple[str, Held]]]] = {
    "all": lambda one: [("all", one)],
    "day": lambda one: [(time.strftime("%Y-%m-%d", time.gmtime(one.conversation.started)), one)],
    "channel": lambda one: [(one.conversation.channel, one)],
    "intent": _by_intent,
}


def _cost(turns: Sequence[Turn], costs: CostSettings) -> float:
    price = {"person": costs.person, "bot": costs.bot}
    return sum(price.get(turn.speaker, 0.0) for turn in turns)


def _waits(turns: Sequence[Turn], speaker: str) -> Iterator[float]:
    """Yield the seconds from the last turn of the customer to what came next of a speaker."""
    asked: float | None = None
    for turn in turns:
        if turn.speaker == "customer":
            asked = turn.time
        elif turn.speaker == speaker and asked is not None:
            yield turn.time - asked
            asked = None


def _person_waits(turns: Sequence[Turn]) -> Iterator[float]:
    handed: float | None = None
    for turn in turns:
        if turn.reply is not None and turn.reply["action"] == "handoff":
            handed = turn.time
        elif turn.speaker == "person" and handed is not None:
            yield turn.time - handed
            handed = None


def _mean(values: Sequence[float | bool | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
