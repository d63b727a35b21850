"""Step 5: calibrated on the validation rows, then judged on the test rows exactly as it will be served."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from feilun.compression.compressed import Compressed
from feilun.compression.generation import evenly
from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import whole_lists
from feilun.core.ports import Predictor
from feilun.core.report import Report
from feilun.core.splits import Splits
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.evaluation.baselines.columns import fit_column_baselines
from feilun.evaluation.calibration import Abstention, ChooseThreshold, cheapest_threshold, threshold_for_accuracy
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.presentation import plots
from feilun.evaluation.settings import EvaluationSettings
from feilun.models.bases.languages import warn_if_unfit
from feilun.models.text_model import TextModel
from feilun.text.language import script_shares
from feilun.training.checkpoint import Progress
from feilun.training.memory import peak_bytes
from feilun.workflow.run import Run


def judge(
    small: Compressed,
    splits: Splits,
    settings: EvaluationSettings,
    run: Run,
    progress: Progress,
    remarks: Sequence[str] = (),
    beside: Mapping[str, Predictor] | None = None,
) -> Report:
    """Calibrate a compressed model and judge it.

    Args:
        small: The compressed model; receives temperature and threshold.
        splits: Calibrates on `validation`, judges on `test`, fits the baselines to `train`.
        settings: The table `[evaluation]`.
        run: Receives report and plots.
        progress: What training did; for the learning curve and the cost.
        remarks: What the report is to say of the base, finished sentences.
        beside: Further predictors to judge on the same rows, by name.

    Returns:
        The report; the model carries its decision from here on.
    """
    report = judge_compressed(small, splits, settings, beside)
    cost = {
        "training_seconds": round(progress.seconds, 1),
        "training_tokens": progress.tokens,
        "training_steps": progress.step,
        **({"training_joules": round(progress.joules)} if progress.joules else {}),
        "peak_megabytes": round(peak_bytes() / 1e6),
        "processor_seconds": round(time.process_time(), 1),
        **report.cost,
    }
    report = replace(report, cost=cost, notes=[*report.notes, *remarks, *small.remarks])
    run.tracker.note(report=report.to_json())
    plots.draw(report, progress.history, run.folder / "plots")
    return report


def judge_compressed(
    small: Compressed, splits: Splits, settings: EvaluationSettings, beside: Mapping[str, Predictor] | None = None
) -> Report:
    """Calibrate a model as it will be served on the validation rows, and judge it on the test rows.

    Args:
        small: The model; receives temperature and threshold.
        splits: The rows; the baselines are fitted to `train`.
        settings: The table `[evaluation]`.
        beside: Further predictors to judge on the same rows, by name.

    Returns:
        The report, without remarks.
    """
    undecided, logits = small.runtime.decision, small.logits(splits.validation)
    judge_of_task = JUDGES[undecided.task]
    small.decide(judge_of_task.calibrate(logits, splits.validation, splits.labels, undecided, abstention_of(settings)))
    began = time.perf_counter()
    baselines = judge_of_task.baselines(splits.train, splits.validation, splits.labels)
    if splits.features is not None:
        rows = (splits.train, splits.validation, splits.labels)
        baselines = {**baselines, **fit_column_baselines(*rows, splits.features, undecided.task)}
    report = evaluate(
        small,
        rows_to_judge(splits.test, undecided.task, settings.rows),
        slices=settings.slices,
        baselines={**(beside or {}), **baselines},
        resamples=settings.resamples,
        cost_error=settings.cost_error,
        cost_review=settings.cost_review,
    )
    return replace(report, cost={"judging_seconds": round(time.perf_counter() - began, 1), **small.cost()})


def rows_to_judge(test: Corpus, task: str, most: int | None) -> Corpus:
    """Return at most so many of the test rows, evenly spread over them; of lists of candidates whole ones."""
    if most is None:
        return test
    return test.select(whole_lists(test, most).tolist()) if TARGET_KINDS[task].lists else evenly(test, most)


def remarks_on(model: TextModel, splits: Splits) -> list[str]:
    """Say whether the base fits the language of the texts, and what of its vocabulary or of the rows was left out."""
    unfit = warn_if_unfit(model.base.languages, script_shares(splits.train.text))
    return [*([unfit] if unfit else []), *model.remarks, *model.head.remarks(splits.train)]


def abstention_of(settings: EvaluationSettings) -> Abstention | None:
    """Return how the score is picked below which a person decides; None where the recipe does not ask for one."""
    error, review, accuracy = settings.cost_error, settings.cost_review, settings.wanted_accuracy
    choose: ChooseThreshold
    if error is not None and review is not None:
        choose = lambda scores, correct: cheapest_threshold(scores, correct, error, review).value  # noqa: E731
    elif accuracy is not None:
        choose = lambda scores, correct: threshold_for_accuracy(scores, correct, accuracy).value  # noqa: E731
    else:
        return None
    return Abstention(choose, settings.by_label)
