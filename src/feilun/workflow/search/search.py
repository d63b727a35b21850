"""A search for better settings of a recipe: trials on the validation rows, and the best recipe written out."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from feilun.core import places
from feilun.core.child_process import end_with_parent
from feilun.core.errors import Interrupted, TrainingError, UsageError
from feilun.core.files import check_writable, write_text
from feilun.core.folder_lock import locked_folder
from feilun.core.remark import Remark, said_in
from feilun.core.settings import describe, to_table
from feilun.core.splits import Splits
from feilun.data.unlabelled import unlabelled_texts
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.build import build, check_length, token_encoder
from feilun.training.distil import Lessons
from feilun.training.methods import METHODS
from feilun.training.search import (
    Dimension,
    TrialStopped,
    TrialTracker,
    begun,
    forget_broken,
    open_study,
    read_dimension,
)
from feilun.workflow.prepare import prepare_rows
from feilun.workflow.recipe import Recipe, load, to_toml
from feilun.workflow.run import deciding, hash_of
from feilun.workflow.search.result import Found, Trial, trials_of
from feilun.workflow.search.space import default_space, suited_rate
from feilun.workflow.settings_files.recipe_file import read_text
from feilun.workflow.teaching import teach

BEST = "best.toml"


Show = Callable[[Trial], None]


@dataclass(frozen=True)
class _Search:
    """What every worker of a search needs; made anew in each process.

    Args:
        path: The recipe's file.
        text: What stood in it when the search began: who edits it meanwhile changes no trial.
        overrides: Settings that replace the file's.
        recipe: The recipe as it stands.
        base: Its base.
        splits: Its rows, with those that teachers or spread labels add.
        lessons: What is said about these; None where nothing teaches.
        space: What is varied.
    """

    path: Path
    text: str
    overrides: tuple[str, ...]
    recipe: Recipe
    base: Base
    splits: Splits
    lessons: Lessons | None
    space: tuple[Dimension, ...]

    @property
    def metric(self) -> str:
        return self.recipe.training.early_stopping.metric

    @property
    def identity(self) -> str:
        space = [asdict(dimension) for dimension in self.space]
        taught = {} if self.lessons is None else {"lessons": self.lessons.identity}
        return hash_of({**deciding(self.recipe, self.splits, self.base), **taught, "space": space})

    def with_settings(self, settings: Mapping[str, str]) -> Recipe:
        overrides = [*self.overrides, *(f"{key}={value}" for key, value in settings.items())]
        return load(self.path, overrides, text=self.text)

    def _where_absent(self, key: str) -> Any:
        """Return what stands for a key that the recipe leaves out."""
        if key == "training.learning_rate":
            return suited_rate(self.recipe, self.base, self.splits)
        return self.recipe.training.largest_batch(len(self.splits.train)) if key == "training.batch_rows" else None

    def standing(self) -> dict[str, Any] | None:
        """Return the recipe's own values where the space holds them all."""
        values: dict[str, Any] = {}
        for dimension in self.space:
            value: Any = to_table(self.recipe)
            for name in dimension.key.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is None:
                value = self._where_absent(dimension.key)
            held = dimension.holds(str(value).lower() if isinstance(value, bool) else value)
            if held is None:
                return None
            values[dimension.key] = held
        return values


def search(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    out: Path | None = None,
    workers: int = 1,
    accept_licence: bool = False,
    show: Show = lambda trial: None,
) -> Found:
    """Try settings of a recipe and write out the best; an interrupted search goes on where it stopped.

    Args:
        path: The recipe's file.
        overrides: Settings that replace the file's, each `key=value`.
        out: Folder of the study and of the best recipe; else one in FEILUN_HOME that equal searches share.
        workers: Trials that run at the same time, each in a process of its own with its share of the cores.
        accept_licence: Agree to the terms of a base that asks for consent.
        show: Sees each trial when it has ended.

    Returns:
        What was found.

    Raises:
        TrainingError: If no trial gave a value.
        UsageError: If the same search is going on already.
        FeilunError: Whatever `train` would refuse; a study of another recipe in `out`.
    """
    text = read_text(path)
    searched = _open(path, text, overrides, accept_licence)
    for dimension in searched.space:  # a value that no recipe may have is refused before anything is trained
        for value in dimension.extremes():
            searched.with_settings({dimension.key: value})
    if out is not None:
        check_writable(out)
    folder = out or places.studies() / f"{searched.recipe.name}-{searched.identity[:8]}"
    with locked_folder(folder):
        return _search_in(folder, searched, workers, show)


def _search_in(folder: Path, searched: _Search, workers: int, show: Show) -> Found:
    """Go on with the study of a folder, or begin one."""
    study = open_study(folder, searched.identity, searched.metric, searched.recipe.training.seed)
    forget_broken(study)
    standing = searched.standing()
    if standing and not study.trials:
        study.enqueue_trial(standing)
    minutes = searched.recipe.search.minutes
    deadline = None if minutes is None else time.time() + 60 * minutes
    shown = {trial.number for trial in trials_of(study)}
    if workers == 1:
        _work(searched, folder, study, deadline, lambda trial: show(trial))
    else:
        _work_together(searched, folder, study, deadline, workers, show, shown)
    return _found(searched, folder, study, standing)


