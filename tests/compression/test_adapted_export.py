"""A model with an adaptation is exported as any other: folded where that goes, its adapters written where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_export import check

from feilun.compression.graphs.bert import is_bert
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.lora import LoRA
from feilun.models.text_model import TextModel
from tiny import tiny_model

CASES: list[Adaptation] = [LoRA(2), AdaLoRA(2, 3), Adapter(4), Adapter(4, "pfeiffer")]


def moved(adaptation: Adaptation, kind: str) -> TextModel:
    model = tiny_model(adaptation, kind).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    model.fold()
    return model


@pytest.mark.parametrize("adaptation", CASES, ids=str)
def test_an_encoder_is_written_node_by_node(adaptation: Adaptation, tmp_path: Path) -> None:
    model = moved(adaptation, "encoder")
    assert is_bert(model)
    check(model, tmp_path)


def test_a_causal_base_with_adapters_is_traced(tmp_path: Path) -> None:
    check(moved(Adapter(4), "causal"), tmp_path)
