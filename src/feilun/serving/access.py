"""Who may ask a service, and by which names it may be called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from feilun.serving.sessions import Sessions
from feilun.storage.tokens import Token


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Args:
        tokens: Reads the valid tokens, anew each time; None asks for no token.
        hosts: Names by which the service may be called, and from whose pages, besides this machine's own; None takes
            all.
        application: The application that is served, of which alone some tokens are; None serves none.
        sessions: Those of browsers, where there are pages to sign in to.
    """

    tokens: Callable[[], Sequence[Token]] | None = None
    hosts: Collection[str] | None = None
    application: str | None = None
    sessions: Sessions | None = None
