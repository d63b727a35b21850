"""From a table of raw texts to a base that knows their language, kept in a folder that any recipe can name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from feilun.core import places
from feilun.core.errors import TrainingError, UsageError
from feilun.core.files import atomic_folder
from feilun.core.folder_lock import locked_folder
from feilun.core.remark import Remark
from feilun.core.settings import to_table
from feilun.core.splits import Splits
from feilun.data.prepare import prepare
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.bases.stored import FACTS, load, save_tuned
from feilun.models.build import check_length
from feilun.text.passages import passages
from feilun.text.tokens import TokenEncoder, pad
from feilun.training import checkpoint
from feilun.training.pretrain import Pretrained, pretrain, refuse_unless_it_can
from feilun.training.trackers.run_folder import RunFolder
from feilun.training.trackers.table import check_trackers, trackers_of
from feilun.workflow.confidential import without_passwords, without_texts
from feilun.workflow.pretraining.settings import PretrainSettings
from feilun.workflow.run import NOT_DECIDING, libraries, machine
from feilun.workflow.screen import Screen, silent

FOLDING = (Full, LoRA, AdaLoRA, Frozen)
"""Adaptations after which all that was learned stands in the base's own weights."""

COMPARED = 8
"""Held-out passages whose states are compared after the base was written and opened again."""


@dataclass(frozen=True)
class NewBase:
    """A base that was pretrained and written.

    Args:
        path: Its folder.
        base: The base as it was opened from there.
        origin: What it was made of, and how well it foretells held-out texts; as in its `feilun_base.json`.
    """

    path: Path
    base: Base
    origin: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        facts = {"base": str(self.path), "sha256": self.base.sha256, "kind": self.base.kind}
        return {**facts, "languages": list(self.base.languages), "licence": self.base.licence, **self.origin}


def pretrain_base(
    settings: PretrainSettings,
    out: Path,
    *,
    resume: bool = False,
    accept_licence: bool = False,
    screen: Screen = silent,
) -> NewBase:
    """Pretrain a base on texts and write it as a folder that is a base.

    Args:
        settings: What is pretrained on what.
        out: The folder; one that holds a base is replaced.
        resume: Go on with an interrupted run of the same settings and texts, where there is one.
        accept_licence: Agree to the terms of a base that asks for consent.
        screen: What the user sees meanwhile.

    Returns:
        The base, opened again from its folder.

    Raises:
        FeilunError: Everything that a user can act on, by its own kind; see `core/errors.py`.
    """
    check_trackers(settings.training.trackers)
    check_folder(out)
    refuse_unless_it_folds(settings.model.adaptation)
    base = open_base(settings.model.base, accept_licence=accept_licence)
    refuse_unless_it_can(base)
    check_length(settings.model, base)
    splits = in_passages(prepare(settings.data, require_target=False), base, settings.model.max_tokens)
    screen.show_data(splits)
    identity = identity_of(settings, splits, base)
    folder = places.runs() / f"pretrain-{identity[:8]}"
    tracker = trackers_of(folder, RunFolder(folder), settings.training.trackers)
    recipe = without_passwords(to_table(settings))
    tracker.note(
        recipe=recipe, fingerprint=splits.fingerprint, base=base.sha256, libraries=libraries(), machine=machine(),
        data_report=without_texts(splits.report),
    )  # fmt: skip
    with locked_folder(folder):
        if not resume:
            tracker.clear()
        with screen.training(Remark("pretraining", "预训练")) as watcher:
            made = pretrain(
                base, splits, settings.model, settings.masking, settings.training, tracker, folder,
                identity=identity, resume=resume, watcher=watcher,
            )  # fmt: skip
        origin = {
            "pretrained_from": {"name": base.name, "sha256": base.sha256},
            **_course(made, splits),
            "settings": recipe,
        }
        new = write(out, made.base, origin, splits.test.text[:COMPARED])
        checkpoint.forget(folder)
        tracker.close()
        return new


def in_passages(splits: Splits, base: Base, max_tokens: int) -> Splits:
    """Cut the texts of each set that are longer than the base reads into passages."""
    encoder = TokenEncoder(base.tokenizer, max_tokens, base.prefix)
    train, validation, test = (passages(part, encoder) for part in (splits.train, splits.validation, splits.test))
    return replace(splits, train=train, validation=validation, test=test)


