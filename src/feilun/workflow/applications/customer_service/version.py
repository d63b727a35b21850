"""The version of an application that stands: the bundle that finds questions, and how sure an answer has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.finding.evidence import PASSAGE, QUESTION
from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.finding.second_look import Reranker
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.rungs.composing import Composer
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.apps.customer_service.words.slots import TAGGED
from feilun.bundles.bundle import open_bundle
from feilun.core.errors import UsageError
from feilun.core.files import read_json, write_json
from feilun.core.places import home
from feilun.core.remark import Remark
from feilun.data.target_kinds.same import opposites
from feilun.knowledge.mentions import Tagger
from feilun.knowledge.rules import DecisionTables
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service.intents import intents_of
from feilun.workflow.applications.customer_service.knowledge import Imported
from feilun.workflow.applications.tagging import open_tagger

NAMED = ("bundle", "learned_from", "reranker", "intents", "intents_from", "tagger", "tagger_from")
"""What a version says beside its thresholds; what it says not is empty."""


@dataclass(frozen=True)
class Version:
    """What was trained for an application.

    Args:
        bundle: What questions are found by, name@version.
        thresholds: How sure the rungs have to be.
        learned_from: Hash of the pairs and settings from which the bundle follows.
        reranker: The bundle that looks again at close candidates; empty where none does.
        intents: The bundle that tells intents, name@version; empty where the FAQ is not sorted.
        intents_from: As `learned_from`, of that bundle.
        tagger: The bundle that finds values of slots beside formats and list, name@version; empty where none does.
        tagger_from: As `learned_from`, of that bundle.
    """

    bundle: str
    thresholds: Thresholds
    learned_from: str = ""
    reranker: str = ""
    intents: str = ""
    intents_from: str = ""
    tagger: str = ""
    tagger_from: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """Return the bundles that it answers with."""
        return self.bundle, self.reranker, self.intents, self.tagger

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**vars(self), "thresholds": self.thresholds.to_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Version:
        """Read what `to_json` wrote.

        Raises:
            ValueError: If it is of another form, or weighs other features than this Feilun finds.
        """
        try:
            thresholds = Thresholds.from_json(value["thresholds"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it says no thresholds ({error!r})") from error
        for rung, features in ((thresholds.curated, QUESTION), (thresholds.grounded, PASSAGE)):
            if len(rung.weights) != len(features) + 1:
                raise ValueError(f"it has {len(rung.weights)} weights for {len(features)} features and a constant")
        named = {name: str(value.get(name, "")) for name in NAMED}
        return Version(thresholds=thresholds, **named)


def standing(application: str) -> Version | None:
    """Return the version that answers; None where none was released here, or the file that names it is damaged."""
    return _read(_standing(application))


def trained(application: str) -> Version:
    """Return the version that answers.

    Raises:
        UsageError: If there is none, or the file that names it is damaged or of another Feilun.
    """
    version = standing(application)
    if version is None and _standing(application).is_file():
        raise UsageError(
            Remark(
                f"{_standing(application)} names no version that this Feilun can answer with: it is damaged, or of "
                "another version.",
                f"{_standing(application)} 里没有这个飞轮能用的版本：文件已损坏，或属于另一版本。",
            ),
            Remark(
                "Train again: feilun customer-service train FILE; or put a release back: feilun customer-service "
                "rollback FILE --to NUMBER",
                "请重新训练：feilun customer-service train FILE；"
                "或退回一次发布：feilun customer-service rollback FILE --to 编号",
            ),
        )
    if version is None:
        raise UsageError(
            Remark(f"{application} was not trained here.", f"{application} 还没有在这里训练过。"),
            Remark("Train it: feilun customer-service train FILE", "请训练：feilun customer-service train FILE"),
        )
    return version


def refused(application: str) -> Version | None:
    """Return the version that was trained last and not released; None where there is none."""
    return _read(_refused(application))


def keep_refused(application: str, version: Version) -> None:
    """Keep a version that was trained, so that it can be released without training again."""
    write_json(_refused(application), version.to_json())


def let_stand(application: str, version: Version) -> None:
    """Let a version answer from now on."""
    write_json(_standing(application), version.to_json())
    _refused(application).unlink(missing_ok=True)


def folder_of(application: str) -> Path:
    """Return where the files of an application are."""
    return home() / "applications" / application


def desk_of(settings: CustomerServiceSettings, version: Version, known: Imported, database: Database) -> Desk:
    """Put an application together; its index is built here.

    Args:
        settings: The application.
        version: What was trained for it.
        known: What it knows.
        database: Where its conversations are kept.

    Raises:
        BundleError: If a bundle is gone or damaged.
    """
    rules = BusinessRules(DecisionTables([Path(name) for name in settings.rules.tables], OUTPUTS))
    return Desk(settings, ladder_of(settings, version, known), database, rules)


def ladder_of(settings: CustomerServiceSettings, version: Version, known: Imported) -> Ladder:
    """Open the models of a version and build the index of what it knows; raises as `desk_of` does."""
    bundle, reranker = open_bundle(version.bundle), reranker_of(version.reranker)
    library = Library(bundle, entries_of(settings, known), known.passages, reranker, tagger_of(version.tagger))
    return Ladder(library, version.thresholds, settings, composer_of(settings), intents_of(version.intents))


def entries_of(settings: CustomerServiceSettings, known: Imported) -> list[FaqEntry]:
    """Return all entries that questions find: those that are known, and those by which forms begin."""
    return [*known.entries, *form_entries(settings.forms)]


def reranker_of(reference: str) -> Reranker | None:
    """Open what looks again at close candidates; None where nothing is named.

    Raises:
        BundleError: If there is no such bundle.
        UsageError: If it is no `match` bundle, or it cannot be told which label means that texts ask the same.
    """
    if not reference:
        return None
    bundle = open_bundle(reference)
    labels = opposites(bundle.labels.names)
    task = bundle.manifest.get("task", "classify")
    if task not in {"match", "similarity"} or labels is None:
        raise UsageError(
            Remark(
                f"{reference} cannot look again at candidates: it is of the task {task!r} with the labels "
                f"{', '.join(bundle.labels.names[:5])}.",
                f"{reference} 不能复看候选：它的任务是 {task!r}，标签为 {'、'.join(bundle.labels.names[:5])}。",
            ),
            Remark(
                "model.reranker names a `match` bundle of two labels such as 0 and 1, different and same, or 否 and "
                "是.",
                "model.reranker 写两个标签的 `match` 模型包，标签如 0 和 1、different 和 same、否 和 是。",
            ),
        )
    return Reranker(bundle, labels[1])


def tagger_of(reference: str) -> Tagger | None:
    """Open what finds values of slots beside formats and list; None where nothing is named.

    Raises:
        BundleError: If there is no such bundle.
        UsageError: If it is no `tag` bundle of slots.
    """
    return open_tagger(open_bundle(reference), TAGGED, "tagger.spans") if reference else None


def composer_of(settings: CustomerServiceSettings) -> Composer | None:
    """Open what says answers in its own words; None where nothing is named.

    Raises:
        BundleError: If there is no such bundle.
        UsageError: If it is no `generate` bundle.
    """
    if not settings.model.generator:
        return None
    bundle = open_bundle(settings.model.generator)
    if bundle.manifest.get("task") != "generate":
        raise UsageError(
            Remark(f"{settings.model.generator} writes nothing.", f"{settings.model.generator} 不会生成文字。"),
            Remark("model.generator names a `generate` bundle.", "model.generator 写 `generate` 模型包。"),
        )
    return Composer(bundle, settings.ladder.hosts)


def _read(path: Path) -> Version | None:
    try:
        return Version.from_json(read_json(path)) if path.is_file() else None
    except ValueError:  # it is told where the version is needed; training and going back mend it
        return None


def _standing(application: str) -> Path:
    return folder_of(application) / "customer_service.json"


def _refused(application: str) -> Path:
    return folder_of(application) / "customer_service_refused.json"
