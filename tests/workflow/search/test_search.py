"""A search tries what it should, goes on where it stopped, and writes a recipe that trains."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from feilun.core import places
from feilun.core.errors import Interrupted, RecipeError, TrainingError, UsageError
from feilun.training.methods import METHODS
from feilun.workflow.recipe import load
from feilun.workflow.search.result import Trial
from feilun.workflow.search.search import search
from feilun.workflow.steps import train
from tiny import reviews

sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "bases"))
from made import encoder, write_folder

VARY = ["training.learning_rate=1e-4..1e-1", "training.epochs=1..2", "model.adaptation.rank=1|2|4"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_folder(folder / "base", encoder())
    rows = reviews(90)
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(rows.text, rows.target or (), strict=True)])
    path = folder / "r.toml"
    path.write_text(
        'task = "classify"\n[data]\ntrain = "rows.csv"\ntext = "text"\ntarget = "label"\n[data.clean]\n'
        'deduplicate = "none"\n[model]\nbase = "./base"\nmax_tokens = 16\n[model.adaptation]\nkind = "lora"\nrank = 2\n'
        "[training]\nepochs = 1\nlearning_rate = 1e-2\n",
        encoding="utf-8",
    )
    return path


def run(recipe: Path, out: Path, *more: str, vary: list[str] = VARY, **options: object) -> tuple[object, list[Trial]]:
    seen: list[Trial] = []
    found = search(recipe, [f"search.vary={','.join(vary)}", *more], out=out, show=seen.append, **options)  # type: ignore[arg-type]
    return found, seen


def test_the_best_of_the_trials_is_written_as_a_recipe(recipe: Path, tmp_path: Path) -> None:
    found, seen = run(recipe, tmp_path, "search.trials=4")
    assert [trial.number for trial in seen] == [0, 1, 2, 3]
    assert seen[0].settings == {
        "training.learning_rate": "0.01", "training.epochs": "1", "model.adaptation.rank": "2",
    }  # fmt: skip
    assert found.standing == seen[0].value
    complete = [trial for trial in seen if trial.state == "complete"]
    assert found.best.value == max(trial.value for trial in complete)
    best = load(found.recipe)
    assert str(best.model.adaptation.rank) == found.best.settings["model.adaptation.rank"]
    assert best.training.learning_rate == float(found.best.settings["training.learning_rate"])
    assert best.data.train == load(recipe).data.train
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "best.toml", "journal.log"]


def test_a_search_that_was_stopped_goes_on(recipe: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(trial: Trial) -> None:
        if trial.number == 1:
            raise Stopped

    with pytest.raises(Stopped):
        search(recipe, [f"search.vary={','.join(VARY)}", "search.trials=4"], out=tmp_path, show=stop)
    import optuna

    from feilun.training.search import open_study

    study = optuna.load_study(study_name="search", storage=_storage(tmp_path))
    left = study.ask()  # what a killed search leaves: a trial that is running
    left.suggest_float("training.learning_rate", 1e-4, 1e-1, log=True)
    left.suggest_int("training.epochs", 1, 2)
    left.suggest_categorical("model.adaptation.rank", ["1", "2", "4"])
    found, seen = run(recipe, tmp_path, "search.trials=4")
    assert [trial.number for trial in seen] == [3, 4]
    assert seen[0].settings == {key: str(value) for key, value in left.params.items()}
    assert len(found.trials) == 5
    assert open_study(tmp_path, study.user_attrs["identity"], "macro_f1", 1).trials


def _storage(folder: Path) -> object:
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    path = str(folder / "journal.log")
    return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path)))


def test_a_study_of_another_recipe_is_refused(recipe: Path, tmp_path: Path) -> None:
    run(recipe, tmp_path, "search.trials=1")
    with pytest.raises(UsageError, match="another recipe"):
        run(recipe, tmp_path, "search.trials=1", "model.max_tokens=12")


def test_a_study_of_other_weights_of_the_tasks_is_refused(recipe: Path, tmp_path: Path) -> None:
    path = recipe.with_name("tasks.toml")
    path.write_text(
        'task = "multitask"\n[data]\ntrain = "rows.csv"\n[data.clean]\ndeduplicate = "none"\n'
        '[tasks.mood]\ntask = "classify"\ndata = { target = "label" }\n'
        '[tasks.sets]\ntask = "multilabel"\ndata = { target = "label" }\n[model]\n'
        'base = "./base"\nmax_tokens = 16\n[training]\nepochs = 1\n',
        encoding="utf-8",
    )
    vary = ["training.learning_rate=1e-4..1e-1"]
    run(path, tmp_path, "search.trials=1", vary=vary)
    with pytest.raises(UsageError, match="another recipe"):
        run(path, tmp_path, "search.trials=1", "tasks.mood.weight=3", vary=vary)


def test_the_same_search_finds_the_same(recipe: Path, tmp_path: Path) -> None:
    first, second = (run(recipe, tmp_path / name, "search.trials=3")[0] for name in "ab")
    assert [(t.settings, t.value) for t in first.trials] == [(t.settings, t.value) for t in second.trials]


def test_a_time_that_is_over_ends_the_search(recipe: Path, tmp_path: Path) -> None:
    found, seen = run(recipe, tmp_path, "search.trials=500", "search.minutes=0.02")
    assert 1 <= len(seen) < 100
    assert found.best.value is not None


def test_a_search_without_a_declared_space_varies_what_the_adaptation_has(recipe: Path, tmp_path: Path) -> None:
    _, seen = run(recipe, tmp_path, "search.trials=1", vary=[])
    assert set(seen[0].settings) == {
        "training.learning_rate", "training.epochs", "training.batch_rows", "model.adaptation.rank",
    }  # fmt: skip
    assert seen[0].settings["model.adaptation.rank"] == "2"


def test_trials_that_cannot_be_trained_fail_and_the_search_goes_on(recipe: Path, tmp_path: Path) -> None:
    found, seen = run(recipe, tmp_path, "search.trials=3", vary=["training.learning_rate=1e-2|1e38"])
    assert {trial.state for trial in seen if trial.settings["training.learning_rate"] == "1e38"} <= {"failed"}
    assert found.best.settings["training.learning_rate"] == "1e-2"
    with pytest.raises(TrainingError, match=r"None of the 2 trials.*not finite at step"):
        run(recipe, tmp_path / "all", "search.trials=2", vary=["training.learning_rate=1e37..1e38"])


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("training.learning_rat=1..2", "no key that can be varied"),
        ("data.text=a|b", "no key that can be varied"),
        ("training.seed=1..9", "no key that can be varied"),
        ("training.semi_supervised=none|spread", "no key that can be varied"),
        ("training.distil.weight=0..1", "no key that can be varied"),
        ("training.epochs", "has no values"),
        ("training.epochs=5..2", "is empty"),
        ("training.epochs=a..b", "no range"),
    ],
)
def test_a_space_that_cannot_be_is_refused_before_training(
    recipe: Path, tmp_path: Path, vary: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(recipe, tmp_path / "out", vary=[vary])
    assert not (tmp_path / "out").exists()


def test_what_no_trial_can_do_is_said(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"macro_g1.*Did you mean 'macro_f1'"):
        run(recipe, tmp_path, "search.trials=2", "training.early_stopping.metric=macro_g1")


def test_values_that_no_recipe_may_have_are_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="rank must be at least 1"):
        run(recipe, tmp_path / "out", vary=["model.adaptation.rank=0..4"])
    assert not (tmp_path / "out").exists()


def test_ctrl_c_says_how_to_go_on(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise Interrupted("Stopped at step 3.", "--resume")

    monkeypatch.setitem(METHODS, "fine-tune", interrupted)
    with pytest.raises(Interrupted, match=r"Stopped in trial 0.*same command"):
        run(recipe, tmp_path)
    monkeypatch.undo()
    _, seen = run(recipe, tmp_path, "search.trials=1")
    assert seen[0].settings["model.adaptation.rank"] == "2"  # the recipe as it stands, queued anew


@pytest.mark.slow
def test_workers_share_a_study(recipe: Path, tmp_path: Path) -> None:
    found, seen = run(recipe, tmp_path, "search.trials=5", workers=2)
    assert 5 <= len(found.trials) <= 6
    assert sorted(trial.number for trial in seen) == list(range(len(found.trials)))
    assert len({tuple(trial.settings.items()) for trial in seen}) > 2


def test_a_recipe_that_is_edited_meanwhile_changes_no_trial(recipe: Path, tmp_path: Path) -> None:
    path = recipe.with_name("edited.toml")
    said = recipe.read_text(encoding="utf-8")
    path.write_text(said, encoding="utf-8")
    vary = "search.vary=training.learning_rate=1e-3..1e-2"

    def edit(trial: Trial) -> None:
        path.write_text(said.replace("rank = 2", "rank = 4") if trial.number else "no TOML", encoding="utf-8")

    found = search(path, [vary, "search.trials=3"], out=tmp_path, show=edit)
    assert [trial.state for trial in found.trials] == ["complete"] * 3
    assert load(found.recipe).model.adaptation == load(recipe).model.adaptation


def test_every_trial_learns_from_spread_labels_as_the_recipe_does(recipe: Path, tmp_path: Path) -> None:
    further = reviews(150, 2)
    with recipe.with_name("new.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text",), *((text,) for text in further.text)])
    path = recipe.with_name("spread.toml")
    said = recipe.read_text(encoding="utf-8").replace("[data]", '[data]\nunlabelled = "new.csv"')
    path.write_text(said + 'semi_supervised = "spread"\n', encoding="utf-8")
    vary = ["training.learning_rate=1e-2|2e-2"]
    found, _ = run(path, tmp_path / "spread", "search.trials=1", vary=vary)
    train(path, out=tmp_path / "bundle")
    (course,) = places.runs().glob("spread-*/log.jsonl")
    figures = [json.loads(line) for line in course.read_text(encoding="utf-8").splitlines()]
    assert found.standing == max(line["macro_f1"] for line in figures)
    recipe.with_name("new.csv").write_text("text\ngood bank\n", encoding="utf-8")
    with pytest.raises(UsageError, match="another recipe"):
        run(path, tmp_path / "spread", "search.trials=1", vary=vary)


def test_a_second_search_in_the_same_folder_is_refused(recipe: Path, tmp_path: Path) -> None:
    def begin(trial: Trial) -> None:
        with pytest.raises(UsageError, match="going on already"):
            run(recipe, tmp_path, "search.trials=1")

    found = search(recipe, [f"search.vary={','.join(VARY)}", "search.trials=1"], out=tmp_path, show=begin)
    assert [trial.state for trial in found.trials] == ["complete"]
