"""One judge for every predictor: a torch model, an int8 bundle, a baseline, a remote service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.labels import LabelSet
from feilun.core.ports import Predictor
from feilun.core.prediction import Decision, Prediction
from feilun.core.report import Report
from feilun.evaluation.intervals import Intervals, bootstrap
from feilun.evaluation.judgement import Judgement, judge
from feilun.evaluation.metrics import compare, coverage_curve, figures, per_label, reliability
from feilun.evaluation.remarks import remarks
from feilun.evaluation.slices import slice_figures

MOST_NAMED = 5
"""Rows and labels that a message names."""


def evaluate(
    predictor: Predictor,
    corpus: Corpus,
    *,
    slices: Sequence[str] = (),
    baselines: Mapping[str, Predictor] | None = None,
    resamples: int = 1000,
    seed: int = 13,
    cost_error: float | None = None,
    cost_review: float | None = None,
) -> Report:
    """Judge a predictor on rows whose labels are known.

    Args:
        predictor: What is judged, exactly as it will be served.
        corpus: Rows with targets.
        slices: Columns to break the figures down by: features, or `length`, `language`, `time`, `group`.
        baselines: Predictors to judge on the same rows, by name.
        resamples: Bootstrap resamples behind the intervals; 0 gives none.
        seed: Seed of the resamples.
        cost_error: Cost of one wrong decision; with `cost_review`, the report says what the decisions cost.
        cost_review: Cost of one text read by a person.

    Returns:
        The report.

    Raises:
        DataError: If there are no rows, a row has no target, or a target is not among the predictor's labels.
        UsageError: If a slice names no column, or just one of the costs is given.
    """
    if (cost_error is None) != (cost_review is None):
        raise UsageError("The cost of an error and the cost of a review go together; only one was given.", "Give both.")
    names = _targets(corpus)
    labels, targets = _labels(predictor, corpus, names)
    judgement = judge(_checked(predictor, corpus), targets, labels)
    others = {name: judge(_checked(baseline, corpus), targets, labels) for name, baseline in (baselines or {}).items()}
    intervals = bootstrap(judgement, resamples, seed)
    decisions = _decisions(judgement, predictor)
    if cost_error is not None and cost_review is not None:
        decisions |= _costs(decisions, cost_error, cost_review)
    report = Report(
        n=len(corpus),
        metrics={name: intervals.figure(name, value) for name, value in figures(judgement).items()},
        per_label=_with_intervals(per_label(judgement), intervals),
        labels=labels.names,
        confusion=judgement.confusion.tolist(),
        calibration=reliability(judgement.confidence, judgement.correct),
        coverage=coverage_curve(judgement.confidence, judgement.correct),
        slices=slice_figures(judgement, corpus, slices),
        baselines={name: {**figures(other), **compare(judgement, other)} for name, other in others.items()},
        decisions=decisions,
    )
    return replace(report, notes=remarks(report, "en"))


def _targets(corpus: Corpus) -> list[str]:
    """Return the targets as label names."""
    if len(corpus) == 0:
        raise DataError("There are no rows to judge on.", "Give a file with at least one row and its label.")
    if corpus.target is None:
        raise DataError("The rows have no targets, so there is nothing to judge against.", "Name the target column.")
    missing = [i for i, target in enumerate(corpus.target) if _absent(target)]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(corpus)} rows have no target: {_some([str(corpus.id[i]) for i in missing])}.",
            "Fill the target in, or leave these rows out.",
        )
    return [str(target) for target in corpus.target]


def _absent(target: Any) -> bool:
    return target is None or target == "" or target != target  # NaN alone differs from itself


def _labels(predictor: Predictor, corpus: Corpus, targets: Sequence[str]) -> tuple[LabelSet, NDArray[np.int64]]:
    """Learn the predictor's labels from one row, before the long work, and encode the targets."""
    names = _checked(predictor, corpus.select([0]))[0].ranked.names
    first_rows: dict[str, int] = {}
    for row, target in enumerate(targets):
        first_rows.setdefault(target, row)
    unseen = sorted(first_rows.keys() - set(names))
    if unseen:
        counts = Counter(targets)
        shown = [f"{name!r} ({counts[name]} rows, first {corpus.id[first_rows[name]]!r})" for name in unseen]
        raise DataError(
            f"{len(unseen)} label(s) of these rows are not among the model's {len(names)}: {_some(shown)}. "
            f"{_suggestion(unseen[0], names)}",
            "Correct the labels, leave these rows out, or train again with such rows.",
        )
    labels = LabelSet(names)
    return labels, labels.encode(targets)


def _suggestion(name: str, names: Sequence[str]) -> str:
    """Say which label was probably meant: spaces around it and the case of its letters often differ."""
    folded = {valid.strip().casefold(): valid for valid in names}
    same = folded.get(name.strip().casefold())
    if same is not None:
        return f"Did you mean {same!r}?"
    return nearest(name, names) if len(names) <= MOST_NAMED else nearest(name, names).split("Valid:")[0].strip()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def _checked(predictor: Predictor, corpus: Corpus) -> list[Prediction]:
    predictions = predictor.predict(corpus)
    if len(predictions) != len(corpus):
        raise ValueError(f"a predictor returned {len(predictions)} predictions for {len(corpus)} rows")
    return predictions


def _decisions(judgement: Judgement, predictor: Predictor) -> dict[str, float]:
    """Count what the machine decides, what it errs on, and what goes to a person."""
    decided = ~judgement.abstained
    decisions: dict[str, float] = {
        "n": len(judgement),
        "decided": int(decided.sum()),
        "wrong": int((decided & ~judgement.correct).sum()),
        "to_person": int(judgement.abstained.sum()),
        "wrong_if_all_decided": int((~judgement.correct).sum()),
    }
    decision = getattr(predictor, "decision", None)  # models and bundles have one; a remote service need not
    return decisions | ({"threshold": decision.abstain_below} if isinstance(decision, Decision) else {})


def _costs(decisions: Mapping[str, float], cost_error: float, cost_review: float) -> dict[str, float]:
    """Cost the rows three ways: as decided, all by the machine, all by a person, who is taken to make no error."""
    return {
        "cost_error": cost_error,
        "cost_review": cost_review,
        "cost_decide_all": decisions["wrong_if_all_decided"] * cost_error,
        "cost_review_all": decisions["n"] * cost_review,
        "cost": decisions["wrong"] * cost_error + decisions["to_person"] * cost_review,
    }


def _with_intervals(rows: Mapping[str, Mapping[str, float]], intervals: Intervals) -> dict[str, Mapping[str, float]]:
    """Add each label's interval of f1, where there is one, as `f1_low` and `f1_high`."""
    if intervals.f1 is None:
        return dict(rows)
    return {
        name: {**row, "f1_low": min(float(low), row["f1"]), "f1_high": max(float(high), row["f1"])}
        for (name, row), (low, high) in zip(rows.items(), intervals.f1, strict=True)
    }
