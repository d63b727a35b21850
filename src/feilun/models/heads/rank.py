"""How relevant a candidate is to a query: the base reads both together, and the loss compares whole lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import queries
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.models.heads.linear import LinearHead


@dataclass(frozen=True)
class RankSettings:
    """The table `[model.head]` of a `rank` recipe."""

    dropout: float = setting(
        0.1,
        Remark("share of the pooled state set to zero while training", "训练时汇集状态中置零的比例"),
        minimum=0,
        below=1,
    )
    loss: Literal["listwise", "pairwise"] = setting(
        "listwise",
        Remark(
            "listwise: a softmax over the candidates of a query; pairwise: each better one against each worse",
            "listwise：对一个查询的候选作 softmax；pairwise：较好的逐个与较差的比",
        ),
    )
    candidates: int = setting(
        8,
        Remark(
            "most candidates of a query that are read in one list; more are spread over several",
            "一个列表最多读一个查询的多少候选；更多的分成几个列表",
        ),
        minimum=2,
    )

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> RankHead:
        """Make a fresh head over states of width `hidden`."""
        return RankHead(hidden, labels, self)


class RankHead(LinearHead):
    """A linear layer over the pooled state of query and candidate, with a loss over the candidates of a query.

    Args:
        hidden: Width of the pooled state.
        labels: The name of the relevance.
        settings: Dropout and loss.
    """

    task: ClassVar[str] = "rank"

    def __init__(self, hidden: int, labels: LabelSet, settings: RankSettings) -> None:
        super().__init__(hidden, labels, settings.dropout)
        self.settings = settings
        self._lists: list[list[int]] | None = None

    def observe(self, train: Corpus) -> None:
        """Lay out which candidates are read together."""
        relevance = np.array(train.target, dtype=np.float64)
        self._lists = lists_of(queries(train), relevance, self.settings.candidates)

    def order(self, rows: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Return the numbers of the lists in an order by chance."""
        return random.permutation(rows if self._lists is None else len(self._lists))

    def together(self, order: NDArray[np.int64]) -> Sequence[Sequence[int]]:
        """Return the rows of each list, in an order that `order` gave."""
        lists = self._lists
        return super().together(order) if lists is None else [lists[i] for i in order.tolist()]

    def targets(self, corpus: Corpus) -> Tensor:
        """Return relevance and number of the query, shape (rows, 2)."""
        relevance = torch.tensor([float(target) for target in corpus.target or ()])
        return torch.stack([relevance, torch.from_numpy(queries(corpus)).float()], dim=1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): those of a query sum to its list's loss times its length.

        Args:
            logits: Shape (batch, 1).
            targets: What `targets` returned, shape (batch, 2).
        """
        scores, relevance = logits[:, 0], targets[:, 0]
        same = targets[:, 1][:, None] == targets[:, 1][None]  # (batch, batch)
        length = same.sum(1)
        if self.settings.loss == "pairwise":
            return _pairwise(scores, relevance, same) * length
        return _listwise(scores, relevance, same) * length


def _listwise(scores: Tensor, relevance: Tensor, same: Tensor) -> Tensor:
    """Return the softmax cross-entropy of each row's share of its list's relevance (ListNet, Cao et al. 2007)."""
    normaliser = scores[None].expand_as(same).masked_fill(~same, -torch.inf).logsumexp(1)  # (batch,)
    whole = (same * relevance[None]).sum(1)
    share = relevance / whole.clamp(min=torch.finfo(relevance.dtype).tiny)
    return share * (normaliser - scores)


def _pairwise(scores: Tensor, relevance: Tensor, same: Tensor) -> Tensor:
    """Return the logistic loss of each row against all less relevant ones of its list (RankNet, Burges et al. 2005)."""
    better = same & (relevance[:, None] > relevance[None])  # (batch, batch)
    pairs = (same.float() @ better.sum(1).float()).clamp(min=1)  # of the whole list
    losses = functional.softplus(scores[None] - scores[:, None]) * better
    return losses.sum(1) / pairs


def lists_of(groups: NDArray[np.int64], relevance: NDArray[np.float64], most: int) -> list[list[int]]:
    """Return the rows of each query as lists of at most `most`.

    Of longer lists the relevant rows, at most half of `most`, stand in each part, so that each part tells something;
    where there are more of them, the parts take turns.
    """
    lists: list[list[int]] = []
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(rows) <= most:
            lists.append(rows.tolist())
            continue
        relevant, others = rows[relevance[rows] > 0], rows[relevance[rows] <= 0]
        kept = min(len(relevant), most // 2)
        parts = max(1, -(-len(others) // (most - kept)))
        parts = max(parts, -(-len(relevant) // kept) if kept else 1)
        for part in range(parts):
            own = np.take(relevant, range(part * kept, (part + 1) * kept), mode="wrap") if kept else relevant
            lists.append([*own.tolist(), *others[part::parts].tolist()])
    return [rows for rows in lists if len(rows)]
