"""The loop closes: a champion is trained again with what people said, and its challenger takes its place or does not.

1  what people said since becomes rows beside the recipe's; its test rows stay
2  a challenger is trained, as every model is, through its gate
3  both answer the same rows: the old test rows, and new ones from which neither learned
4  the policy promotes the challenger, or a person does; why is written down
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import champion, versions
from feilun.bundles.stages import read_stages
from feilun.core import places
from feilun.core.corpus import Corpus
from feilun.core.errors import GateNotMet, UsageError
from feilun.core.files import write_json
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.evaluation.judges.multitask import OneAnswer
from feilun.evaluation.paired import Comparison
from feilun.evaluation.paired_tasks import COMPARISONS
from feilun.evaluation.slices import slice_values
from feilun.monitoring import retrain_policy
from feilun.monitoring.retrain_policy import Contest, Situation, Verdict
from feilun.monitoring.reviewed import until
from feilun.storage import audit, observations
from feilun.storage.database import Database
from feilun.storage.locks import Held, locked
from feilun.workflow import steps
from feilun.workflow.judge import rows_to_judge
from feilun.workflow.loop import releases, resumption
from feilun.workflow.loop.monitor import Span, watch
from feilun.workflow.loop.next_corpus import NextRows, next_corpus, said_by_task
from feilun.workflow.loop.recipe_of_model import remember
from feilun.workflow.recipe import Recipe
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
        contests: The two on the same rows, by task; under "" where there is but one.
        learned: Rows told by people that the challenger learned from.
        left_out: Texts that people spoke of and that are not used, by reason.
        report: The file that says the same.
    """

    model: str
    champion: int
    challenger: int
    outcome: str
    reasons: tuple[str, ...]
    contests: Mapping[str, Contest]
    learned: int
    left_out: dict[str, int]
    report: Path

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form; of several tasks figures stand under the name of each."""
        return {
            "model": self.model, "champion": self.champion, "challenger": self.challenger, "outcome": self.outcome,
            "reasons": list(self.reasons), **figures_of(self.contests), "learned": self.learned,
            "left_out": dict(self.left_out), "report": str(self.report),
        }  # fmt: skip


def figures_of(contests: Mapping[str, Contest], *, slices: bool = True) -> dict[str, Any]:
    """Return the public JSON form of contests."""
    told = {task: one.to_json() for task, one in contests.items()}
    shown = {task: own if slices else {"old": own["old"], "new": own["new"]} for task, own in told.items()}
    return shown[""] if set(shown) == {""} else {"tasks": shown}


def is_due(recipe: Recipe, database: Database, *, now: float | None = None) -> Verdict:
    """Say whether a model is to be trained again, and why.

    Args:
        recipe: Its recipe.
        database: Where its observations are.
        now: Seconds since 1970; None is now.

    Raises:
        UsageError: If the model was never trained, or does something else than the recipe says.
        StorageError: If the database refuses.
    """
    bundle = _champion(recipe)
    with database.read() as connection:
        last = audit.last(connection, "retrain", model=recipe.name)
        found = observations.reviewed(connection, recipe.name)
        said = said_by_task(recipe, found, bundle.labels.names)
        seen = bool(observations.latest(connection, bundle.name, version=bundle.version, count=1))
    made = datetime.fromisoformat(str(bundle.manifest["created"])).timestamp()
    drifted: tuple[str, ...] = ()
    accuracy = None
    if seen:
        (window,) = watch(bundle, database, [Span(count=LOOKED_AT)])
        drifted = tuple(one.name for one in window.drift.signals if one.drifted) if window.drift else ()
        accuracy = window.observed.accuracy
    age = ((time.time() if now is None else now) - made) / DAY
    new = sum(one.since(last["started"] if last else 0.0) for one in said.values())
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
        UsageError: If the model was never trained, or does something else than the recipe says; if nobody said anything
            of its answers; if it is being trained again already.
        GateNotMet: If the challenger misses the recipe's gate on the old test rows; noted in the audit log.
        FeilunError: As `steps.train`.
    """
    bundle = _champion(recipe)
    with locked(database, f"retraining of {recipe.name}") as held, resumption.scratch(recipe.name) as folder:
        begun = resumption.stopped(recipe.name, int(bundle.version)) if resume else None
        started = begun or time.time()
        with database.read() as connection:
            found = until(observations.reviewed(connection, recipe.name), started)
        corpus = next_corpus(recipe, found, folder)
        if not corpus.learned:
            raise UsageError(
                Remark(
                    f"Nobody told the right answer to anything that {recipe.name} answered: nothing new is to be "
                    "learned.",
                    f"还没有人对 {recipe.name} 的任何回答给出过正确答案：没有新东西可学。",
                ),
                Remark(
                    f"`feilun label export {recipe.name} --out queue.csv` writes the texts most worth labelling.",
                    f"`feilun label export {recipe.name} --out queue.csv` 写出最值得标注的文本。",
                ),
            )
        if champion(recipe.name) is None:  # or the challenger, being the newest, would answer unproved
            releases.promote(f"{recipe.name}@{bundle.version}", database, why="it answered when retraining began")
        remember(recipe)
        if begun is None:
            resumption.forget(recipe.name)
        resumption.begin(recipe.name, int(bundle.version), started)
        facts: dict[str, Any] = {
            "model": recipe.name,
            "started": started,
            "champion": int(bundle.version),
            "learned": corpus.learned,
        }
        with _gate_noted(recipe.name, database, facts):
            trained = steps.train(corpus.recipe, resume=resume, accept_licence=accept_licence, screen=screen)
        contests = {task: _contest(bundle, trained, recipe, task, rows) for task, rows in corpus.tasks.items()}
        outcome, reasons = _decide(contests, recipe, review, int(bundle.version))
        report = places.retrainings() / recipe.name / f"{trained.version}.json"
        result = Retraining(
            recipe.name, int(bundle.version), int(trained.version), outcome, reasons, contests, corpus.learned,
            corpus.left_out(), report,
        )  # fmt: skip
        _settle(result, database, held, facts)
        resumption.end(recipe.name)
    return result


