"""The interest model: a language model, fine-tuned on what users took and what they took next, reads items and users.

It is a `match` recipe with two encoders, trained as every other (`workflow/steps.py`): the history as a text finds the
text of what followed among those that followed other histories of the batch.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.interest.history_text import words_of
from feilun.apps.recommendation.interest.pairs import Pair, pairs_of
from feilun.apps.recommendation.interest.reader import HistoryReader
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import Interactions
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core import places
from feilun.core.errors import BundleError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.workflow.screen import Screen

FEWEST_PAIRS, FEWEST_USERS = 300, 50
"""Below so many a language model would learn these pairs by heart."""

JUDGED = 200
"""Pairs at most that decide when to stop, and as many that the model is judged on; of users who teach nothing."""

MAX_TOKENS, ROWS = 64, 64
"""A history of five items fits; each text is told apart from the others of so many rows."""

KEPT = 2
"""Interest models of an application that are kept beside the one that answers: those made last."""

TABLE = ("text", "pair", "user")


def tuned(
    settings: RecommendationSettings, interactions: Interactions, items: Sequence[Item], screen: Screen | None = None,
    left_out: NDArray[np.bool_] | None = None,
) -> Bundle | None:  # fmt: skip
    """Fine-tune the base on pairs of a history and what followed; what came of just the same is taken again.

    The pairs lie in a folder that is deleted when it is done, so that who is deleted is in nothing that is kept.

    Args:
        settings: Of the application.
        interactions: Those that may be learned from, and no later ones.
        items: Of the catalogue, by number.
        screen: What the user sees meanwhile.
        left_out: Items that stand in no pair, shape (items,).

    Returns:
        The model; None where there is too little to learn from.

    Raises:
        FeilunError: As `workflow/steps.py` does, such as for a base that is not at hand.
    """
    wanted = settings.interest
    drawn = pairs_of(interactions, items, _words(settings), wanted.pairs + 2 * JUDGED, settings.seed, left_out)
    sets = _parted(drawn, settings.seed)
    users = len({pair.user for pair in sets["train"]})
    if len(sets["train"]) < FEWEST_PAIRS or users < FEWEST_USERS:
        if screen is not None:
            screen.say(_too_little(len(sets["train"]), users))
        return None
    name = _name(sets, settings)
    with suppress(BundleError):
        return opened(settings, name)
    return _trained(settings, sets, models_of(settings) / name, screen)


def _trained(
    settings: RecommendationSettings, sets: Mapping[str, Sequence[Pair]], out: Path, screen: Screen | None
) -> Bundle:
    """Fine-tune the base; here alone torch is loaded."""
    from feilun.workflow.recipe import from_table
    from feilun.workflow.screen import silent
    from feilun.workflow.steps import train

    shown = screen or silent
    shown.say(_begins(len(sets["train"]), settings))
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix="pairs-") as folder:
        recipe = from_table(_recipe(settings, _written(Path(folder), sets)))
        return train(recipe, out=out, resume=True, screen=shown)


def models_of(settings: RecommendationSettings) -> Path:
    """Return where the interest models of an application are kept."""
    return places.home() / "recommendation" / f"{settings.name}.interest"


def opened(settings: RecommendationSettings, name: str) -> Bundle:
    """Open an interest model; nothing of it needs torch.

    Raises:
        BundleError: If it is gone or damaged.
    """
    return open_bundle(models_of(settings) / name)


def history_reader(settings: RecommendationSettings, model: Bundle) -> HistoryReader:
    """Return what reads histories by an interest model."""
    return HistoryReader(model, _words(settings))


def keep_only(settings: RecommendationSettings, answering: str | None) -> None:
    """Delete the interest models but the one that answers and those made last."""
    folder = models_of(settings)
    if not folder.is_dir():
        return
    others = [path for path in folder.iterdir() if path.is_dir() and path.name != answering]
    for path in sorted(others, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _words(settings: RecommendationSettings) -> tuple[str, ...]:
    return words_of(tuple(settings.signals.positive))


def _parted(pairs: Sequence[Pair], seed: int) -> dict[str, list[Pair]]:
    """Part pairs by their users, eight tenths of whom teach; the others' are at most `JUDGED` each."""
    users = sorted({pair.user for pair in pairs})
    order = np.random.default_rng(seed).permutation(len(users))
    place = {user: float(rank) / len(users) for user, rank in zip(users, order.tolist(), strict=True)}
    return {
        "train": [pair for pair in pairs if place[pair.user] < 0.8],
        "validation": [pair for pair in pairs if 0.8 <= place[pair.user] < 0.9][:JUDGED],
        "test": [pair for pair in pairs if place[pair.user] >= 0.9][:JUDGED],
    }


def _name(sets: Mapping[str, Sequence[Pair]], settings: RecommendationSettings) -> str:
    rows = {part: [asdict(pair) for pair in pairs] for part, pairs in sets.items()}
    content = json.dumps([rows, _recipe(settings, {})], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _written(folder: Path, sets: Mapping[str, Sequence[Pair]]) -> dict[str, str]:
    files = {part: folder / f"{part}.csv" for part in sets}
    for part, pairs in sets.items():
        with files[part].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([TABLE, *[(pair.history, pair.item, pair.user) for pair in pairs]])
    return {part: str(path) for part, path in files.items()}


def _recipe(settings: RecommendationSettings, files: Mapping[str, str]) -> dict[str, Any]:
    wanted, (text, pair, user) = settings.interest, TABLE
    return {
        "task": "match",
        "name": f"{settings.name}-interest",
        "data": {**files, "text": text, "pair": pair, "target": [], "group": user},
        "model": {
            "encoder": "bi", "base": wanted.base, "max_tokens": MAX_TOKENS,
            "adaptation": {"kind": "frozen", "layers": wanted.layers},
        },
        "training": {
            "epochs": wanted.epochs, "seed": settings.seed, "batch_rows": ROWS, "batch_tokens": ROWS * MAX_TOKENS,
            "early_stopping": {"metric": "mrr@10"},
        },
    }  # fmt: skip


def _begins(pairs: int, settings: RecommendationSettings) -> Remark:
    base = settings.interest.base
    return Remark(
        f"Fine-tuning {base} on {pairs:,} histories and what was taken next.",
        f"用 {pairs:,} 段历史及其后的选择微调 {base}。",
    )


def _too_little(pairs: int, users: int) -> Remark:
    return Remark(
        f"The interest model is left out: {pairs:,} histories of {users:,} users are too few to fine-tune on (at least "
        f"{FEWEST_PAIRS} of {FEWEST_USERS}).",
        f"不训练兴趣模型：{users:,} 位用户的 {pairs:,} 段历史太少，不足以微调（至少 {FEWEST_USERS} 位用户、"
        f"{FEWEST_PAIRS} 段）。",
    )
