"""How many rows a run of some minutes can train on and judge, from the measured speed of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feilun.core.corpus import corpus_of
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.frozen import Frozen
from feilun.models.bases.base import Base
from feilun.models.build import ModelSettings, build
from feilun.training.settings import TrainingSettings
from feilun.training.speed import tokens_per_second

SECONDS = 220
"""What the whole may take on any machine, once the base is converted."""

OTHER_SECONDS = 50
"""Of these, what rows and model do not change: start, cleaning, baselines, rounding to int8, plots and the bundle."""

JUDGING_SECONDS = 25
FEWEST_TRAINING_SECONDS = 60

ANSWERED = 4
"""Tokens that int8 answers while the whole base is trained on one, at the least."""

COMPARED = 1_000
"""Rows that the whole base is trained on while int8 is made, and compared with float32."""

VALIDATION = 1.1
"""How much longer training takes for looking at the validation rows and writing the weights down."""

ENOUGH = 2
"""Times over all rows for which the whole base is trained; where fewer fit, its top half alone, on more rows."""

SHORT, FEW = 64, 3_000
"""Tokens that texts are cut at where fewer rows fit otherwise: more rows teach more than the ends of long texts."""

MEASURED_ROWS = 400
ROWS_AT_FIRST = 3_000
"""Rows of the run whose batches the speed is measured with first; where it affords more, theirs are measured too."""


@dataclass(frozen=True)
class Plan:
    """What fits the time on this machine.

    Args:
        training_rows: Rows that pass through training, all epochs together.
        test_rows: Rows that are judged.
        speed: Tokens trained on a second, measured.
        layers: Top layers of the base that learn; 0: all.
        max_tokens: Tokens that texts are cut at.
    """

    training_rows: int
    test_rows: int
    speed: float
    layers: int = 0
    max_tokens: int = 0


def make_plan(pairs: Sequence[tuple[str, str]], model_settings: ModelSettings, base: Base) -> Plan:
    """Measure how fast this machine trains, and plan rows that keep the whole within `SECONDS`.

    Args:
        pairs: (text, label) of all rows at hand, in random order.
        model_settings: The model that will be trained.
        base: Its base; it is built on and of no further use.
    """
    measured = pairs[:MEASURED_ROWS]
    corpus = corpus_of([text for text, _ in measured], [label for _, label in measured])
    labels = LabelSet(tuple(sorted({label for _, label in measured})))
    nothing = corpus.select([])
    splits = Splits(corpus, nothing, nothing, labels, {}, "")
    settings = TrainingSettings(epochs=1)
    model = build(model_settings, base, splits, seed=13)
    lengths = [len(tokens) for tokens in model.encoder.encode(corpus.text)]
    whole = tokens_per_second(model, corpus, settings, ROWS_AT_FIRST)
    plan = plan_for(whole, whole, lengths, model_settings.max_tokens)
    layers = len(base.layers) // 2
    if plan.training_rows < ENOUGH * len(pairs) and layers:
        Frozen(layers=layers).apply(model.base)
        speed = tokens_per_second(model, corpus, settings, ROWS_AT_FIRST)
        plan = replace(plan_for(speed, whole, lengths, model_settings.max_tokens), layers=layers)
    if settings.largest_batch(plan.training_rows) != settings.largest_batch(ROWS_AT_FIRST):
        speed = tokens_per_second(model, corpus, settings, plan.training_rows)
        plan = replace(plan_for(speed, whole, lengths, model_settings.max_tokens), layers=plan.layers)
    if plan.training_rows < min(FEW, len(pairs)):
        plan = replace(plan_for(plan.speed, whole, lengths, min(SHORT, plan.max_tokens)), layers=plan.layers)
    return plan


def plan_for(speed: float, whole: float, lengths: Sequence[int], max_tokens: int) -> Plan:
    """Plan for a speed.

    Args:
        speed: Tokens trained on a second.
        whole: The same where all layers learn.
        lengths: Tokens of some rows.
        max_tokens: Tokens that texts are cut at.
    """
    length = sum(min(tokens, max_tokens) for tokens in lengths) / len(lengths)
    training = (SECONDS - OTHER_SECONDS - JUDGING_SECONDS - COMPARED * length / whole) / VALIDATION
    return Plan(
        training_rows=int(max(training, FEWEST_TRAINING_SECONDS) * speed / length),
        test_rows=int(JUDGING_SECONDS * ANSWERED * whole / length),
        speed=speed,
        max_tokens=max_tokens,
    )