def _open(path: Path, text: str, overrides: Sequence[str], accept_licence: bool = False) -> _Search:
    recipe = load(path, overrides, text=text)
    base = open_base(recipe.model.base, accept_licence=accept_licence)
    check_length(recipe.model, base)
    tokens = token_encoder(recipe.model, base)
    splits = prepare_rows(recipe, tokens.count)
    splits, lessons = teach(recipe.training, splits, recipe.task, unlabelled_texts(recipe.data, splits), base)
    types = {key: kind for key, kind, *_ in describe(Recipe)}
    space = tuple(read_dimension(one, types) for one in recipe.search.vary or default_space(recipe, base, splits))
    return _Search(path, text, tuple(overrides), recipe, base, splits, lessons, space)


def _work(searched: _Search, folder: Path, study: Any, deadline: float | None, show: Show) -> None:
    """Run trials until all are done or the time is over."""
    from optuna.trial import TrialState

    for _ in range(searched.recipe.search.trials):
        if begun(study) >= searched.recipe.search.trials or (deadline is not None and time.time() > deadline):
            return
        trial = study.ask()
        settings = {dimension.key: dimension.propose(trial) for dimension in searched.space}
        try:
            value = _train(
                searched, settings, TrialTracker(trial, searched.metric, deadline), folder / f"{trial.number}"
            )
        except Interrupted as stopped:
            raise Interrupted(
                Remark(
                    f"Stopped in trial {trial.number}; the study is in {folder}.",
                    f"在第 {trial.number} 次试验时停下；这次搜索在 {folder}。",
                ),
                Remark("Run the same command to go on with it.", "再次运行同样的命令即可继续。"),
            ) from stopped
        except TrialStopped:
            study.tell(trial, state=TrialState.PRUNED)
        except (TrainingError, UsageError) as error:  # a rate that is too high, ranks that exclude each other
            trial.set_user_attr("reason", [str(error.message), said_in("zh", error.message)])
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
        show(next(one for one in trials_of(study) if one.number == trial.number))


def _train(searched: _Search, settings: Mapping[str, str], tracker: TrialTracker, folder: Path) -> float:
    """Train one trial and return the metric at its best step."""
    recipe = searched.with_settings(settings)
    model = build(recipe.model, open_base(recipe.model.base), searched.splits, recipe.training.seed)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        train = METHODS[recipe.training.method]
        progress = train(
            model, searched.splits, recipe.training, tracker, folder,
            identity=searched.identity, lessons=searched.lessons,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if progress.best is None:
        raise TrainingError(Remark("The trial came to no evaluation.", "这次试验一次评估也没有。"))
    return progress.best


def _work_together(
    searched: _Search,
    folder: Path,
    study: Any,
    deadline: float | None,
    workers: int,
    show: Show,
    shown: set[int],
) -> None:
    """Run trials in several processes and show each that has ended."""
    threads = max(1, torch.get_num_threads() // workers)
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=fresh) as processes:
        recipe = searched.path, searched.text, searched.overrides
        futures = [processes.submit(_worker, *recipe, folder, deadline, threads, number) for number in range(workers)]
        while futures:
            finished, _ = wait(futures, timeout=1)
            for trial in trials_of(study):
                if trial.number not in shown:
                    shown.add(trial.number)
                    show(trial)
            for future in finished:
                future.result()
                futures.remove(future)


def _worker(
    path: Path, text: str, overrides: tuple[str, ...], folder: Path, deadline: float | None, threads: int, number: int
) -> None:
    end_with_parent()
    torch.set_num_threads(threads)
    searched = _open(path, text, overrides)
    seed = searched.recipe.training.seed + 1000 * (number + 1)  # else all would propose the same
    study = open_study(folder, searched.identity, searched.metric, seed)
    _work(searched, folder, study, deadline, lambda trial: None)


def _found(searched: _Search, folder: Path, study: Any, standing: Mapping[str, Any] | None) -> Found:
    trials = trials_of(study)
    valued = [trial for trial in trials if trial.value is not None]
    if not valued:
        last = next((trial.reason for trial in reversed(trials) if trial.reason), "")
        reason = Remark(f" The last one failed: {last}", f"最后一次失败的原因：{said_in('zh', last)}") if last else ""
        raise TrainingError(
            Remark(
                f"None of the {len(trials)} trials gave a value.{reason}",
                f"{len(trials)} 次试验都没有得出数值。{said_in('zh', reason)}",
            ),
            Remark(
                "Give more minutes, or search another space (search.vary).",
                "请给出更多分钟，或者换一个搜索空间（search.vary）。",
            ),
        )
    sign = -1.0 if study.direction.name == "MINIMIZE" else 1.0
    best = max(valued, key=lambda trial: (trial.state == "complete", sign * (trial.value or 0.0), -trial.number))
    own = {key: str(value) for key, value in (standing or {}).items()}
    first = next((trial.value for trial in valued if trial.settings == own), None)
    recipe = searched.with_settings(best.settings)
    note = (
        f"# feilun search: {searched.metric} {best.value:.4f} on the validation rows, best of {len(trials)} trials\n\n"
    )
    write_text(folder / BEST, note + to_toml(recipe))
    return Found(searched.metric, best, folder / BEST, first, tuple(trials))
