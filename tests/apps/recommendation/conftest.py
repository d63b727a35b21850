"""What tests of recommendation share."""

from __future__ import annotations

import pytest

from feilun.storage.database import open_database


@pytest.fixture
def database(database_url):
    opened = open_database(database_url)
    yield opened
    opened.close()
