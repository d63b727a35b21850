"""Tokens are kept as hashes, found by the secret alone, and noted in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from feilun.core.errors import UsageError
from feilun.storage import audit, tokens
from feilun.storage.database import open_database


def test_a_life_of_a_token(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as connection:
        secret = tokens.create(connection, "shop", ["feedback", "predict"])
        other = tokens.create(connection, "other", ["admin"])
    with database.read() as connection:
        known = tokens.valid(connection)
    found = tokens.find(known, secret)
    assert found is not None
    assert (found.name, found.scopes) == ("shop", ("predict", "feedback"))
    assert not found.allows("admin")
    assert tokens.find(known, secret[:-1]) is None
    assert tokens.find(known, found.hash) is None
    with database.write() as connection:
        tokens.revoke(connection, "shop")
        for name in ("shop", "nobody"):
            with pytest.raises(UsageError, match="other"):
                tokens.revoke(connection, name)
        with pytest.raises(UsageError, match="already"):
            tokens.create(connection, "shop", ["predict"])
    with database.read() as connection:
        assert [token.name for token in tokens.valid(connection)] == ["other"]
        noted = list(audit.entries(connection))
        assert [entry.action for entry in noted] == ["create token", "create token", "revoke token"]
        assert audit.verify(connection).fault is None
    assert not any(secret in entry.details or other in entry.details for entry in noted)
    database.close()


def test_the_secret_is_nowhere_in_the_file(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'f.db'}")
    with database.write() as connection:
        secret = tokens.create(connection, "shop", ["predict"])
    database.close()
    assert secret.removeprefix(tokens.PREFIX).encode() not in (tmp_path / "f.db").read_bytes()


@pytest.mark.parametrize(("name", "scopes"), [("a b", ["predict"]), ("", ["predict"]), ("a", []), ("a", ["predicts"])])
def test_wrong_tokens_are_not_made(name: str, scopes: list[str], tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'f.db'}")
    with database.write() as connection, pytest.raises(UsageError):
        tokens.create(connection, name, scopes)
    database.close()
