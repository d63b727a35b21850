"""The packed e5 file: what goes in comes out, and no cut is overlooked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made import encoder, packed_e5, quantise_q4_0
from transformers import BertModel

from feilun.core.errors import BaseModelError
from feilun.models.bases.e5_packed import dequantise_q4_0, read

BLOB = packed_e5(encoder().bert)


def test_tensors_fit_bert_exactly() -> None:
    original = encoder().bert
    shape, weights = read(BLOB)
    assert (shape.hidden, shape.layers, shape.feed_forward) == (32, 2, 64)
    twin = BertModel(original.config, add_pooling_layer=False)
    twin.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()}, strict=True)
    for name, tensor in original.state_dict().items():
        if tensor.ndim == 1:
            assert torch.equal(tensor, twin.state_dict()[name])
        else:  # a step of the quantisation is an eighth of the block's peak
            step = tensor.abs().max() / 8
            assert (tensor - twin.state_dict()[name]).abs().max() <= step


def test_low_nibbles_come_first() -> None:
    raw = np.float16(0.5).tobytes() + bytes([0xF0] + [0x88] * 15)
    values = dequantise_q4_0(raw, 32)
    assert values[0] == -4
    assert values[16] == 3.5
    assert np.count_nonzero(values) == 2


@given(st.lists(st.integers(-8, 7), min_size=32, max_size=32).filter(lambda values: -8 in values))
def test_whole_numbers_survive(values: list[int]) -> None:
    exact = np.asarray(values, dtype=np.float32)
    assert np.array_equal(dequantise_q4_0(quantise_q4_0(exact), 32), exact)


@given(st.integers(0, len(BLOB) - 1))
def test_every_cut_is_refused(length: int) -> None:
    with pytest.raises(BaseModelError):
        read(BLOB[:length])
