"""A new version on trial: a canary answers a share of the requests, a shadow is asked along and heard by nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from feilun.bundles.bundle import Bundle
from feilun.core.prediction import Prediction
from feilun.serving.limits import Row


@dataclass(frozen=True)
class Trial:
    """A version that is tried beside the one that is served.

    Args:
        bundle: The version, opened.
        share: Share of the requests that it answers, 0 to 1; with 0 it is asked what the served one answers, and its
            predictions go to nobody.
    """

    bundle: Bundle
    share: float = 0.0

    @property
    def model(self) -> str:
        """Return its name@version."""
        return f"{self.bundle.name}@{self.bundle.version}"

    @property
    def shadows(self) -> bool:
        """Return whether it is only asked along."""
        return self.share == 0

    def takes(self, rows: Sequence[Row], key: str | None = None) -> bool:
        """Return whether it answers a request: the same key gets the same version; without one, the same first text."""
        if self.shadows or not rows:
            return False
        decides = key if key is not None else repr(rows[0])
        digest = hashlib.sha256(decides.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) < self.share * 2**64


@dataclass(frozen=True)
class Comparison:
    """What a version on trial said beside the served one.

    Args:
        model: name@version of the version on trial.
        rows: What both were asked.
        served: What went to the caller.
        tried: What the version on trial said; None where it was too busy to be asked.
        seconds: How long it took.
    """

    model: str
    rows: Sequence[Row]
    served: Sequence[Prediction]
    tried: Sequence[Prediction] | None
    seconds: float

    @property
    def same(self) -> int:
        """Return of how many rows both say the same label."""
        return sum(one.label == other.label for one, other in zip(self.served, self.tried or (), strict=False))
