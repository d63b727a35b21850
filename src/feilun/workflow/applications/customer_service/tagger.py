"""What finds order numbers, amounts, dates and products that no format and no list knows: a `tag` model of one's own.

It learns from labelled sayings where there are some. Without them it learns from made ones, which is weak: said so,
asked for by `tagger.made`, and used only where it finds more than formats and list on sayings of other templates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.apps.customer_service.words.made_sayings import Row, made_sayings
from feilun.apps.customer_service.words.slots import TAGGED, Products, formats
from feilun.core.errors import BundleError, DataError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.knowledge.mentions import Mention, Tagger, folded, united
from feilun.models.bases.catalogue import open_base
from feilun.workflow.applications.customer_service.version import Version, folder_of, tagger_of
from feilun.workflow.applications.tagging import tell_beside_list, train_tagger
from feilun.workflow.getting_started.default_settings import top_layers
from feilun.workflow.screen import Screen


def tagger_trained(
    settings: CustomerServiceSettings, own: Sequence[str], before: Sequence[Version], screen: Screen
) -> tuple[str, str]:
    """Train the tagger that the application file asks for; what came of just the same is taken again.

    Args:
        settings: The application.
        own: What customers ask or asked.
        before: What was trained last.
        screen: What the user sees meanwhile.

    Returns:
        `tagger` and `tagger_from` of the version; the first is empty where the model finds no more than formats and
        list.

    Raises:
        DataError: If the labelled sayings cannot be read, or are none.
    """
    wanted = settings.tagger
    if not (wanted.spans or wanted.made):
        return "", ""
    parts = () if wanted.spans else made_sayings(settings.product_names, own, wanted.made, settings.model.seed)
    learned = _contents(Path(wanted.spans)) if wanted.spans else parts
    recipe = _recipe(settings, {})
    said = json.dumps([open_base(settings.model.base).sha256, learned, recipe], sort_keys=True)
    learned_from = hashlib.sha256(said.encode()).hexdigest()
    for version in before:
        with suppress(BundleError):  # one that is gone is trained again
            if version.tagger_from == learned_from:
                tagger_of(version.tagger)
                return version.tagger, learned_from
    folder = folder_of(settings.name) / "tagger"
    names = ("train", "test")
    files = {"train": wanted.spans} if wanted.spans else {
        name: _written(folder / f"{name}.jsonl", rows) for name, rows in zip(names, parts, strict=True)
    }  # fmt: skip
    bundle, test = train_tagger(_recipe(settings, files), None, screen)
    reference = f"{bundle.name}@{bundle.version}"
    tagger, products = tagger_of(reference), Products(settings.product_names)
    labels = [name for name in bundle.labels.names if name in TAGGED]

    def both(model: Tagger | None) -> Any:
        return lambda texts: [
            united(formats(plain), products.find(plain), told)
            for plain, told in zip(map(folded, texts), _read(model, texts), strict=True)
        ]

    worth = tagger is not None and tell_beside_list(test, labels, both(None), tagger.read, both(tagger), screen)
    return reference if worth else "", learned_from


def _contents(path: Path) -> str:
    """Return the hash of a file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            Remark(f"{shown(path)} cannot be read: {error.strerror}.", f"无法读取 {shown(path)}：{error.strerror}。"),
            Remark(
                "tagger.spans names JSON Lines of sayings with their entities.",
                "tagger.spans 写带实体标注的 JSON Lines 文件。",
            ),
        ) from error


def _read(model: Tagger | None, texts: Sequence[str]) -> list[list[Mention]]:
    return [[] for _ in texts] if model is None else model.read(texts)


def _written(path: Path, rows: Sequence[Row]) -> str:
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for text, spans in rows:
            entities = [{"start": one.start, "end": one.end, "label": one.label} for one in spans]
            file.write(json.dumps({"text": text, "entities": entities}, ensure_ascii=False) + "\n")
    return str(path)


def _recipe(settings: CustomerServiceSettings, files: dict[str, str]) -> dict[str, Any]:
    wanted = settings.tagger
    return {
        "name": f"{settings.name}-entities", "task": "tag",
        "data": {**files, "text": "text", "target": "entities"},
        "model": {"base": settings.model.base, "max_tokens": 64, **top_layers(wanted.layers)},
        "training": {"epochs": wanted.epochs, "seed": settings.model.seed},
        "compression": {"texts": 600},
    }  # fmt: skip
