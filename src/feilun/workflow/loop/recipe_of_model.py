"""Which recipe made a model: a bundle travels and names no folder, so the home remembers where the rows are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feilun.bundles.content import verified_manifest
from feilun.bundles.registry import resolve, versions
from feilun.core import places
from feilun.core.errors import UsageError
from feilun.core.files import read_json, write_json
from feilun.core.remark import Remark
from feilun.core.settings import to_table
from feilun.workflow.confidential import PARTS, without_passwords, without_places
from feilun.workflow.recipe import Recipe, from_table, load

GIVE_RECIPE = Remark("Give its recipe: feilun retrain RECIPE.toml", "请给出它的配方：feilun retrain RECIPE.toml")
RECIPE = "recipe.json"


def remember(recipe: Recipe) -> None:
    """Write down a recipe with the places of its data, without passwords, under its name."""
    write_json(places.retrainings() / recipe.name / RECIPE, without_passwords(to_table(recipe)))


def recipe_of(reference: str) -> Recipe:
    """Find the recipe of a model.

    Args:
        reference: A recipe's file; or a model's name: the recipe that it was retrained by last, else the one of the
            run that made its champion, while that run's folder is there.

    Returns:
        The recipe.

    Raises:
        UsageError: If there is none; the message asks for the file.
        RecipeError: If it is faulty.
    """
    if reference.endswith(".toml") or Path(reference).is_file():
        return load(Path(reference))
    if not versions(reference):
        resolve(reference)  # says what there is
        raise UsageError(
            Remark(f"{reference!r} is no registered model.", f"{reference!r} 不是已登记的模型。"), GIVE_RECIPE
        )
    kept = places.retrainings() / reference / RECIPE
    table = read_json(kept) if kept.is_file() else _of_run(reference)
    if table is None:
        raise UsageError(
            Remark(
                f"No run in {places.runs()} made {reference}: where its rows are is not known here.",
                f"{places.runs()} 里没有训练出 {reference} 的运行：这里不知道它的行在哪里。",
            ),
            GIVE_RECIPE,
        )
    if any("://" in str(table["data"].get(part)) for part in PARTS):
        raise UsageError(
            Remark(
                f"The rows of {reference} are in a database, whose password is never written down.",
                f"{reference} 的行在数据库里，而数据库的密码从不写入磁盘。",
            ),
            GIVE_RECIPE,
        )
    return from_table(table, Remark(f"The recipe of {reference}", f"{reference} 的配方"))


def _of_run(name: str) -> dict[str, Any] | None:
    """Return the recipe of the run whose rows and settings are those that the champion's manifest states."""
    manifest = verified_manifest(resolve(name))
    for file in sorted(places.runs().glob(f"{name}-*/run.json")):
        try:
            facts = read_json(file)
            same = without_places(facts["recipe"]) == manifest["recipe"]
            if same and facts["fingerprint"] == manifest["fingerprints"]["data"]:
                return dict(facts["recipe"])
        except (OSError, KeyError, TypeError, ValueError):
            continue  # another run's damage
    return None
