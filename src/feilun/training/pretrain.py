"""Pretraining on the texts of a domain: a base learns to foretell their words, before any label is learned.

Domain-adaptive pretraining (Gururangan et al. 2020, "Don't Stop Pretraining"). It is the training loop with a head that
foretells hidden words, or the next one; so it stops early, resumes and averages its weights as every other run does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from feilun.core.corpus import Corpus
from feilun.core.errors import BaseModelError, DataError
from feilun.core.ports import Tracker
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.evaluation.metrics.texts import perplexity
from feilun.models.bases.base import Base
from feilun.models.build import ModelSettings, build
from feilun.models.heads.language import NextTokenSettings
from feilun.models.heads.masked import MaskedHead, MaskedSettings
from feilun.models.masking import MaskSettings, mask_id
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.fit import Watcher, fit
from feilun.training.inputs import PassageInputs, make_inputs
from feilun.training.settings import TrainingSettings

MOST_JUDGED = 2000
"""Held-out passages that are looked at, evenly spread: twice an epoch, and at the end."""


@dataclass(frozen=True)
class Pretrained:
    """A base that was pretrained further.

    Args:
        base: The base, with its new weights; its vocabulary may be smaller than before.
        progress: What the run did.
        before: Perplexity of held-out passages before; of an encoder with a fresh head, which counts tokens.
        after: The same after.
        held_out: How many passages those are.
        remarks: What was done to the base beforehand, such as trimming.
    """

    base: Base
    progress: Progress
    before: float
    after: float
    held_out: int
    remarks: tuple[str, ...]


def refuse_unless_it_can(base: Base) -> None:
    """Refuse a base that cannot be pretrained, before any text is read.

    Raises:
        BaseModelError: If it reads no text, or has no token that stands for a hidden word.
    """
    if base.kind == "blank":
        raise BaseModelError(
            Remark(
                f"The base {base.name} reads no text, so there is nothing to pretrain.",
                f"基座 {base.name} 不读文本，没有可预训练的内容。",
            ),
            Remark("Name another with --base.", "请用 --base 指定另一个基座。"),
        )
    if base.kind == "encoder":
        mask_id(base.tokenizer, base.name)


def refuse_too_few(rows: int, rows_of_a_step: float) -> None:
    """Refuse texts of which one optimiser step would read all.

    Args:
        rows: Passages to learn from.
        rows_of_a_step: How many of them a step reads.

    Raises:
        DataError: If it is so.
    """
    if rows <= rows_of_a_step:
        raise DataError(
            Remark(
                f"There are {rows:,} passages to learn from, and one step reads as many: an epoch would be a single "
                "step.",
                f"只有 {rows:,} 段文本可学，而一步就读完：一轮只有一步。",
            ),
            Remark(
                "Give more texts (some thousands make a start), or set training.batch_rows or training.batch_tokens "
                "lower.",
                "请给出更多文本（几千条才好开始），或调低 training.batch_rows 或 training.batch_tokens。",
            ),
        )


def pretrain(
    base: Base,
    splits: Splits,
    model: ModelSettings,
    masking: MaskSettings,
    training: TrainingSettings,
    tracker: Tracker,
    folder: Path,
    *,
    identity: str,
    resume: bool = False,
    watcher: Watcher | None = None,
) -> Pretrained:
    """Pretrain a base on texts.

    Args:
        base: The opened base; its weights change.
        splits: Passages to learn from (`train`), to choose by (`validation`) and to judge by (`test`).
        model: How the base is built: its longest sequence, vocabulary, dropout, precision and adaptation.
        masking: What is hidden from an encoder.
        training: The table `[training]`.
        tracker: Receives the figures.
        folder: Holds the checkpoint while the run lasts.
        identity: Hash of settings, texts and base: only its own checkpoint is resumed.
        resume: Go on from the checkpoint, where there is one.
        watcher: Sees every step.

    Returns:
        The base with the weights of the best evaluation, and what became of its perplexity.

    Raises:
        DataError: If all texts stand in one batch.
        BaseModelError, UsageError, LossNotFinite, Interrupted: As `build` and `fit` do.
    """
    splits = replace(splits, validation=spread(splits.validation), test=spread(splits.test))
    head = NextTokenSettings() if base.kind == "causal" else MaskedSettings(masking, training.seed)
    built = build(replace(model, head=head), base, splits, training.seed)
    get_ready(built, splits.train, training)
    before = perplexity_on(built, splits.test)
    progress = fit(
        built, splits, training, tracker, folder, identity=identity, resume=resume, watcher=watcher
    )  # fmt: skip
    after = perplexity_on(built, splits.test)
    built.fold()
    return Pretrained(built.base, progress, before, after, len(splits.test), built.remarks)


def get_ready(model: TextModel, train: Corpus, training: TrainingSettings) -> None:
    """Let the head count the tokens that it will learn from, where there are enough of them.

    Raises:
        DataError: If one optimiser step would read all passages.
    """
    learning = make_inputs(model, train)
    refuse_too_few(len(train), training.rows_of_a_step(learning.lengths))
    if isinstance(model.head, MaskedHead) and isinstance(learning, PassageInputs):
        model.head.observe_tokens(learning.passages)


def perplexity_on(model: TextModel, corpus: Corpus) -> float:
    """Return the perplexity of the tokens that a model foretells in some passages."""
    return perplexity(make_inputs(model, corpus).all().numpy())


def spread(corpus: Corpus) -> Corpus:
    """Keep `MOST_JUDGED` rows of a corpus, evenly spread."""
    rows = len(corpus)
    return corpus if rows <= MOST_JUDGED else corpus.select([i * rows // MOST_JUDGED for i in range(MOST_JUDGED)])
