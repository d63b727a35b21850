"""Learning from other models' answers beside the labels (Hinton et al. 2015, "Distilling the Knowledge")."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from feilun.core.remark import Remark
from feilun.core.settings import setting


@dataclass(frozen=True)
class DistilSettings:
    """The table `[training.distil]`."""

    teachers: tuple[str, ...] = setting(
        (),
        Remark(
            "bundles whose answers are learned beside the labels; of several, what they say together",
            "除标签外还学习其回答的模型包；有几个时，取它们的综合意见",
        ),
    )
    temperature: float = setting(2.0, Remark("softens what the teachers say", "使教师的回答更平缓"), above=0)
    weight: float = setting(
        0.5,
        Remark("share of the teachers in the loss; the labels have the rest", "教师在损失中的比例；其余归标签"),
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True)
class Lessons:
    """What teachers say about the training rows.

    Args:
        said: Logarithms of the teachers' mean probabilities, shape (rows, labels).
        temperature: Softens them, and what the model says beside them.
        weight: Their share in the loss.
    """

    said: NDArray[np.float32]
    temperature: float
    weight: float

    @property
    def identity(self) -> str:
        """Return a hash of what is taught: part of what decides the weights of a run."""
        settings = f"{self.temperature} {self.weight} ".encode()
        return hashlib.sha256(settings + np.ascontiguousarray(self.said).tobytes()).hexdigest()

    def blended(self, own: Tensor, logits: Tensor, rows: Sequence[int]) -> Tensor:
        """Return the loss of each row with the teachers' share in it.

        Args:
            own: The loss by labels, shape (batch,).
            logits: What the model says, shape (batch, labels).
            rows: The rows of the batch.
        """
        said = torch.from_numpy(self.said[list(rows)]).to(logits.device)
        wanted, found = ((value / self.temperature).log_softmax(1) for value in (said, logits))
        taught = functional.kl_div(found, wanted, log_target=True, reduction="none").sum(1)  # (batch,)
        return (1 - self.weight) * own + self.weight * self.temperature**2 * taught


def lessons_of(probabilities: Sequence[NDArray[np.floating]], settings: DistilSettings) -> Lessons:
    """Put together what teachers say.

    Args:
        probabilities: Of each teacher, calibrated, shape (rows, labels).
        settings: The table `[training.distil]`.
    """
    mean = np.mean(np.stack(probabilities), axis=0)
    return Lessons(np.log(np.maximum(mean, 1e-7)).astype(np.float32), settings.temperature, settings.weight)
