"""An incident in a few lines, in Chinese or English, each claim with the stories that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feilun.apps.public_opinion.incidents import Alarm, Incident
from feilun.core.remark import Language
from feilun.text.segment import HAN


@dataclass(frozen=True)
class Wording:
    """How an incident is told in a language.

    Args:
        documents: What surged, of all documents.
        negative: What surged, of negative ones.
        story: One of its stories.
        phrases: The phrases that tell it from what was said before.
        comma: What stands between names.
        colon: What stands before a story's evidence.
        where: Of which region and source it is.
        severities: How severe it is.
    """

    documents: str
    negative: str
    story: str
    phrases: str
    comma: str
    colon: str
    where: str
    severities: Mapping[str, str]


SHOWN = 3
"""Stories and sources that are named."""

WORDINGS = {
    "zh": Wording(
        "{at}（UTC）起的时段内{where}有 {count} 篇文档，预期 {expected:.1f} 篇（p = {chance:.1g}）。"
        "整个事件的来源：{sources}。",
        "{at}（UTC）起的时段内{where}有 {count} 篇负面文档，预期 {expected:.1f} 篇（p = {chance:.1g}）。"
        "整个事件的来源：{sources}。",
        "{title}（{source}，被报道 {told} 次）",
        "关键短语：{phrases}。",
        "、",
        "：",
        "{places}",
        {"moderate": "一般", "high": "严重", "critical": "危急"},
    ),
    "en": Wording(
        "{count} documents{where} in the bucket from {at} UTC where {expected:.1f} were expected (p = {chance:.1g}). "
        "Sources of the whole incident: {sources}.",
        "{count} negative documents{where} in the bucket from {at} UTC where {expected:.1f} were expected "
        "(p = {chance:.1g}). Sources of the whole incident: {sources}.",
        "{title} ({source}, told {told} times)",
        "Phrases: {phrases}.",
        ", ",
        ": ",
        " from {places}",
        {"moderate": "moderate", "high": "high", "critical": "critical"},
    ),
}


def headline(incident: Incident, language: Language | None = None) -> str:
    """Say in a line how severe it is, whom it concerns and what is told.

    Args:
        incident: What happened.
        language: That of our words; None takes that of the story that is told most. Titles stay as they are.
    """
    severity = _words(incident, language).severities[incident.severity]
    return " ".join(part for part in (f"[{severity}]", incident.entity, incident.title) if part)


def summary(incident: Incident, language: Language | None = None) -> str:
    """Say what happened, in a language as `headline` does."""
    peak, words = incident.peak, _words(incident, language)
    sources = [f"{name} ({count})" for name, count in incident.cause["sources"][:SHOWN]]
    stories = incident.cause["stories"][:SHOWN]
    phrases = [name for name, _ in incident.cause["phrases"]]
    rise = words.negative if peak.metric == "negative" else words.documents
    lines = [
        rise.format(
            at=minute(peak.bucket), count=peak.count, expected=peak.expected, chance=peak.p_value,
            sources=words.comma.join(sources), where=_where(peak, words),
        ),
        *(f"[{number}] {_told(story, words)}" for number, story in enumerate(stories, 1)),
    ]  # fmt: skip
    return "\n".join([*lines, words.phrases.format(phrases=words.comma.join(phrases))] if phrases else lines)


def _where(alarm: Alarm, words: Wording) -> str:
    """Return of which source and region a surge is; empty where it is of all."""
    places = [part for part in (alarm.region, alarm.source) if part]
    return words.where.format(places=words.comma.join(places)) if places else ""


def _words(incident: Incident, language: Language | None) -> Wording:
    """Return the wording of a language, or of that of the story that is told most."""
    return WORDINGS[language or ("zh" if HAN.search(incident.title) else "en")]


def _told(story: Mapping[str, Any], words: Wording) -> str:
    """Return a story with its evidence, where its title does not say it already."""
    said = words.story.format(**story)
    return said if story["evidence"].rstrip("。.!！ ") in story["title"] else f"{said}{words.colon}{story['evidence']}"


def minute(seconds: float) -> str:
    """Write a moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
