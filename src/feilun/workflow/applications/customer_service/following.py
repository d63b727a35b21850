"""A service that runs follows what is released meanwhile, without a restart: knowledge, thresholds and model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import FeilunError
from feilun.storage.customer_service_releases import newest_release
from feilun.workflow.applications.customer_service.knowledge import known_to
from feilun.workflow.applications.customer_service.version import Version, entries_of, ladder_of, trained

log = logging.getLogger(__name__)

SECONDS = 1.0
"""How often a service asks whether something was released: one number of the database."""


class Following:
    """Puts what was released into a desk.

    Args:
        settings: The application.
        desk: Where it answers.
        version: By what it answers.
        release: The newest release when its knowledge was read.
    """

    def __init__(self, settings: CustomerServiceSettings, desk: Desk, version: Version, release: int) -> None:
        self.settings, self.desk = settings, desk
        self._version, self._release = version, release

    def look(self) -> bool:
        """Take over what was released since; says whether anything was.

        Raises:
            FeilunError: If it cannot be opened; what answered before goes on to, and the next look tries again.
        """
        with self.desk.database.read() as connection:
            newest = newest_release(connection, self.settings.name)
        if newest == self._release:
            return False
        version = trained(self.settings.name)
        self.desk.renew(self._ladder(version))
        self._hold()  # what was approved while an index was built
        self._version, self._release = version, newest
        return True

    def _ladder(self, version: Version) -> Ladder:
        """Return the ladder of a version; where its models stay, only what changed is read."""
        before = self._version
        if (version.bundle, version.reranker, version.tagger) != (before.bundle, before.reranker, before.tagger):
            return ladder_of(self.settings, version, known_to(self.settings.name, self.desk.database))
        self._hold()
        return self.desk.ladder.recalibrated(version.thresholds)

    def _hold(self) -> None:
        known = known_to(self.settings.name, self.desk.database)
        self.desk.ladder.library.hold(entries_of(self.settings, known), known.passages)


@contextmanager
def followed(following: Following) -> Iterator[None]:
    """Look every `SECONDS` for the length of a block; what goes wrong is told in the log."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(SECONDS):
            try:
                if following.look():
                    log.info("%s answers by its newest release", following.settings.name)
            except FeilunError as error:
                log.warning("the newest release cannot answer, the one before goes on to: %s", error)

    thread = threading.Thread(target=look, name="releases")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
