"""Several tasks over one base: one linear layer gives the numbers of all, and each task has its own loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from feilun.core.corpus import Corpus
from feilun.core.decisions.multitask import MultitaskDecision, OneTask, qualified
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.settings import derived, setting
from feilun.models.heads.head import Head

if TYPE_CHECKING:
    from feilun.models.heads.table import HeadSettings


@dataclass(frozen=True)
class TaskPart:
    """A task of the recipe as the head needs it.

    Args:
        name: Its name.
        task: What it does, such as classify.
        weight: What its loss counts.
        head: Its head's settings.
    """

    name: str
    task: str
    weight: float
    head: HeadSettings


@dataclass(frozen=True)
class MultitaskSettings:
    """The table `[model.head]` of a `multitask` recipe."""

    temperature: float = setting(
        1.0,
        Remark(
            "how rows are drawn: 1 takes them as they are; the higher, the closer small tasks come to the largest one",
            "怎样抽取各任务的行：1 按原样；越大，小任务越接近最大的任务",
        ),
        minimum=1,
    )
    patience: int = setting(
        0,
        Remark(
            "evaluations without a better value after which a task is left out of the loss; 0: never",
            "连续多少次评估没有改善后，该任务不再计入损失；0：从不",
        ),
        minimum=0,
    )
    parts: tuple[TaskPart, ...] = derived(())

    def tokenizer(self, tokenizer: Tokenizer) -> Tokenizer:
        """Return the base's own tokenizer."""
        return tokenizer

    def make(self, hidden: int, labels: LabelSet) -> MultitaskHead:
        """Make a fresh head over states of width `hidden`."""
        return MultitaskHead(hidden, labels, self)


