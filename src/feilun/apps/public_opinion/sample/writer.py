"""Writes the sample: documents of sixty days on fictional companies, with reposts, noise and three crises.

Every document comes with what it says, so that a model can be trained on the first days and judged on the others. The
same seed writes the same documents.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

from feilun.apps.public_opinion.gazetteer import Gazetteer, read_gazetteer

FOLDER = Path(__file__).parent
ENTITIES = FOLDER / "entities.toml"
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 60
LABELLED_DAYS = 24
"""The first days, on which a model is trained: before the first crisis."""

PER_DAY = 24.0
REPOST = 0.18
BUSY_HOURS = (1, 2, 3, 5, 6, 7, 9, 11, 13)
"""Hours, UTC, in which most is published."""

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Written:
    """A document of the sample and what is known of it.

    Args:
        id: Its name.
        published: When it is published, seconds since 1970.
        source: Who publishes it.
        title: Its title.
        body: Its text.
        sentiment: What it says of its company.
        topics: Its topics.
        entity: The company that it is about.
        crisis: The crisis that it belongs to; empty for none.
    """

    id: str
    published: datetime
    source: str
    title: str
    body: str
    sentiment: str
    topics: tuple[str, ...]
    entity: str
    crisis: str = ""

    def record(self) -> dict[str, str]:
        """Return it as a source gives it, nothing of what is known told."""
        return {
            "id": self.id, "time": self.published.isoformat(), "source": self.source, "title": self.title,
            "text": self.body,
        }  # fmt: skip


def write_sample(seed: int = 13) -> list[Written]:
    """Write all documents, in the order in which they were published."""
    table = tomllib.loads((FOLDER / "sentences.toml").read_text(encoding="utf-8"))
    writer = _Writer(table, read_gazetteer(ENTITIES), Random(seed))  # noqa: S311 - a sample, no secret
    found = [*writer.usual(), *(one for crisis in table["crisis"] for one in writer.crisis(crisis))]
    found += writer.reposts(found)
    found.sort(key=lambda one: (one.published, one.title))
    return [replace(one, id=f"s{number:05d}") for number, one in enumerate(found)]


def crises() -> list[dict[str, Any]]:
    """Return the planted crises: name, entity, the day on which each begins and for how many days it lasts."""
    table = tomllib.loads((FOLDER / "sentences.toml").read_text(encoding="utf-8"))
    return list(table["crisis"])


class _Writer:
    """Puts documents together.

    Args:
        table: Sentences.
        gazetteer: Companies.
        random: Where chance comes from.
    """

    def __init__(self, table: Mapping[str, Any], gazetteer: Gazetteer, random: Random) -> None:
        self.table = table
        self.companies = gazetteer.entities
        self.random = random

    def usual(self) -> list[Written]:
        """Write what is published day by day: more on weekdays, and some days more than others."""
        found = []
        for day in range(DAYS):
            moment = BEGIN + timedelta(days=day)
            mean = PER_DAY * (0.5 if moment.weekday() >= 5 else 1.15) * self.random.gammavariate(12, 1 / 12)
            for _ in range(round(mean)):
                language: Language = "zh" if self.random.random() < 0.6 else "en"
                event = self.random.choice([one for one in self.table["event"] if one[language]])
                company = self.random.choice(self.companies)
                name = self._called(company, language)
                text = self._fill(self.random.choice(event[language]), name, company.name, language)
                found.append(
                    self._document(
                        moment + self._hour(), text, language, event["sentiment"], event["topics"], company.name
                    )
                )
        return found

    def crisis(self, crisis: Mapping[str, Any]) -> list[Written]:
        """Write the documents of a crisis: most on its first day."""
        found = []
        begin = BEGIN + timedelta(days=crisis["day"])
        for _ in range(crisis["documents"]):
            moment = begin + timedelta(days=min(crisis["days"], self.random.expovariate(2.5 / crisis["days"])))
            chinese = self.random.random() < len(crisis["zh"]) / (len(crisis["zh"]) + len(crisis["en"]))
            language: Language = "zh" if chinese else "en"
            text = self._fill(self.random.choice(crisis[language]), crisis["entity"], crisis["entity"], language)
            one = self._document(moment, text, language, "negative", crisis["topics"], crisis["entity"])
            found.append(replace(one, crisis=crisis["name"]))
        return found

    def reposts(self, documents: Sequence[Written]) -> list[Written]:
        """Write copies of documents: framed, cut, or with another ending, some hours later and elsewhere."""
        found = []
        for one in documents:
            if self.random.random() >= REPOST:
                continue
            language: Language = "zh" if one.source in self.table["sources"]["zh"] else "en"
            frame = self.random.choice(self.table["frames"][language])
            body = one.body if self.random.random() < 0.6 else one.body[: max(40, len(one.body) * 3 // 4)]
            source = self.random.choice(self.table["sources"][language])
            later = one.published + timedelta(hours=self.random.uniform(0.2, 20))
            found.append(replace(one, published=later, source=source, title=frame + one.title, body=body))
        return found

    def _document(
        self, moment: datetime, text: str, language: Language, sentiment: str, topics: Sequence[str], entity: str
    ) -> Written:
        details = self.random.sample(self.table["details"][language], self.random.randint(1, 3))
        stop = "。" if language == "zh" else ". "
        said = [text, *(self._fill(detail, entity, entity, language) for detail in details)]
        body = (stop.join(said) + stop).strip()
        source = self.random.choice(self.table["sources"][language])
        return Written("", moment, source, text, body, sentiment, tuple(topics), entity)

    def _called(self, company: Any, language: Language) -> str:
        """Return a name under which a company goes in a language."""
        names = [company.name, *company.aliases]
        chinese = [name for name in names if not name.isascii()]
        latin = [name for name in names if name.isascii()]
        return str(self.random.choice((chinese if language == "zh" else latin) or names))

    def _fill(self, sentence: str, name: str, company: str, language: Language) -> str:
        other = self.random.choice([one for one in self.companies if one.name != company])
        return sentence.format(
            c=name, o=self._called(other, language), n=self.random.randint(2, 9),
            m=self.random.randint(11, 99) * 10, p=self.random.randint(3, 38),
        )  # fmt: skip

    def _hour(self) -> timedelta:
        hour = self.random.choice(BUSY_HOURS) if self.random.random() < 0.8 else self.random.randrange(24)
        return timedelta(hours=hour, minutes=self.random.randrange(60), seconds=self.random.randrange(60))
