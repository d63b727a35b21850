"""The loop closes: a champion is trained again with what people said, and its challenger takes its place or does not.

1  what people said since becomes rows beside the recipe's; its test rows stay
2  a challenger is trained, as every model is, through its gate
3  both answer the same rows: the old test rows, and new ones from which neither learned
4  the policy promotes the challenger, or a person does; why is written down
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import champion, versions
from feilun.core import places
from feilun.core.corpus import Corpus
from feilun.core.errors import GateNotMet, UsageError
from feilun.core.files import disk_errors, write_json
from feilun.core.prediction import Prediction
from feilun.evaluation.paired import Comparison
from feilun.evaluation.paired_tasks import COMPARISONS
from feilun.evaluation.slices import slice_values
from feilun.monitoring import retrain_policy
from feilun.monitoring.retrain_policy import Situation, Verdict
from feilun.monitoring.reviewed import until
from feilun.storage import audit, observations
from feilun.storage.database import Database
from feilun.storage.locks import Held, locked
from feilun.workflow import releases, steps, stopped
from feilun.workflow.monitor import Span, watch
from feilun.workflow.next_corpus import next_corpus, told
from feilun.workflow.recipe import Recipe
from feilun.workflow.remembered import remember
from feilun.workflow.screen import Screen, silent

LOOKED_AT = 1000
"""Answers, the last ones, in which drift and accuracy are looked for."""

FEWEST_IN_SLICE = 20
DAY = 86400.0


@dataclass(frozen=True)
class Retraining:
    """What came of training again.

    Args:
        model: Its name.
        champion: The version that answered before.
        challenger: The version that was trained.
        outcome: promoted, waiting (for a person), or kept (the champion).
        reasons: Why, finished sentences.
        old: The two on the recipe's test rows.
        new: The two on rows told by people from which neither learned.
        slices: By column and value, the two on the test rows of a slice.
        learned: Rows told by people that the challenger learned from.
        left_out: Texts that people spoke of and that are not used, by reason.
        report: The file that says the same.
    """

    model: str
    champion: int
    challenger: int
    outcome: str
    reasons: tuple[str, ...]
    old: Comparison
    new: Comparison
    slices: dict[str, dict[str, Comparison]]
    learned: int
    left_out: dict[str, int]
    report: Path

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        slices = {c: {v: one.to_json() for v, one in values.items()} for c, values in self.slices.items()}
        compared = {"old": self.old.to_json(), "new": self.new.to_json(), "slices": slices}
        return {**asdict(self), **compared, "reasons": list(self.reasons), "report": str(self.report)}


def is_due(recipe: Recipe, database: Database, *, now: float | None = None) -> Verdict:
    """Say whether a model is to be trained again, and why.

    Args:
        recipe: Its recipe.
        database: Where its observations are.
        now: Seconds since 1970; None is now.

    Raises:
        UsageError: If the model cannot be trained again, or was never trained.
        StorageError: If the database refuses.
    """
    bundle = _champion(recipe)
    with database.read() as connection:
        last = audit.last(connection, "retrain", model=recipe.name)
        found = observations.reviewed(connection, recipe.name)
        said = told(recipe, found, bundle.labels.names)
        seen = bool(observations.latest(connection, bundle.name, version=bundle.version, count=1))
    made = datetime.fromisoformat(str(bundle.manifest["created"])).timestamp()
    drifted: tuple[str, ...] = ()
    accuracy = None
    if seen:
        (window,) = watch(bundle, database, [Span(count=LOOKED_AT)])
        drifted = tuple(one.name for one in window.drift.signals if one.drifted) if window.drift else ()
        accuracy = window.observed.accuracy
    age = ((time.time() if now is None else now) - made) / DAY
    new = said.since(last["started"] if last else 0.0)
    return retrain_policy.due(recipe.retrain, Situation(new, age, drifted, accuracy))


def retrain(
    recipe: Recipe,
    database: Database,
    *,
    review: bool = False,
    resume: bool = False,
    accept_licence: bool = False,
    screen: Screen = silent,
) -> Retraining:
    """Train a model again, now, and let the challenger take its place where it is better.

    Args:
        recipe: The champion's recipe, with the places of its data.
        database: Observations and feedback; the audit log; the lock.
        review: A person promotes, as with `retrain.review`.
        resume: Go on with what was stopped: what people said since it began is for the next time.
        accept_licence: Agree to the terms of a base that asks for consent.
        screen: What the user sees meanwhile.

    Returns:
        What came of it; also in the report and, without texts, in the audit log.

    Raises:
        UsageError: If the model cannot be trained again, was never trained, nobody said anything of its answers, or
            it is being trained again already.
        GateNotMet: If the challenger misses the recipe's gate on the old test rows; noted in the audit log.
        FeilunError: As `steps.train`.
    """
    bundle = _champion(recipe)
    with locked(database, f"retraining of {recipe.name}") as held, _scratch(recipe.name) as folder:
        started = (stopped.stopped(recipe.name, int(bundle.version)) if resume else None) or time.time()
        with database.read() as connection:
            found = until(observations.reviewed(connection, recipe.name), started)
        corpus = next_corpus(recipe, found, folder)
        if not corpus.learned:
            raise UsageError(
                f"Nobody told the right answer to anything that {recipe.name} answered: nothing new is to be learned.",
                f"`feilun label export {recipe.name} --out queue.csv` writes the texts most worth labelling.",
            )
        if champion(recipe.name) is None:  # or the challenger, being the newest, would answer unproved
            releases.promote(f"{recipe.name}@{bundle.version}", database, why="it answered when retraining began")
        remember(recipe)
        stopped.begin(recipe.name, int(bundle.version), started)
        facts: dict[str, Any] = {
            "model": recipe.name,
            "started": started,
            "champion": int(bundle.version),
            "learned": corpus.learned,
        }
        try:
            trained = steps.train(corpus.recipe, resume=resume, accept_licence=accept_licence, screen=screen)
        except GateNotMet as error:
            with database.write() as connection:
                audit.record(connection, "retrain", outcome="gate not met", reasons=[error.problem], **facts)
            stopped.end(recipe.name)
            raise
        result = _compared(bundle, trained, recipe, corpus.test, corpus.new, corpus.learned, corpus.left_out())
        result = _decide(result, recipe, review)
        _settle(result, database, held, facts)
        stopped.end(recipe.name)
    return result


def _champion(recipe: Recipe) -> Bundle:
    """Open what answers now, where it can be trained again."""
    if recipe.kind not in COMPARISONS:
        raise UsageError(
            f"A {recipe.kind} model cannot be trained again by feedback: those of {', '.join(COMPARISONS)} can.",
            "Add the new rows to its data, and run: feilun train RECIPE.toml",
        )
    if not versions(recipe.name):
        raise UsageError(f"{recipe.name!r} was never trained here.", "Train it first: feilun train RECIPE.toml")
    bundle = open_bundle(places.registered() / recipe.name / str(champion(recipe.name) or versions(recipe.name)[-1]))
    if bundle.manifest["task"] != recipe.kind:
        raise UsageError(
            f"{recipe.name}@{bundle.version} is a {bundle.manifest['task']} model, and the recipe's task is "
            f"{recipe.kind}: what people said of the one does not teach the other.",
            "Train under another name: feilun train RECIPE.toml --set name=NAME",
        )
    return bundle


def _compared(
    before: Bundle, after: Bundle, recipe: Recipe, test: Corpus, new: Corpus, learned: int, left_out: dict[str, int]
) -> Retraining:
    """Let both answer the same rows."""
    compare = COMPARISONS[recipe.kind]
    first, second = _answers(before, test), _answers(after, test)
    slices: dict[str, dict[str, Comparison]] = {}
    for column in recipe.evaluation.slices:
        values = np.array(slice_values(test, column))
        parts = {str(value): np.flatnonzero(values == value).tolist() for value in np.unique(values)}
        slices[column] = {
            value: compare([first[i] for i in own], [second[i] for i in own], test.select(own))
            for value, own in parts.items()
            if len(own) >= FEWEST_IN_SLICE
        }
    report = places.retrainings() / recipe.name / f"{after.version}.json"
    old, fresh = compare(first, second, test), compare(_answers(before, new), _answers(after, new), new)
    return Retraining(
        recipe.name, int(before.version), int(after.version), "kept", (), old, fresh, slices, learned, left_out, report
    )  # fmt: skip


def _answers(bundle: Bundle, corpus: Corpus) -> list[Prediction]:
    return bundle.predict(corpus) if len(corpus) else []


def _decide(result: Retraining, recipe: Recipe, review: bool) -> Retraining:
    verdict = retrain_policy.better(recipe.retrain, result.old, result.new)
    asked = review or recipe.retrain.review
    outcome = "waiting" if asked else "promoted" if verdict.yes else "kept"
    return Retraining(**{**vars(result), "outcome": outcome, "reasons": verdict.reasons})


def _settle(result: Retraining, database: Database, held: Held, facts: dict[str, Any]) -> None:
    """Write down what was decided, and do it."""
    write_json(result.report, result.to_json())
    with database.write() as connection:
        held.check(connection)
        audit.record(
            connection, "retrain", outcome=result.outcome, challenger=result.challenger, reasons=list(result.reasons),
            left_out=result.left_out, old=result.old.to_json(), new=result.new.to_json(), **facts,
        )  # fmt: skip
    if result.outcome == "promoted":
        releases.promote(f"{result.model}@{result.challenger}", database, why="retrain")
    elif result.outcome == "waiting":
        releases.wait(result.model, result.challenger, database, why="retrain")


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """Make a folder for the rows, which hold texts of customers, and remove it whatever comes; under the lock."""
    parent = places.retrainings() / name
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(".rows-*"):  # by a retraining that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=".rows-", dir=parent)).absolute()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
