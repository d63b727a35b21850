"""Several bundles in one process, each answering its concurrent requests together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from feilun.bundles.bundle import Bundle
from feilun.core.corpus import Corpus
from feilun.core.errors import ServiceError, UsageError, nearest
from feilun.core.prediction import Prediction
from feilun.serving.batcher import Batcher, Predict
from feilun.serving.limits import Limits, Row


class UnknownModel(ServiceError):
    """No model of that name is served."""


class Engine:
    """Answers by model name; `async with engine:` while it works.

    Args:
        bundles: Opened bundles by the name under which they answer.
        limits: How much one request may hold, and how much may wait for each model.
    """

    def __init__(self, bundles: Mapping[str, Bundle], limits: Limits | None = None) -> None:
        self.bundles = dict(bundles)
        self.limits = limits or Limits()
        self.ready = False
        self._batchers: dict[str, Batcher] = {}

    async def __aenter__(self) -> Self:
        for name, bundle in self.bundles.items():
            answer = answerer(bundle)
            answer([""] if bundle.pair is None else [("", "")])  # the first run allocates what the later ones use
            self._batchers[name] = Batcher(answer, name, self.limits)
            self._batchers[name].start()
        self.ready = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ready = False
        for batcher in self._batchers.values():
            await batcher.stop()
        self._batchers.clear()

    def leave(self) -> None:
        """Be ready no longer, but go on answering: the service is about to stop."""
        self.ready = False

    def bundle(self, name: str) -> Bundle:
        """Return a served bundle.

        Raises:
            UnknownModel: If none answers to that name; the nearest name is given.
        """
        if name not in self.bundles:
            raise UnknownModel(f"No model {name!r} is served. {nearest(name, self.bundles)}")
        return self.bundles[name]

    async def predict(self, name: str, texts: Sequence[Row], client: str = "") -> list[Prediction]:
        """Predict texts with a model, together with what else asks it at that moment.

        Args:
            name: The model's name.
            texts: The texts; pairs of them where the model compares two.
            client: Who asks, so that nobody gets more than a share of the queue.

        Returns:
            One prediction a text, in their order.

        Raises:
            UnknownModel: If no model answers to that name.
            UsageError: If the model reads pairs and texts are given, or the other way round.
            TooLarge: If the request holds too much.
            ShareTaken: If too much of this client waits already.
            Overloaded: If too much waits already.
            DeadlinePassed: If it is not answered in time.
            ServiceError: If the engine is not running.
        """
        self._check_kind(self.bundle(name), texts)
        self.limits.check(texts)
        if name not in self._batchers:
            raise ServiceError("The service is not running.", "Ask again in a moment.")
        return await self._batchers[name].predict(texts, client)

    def _check_kind(self, bundle: Bundle, rows: Sequence[Row]) -> None:
        if bundle.pair is None and any(not isinstance(row, str) for row in rows):
            raise UsageError(f"The model {bundle.name} reads one text, not two.", 'Send "texts", not "pairs".')
        if bundle.pair is not None and any(isinstance(row, str) for row in rows):
            raise UsageError(f"The model {bundle.name} compares two texts.", 'Send "pairs": [["one", "other"]].')


def answerer(bundle: Bundle) -> Predict:
    """Return what predicts the rows that a bundle reads: texts, or pairs of them."""

    def predict(rows: Sequence[Row]) -> list[Prediction]:
        if bundle.pair is None:
            return bundle.predict([str(row) for row in rows])
        numbers = [str(i) for i in range(len(rows))]
        return bundle.predict(Corpus(id=numbers, text=[row[0] for row in rows], pair=[row[1] for row in rows]))

    return predict


def by_name(bundles: Iterable[Bundle]) -> dict[str, Bundle]:
    """Return bundles by the name in their manifests.

    Raises:
        UsageError: If two have the same name.
    """
    named: dict[str, Bundle] = {}
    for bundle in bundles:
        if bundle.name in named:
            raise UsageError(
                f"Two bundles are named {bundle.name!r}: {named[bundle.name].path} and {bundle.path}.",
                "Serve one of them, or start a second service on another port.",
            )
        named[bundle.name] = bundle
    return named
