"""Which conversation a platform's conversation is, and which of its messages came before, as rows."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from feilun.storage.tables.customer_service import service_channel_events as events
from feilun.storage.tables.customer_service import service_channel_links as links

KEPT_SECONDS = 86_400.0
"""How long it is remembered that a message came: platforms send one again within minutes."""


def came_before(connection: Connection, application: str, channel: str, event: str) -> bool:
    """Say whether a message was answered before."""
    mine = (events.c.application == application, events.c.channel == channel, events.c.event == event)
    return connection.execute(select(events.c.time).where(*mine)).first() is not None


def remember(connection: Connection, application: str, channel: str, event: str, now: float) -> None:
    """Remember that a message was answered; those of long ago are forgotten."""
    connection.execute(delete(events).where(events.c.time < now - KEPT_SECONDS))
    if not came_before(connection, application, channel, event):
        row = {"application": application, "channel": channel, "event": event, "time": now}
        connection.execute(insert(events), row)


def conversation_of(connection: Connection, application: str, channel: str, key: str) -> str | None:
    """Return our conversation of a platform's; None where there is none yet."""
    mine = (links.c.application == application, links.c.channel == channel, links.c.key == key)
    found: str | None = connection.execute(select(links.c.conversation).where(*mine)).scalar_one_or_none()
    return found


def key_of(connection: Connection, application: str, channel: str, conversation: str) -> str | None:
    """Return how a platform names our conversation; None where none of its is ours."""
    mine = (links.c.application == application, links.c.channel == channel, links.c.conversation == conversation)
    found: str | None = connection.execute(select(links.c.key).where(*mine)).scalars().first()
    return found


def link(connection: Connection, application: str, channel: str, key: str, conversation: str) -> None:
    """Remember which conversation a platform's is."""
    row = {"application": application, "channel": channel, "key": key, "conversation": conversation}
    connection.execute(insert(links), row)
