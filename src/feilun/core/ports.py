"""The contracts between rooms, as protocols of a few methods each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.prediction import Prediction


@runtime_checkable
class Predictor(Protocol):
    """Anything that predicts: a torch model, an int8 bundle, a baseline, a remote service."""

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return one prediction a row, in the order of the rows."""
        ...


@runtime_checkable
class Decided(Protocol):
    """A predictor that tells how it chooses its answers; a remote service need not."""

    @property
    def decision(self) -> Any:
        """Temperature, thresholds and the like: a decision of `core/decisions`."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns texts into vectors: a bundle, a torch model, a static table of token vectors."""

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return one vector a row, in the order of the rows, of shape (rows, width); not of unit length."""
        ...


class Tracker(Protocol):
    """Where a run's figures go while it trains."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Record named figures at an optimiser step."""
        ...

    def note(self, **facts: Any) -> None:
        """Record facts of the run that are no series: settings, sizes, versions."""
        ...