class MultitaskHead(Head):
    """A linear layer over the pooled state for all tasks, of whose numbers each task has its part.

    Args:
        hidden: Width of the pooled state.
        labels: Labels of all tasks, each with the name of its task before it.
        settings: The tasks.
    """

    task: ClassVar[str] = "multitask"
    decision: MultitaskDecision

    def __init__(self, hidden: int, labels: LabelSet, settings: MultitaskSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.heads = nn.ModuleDict()
        for part in settings.parts:
            before = qualified(part.name, "")
            own = [name.removeprefix(before) for name in labels.names if name.startswith(before)]
            head = part.head.make(hidden, LabelSet(tuple(own)))
            del head.linear  # the numbers of all tasks come from one layer
            self.heads[_kept_as(part.name)] = head
        self._decide()
        self.pace = max(self._head(part.name).pace for part in settings.parts)  # as fast as the task that needs it most
        self.linear = nn.Linear(hidden, self.decision.width(len(labels)))
        nn.init.zeros_(self.linear.bias)
        self.weights = {part.name: part.weight for part in settings.parts}
        self.drawn: NDArray[np.int64] | None = None

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the numbers of all tasks, shape (batch, numbers), for a pooled state of shape (batch, hidden)."""
        if not self.training:
            numbers: Tensor = self.linear(pooled)
            return numbers
        weight, bias = self.linear.weight, self.linear.bias
        parts = [
            functional.linear(self._head(own.name).dropout(pooled), weight[at], bias[at])  # type: ignore[operator]
            for own, at in self.decision.parts()
        ]
        return torch.cat(parts, dim=1)

    def observe(self, train: Corpus) -> None:
        """Let each task learn from its own rows, and draw how often each row is read in an epoch."""
        for name, rows in rows_of(train).items():
            self._head(name).observe(values_of(train, rows))
        self._decide()
        self.drawn = drawn_rows(rows_of(train), self.settings.temperature)

    def first_biases(self, train: Corpus) -> Tensor:
        """Return those of all tasks, shape (numbers,)."""
        biases, rows = torch.zeros_like(self.linear.bias), rows_of(train)
        for own, at in self.decision.parts():
            if own.name in rows:
                found = self._head(own.name).first_biases(values_of(train, rows[own.name]))
                biases[at] = 0 if found is None else found
        return biases

    def order(self, rows: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of an epoch in an order by chance: those of small tasks several times, where that is set."""
        drawn = np.arange(rows) if self.drawn is None else self.drawn
        return random.permutation(drawn)

    def targets(self, corpus: Corpus) -> Tensor:
        """Return the number of each row's task, then the targets of all tasks side by side, shape (rows, 1 + …)."""
        parts = [torch.full((len(corpus), 1), -1.0)]
        rows = rows_of(corpus)
        for number, part in enumerate(self.settings.parts):
            own = rows.get(part.name, np.empty(0, np.int64))
            found = self._head(part.name).targets(values_of(corpus, own))
            wide = found.reshape(len(found), -1 if len(found) else self._target_width(part.name)).float()
            placed = torch.zeros(len(corpus), wide.shape[1])
            placed[own] = wide
            parts[0][own] = number
            parts.append(placed)
        return torch.cat(parts, dim=1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each row, shape (batch,): that of its task, as heavy as the task is."""
        losses = torch.zeros_like(logits[:, 0])
        start = 1
        for number, (own, at) in enumerate(self.decision.parts()):
            end = start + self._target_width(own.name)
            rows = targets[:, 0] == number
            if bool(rows.any()):
                values = targets[rows, start:end]
                values = values[:, 0].long() if self._is_class(own.name) else values
                found = self._head(own.name).loss(logits[rows, at], values)
                losses = losses.masked_scatter(rows, self.weights[own.name] * found)
            start = end
        return losses

    def watch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Leave a task out of the loss once its own figure has not risen for `patience` evaluations.

        Args:
            history: The figures of all evaluations so far.
        """
        for part in self.settings.parts:
            first = next((name for name in history[0] if name.startswith(f"{part.name}.")), None) if history else None
            values = [figures[first] for figures in history if first in figures] if first else []
            waited = len(values) - 1 - int(np.argmax(values)) if values else 0
            stopped = 0 < self.settings.patience <= waited
            self.weights[part.name] = 0.0 if stopped else part.weight

    def _decide(self) -> None:
        """Take over the decisions of the tasks' heads."""
        parts = [(part, self._head(part.name)) for part in self.settings.parts]
        self.decision = MultitaskDecision(
            tuple(OneTask(part.name, part.task, head.labels.names, head.decision) for part, head in parts)
        )

    def _head(self, name: str) -> Head:
        head = self.heads[_kept_as(name)]
        assert isinstance(head, Head)  # noqa: S101 - nothing else is put there
        return head

    def _is_class(self, name: str) -> bool:
        """Say whether a task's target is the number of a class."""
        return self._head(name).targets(NOTHING).ndim == 1

    def _target_width(self, name: str) -> int:
        return 1 if self._is_class(name) else len(self._head(name).labels)


def _kept_as(name: str) -> str:
    """Return what torch may call a task's head: the names of its own methods, such as `type`, are taken."""
    return f"task {name}"


NOTHING = Corpus(id=(), text=(), target=())


def rows_of(corpus: Corpus) -> dict[str, NDArray[np.int64]]:
    """Return the rows of each task by its name."""
    tasks = np.array([target.task for target in corpus.target or ()], dtype=object)
    return {str(name): np.flatnonzero(tasks == name) for name in dict.fromkeys(tasks.tolist())}


def values_of(corpus: Corpus, rows: NDArray[np.int64]) -> Corpus:
    """Return some rows of one task with that task's own targets."""
    own = corpus.select(rows.tolist())
    return replace(own, target=[target.value for target in own.target or ()])


def drawn_rows(rows: Mapping[str, NDArray[np.int64]], temperature: float) -> NDArray[np.int64]:
    """Repeat the rows of small tasks (temperature sampling; Arivazhagan et al. 2019, with every row kept).

    Args:
        rows: The rows of each task.
        temperature: 1 repeats none; a task of n rows gets largest · (n / largest) ^ (1 / temperature).

    Returns:
        Row numbers, each at least once.
    """
    largest = max(map(len, rows.values()), default=0)
    parts = []
    for own in rows.values():
        wanted = round(largest * (len(own) / largest) ** (1 / temperature))
        parts.append(np.resize(np.random.default_rng(0).permutation(own), max(len(own), wanted)))
    return np.concatenate([np.empty(0, np.int64), *parts])
