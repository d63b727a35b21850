"""What customer service learns from, the recipe by which it does, and the release of what it learned."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.finding.held_out import (
    FEWEST,
    Thresholds,
    enough,
    held_out,
    thresholds,
    without_held_out,
)
from feilun.apps.customer_service.improving.asking import taught_by
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.known.faq import alike
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings, ModelSettings
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import versions
from feilun.core.errors import BundleError, DataError
from feilun.core.files import atomic_file
from feilun.core.folder_lock import locked_folder
from feilun.core.remark import Remark
from feilun.knowledge.terms import simplified
from feilun.models.bases.catalogue import open_base
from feilun.storage import customer_service as storage
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service.demo import packaged_entries
from feilun.workflow.applications.customer_service.file import read_knowledge
from feilun.workflow.applications.customer_service.intents import (
    NO_INTENTS,
    intent_recipe,
    lessons_of,
    not_learned,
    outcome_of,
    too_few,
)
from feilun.workflow.applications.customer_service.knowledge import Imported, known_after, rows_of
from feilun.workflow.applications.customer_service.release import Proposal, release
from feilun.workflow.applications.customer_service.tagger import tagger_trained
from feilun.workflow.applications.customer_service.version import (
    Version,
    folder_of,
    keep_refused,
    refused,
    reranker_of,
    standing,
)  # fmt: skip
from feilun.workflow.getting_started.default_settings import top_layers
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train as train_recipe

Pair = tuple[str, str, str]
"""Two texts that belong together, and the name of what they belong to: texts of one name are no negatives of each
other."""

ANOTHER_MAKES_IT = Remark(
    "Another process makes it small just now, for all applications: it is waited for.",
    "另一个进程正在为所有应用压缩它，等它完成。",
)

PAIR, LABELLED = ("text", "pair", "name"), ("text", "intent")
"""Columns of the tables that are learned from."""


def train(
    settings: CustomerServiceSettings, database: Database, *, force: str | None = None, screen: Screen = silent
) -> Thresholds:
    """Read the files, fine-tune what questions are found by, calibrate the ladder, and release all of it.

    Args:
        settings: The application.
        database: Where its knowledge is kept.
        force: Why it is released although the suite falls; goes to the audit log.
        screen: What the user sees meanwhile.

    Returns:
        The thresholds; they, and the name of the bundle, are kept under FEILUN_HOME.

    Raises:
        DataError: If a file cannot be read, or holds rows that are not as they must be.
        GateNotMet: If the application's suite falls: what stood before goes on to, and what was trained is kept.
    """
    knowledge = read_knowledge(settings)
    rows = rows_of(knowledge)
    known = known_after(settings.name, rows, database)
    _tell_known(known, screen)
    entries = [*known.entries, *form_entries(settings.forms)]
    reranker = reranker_of(settings.model.reranker)
    taught = taught_by_people(settings.name, database)
    learned = sum(len(entry.learned) for entry in known.entries)
    screen.say(
        Remark(
            f"Learned since: {len(taught)} answers that people gave, {learned} further ways to ask what is known.",
            f"此后学到的：人工给出的答案 {len(taught)} 个，已知问题的新问法 {learned} 种。",
        )
    )
    lender = packaged_entries()
    bundle, learned_from = trained(settings, entries, [*knowledge.answered, *taught], screen, lender)
    wanted = settings.ladder
    found = thresholds(
        bundle, entries, known.passages,
        declined=wanted.declined, precision=wanted.precision, reranker=reranker, lender=lender,
    )  # fmt: skip
    version = Version(f"{bundle.name}@{bundle.version}", found, learned_from, settings.model.reranker)
    keep_refused(settings.name, version)  # what follows takes its time too, and may be interrupted
    intents, intents_from = intents_trained(settings, known.entries, knowledge.labelled, screen)
    version = replace(version, intents=intents, intents_from=intents_from)
    keep_refused(settings.name, version)
    asked = [text for entry in known.entries for text in entry.texts] + [said for said, _ in knowledge.answered]
    tagger, tagger_from = tagger_trained(settings, asked, _versions(settings.name), screen)
    version = replace(version, tagger=tagger, tagger_from=tagger_from)
    keep_refused(settings.name, version)
    release(settings, database, Proposal(version, rows), force=force, say=screen.say)
    return found


def _tell_known(known: Imported, screen: Screen) -> None:
    """Say how much is known, and what contradicts itself."""
    many, passages = len(known.entries), len(known.passages)
    screen.say(
        Remark(
            f"{many} FAQ entries and {passages} passages of documents.", f"常见问题 {many} 条，文档段落 {passages} 段。"
        )
    )
    contradictions = alike(known.entries)[1]
    if contradictions:
        screen.say(
            Remark(
                f"Pairs of questions that are (nearly) the same and have other answers: {len(contradictions)}. What is "
                "asked in the same words is answered by neither. `feilun customer-service import FILE` lists them.",
                f"有 {len(contradictions)} 对问题（几乎）相同而答案不同。与它们一字不差的问题，两个答案都不给。"
                "用 `feilun customer-service import FILE` 列出。",
            )
        )


def taught_by_people(application: str, database: Database) -> list[tuple[str, str]]:
    """Return what customers asked in conversations that were held, with what people answered."""
    with database.read() as connection:
        helped = storage.helped_by_people(connection, application)
    return list(dict.fromkeys(pair for turns in helped for pair in taught_by(turns)))


def pairs_of(entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]]) -> list[Pair]:
    """Return pairs of texts that belong together: ways to ask the same, each with the next, and with their answer.

    The variants on which the ladder is calibrated are not among them, in whatever entry or saying they stand.

    Args:
        entries: The FAQ.
        answered: Sayings of customers with what was answered to them.
    """
    held = held_out(entries)
    apart = {spelt_alike(text) for text in held.values()}
    pairs = {pair: f"said {number}" for number, pair in enumerate(answered)}
    for entry in without_held_out(entries, held):
        ways = entry.texts
        pairs |= {pair: entry.id for pair in zip(ways, [*ways[1:], ways[0]], strict=True) if pair[0] != pair[1]}
        pairs |= {(way, entry.answer): entry.id for way in ways if entry.speaks}
    return [(one, other, name) for (one, other), name in pairs.items() if not apart & {*map(spelt_alike, (one, other))}]


def trained(
    settings: CustomerServiceSettings, entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]], screen: Screen,
    lender: Sequence[FaqEntry],
) -> tuple[Bundle, str]:  # fmt: skip
    """Fine-tune the base so that texts which belong together lie together (recipe `match` with two encoders).

    Where too few entries have variants, the base is taken as it is: nothing would be left to tell whether questions
    with their answers alone taught it anything. What came of just the same is taken again.

    Args:
        settings: The application.
        entries: The FAQ.
        answered: Sayings of customers with what was answered to them.
        screen: What the user sees meanwhile.
        lender: A FAQ with variants enough, on whose questions a base that learns nothing is made small and judged.

    Returns:
        The bundle, and the hash of what it came of.
    """
    base, held = open_base(settings.model.base).sha256, held_out(entries)
    if not enough(held):
        screen.say(
            Remark(
                f"{len(held)} FAQ entries have two variants or more; below {FEWEST} there is nothing to fine-tune on: "
                f"{settings.model.base} is taken as it is.",
                f"有两种以上问法的常见问题只有 {len(held)} 条，不足 {FEWEST} 条时没有可微调的内容："
                f"{settings.model.base} 原样使用。",
            )
        )
        return _as_it_is(settings.model.base, base, screen, lender)
    parts, name = {"train": pairs_of(entries, answered), **_judging(entries)}, f"{settings.name}-questions"
    learned_from = _hash(base, parts, _recipe(name, settings.model, {}))
    made = _first(own.bundle for own in _versions(settings.name) if own.learned_from == learned_from)
    if made is not None:
        version = f"{made.name}@{made.version}"
        screen.say(
            Remark(f"{version} learned from just the same: it is taken.", f"{version} 学的内容完全相同，直接采用。")
        )
        return made, learned_from
    recipe = from_table(_recipe(name, settings.model, _written(folder_of(settings.name), parts, PAIR)))
    return train_recipe(recipe, resume=True, screen=screen), learned_from


def intents_trained(
    settings: CustomerServiceSettings, entries: Sequence[FaqEntry], labelled: Sequence[tuple[str, str]], screen: Screen
) -> tuple[str, str]:
    """Train what tells the FAQ's categories (recipe `classify`); what came of just the same is taken again.

    Args:
        settings: The application.
        entries: The FAQ.
        labelled: Sayings of customers with their intent.
        screen: What the user sees meanwhile.

    Returns:
        `intents` and `intents_from` of the version; both empty where there is too little to learn from, or nothing is
        to be learned.
    """
    if not settings.model.intents:
        return "", ""
    lessons = lessons_of(entries, labelled)
    if lessons is None:
        screen.say(NO_INTENTS)
        return "", ""
    if lessons.few:
        screen.say(too_few(lessons.few))
    base, name = open_base(settings.model.base).sha256, f"{settings.name}-intents"
    learned_from = _hash(base, lessons.parts, intent_recipe(name, settings.model, {}))
    made = _first(own.intents for own in _versions(settings.name) if own.intents_from == learned_from)
    if made is None:
        files = _written(folder_of(settings.name) / "intents", lessons.parts, LABELLED)
        try:
            made = train_recipe(from_table(intent_recipe(name, settings.model, files)), resume=True, screen=screen)
        except DataError as error:  # it changes no answer, so that it holds up no release
            screen.say(not_learned(error.message))
            return "", ""
    screen.say(outcome_of(made))
    return f"{made.name}@{made.version}", learned_from


def _as_it_is(base: str, sha256: str, screen: Screen, lender: Sequence[FaqEntry]) -> tuple[Bundle, str]:
    """Return a base that learned nothing, and the hash of what it came of.

    It comes of the base and the lender alone, so that it is made once for all applications, under a name that says so.
    """
    read = [(entry.question, entry.answer or entry.question, entry.id) for entry in lender]
    parts, settings = {"train": read, **_judging(lender)}, ModelSettings(base)
    learned_from = _hash(sha256, parts, _recipe("", settings, {}, "none"))
    name = f"questions-untuned-{learned_from[:12]}"
    with locked_folder(folder_of(name), lambda: screen.say(ANOTHER_MAKES_IT)):
        made = _first(f"{name}@{version}" for version in reversed(versions(name)))
        if made is not None:
            version = f"{made.name}@{made.version}"
            screen.say(Remark(f"{version} was made of it before: it is taken.", f"以前做过 {version}，直接采用。"))
            return made, learned_from
        recipe = from_table(_recipe(name, settings, _written(folder_of(name), parts, PAIR), "none"))
        return train_recipe(recipe, screen=screen), learned_from


def _judging(entries: Sequence[FaqEntry]) -> dict[str, list[Pair]]:
    """Return the pairs that a model is chosen and judged by: questions with the variants that are held out."""
    variants = held_out(entries)
    held = [(entry.question, variants[entry.id], f"held {entry.id}") for entry in entries if entry.id in variants]
    return {"validation": held[::2], "test": held[1::2]}


def _hash(base: str, parts: Mapping[str, Sequence[tuple[str, ...]]], recipe: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([base, parts, recipe], sort_keys=True).encode()).hexdigest()


def _versions(application: str) -> list[Version]:
    """Return what was trained for an application last, whether it was released or not."""
    return [version for version in (refused(application), standing(application)) if version is not None]


def _first(references: Iterable[str]) -> Bundle | None:
    """Return the first bundle that is there and whole; None where none is, so that it is trained again."""
    for reference in references:
        with suppress(BundleError):
            return open_bundle(reference)
    return None


def _written(folder: Path, parts: Mapping[str, Sequence[tuple[str, ...]]], columns: tuple[str, ...]) -> dict[str, str]:
    """Write rows as tables, a file a part; what is read as a text is in simplified characters."""
    files = {name: str(folder / f"{name}.csv") for name in parts}
    for name, rows in parts.items():
        with atomic_file(Path(files[name])) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            said = [(*map(simplified, row[:-1]), row[-1]) for row in rows]
            csv.writer(file).writerows([columns, *said])
    return files


def _recipe(name: str, settings: ModelSettings, files: Mapping[str, str], method: str = "fine-tune") -> dict[str, Any]:
    return {
        "task": "match",
        "name": name,
        "data": {**files, "pair": "pair", "target": [], "group": "name", "clean": {"deduplicate": "exact"}},
        "model": {
            "encoder": "bi", "base": settings.base, "max_tokens": 64, **top_layers(settings.layers)
        },
        "training": {
            "epochs": settings.epochs, "seed": settings.seed, "batch_rows": 32,
            "early_stopping": {"metric": "mrr@10"}, "method": method,
        },
        "compression": {"texts": settings.compared},
    }  # fmt: skip
