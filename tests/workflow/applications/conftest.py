"""An application of customer service that stands, and the database of its home."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "apps" / "customer_service"))
from made_bank import FEE, LOST, written
from made_service import BY_QUESTION, BY_WORDS

from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.bundles.registry import next_version
from feilun.storage.database import open_database
from feilun.workflow.applications.customer_service.version import Version, let_stand
from tiny_bundle import made_bundle


@pytest.fixture
def file(tmp_path):
    """An application that stands: its answers follow from the words that are shared."""
    path = written(tmp_path, FEE, LOST)
    bundle = made_bundle(next_version("bank-questions"), name="bank-questions")
    let_stand("bank", Version(f"bank-questions@{bundle.name}", Thresholds(BY_WORDS, BY_QUESTION)))
    return path


@pytest.fixture
def database():
    with closing(open_database()) as made:
        yield made