@contextmanager
def _gate_noted(name: str, database: Database, facts: Mapping[str, Any]) -> Iterator[None]:
    """Note in the audit log that a challenger missed the gate; there is nothing to go on with then."""
    try:
        yield
    except GateNotMet as error:
        with database.write() as connection:
            audit.record(connection, "retrain", outcome="gate not met", reasons=[error.problem], **facts)
        resumption.end(name)
        raise


def _champion(recipe: Recipe) -> Bundle:
    """Open what answers now."""
    if not versions(recipe.name):
        raise UsageError(
            Remark(f"{recipe.name!r} was never trained here.", f"{recipe.name!r} 从未在这里训练过。"),
            Remark("Train it first: feilun train RECIPE.toml", "请先训练：feilun train RECIPE.toml"),
        )
    bundle = open_bundle(places.registered() / recipe.name / str(champion(recipe.name) or versions(recipe.name)[-1]))
    if bundle.manifest["task"] != recipe.kind:
        raise UsageError(
            Remark(
                f"{recipe.name}@{bundle.version} is a {bundle.manifest['task']} model, and the recipe's task is "
                f"{recipe.kind}: what people said of the one does not teach the other.",
                f"{recipe.name}@{bundle.version} 是 {bundle.manifest['task']} 模型，而配方的任务是 {recipe.kind}："
                "人们对前者说的教不了后者。",
            ),
            Remark(
                "Train under another name: feilun train RECIPE.toml --set name=NAME",
                "请换个名称训练：feilun train RECIPE.toml --set name=NAME",
            ),
        )
    return bundle


def _contest(before: Bundle, after: Bundle, recipe: Recipe, task: str, rows: NextRows) -> Contest:
    """Let both answer the same rows; of the old test rows as many as the recipe's report is made of."""
    compare, test = COMPARISONS[rows.task], rows_to_judge(rows.test, rows.task, recipe.evaluation.rows)
    first, second = _answers(before, task, test), _answers(after, task, test)
    slices: dict[str, dict[str, Comparison]] = {}
    for column in recipe.evaluation.slices:
        values = np.array(slice_values(test, column))
        parts = {str(value): np.flatnonzero(values == value).tolist() for value in np.unique(values)}
        slices[column] = {
            value: compare([first[i] for i in own], [second[i] for i in own], test.select(own))
            for value, own in parts.items()
            if len(own) >= FEWEST_IN_SLICE
        }
    new = compare(_answers(before, task, rows.new), _answers(after, task, rows.new), rows.new)
    return Contest(compare(first, second, test), new, slices)


def _answers(bundle: Bundle, task: str, corpus: Corpus) -> list[Prediction]:
    if not len(corpus):
        return []
    return (OneAnswer(bundle, task) if task else bundle).predict(corpus)


def _decide(contests: Mapping[str, Contest], recipe: Recipe, review: bool, before: int) -> tuple[str, tuple[str, ...]]:
    """Return what comes of the challenger, and why; a person decides where one chose another champion meanwhile."""
    verdict = retrain_policy.better(recipe.retrain, contests)
    now, reasons = read_stages(places.registered() / recipe.name).champion, verdict.reasons
    if now != before:
        reasons = (
            *reasons,
            Remark(
                f"version {now} became the champion meanwhile, and it was compared with version {before}",
                f"其间版本 {now} 成了现任，而比较用的是版本 {before}",
            ),
        )
    asked = review or recipe.retrain.review or (verdict.yes and now != before)
    return "waiting" if asked else "promoted" if verdict.yes else "kept", reasons


def _settle(result: Retraining, database: Database, held: Held, facts: dict[str, Any]) -> None:
    """Write down what was decided, and do it."""
    write_json(result.report, result.to_json())
    with database.write() as connection:
        held.check(connection)
        audit.record(
            connection, "retrain", outcome=result.outcome, challenger=result.challenger, reasons=list(result.reasons),
            left_out=result.left_out, **figures_of(result.contests, slices=False), **facts,
        )  # fmt: skip
    if result.outcome == "promoted":
        releases.promote(f"{result.model}@{result.challenger}", database, why="retrain")
    elif result.outcome == "waiting":
        releases.wait(result.model, result.challenger, database, why="retrain")
