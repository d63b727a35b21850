"""A student beside its teacher: both calibrated on validation rows, and what the student may answer."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.bundles.cascade import CascadeSettings
from feilun.bundles.runtime import Runtime
from feilun.compression.promise import Promise, fewest_rows, promise, whole_promise
from feilun.compression.settings import CompressionSettings
from feilun.core.corpus import Corpus
from feilun.core.prediction import Decision
from feilun.evaluation.calibration import fit_temperature


@dataclass(frozen=True)
class Fitted:
    """A student beside its teacher, and what of the teacher's accuracy is kept.

    Args:
        settings: Both temperatures, and the score from which the student answers.
        promise: What that costs at most.
    """

    settings: CascadeSettings
    promise: Promise


def fit_cascade(teacher: Runtime, student: Runtime, validation: Corpus, settings: CompressionSettings) -> Fitted:
    """Choose from which score on a student answers for its teacher; in the form `student` it answers everything.

    Args:
        teacher: The transformer.
        student: The static model.
        validation: Rows with labels that neither has learned from.
        settings: The form, the promised loss and how sure it must be.

    Returns:
        The choice; in a cascade with a share of 0 where nothing can be promised.
    """
    targets = teacher.labels.encode(validation.target or ())
    said = [runtime.logits(validation) for runtime in (teacher, student)]  # of each (rows, labels)
    model_temperature, student_temperature = (fit_temperature(logits, targets) for logits in said)
    careful, cheap = (logits.argmax(1) == targets for logits in said)
    if settings.form == "student":
        kept = whole_promise(cheap, careful, settings.confidence)
    else:
        scores = Decision(student_temperature).probabilities(said[1]).max(1)
        kept = promise(scores, cheap, careful, settings.max_drop / 100, settings.confidence)
    return Fitted(CascadeSettings(model_temperature, student_temperature, kept.threshold), kept)


def sentence(kept: Promise, settings: CompressionSettings) -> str:
    """Say what was promised, for the report."""
    who = "The static student answers"
    what = "everything" if kept.share == 1 else f"{kept.share:.0%} of the validation rows, the transformer the rest"
    return (
        f"{who} {what}: of {kept.rows:,} rows it loses {kept.lost} and gains {kept.gained}, so that, with "
        f"{settings.confidence:.0%} confidence, at most {100 * kept.bound:.2f} points of accuracy are lost; "
        f"{settings.max_drop:g} are allowed."
    )


def objections(kept: Promise, settings: CompressionSettings) -> list[str]:
    """Say what speaks against shipping a form with a student: finished clauses, none where nothing does."""
    allowed, sure = f"{settings.max_drop:g} points", f"{settings.confidence:.0%} confidence"
    fewest = fewest_rows(settings.max_drop / 100, settings.confidence)
    if kept.rows < fewest:
        return [f"to promise {allowed} at {sure} takes {fewest:,} validation rows, and there are {kept.rows:,}"]
    if kept.share == 0:
        return [f"no share of the texts can be left to it without the risk of losing more than {allowed}"]
    if 100 * kept.bound > settings.max_drop:
        return [f"it may lose {100 * kept.bound:.2f} points of accuracy at {sure}; {allowed} are allowed (max_drop)"]
    return []
