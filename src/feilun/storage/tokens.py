"""Access tokens: 256 random bits each, of which only the SHA-256 is kept.

A slow hash, as passwords need, would add nothing: nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest

from sqlalchemy import Connection, select, update

from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark
from feilun.storage import audit
from feilun.storage.tables.service import tokens

SCOPES = ("predict", "feedback", "admin")
"""What a token may do; `admin` may all."""

PREFIX = "feilun_"
"""Starts every token, so that scanners of source code find those that were committed by mistake."""

NAME = re.compile(r"[\w.-]{1,80}")
APPLICATION = re.compile(r"\w[\w.-]{0,79}")
"""Names that applications may have."""


@dataclass(frozen=True)
class Token:
    """A token as it is kept.

    Args:
        name: What it is called.
        hash: SHA-256 of it, in hexadecimal digits.
        scopes: What it may do.
        created: Seconds since 1970 (UTC).
        revoked: The same; None while it is valid.
        application: The only application that it reaches; None reaches all.
    """

    name: str
    hash: str
    scopes: tuple[str, ...]
    created: float
    revoked: float | None = None
    application: str | None = None

    def reaches(self, application: str | None) -> bool:
        """Return whether it may ask a service at all; None serves no application."""
        return self.application in {None, application}

    def allows(self, scope: str | None) -> bool:
        """Return whether it may do something; None is what every valid token may."""
        return scope is None or scope in self.scopes or "admin" in self.scopes


def create(connection: Connection, name: str, scopes: Sequence[str], application: str | None = None) -> str:
    """Make a token, noted in the audit log.

    Args:
        connection: In a transaction that may write.
        name: What it is to be called; a revoked token keeps its name.
        scopes: Of `SCOPES`.
        application: The only application that it is to reach; None reaches all.

    Returns:
        The token itself, which cannot be had again.

    Raises:
        UsageError: If the name is taken or no name, no application can be called so, or a scope is unknown.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            Remark(f"A token cannot be called {name!r}.", f"令牌不能叫 {name!r}。"),
            Remark("Use letters, digits, '-', '_' and '.', at most 80.", "请用字母、数字、“-”、“_”和“.”，最多 80 个。"),
        )
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(
                Remark(f"There is no scope {scope!r}.", f"没有权限范围 {scope!r}。"), nearest(scope, SCOPES)
            )
    if not scopes:
        raise UsageError(
            Remark("A token without a scope may do nothing.", "没有权限范围的令牌什么也做不了。"),
            Remark(f"Scopes: {', '.join(SCOPES)}.", f"权限范围：{'、'.join(SCOPES)}。"),
        )
    if application is not None and not APPLICATION.fullmatch(application):
        raise UsageError(
            Remark(f"No application can be called {application!r}.", f"应用不能叫 {application!r}。"),
            Remark(
                "Give the name that its file has, or none for all.", "请给出应用文件中的名称；不给则可访问全部应用。"
            ),
        )
    if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first():
        raise UsageError(
            Remark(f"There is a token {name!r} already, valid or revoked.", f"已有令牌 {name!r}（有效或已撤销）。"),
            Remark("Choose another name.", "请换一个名称。"),
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    kept = [scope for scope in SCOPES if scope in scopes]
    row = {
        "name": name,
        "hash": digest(secret),
        "scopes": " ".join(kept),
        "created": time.time(),
        "application": application,
    }
    connection.execute(tokens.insert(), row)
    audit.record(connection, "create token", token=name, scopes=kept, application=application)
    return secret


def listed(connection: Connection) -> list[Token]:
    """Return all tokens, also revoked ones, the earliest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.name))
    return [
        Token(row.name, row.hash, tuple(row.scopes.split()), row.created, row.revoked, row.application) for row in rows
    ]


def valid(connection: Connection) -> list[Token]:
    """Return the tokens that are not revoked."""
    return [token for token in listed(connection) if token.revoked is None]


def revoke(connection: Connection, name: str) -> None:
    """Make a token invalid for good, noted in the audit log.

    Args:
        connection: In a transaction that may write.
        name: The token's name.

    Raises:
        UsageError: If there is no valid token of that name.
    """
    names = [token.name for token in valid(connection)]
    if name not in names:
        raise UsageError(
            Remark(f"There is no valid token {name!r}.", f"没有有效的令牌 {name!r}。"),
            nearest(name, names),
        )
    connection.execute(update(tokens).where(tokens.c.name == name).values(revoked=time.time()))
    audit.record(connection, "revoke token", token=name)


def keep_revoked(connection: Connection, revoked: Sequence[Token]) -> list[str]:
    """Let tokens that were revoked before stay so, in a database that was restored; return the names of those."""
    again = []
    for token in revoked:
        own = (tokens.c.hash == token.hash) & tokens.c.revoked.is_(None)
        if connection.execute(update(tokens).where(own).values(revoked=token.revoked)).rowcount:
            again.append(token.name)
    return again


def find(known: Sequence[Token], secret: str) -> Token | None:
    """Return the token of which somebody holds the secret; the comparison takes as long for a near miss.

    Args:
        known: Valid tokens.
        secret: What was sent.
    """
    sent = digest(secret)
    found = None
    for token in known:
        if compare_digest(token.hash, sent):
            found = token
    return found


def digest(secret: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
