"""The costs of adaptations are measured on whatever base is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from feilun.core.errors import BaseModelError
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.catalogue import open_base
from feilun.training.memory import peak_bytes
from feilun.workflow.adaptations.cost import ROWS, default_base, made_splits, measure

sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "bases"))
from made import causal, encoder, write_folder


@pytest.fixture(scope="module", params=["encoder", "causal"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    model = encoder() if request.param == "encoder" else causal()
    return str(write_folder(tmp_path_factory.mktemp("base"), model))


def test_every_adaptation_is_measured(base: str) -> None:
    found = {kind: measure(base, kind, seconds=0.1) for kind in ADAPTATIONS}
    for cost in found.values():
        assert cost.tokens_per_second > 0
        assert cost.what.endswith(".")
        assert 0 < round(cost.peak_megabytes * 1e6) <= peak_bytes()
    moving = {kind: cost.moving for kind, cost in found.items()}
    assert moving["frozen"] < moving["lora"] < moving["full"]
    assert found["lora"].learning_rate > found["full"].learning_rate


def test_made_texts_have_about_the_tokens_that_were_wanted(base: str) -> None:
    opened = open_base(base)
    splits = made_splits(opened)
    assert len(splits.train) == ROWS
    assert set(splits.train.target or ()) == {"no", "yes"}
    assert made_splits(opened).train.text == splits.train.text


def test_a_base_that_is_not_there_is_an_error_of_its_own() -> None:
    with pytest.raises(BaseModelError):
        measure("./nowhere", "lora", seconds=0.1)
    assert default_base()
