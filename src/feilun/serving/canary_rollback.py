"""A canary that does worse than the version beside it is taken back by itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class RollbackRule:
    """When a canary is taken back.

    Args:
        requests: Requests of each version, the last ones, that are looked at.
        fewest: Requests that the canary must have answered before it is called slow.
        errors: Failed requests of the canary from which on it is called faulty, where its share of them is above
            `error_share` more than that of the version beside it.
        error_share: Share of failed requests that it may have more.
        slower: Times the other version's 95th percentile of seconds that its own may be.
        seconds: By which it must be slower at least: nobody minds twice of next to nothing.
    """

    requests: int = 200
    fewest: int = 50
    errors: int = 3
    error_share: float = 0.02
    slower: float = 2.0
    seconds: float = 0.02


@dataclass
class Outcomes:
    """The last requests that a version was asked.

    Args:
        failed: Whether each failed.
        seconds: How long each took that did not.
    """

    failed: deque[bool]
    seconds: deque[float]

    @classmethod
    def of_last(cls, requests: int) -> Outcomes:
        """Return an empty record of so many requests."""
        return cls(deque(maxlen=requests), deque(maxlen=requests))

    def add(self, seconds: float | None) -> None:
        """Note a request by how long it took; None where it failed."""
        self.failed.append(seconds is None)
        if seconds is not None:
            self.seconds.append(seconds)

    @property
    def error_share(self) -> float:
        """Return the share of failed requests."""
        return sum(self.failed) / max(1, len(self.failed))


@dataclass
class CanaryWatch:
    """Watches a canary beside the version that it may replace.

    Args:
        rule: When it is taken back.
    """

    rule: RollbackRule = field(default_factory=RollbackRule)

    def __post_init__(self) -> None:
        self.served = Outcomes.of_last(self.rule.requests)
        self.canary = Outcomes.of_last(self.rule.requests)

    def verdict(self) -> str:
        """Return why the canary is to be taken back; empty where it is not."""
        rule, own, other = self.rule, self.canary, self.served
        if sum(own.failed) >= rule.errors and own.error_share > other.error_share + rule.error_share:
            return f"{own.error_share:.0%} of its requests failed, {other.error_share:.0%} of the others"
        if min(len(own.seconds), len(other.seconds)) < rule.fewest:
            return ""
        slow, usual = (float(np.quantile(one.seconds, 0.95)) for one in (own, other))
        if slow > max(rule.slower * usual, usual + rule.seconds):
            return f"its 95th percentile is {1000 * slow:.0f} ms, that of the others {1000 * usual:.0f} ms"
        return ""
