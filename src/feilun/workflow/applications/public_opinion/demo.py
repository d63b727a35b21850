"""The demonstration: sixty days of written documents on fictional companies, with three crises to be found."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.report import make_report
from feilun.apps.public_opinion.report_files import write_report
from feilun.apps.public_opinion.sample.writer import BEGIN, ENTITIES, LABELLED_DAYS, Written, crises, write_sample
from feilun.apps.public_opinion.sources.files import missing
from feilun.apps.public_opinion.summary import headline, summary
from feilun.apps.public_opinion.trends import SIDES
from feilun.core import places
from feilun.core.errors import UsageError
from feilun.core.files import atomic_file, write_text
from feilun.core.remark import Remark
from feilun.workflow.applications.public_opinion.file import read_application
from feilun.workflow.applications.public_opinion.training import train_models, worth_their_cost
from feilun.workflow.applications.public_opinion.wiring import Application, dead_reasons, opened, run
from feilun.workflow.screen import Screen, silent
from feilun.workflow.settings_files.toml_text import to_toml

BUCKET_MINUTES = 360
EPOCHS, LAYERS = 4, 4
COMPARED = 600
"""All labelled texts and some that are made of them: with 2,000 a third of the time went to comparing int8."""

SLACK_DAYS = 1.0
"""How far from a planted crisis an incident may begin to count as its own."""


@dataclass(frozen=True)
class Outcome:
    """What the demonstration found.

    Args:
        documents: Documents that were taken in.
        incidents: Incidents, the earliest first.
        found: Names of the planted crises that an incident is about; empty where the documents are one's own.
        others: Incidents that belong to none.
        files: The report's files.
        folder: Where everything is.
    """

    documents: int
    incidents: tuple[Incident, ...]
    found: tuple[str, ...]
    others: tuple[Incident, ...]
    files: tuple[Path, ...]
    folder: Path


def demonstrate(
    documents: Path | None = None, entities: Path | None = None, *, train: bool = True, screen: Screen = silent
) -> Outcome:
    """Train models on the first days of the sample, replay all of it at speed, and report what was found.

    Args:
        documents: A file or folder of one's own documents in place of the sample's.
        entities: Whom to look for in them; else the sample's companies.
        train: Train models; without it the wording rules and the scheme's words decide.
        screen: What the user sees.

    Returns:
        What was found.

    Raises:
        UsageError: If entities are given without documents.
        DataError: If the documents are not there; nothing is trained first.
    """
    if entities is not None and documents is None:
        raise UsageError(
            Remark("Entities go with documents of one's own.", "给出实体时，要一并给出自己的文章。"),
            Remark("Give --documents FILE as well.", "请再给出 --documents FILE。"),
        )
    if documents is not None and not documents.exists():
        raise missing(documents)
    folder = places.home() / "public-opinion-demo"
    written = write_files(folder, entities)
    if documents is None or train:
        screen.say(
            Remark(
                f"{len(written):,} written documents of sixty days on fictional companies, in {folder}.",
                f"写出六十天的虚构公司文档 {len(written):,} 篇，在 {folder}。",
            )
        )
    if documents is not None:
        screen.say(Remark(f"Documents: {documents}", f"文档：{documents}"))
    path = write_application(folder, documents)
    if train:
        trained = train_models(read_application(path), folder, folder / "models", screen)
        worth = worth_their_cost(trained, screen)
        path = write_application(folder, documents, {name: f"models/{trained[name].path.name}" for name in worth})
    with opened(path, f"sqlite:///{folder / 'documents.db'}") as application:
        taken = run(application, finish=True)
        screen.say(
            Remark(
                f"\n{taken.new:,} documents read, {taken.repeated:,} repeated, {taken.dead:,} dead letters.",
                f"\n读入 {taken.new:,} 篇文档，重复 {taken.repeated:,} 篇，死信 {taken.dead:,} 条。",
            )
        )
        for reason, count in dead_reasons(application) if taken.dead else ():
            screen.say(f"  {count:,} ×  {reason}")
        files, incidents = _report(application, folder, screen)
    planted = crises() if documents is None else []
    found = tuple(crisis["name"] for crisis in planted if any(_is(one, crisis) for one in incidents))
    others = tuple(one for one in incidents if not any(_is(one, crisis) for crisis in planted))
    if planted:
        screen.say(
            Remark(
                f"Planted crises found: {len(found)} of {len(planted)}; other incidents: {len(others)}.",
                f"预设的 {len(planted)} 起危机找到 {len(found)} 起；其他事件 {len(others)} 起。",
            )
        )
    screen.say(Remark(f"Report: {files[0]}", f"报告：{files[0]}"))
    return Outcome(taken.new, tuple(incidents), found, others if planted else (), tuple(files), folder)


def write_files(folder: Path, entities: Path | None) -> Sequence[Written]:
    """Write the sample, its labels and whom to look for into a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    written = write_sample()
    lines = [json.dumps(one.record(), ensure_ascii=False) for one in written]
    write_text(folder / "documents.jsonl", "\n".join(lines) + "\n")
    end = BEGIN + timedelta(days=LABELLED_DAYS)
    labelled = {f"{one.title}\n{one.body}": one for one in written if one.published < end}
    with (
        atomic_file(folder / "labels.csv") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(("text", "sentiment", "topics"))
        for text, one in labelled.items():
            table.writerow((text, one.sentiment, json.dumps(one.topics)))
    shutil.copyfile(entities or ENTITIES, folder / "entities.toml")
    return written


def write_application(folder: Path, documents: Path | None, models: Mapping[str, str] | None = None) -> Path:
    """Write the application file.

    Args:
        folder: Where the sample is.
        documents: A file or folder of one's own documents in place of the sample's.
        models: The bundle of what a trained model tells, of `sentiment` and `topics`.

    Returns:
        The file.
    """
    settings = {
        "application": "public-opinion",
        "entities": "entities.toml",
        "sources": {"files": [str((documents or folder / "documents.jsonl").absolute())], "push": False},
        "models": {
            "labelled": "labels.csv",
            "epochs": EPOCHS,
            "layers": LAYERS,
            "compared": COMPARED,
            **(models or {}),
        },
        "counting": {"bucket_minutes": BUCKET_MINUTES},
    }
    write_text(folder / "application.toml", to_toml(settings))
    return folder / "application.toml"


def _report(application: Application, folder: Path, screen: Screen) -> tuple[list[Path], list[Incident]]:
    with application.database.read() as connection:
        report = make_report(connection, application.width, application.scheme.titles)
    show(report.to_json()["entities"], screen)
    for one in report.incidents:
        screen.say(f"\n{headline(one, screen.language)}\n{summary(one, screen.language)}")
    if not report.incidents:
        screen.say(
            Remark(
                "\nNo incident: nothing rose above what was usual before it.",
                "\n没有事件：没有什么明显高于此前的常态。",
            )
        )
    screen.say("")
    return write_report(report, folder / "report", screen.language), list(report.incidents)


def show(entities: Sequence[dict[str, object]], screen: Screen) -> None:
    """Show numbers of entities as a table."""
    screen.say(
        Remark(
            f"\n{'documents':>9}  {'negative':>8}  {'voice':>6}  {'index':>6}",
            f"\n{'文档':>7}  {'负面':>6}  {'声量':>4}  {'指数':>4}",  # each character is two columns wide
        )
    )
    for one in entities:
        screen.say(
            f"{one['documents']:>9}  {one['negative_share']:>8.1%}  {one['share_of_voice']:>6.1%}  "
            f"{one['sentiment_index']:>+6.2f}  {' · '.join(str(one[side]) for side in SIDES if one[side])}"
        )


def _is(incident: Incident, crisis: dict[str, object]) -> bool:
    """Return whether an incident is about a planted crisis."""
    day = float(str(crisis["day"]))
    begin, end = (BEGIN + timedelta(days=days) for days in (day - SLACK_DAYS, day + float(str(crisis["days"]))))
    within = begin.timestamp() <= incident.opened <= end.timestamp()
    return within and incident.entity == crisis["entity"]