def identity_of(settings: PretrainSettings, splits: Splits, base: Base) -> str:
    """Return the hash of what decides the weights: settings, texts and base."""
    tables = to_table(settings)
    deciding = {
        "model": tables["model"],
        "masking": tables["masking"],
        "training": {key: value for key, value in tables["training"].items() if key not in NOT_DECIDING},
        "data": splits.fingerprint,
        "base": base.sha256,
        "threads": settings.training.threads or torch.get_num_threads(),
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def check_folder(out: Path) -> None:
    """Refuse to replace anything but a base of ours or an empty folder; worth asking before a long training.

    Raises:
        UsageError: If there is a file, or a folder that holds something else.
    """
    if out.is_file() or (out.is_dir() and not (out / FACTS).is_file() and any(out.iterdir())):
        raise UsageError(
            Remark(
                f"{out} is there already and is no base of Feilun's; writing one to it would delete what it holds.",
                f"{out} 已经存在，而且不是飞轮的基座；把基座写到这里会删掉里面的内容。",
            ),
            Remark(
                "Name a new folder, or one that holds such a base.", "请换一个新文件夹，或者一个放着这类基座的文件夹。"
            ),
        )


def refuse_unless_it_folds(adaptation: Adaptation) -> None:
    """Refuse an adaptation that leaves something beside the base's own weights, which a folder of a base cannot hold.

    Raises:
        UsageError: If it does.
    """
    if not isinstance(adaptation, FOLDING):
        kind = next(name for name, one in ADAPTATIONS.items() if isinstance(adaptation, one))
        valid = ", ".join(name for name, one in ADAPTATIONS.items() if issubclass(one, FOLDING))
        raise UsageError(
            Remark(
                f"model.adaptation.kind is {kind}: {kind} is no part of a base's own weights.",
                f"model.adaptation.kind 是 {kind}：{kind} 不属于基座自己的权重。",
            ),
            Remark(f"Valid here: {valid}.", f"这里可用：{valid}。"),
        )


def write(out: Path, base: Base, origin: Mapping[str, Any], texts: Sequence[str]) -> NewBase:
    """Write a base, open it again and compare its states.

    Args:
        out: The folder.
        base: The base.
        origin: What it was made of.
        texts: Read by both.

    Raises:
        StorageError: If the disk is full; nothing half-written is left.
        TrainingError: If the written base reads otherwise.
    """
    named = replace(base, name=out.absolute().name)
    wanted = _states(named, texts)
    with atomic_folder(out) as temporary:
        save_tuned(temporary, named, origin)
        found = load(temporary)
        if not torch.equal(wanted, _states(found, texts)):
            raise TrainingError(
                Remark(
                    "The base reads otherwise after it was written and opened again.",
                    "写入后重新打开的基座，读出来的结果不同。",
                ),
                Remark("This is a fault of Feilun: please report it.", "这是飞轮的缺陷：请报告给我们。"),
            )
    return NewBase(out, load(out), origin)


def _states(base: Base, texts: Sequence[str]) -> torch.Tensor:
    """Return the states of some texts, shape (rows, longest, hidden)."""
    rows = TokenEncoder(base.tokenizer, min(base.max_tokens, 64), base.prefix).encode(texts)
    ids, mask = (torch.from_numpy(array) for array in pad(rows, base.pad_id))
    with torch.no_grad():
        states: torch.Tensor = base.model.cpu().eval()(input_ids=ids, attention_mask=mask).last_hidden_state
    return states


def _course(made: Pretrained, splits: Splits) -> dict[str, Any]:
    """Return what the run did, for people."""
    return {
        "texts": {"passages": len(splits.train), "fingerprint": splits.fingerprint},
        "held_out": made.held_out,
        "perplexity": {"before": round(made.before, 3), "after": round(made.after, 3)},
        "steps": made.progress.step,
        "best_step": made.progress.best_step,
        "tokens": made.progress.tokens,
        "seconds": round(made.progress.seconds, 1),
        "remarks": list(made.remarks),
    }
