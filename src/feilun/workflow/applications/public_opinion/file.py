"""The application file of public opinion: where documents come from, what reads them, how they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from feilun.apps.public_opinion.document import NAMES, Form, zone
from feilun.apps.public_opinion.sources.broker import DocumentBroker
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.apps.public_opinion.sources.fetching import Fetcher
from feilun.apps.public_opinion.sources.source import Source
from feilun.apps.public_opinion.watch import IncidentSettings
from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Language, Remark, joined, said_in
from feilun.core.settings import REQUIRED, setting, table, tables
from feilun.monitoring.surge import SurgeSettings
from feilun.monitoring.trading_days import CalendarSettings
from feilun.workflow.settings_files.application_file import read_settings

FEWEST_DAYS = 35
"""Five weeks: fewer tell too little of hours and weekdays."""


@dataclass(frozen=True)
class SourceSettings:
    """The table `[sources]`."""

    files: tuple[str, ...] = setting((), "CSV and JSON Lines files, or folders of them, followed as they grow")
    push: bool = setting(True, "also take what is pushed to POST /v1/apps/public-opinion/documents")
    zone: str = setting("Asia/Shanghai", "time zone of moments that name none")
    region: str = setting("", "where documents are from that name no region")
    columns: dict[str, str] = setting({}, f"the column of a field that has another name: {', '.join(NAMES)}")

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        wrong = [name for name in self.columns if name not in NAMES]
        said = [
            Remark(
                f"sources.columns names the field {name!r}. {nearest(name, NAMES)}",
                f"sources.columns 写了字段 {name!r}。{said_in('zh', nearest(name, NAMES))}",
            )
            for name in wrong
        ]
        try:
            zone(self.zone)
        except UsageError as error:
            said.append(joined(["sources.zone", error.message], ": ", "："))
        return said


@dataclass(frozen=True)
class FeedSettings:
    """The table `[feeds]`."""

    urls: tuple[str, ...] = setting((), "addresses of RSS, Atom or JSON feeds, http or https")
    hosts: tuple[str, ...] = setting((), "further hosts that may be asked, for redirects and bodies")
    minutes: float = setting(5.0, "minutes after which a feed is asked again", minimum=1)
    bodies: bool = setting(False, "take the text of each entry's page in place of the feed's summary")

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        return [
            Remark(
                f"feeds.urls names {url!r}: give an http or https address.",
                f"feeds.urls 写了 {url!r}：请给出 http 或 https 地址。",
            )
            for url in self.urls
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname
        ]

    def sources(self, form: Form) -> list[Source]:
        """Return a source for each feed."""
        hosts = frozenset([*self.hosts, *(urlsplit(url).hostname or "" for url in self.urls)])
        fetcher = Fetcher(hosts)
        return [Feed(url, fetcher, form, every=60 * self.minutes, bodies=self.bodies) for url in self.urls]


@dataclass(frozen=True)
class QuerySettings:
    """A table `[queries.NAME]`."""

    url: str = setting(REQUIRED, "address of a database, such as postgresql+psycopg://user:password@host/name")
    query: str = setting(REQUIRED, "SELECT of the columns of documents, without ORDER BY")
    cursor: str = setting(REQUIRED, "column of it that is unique and only grows: read on from its last value")
    region: str = setting("", "where its documents are from that name no region; empty takes sources.region")

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        try:
            make_url(self.url)
        except ArgumentError:
            return [
                Remark(
                    "queries: the url of one is none: such as postgresql+psycopg://user:password@host/name.",
                    "queries：其中一个的 url 不是地址：例如 postgresql+psycopg://user:password@host/name。",
                )
            ]
        return []


@dataclass(frozen=True)
class ModelSettings:
    """The table `[models]`."""

    sentiment: str = setting("", "bundle that tells negative, neutral, positive; empty decides by wording")
    topics: str = setting(
        "", "bundle that tells topics, also that of sentiment; empty finds them by the scheme's words"
    )
    new_topics: dict[str, str] = setting({}, "bundle of `train --topic` by the name of its topic, in its rule's place")
    labelled: str = setting("", "table to train them from: columns text, sentiment, topics")
    tagger: str = setting("", "bundle that finds companies, people and products beside the list; empty: the list alone")
    spans: str = setting("", "JSON Lines to train it from: text, entities ([{start, end, label}])")
    base: str = setting("multilingual-e5-small", "the base that is trained")
    epochs: int = setting(4, "epochs of training", minimum=1)
    together: bool = setting(False, "train one model of both, which reads each text once, not a model for each")
    layers: int = setting(0, "top layers of the base that learn; 0: all, which takes longest", minimum=0)
    compared: int = setting(2000, "texts on which int8 is compared with float32", minimum=1)


@dataclass(frozen=True)
class CountSettings:
    """The table `[counting]`."""

    bucket_minutes: int = setting(60, "length of a bucket; days are whole numbers of buckets", minimum=1, maximum=1440)
    lateness_minutes: float = setting(60, "how long after later ones a document may come", minimum=0)
    story_days: float = setting(3.0, "days after its last document in which another may join a story", above=0)

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        odd = 1440 % self.bucket_minutes
        uneven = Remark(
            "counting.bucket_minutes must divide a day: 1440.", "counting.bucket_minutes 必须能整除一天：1440。"
        )
        return [uneven] if odd else []


@dataclass(frozen=True)
class RetentionSettings:
    """The table `[retention]`."""

    days: float = setting(0.0, "days of documents that are kept, back from the latest; 0 keeps all", minimum=0)

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        short = 0 < self.days < FEWEST_DAYS
        few = Remark(
            f"retention.days must be 0 or at least {FEWEST_DAYS}: what is expected is learned from what is kept.",
            f"retention.days 必须是 0 或至少 {FEWEST_DAYS}：预期值要从保留的文章里学。",
        )
        return [few] if short else []


@dataclass(frozen=True)
class Settings:
    """An application file."""

    application: Literal["public-opinion"] = setting(REQUIRED, "public-opinion")
    entities: str = setting(REQUIRED, "TOML file of [[entity]] tables: names, aliases, stock codes")
    scheme: str = setting("", "TOML file of [[topic]] tables; empty takes the finance scheme")
    rules: str = setting("", "TOML file of [[rule]] tables; empty looks for negative surges")
    sources: SourceSettings = table(SourceSettings, "where documents come from")
    feeds: FeedSettings = table(FeedSettings, "feeds that are asked again and again")
    queries: dict[str, QuerySettings] = tables(QuerySettings, "queries whose rows are documents")
    broker: DocumentBroker = table(DocumentBroker, "a message broker whose messages are documents")
    models: ModelSettings = table(ModelSettings, "what reads them")
    counting: CountSettings = table(CountSettings, "how they are counted")
    calendar: CalendarSettings = table(CalendarSettings, "days without trading")
    retention: RetentionSettings = table(RetentionSettings, "how long documents are kept")
    surge: SurgeSettings = table(SurgeSettings, "how surges are looked for")
    incidents: IncidentSettings = table(IncidentSettings, "how alarms become incidents")
    language: Literal["source", "zh", "en"] = setting(
        "source",
        "language of notifications and reports; source: that of the story that is told most, in reports the system's",
    )
    channels: dict[str, str] = setting({}, "addresses of apprise by name, to which incidents are sent")

    @property
    def fixed_language(self) -> Language | None:
        """Return the language that is asked for; None where it follows the sources."""
        return None if self.language == "source" else self.language


def read_application(path: Path) -> Settings:
    """Read an application file.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault and its line.
    """
    return read_settings(path, Settings, "public_opinion.toml", {})
