"""Candidates of a query learn as a list: what the losses want, and that lists stay together."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.core.splits import Splits
from feilun.models.heads.rank import RankHead, RankSettings, lists_of
from feilun.training.fit import Run
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from tiny import LABELS, tiny_head_model, tiny_task

LOSSES = ("listwise", "pairwise")
losses = pytest.mark.parametrize("loss", LOSSES)
TARGETS = torch.tensor([[1.0, 0], [0, 0], [0, 0], [2, 1], [1, 1], [0, 1], [0, 2], [0, 2]])


def head(loss: str) -> RankHead:
    return RankHead(32, LABELS, RankSettings(loss=loss))  # type: ignore[arg-type]


@losses
def test_the_loss_falls_as_relevant_candidates_rise(loss: str) -> None:
    told = [head(loss).loss(step * TARGETS[:, :1], TARGETS).sum().item() for step in (-1, 0, 1, 2)]
    assert told == sorted(told, reverse=True)


@losses
def test_a_list_is_judged_alike_beside_others_and_alone(loss: str) -> None:
    scores = torch.randn(8, 1, generator=torch.Generator().manual_seed(0))
    together = head(loss).loss(scores, TARGETS)
    alone = [head(loss).loss(scores[TARGETS[:, 1] == query], TARGETS[TARGETS[:, 1] == query]) for query in range(3)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)
    assert torch.allclose(together, head(loss).loss(scores + 5, TARGETS), atol=1e-5), "only differences count"
    assert together[6:].sum() == 0, "a list without a relevant candidate teaches nothing"


def test_the_listwise_loss_is_the_cross_entropy_of_the_list() -> None:
    scores = torch.tensor([[0.3], [-1.0], [2.0]])
    told = head("listwise").loss(scores, TARGETS[:3]).sum()
    assert told == pytest.approx(3 * -scores[:, 0].log_softmax(0)[0].item(), abs=1e-6)


def test_the_pairwise_loss_is_the_mean_over_pairs_of_different_relevance() -> None:
    scores = torch.tensor([[0.3], [-1.0], [2.0]])
    told = head("pairwise").loss(scores, torch.tensor([[2.0, 0], [1, 0], [0, 0]])).sum()
    pairs = [torch.nn.functional.softplus(scores[j, 0] - scores[i, 0]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert told.item() == pytest.approx(3 * sum(pairs).item() / 3, abs=1e-6)  # type: ignore[union-attr]


def test_long_lists_are_spread_over_several_and_no_row_is_lost() -> None:
    source = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), source.integers(1, 30, 12))
    relevance = (source.random(len(groups)) < 0.2).astype(np.float64)
    lists = lists_of(groups, relevance, 8)
    assert set(chain(*lists)) == set(range(len(groups)))
    assert all(len(rows) <= 8 and len(set(groups[rows])) == 1 for rows in lists)
    irrelevant = Counter(row for row in chain(*lists) if relevance[row] == 0)
    assert set(irrelevant.values()) == {1}
    for rows in lists:
        if relevance[groups == groups[rows[0]]].any():
            assert relevance[rows].any(), "each part has something relevant to tell apart"


def test_batches_never_tear_a_list(tmp_path: Path) -> None:
    model = tiny_head_model("rank")
    train, labels = tiny_task("rank", 60)
    other = tiny_task("rank", 30, seed=1)[0]
    settings = TrainingSettings(batch_tokens=100, batch_rows=20)
    run = Run(model, Splits(train, other, other, labels, {}, "made"), settings, RunFolder(tmp_path), tmp_path, "made")
    lengths = [len(list(run.steps(epoch))) for epoch in range(3)]
    assert lengths == [run.steps_per_epoch] * 3
    for batch in chain.from_iterable(run.steps(1)):
        counts = Counter((train.group or ())[row] for row in batch)
        assert set(counts.values()) == {6}
    assert sorted(chain.from_iterable(chain.from_iterable(run.steps(2)))) == list(range(60))
