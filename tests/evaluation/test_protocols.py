"""Protocols part all rows, and keep the promises of their names."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.core.errors import UsageError
from feilun.evaluation.protocols import PROTOCOLS, split


@pytest.fixture
def log():
    source = np.random.default_rng(0)
    users = source.permutation(np.repeat(np.arange(40), source.integers(1, 60, 40)))
    return users, source.integers(0, 500, len(users)).astype(float)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_row_is_in_one_part_and_the_seed_decides(name, log):
    parts = split(name, *log, seed=1)
    rows = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(rows.tolist()) == list(range(len(log[0])))
    again = split(name, *log, seed=1)
    assert all((a == b).all() for a, b in zip(vars(parts).values(), vars(again).values(), strict=True))
    assert len(split(name, np.zeros(0, int), np.zeros(0)).train) == 0


def test_leave_one_out_holds_out_the_last_of_each_user(log):
    users, times = log
    parts = split("leave-one-out", users, times)
    assert len(np.unique(users[parts.test])) == len(parts.test) == len(parts.validation)
    for row, before in zip(np.sort(parts.test), parts.test, strict=True):
        assert times[row] == times[users == users[row]].max()
        assert (users == users[before]).sum() >= 3


def test_temporal_cuts_all_users_at_the_same_moments(log):
    parts = split("temporal", *log)
    times = log[1]
    assert times[parts.train].max() < times[parts.validation].min()
    assert times[parts.validation].max() < times[parts.test].min()
    assert 0.05 < len(parts.test) / len(times) < 0.15


def test_per_user_ratio_takes_from_each_user_who_has_enough(log):
    users = log[0]
    parts = split("per-user-ratio", *log, seed=2)
    sizes, held = np.bincount(users), np.bincount(users[parts.test], minlength=40)
    assert (held[sizes >= 3] >= 1).all()
    assert (held[sizes < 3] == 0).all()
    assert (held == np.maximum(sizes // 10, sizes >= 3)).all()


def test_an_unknown_protocol_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'temporal'"):
        split("tempora", np.zeros(1, int), np.zeros(1))
