"""The page to read first: from a recipe to a bundle, in six steps.

1  prepare    records are cleaned, checked and split
2  build      a pretrained base gets a task head
3  fit        the model is fine-tuned and stops early
4  compress   it becomes a small file that needs no torch, or stays as it was where that would cost too much
5  judge      it is calibrated on validation rows and judged on test rows, exactly as it will be served
6  publish    it is written as a bundle; a release that misses its gate is refused
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from feilun.bundles.bundle import Bundle, check_target
from feilun.compression.compress import check_form, compress
from feilun.compression.prune import check_prunable
from feilun.core.folder_lock import locked_folder
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.data.unlabelled import unlabelled_texts
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.build import build, build_anew, check_length, token_encoder
from feilun.models.text_model import TextModel
from feilun.training.checkpoint import Progress
from feilun.training.distil import Lessons
from feilun.training.methods import METHODS
from feilun.training.trackers.table import check_trackers
from feilun.training.workers.parallel import settings_of_each, team_of
from feilun.workflow.judge import judge, remarks_on
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.publish import check_gate, publish
from feilun.workflow.recipe import Recipe, load
from feilun.workflow.recovery import Recovery
from feilun.workflow.run import Run
from feilun.workflow.screen import Screen, silent
from feilun.workflow.teaching import teach
from feilun.workflow.untuned_base import untuned

TRAINED = Remark(
    "Trained. Next it is made small, compared with what it was, and judged.",
    "训练完毕。接下来压缩模型、与压缩前比较，然后评估。",
)
NOT_TRAINED = Remark(
    "Nothing is trained. Now it is made small, compared with what it was, and judged.",
    "没有需要训练的部分。现在压缩模型、与压缩前比较，然后评估。",
)


def train(
    recipe: Recipe | Path | str,
    *,
    out: Path | None = None,
    resume: bool = False,
    accept_licence: bool = False,
    workers: int = 1,
    screen: Screen = silent,
) -> Bundle:
    """Train what a recipe describes.

    Args:
        recipe: A recipe, or the path of one.
        out: Folder of the bundle; without it the bundle is registered under the recipe's name.
        resume: Go on with an interrupted run of the same recipe and data, where there is one.
        accept_licence: Agree to the terms of a base that asks for consent.
        workers: Processes that train together, each with its share of the threads, or with a GPU of its own.
        screen: What the user sees meanwhile.

    Returns:
        The bundle, reopened from disk.

    Raises:
        FeilunError: Everything that a user can act on, by its own kind; see `core/errors.py`.
    """
    if not isinstance(recipe, Recipe):
        recipe = load(Path(recipe))
    base = _checked_base(recipe, out, accept_licence=accept_licence)

    splits = prepare_rows(recipe, token_encoder(recipe.model, base).count)
    screen.show_data(splits)
    further = unlabelled_texts(recipe.data, splits)
    taught, lessons = teach(recipe.training, splits, recipe.task, further, base)
    run = Run.of(recipe, splits, base, lessons)
    with locked_folder(run.folder):
        if not resume:
            run.tracker.clear()
        run.tracker.note(workers=workers)

        model = build(recipe.model, base, taught, recipe.training.seed)
        check_form(model, recipe.compression)
        progress = _fit(model, taught, recipe, run, lessons, resume=resume, workers=workers, screen=screen)

        screen.say(TRAINED if progress.step else NOT_TRAINED)
        cleaning = recipe.data.clean.cleaning()
        recovery = Recovery(recipe, taught, run, lessons, resume, screen)
        small = compress(model, splits, recipe.compression, cleaning, run.folder / "small", further, recovery)

        beside = {**untuned(recipe, splits, run.folder / "small"), **small.sources()}
        report = judge(small, splits, recipe.evaluation, run, progress, remarks_on(model, splits), beside)
        screen.show_report(report)

        check_gate(report, recipe.gate, run.folder)
        bundle = publish(small, report, splits, recipe, run, base, out)
        run.tidy()
        return bundle


def _checked_base(recipe: Recipe, out: Path | None, *, accept_licence: bool) -> Base:
    """Open the base of a recipe; what would fail after a long training is refused now."""
    check_trackers(recipe.training.trackers)
    if out is not None:
        check_target(out)
    base = open_base(recipe.model.base, accept_licence=accept_licence)
    check_length(recipe.model, base)
    check_prunable(base, recipe.compression.prune)
    return base


def _fit(
    model: TextModel,
    splits: Splits,
    recipe: Recipe,
    run: Run,
    lessons: Lessons | None,
    *,
    resume: bool,
    workers: int,
    screen: Screen,
) -> Progress:
    """Train a model by the recipe's method, in as many processes as are asked for."""
    settings = settings_of_each(recipe.training, workers)
    anew = partial(build_anew, recipe.model, splits, recipe.training.seed)
    with screen.training() as watcher, team_of(workers, anew, model, splits.train, settings) as team:
        return METHODS[recipe.training.method](
            model, splits, settings, run.tracker, run.folder,
            identity=run.identity, resume=resume, watcher=watcher, lessons=lessons, team=team,
        )  # fmt: skip
