"""Few rows of each class: the encoder learns which texts belong together, then a logistic regression draws the lines.

The recipe of SetFit (Tunstall et al. 2022) without its pairs, whose number grows with the square of the rows: here the
rows of a batch are one another's pairs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from feilun.core.errors import UsageError
from feilun.core.ports import Tracker
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.models.heads.class_contrast import ClassContrastHead
from feilun.models.heads.linear import LinearHead
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.distil import Lessons
from feilun.training.fit import Watcher, fit
from feilun.training.forward import Team, single_process
from feilun.training.inputs import make_inputs
from feilun.training.settings import TrainingSettings

NEVER = 20.0
"""How far the bias of a class without a training row lies below those of the others."""

BATCH_ROWS = 256
"""Rows of a batch where the recipe names no number: each must meet others of its class, and many of the others."""


def fit_contrastive(
    model: TextModel,
    splits: Splits,
    settings: TrainingSettings,
    tracker: Tracker,
    folder: Path,
    *,
    identity: str,
    resume: bool = False,
    watcher: Watcher | None = None,
    lessons: Lessons | None = None,
    team: Team = single_process,
) -> Progress:
    """Train a model that gives one label in place: its base by contrast, then its head on what the base gives.

    Args, Returns and Raises are those of `fit`; there are no lessons beside, and rows that are few are read here.

    Raises:
        UsageError: If several processes are to read the rows.
    """
    if team is not single_process:
        raise UsageError(
            Remark(
                'training.method = "contrastive" is for few rows: one process reads them.',
                'training.method = "contrastive" 用于少量数据：由一个进程读取。',
            ),
            Remark("Leave out --workers.", "请去掉 --workers。"),
        )
    settings = replace(settings, batch_rows=settings.batch_rows or BATCH_ROWS)
    own = model.head
    assert isinstance(own, LinearHead)  # noqa: S101 - the task of such recipes
    contrast = ClassContrastHead(model.base.hidden, model.labels).to(model.device)
    targets = contrast.targets(splits.train).to(model.device)
    contrast.begin_with(make_inputs(model, splits.train).all().to(model.device), targets)
    model.wear(contrast)
    try:
        progress = fit(model, splits, settings, tracker, folder, identity=identity, resume=resume, watcher=watcher)
    finally:
        model.wear(own)
    put_regression(own, make_inputs(model, splits.train).all(), targets)
    return progress


def put_regression(head: LinearHead, states: torch.Tensor, targets: torch.Tensor) -> None:
    """Fit a logistic regression to states and make it the layer of a head.

    The states are moved to a mean of zero and scaled to a mean length of one for the fit; both are folded back.

    Args:
        head: Receives the layer.
        states: Pooled states, shape (rows, hidden).
        targets: Classes, shape (rows,).
    """
    rows = states.double().cpu().numpy()
    mean = rows.mean(0)
    length = float(np.linalg.norm(rows - mean, axis=1).mean()) or 1.0
    fitted = fit_regression((rows - mean) / length, targets.cpu().numpy(), len(head.labels))
    own, biases = fitted.coef_ / length, fitted.intercept_
    if len(fitted.classes_) == 2:  # one line of weights stands for two classes
        own, biases = np.concatenate([-own, own]) / 2, np.concatenate([-biases, biases]) / 2
    weight = np.zeros((len(head.labels), rows.shape[1]))
    bias = np.full(len(head.labels), biases.min() - NEVER)
    weight[fitted.classes_], bias[fitted.classes_] = own, biases
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(weight))
        head.linear.bias.copy_(torch.from_numpy(bias - weight @ mean))
