"""A service that takes a new champion while it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import champion
from feilun.core.errors import FeilunError
from feilun.core.places import registered
from feilun.serving.engine import Engine

SECONDS = 1.0
"""How often the champions are looked at."""

log = logging.getLogger(__name__)


class Follower:
    """Replaces a served version as soon as another one is promoted, or the one before is taken back.

    A champion that cannot be opened changes nothing: the version before goes on, and the log says why.

    Args:
        engine: What answers.
        names: Models that follow their champion; the others stay as they were started.
        threads: Processor threads a model; None uses all cores that this process may.
        seconds: How often to look.
    """

    def __init__(
        self, engine: Engine, names: Iterable[str], *, threads: int | None = None, seconds: float = SECONDS
    ) -> None:
        self.engine = engine
        self.names = tuple(names)
        self._threads = threads
        self._seconds = seconds
        self._refused: dict[str, int] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while self.names:
            await asyncio.sleep(self._seconds)
            for name in self.names:
                await self.look(name)

    async def look(self, name: str) -> None:
        """Take a model's champion where it is not the version that answers."""
        try:
            chosen = champion(name)
        except (FeilunError, OSError) as error:
            log.error("%s", error)
            return
        if chosen != self._refused.get(name):
            self._refused.pop(name, None)  # chosen again later, it may have been mended
        if chosen is None or name in self._refused or self._answers(name, chosen):
            return
        try:
            bundle = await asyncio.to_thread(self._open, registered() / name / str(chosen))
            await self.engine.replace(name, bundle)
        except Exception as error:  # whatever a bundle does: later champions are to be followed all the same
            self._refused[name] = chosen
            log.error("%s@%d does not answer, the version before goes on: %s", name, chosen, error)
        else:
            log.warning("%s@%d answers from now on.", name, chosen)

    def _answers(self, name: str, version: int) -> bool:
        return self.engine.bundle(name).path.resolve() == (registered() / name / str(version)).resolve()

    def _open(self, path: Path) -> Bundle:
        return open_bundle(path, threads=self._threads)
