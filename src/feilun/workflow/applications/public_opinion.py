"""Public opinion wired together: one TOML file names the sources, models and channels, and everything else follows."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from feilun.apps.public_opinion.document import NAMES, Form
from feilun.apps.public_opinion.gazetteer import Gazetteer, read_gazetteer
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.intake import Intake, Taken
from feilun.apps.public_opinion.report import summary
from feilun.apps.public_opinion.rules import DEFAULT, Rule, read_rules
from feilun.apps.public_opinion.scheme import FINANCE, Scheme, read_scheme
from feilun.apps.public_opinion.sources.broker import Receiver
from feilun.apps.public_opinion.sources.brokers.broker import BrokerSettings
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.apps.public_opinion.sources.fetching import Fetcher
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.sources.inbox import Inbox
from feilun.apps.public_opinion.sources.query import SqlQuery
from feilun.apps.public_opinion.sources.source import Source
from feilun.apps.public_opinion.understanding import Understanding
from feilun.apps.public_opinion.watch import IncidentSettings, Watch
from feilun.apps.public_opinion.wording import WordingRules
from feilun.bundles.bundle import open_bundle
from feilun.core import settings as core_settings
from feilun.core import toml
from feilun.core.errors import RecipeError, UsageError, nearest
from feilun.core.ports import Predictor
from feilun.core.settings import REQUIRED, setting, table, tables
from feilun.monitoring.alerts import Alerts, Message, apprise_channel
from feilun.monitoring.surge import SurgeSettings
from feilun.monitoring.trading_days import CalendarSettings, TradingDays
from feilun.storage import opinion
from feilun.storage.database import Database, open_database
from feilun.storage.locks import locked
from feilun.workflow.toml_text import lines_of_keys

FOLLOW_SECONDS = 2.0

FEWEST_DAYS = 35
"""Five weeks: fewer tell too little of hours and weekdays."""


@dataclass(frozen=True)
class SourceSettings:
    """The table `[sources]`."""

    files: tuple[str, ...] = setting((), "CSV and JSON Lines files, or folders of them, followed as they grow")
    push: bool = setting(True, "also take what is pushed to POST /v1/apps/public-opinion/documents")
    zone: str = setting("Asia/Shanghai", "time zone of moments that name none")
    columns: dict[str, str] = setting({}, f"the column of a field that has another name: {', '.join(NAMES)}")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        wrong = [name for name in self.columns if name not in NAMES]
        return [f"sources.columns names the field {name!r}. {nearest(name, NAMES)}" for name in wrong]


@dataclass(frozen=True)
class FeedSettings:
    """The table `[feeds]`."""

    urls: tuple[str, ...] = setting((), "addresses of RSS, Atom or JSON feeds, http or https")
    hosts: tuple[str, ...] = setting((), "further hosts that may be asked, for redirects and bodies")
    minutes: float = setting(5.0, "minutes after which a feed is asked again", minimum=1)
    bodies: bool = setting(False, "take the text of each entry's page in place of the feed's summary")

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        return [
            f"feeds.urls names {url!r}: give an http or https address."
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


@dataclass(frozen=True)
class ModelSettings:
    """The table `[models]`."""

    sentiment: str = setting("", "bundle that tells negative, neutral, positive; empty decides by wording")
    topics: str = setting("", "bundle of several labels that tells topics; empty finds them by the scheme's words")
    labelled: str = setting("", "table to train them from: columns text, sentiment, topics")
    base: str = setting("multilingual-e5-small", "the base that is trained")
    epochs: int = setting(4, "epochs of training", minimum=1)
    layers: int = setting(0, "top layers of the base that learn; 0: all, which takes longest", minimum=0)


@dataclass(frozen=True)
class CountSettings:
    """The table `[counting]`."""

    bucket_minutes: int = setting(60, "length of a bucket; days are whole numbers of buckets", minimum=1, maximum=1440)
    lateness_minutes: float = setting(60, "how long after later ones a document may come", minimum=0)
    story_days: float = setting(3.0, "days after its last document in which another may join a story", above=0)

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        odd = 1440 % self.bucket_minutes
        return ["counting.bucket_minutes must divide a day: 1440."] if odd else []


@dataclass(frozen=True)
class RetentionSettings:
    """The table `[retention]`."""

    days: float = setting(0.0, "days of documents that are kept, back from the latest; 0 keeps all", minimum=0)

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        short = 0 < self.days < FEWEST_DAYS
        why = "what is expected is learned from what is kept"
        return [f"retention.days must be 0 or at least {FEWEST_DAYS}: {why}."] if short else []


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
    broker: BrokerSettings = table(BrokerSettings, "a message broker whose messages are documents")
    models: ModelSettings = table(ModelSettings, "what reads them")
    counting: CountSettings = table(CountSettings, "how they are counted")
    calendar: CalendarSettings = table(CalendarSettings, "days without trading")
    retention: RetentionSettings = table(RetentionSettings, "how long documents are kept")
    surge: SurgeSettings = table(SurgeSettings, "how surges are looked for")
    incidents: IncidentSettings = table(IncidentSettings, "how alarms become incidents")
    channels: dict[str, str] = setting({}, "addresses of apprise by name, to which incidents are sent")


@dataclass
class Application:
    """An application that is put together.

    Args:
        settings: Its file.
        folder: Where the file is; paths in it are relative to it.
        database: Where its documents are.
        gazetteer: Whom it looks for.
        scheme: Its topics.
        rules: What deserves an alarm.
        models: Predictors of sentiment and topics that take the place of those of the file.
    """

    settings: Settings
    folder: Path
    database: Database
    gazetteer: Gazetteer
    scheme: Scheme
    rules: tuple[Rule, ...]
    models: Mapping[str, Predictor] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Return the seconds of a bucket."""
        return self.settings.counting.bucket_minutes * 60

    def understanding(self) -> Understanding:
        """Open what reads documents."""
        opened: dict[str, Predictor] = dict(self.models)
        for name in ("sentiment", "topics"):
            if name not in opened and (bundle := getattr(self.settings.models, name)):
                opened[name] = open_bundle(bundle if "/" not in bundle else str(self.folder / bundle))
        sentiment = WordingRules(opened.get("sentiment"))
        return Understanding(sentiment, opened.get("topics", self.scheme), self.gazetteer, self.scheme)

    def intake(self) -> Intake:
        """Make what takes documents in."""
        counting = self.settings.counting
        return Intake(
            self.database, self.understanding(), width=self.width, lateness=round(counting.lateness_minutes * 60),
            story_seconds=counting.story_days * 86_400, keep_days=self.settings.retention.days,
        )  # fmt: skip

    def watch(self, rules: tuple[Rule, ...] | None = None) -> Watch:
        """Make what looks for incidents."""
        markets = {entity.name: entity.market for entity in self.gazetteer.entities if entity.market}
        calendar = TradingDays(self.settings.calendar)
        return Watch(self.width, rules or self.rules, self.settings.surge, self.settings.incidents, calendar, markets)

    def form(self, path: Path | None = None) -> Form:
        """Return how records are read."""
        sources = self.settings.sources
        return Form(sources.columns, sources.zone, path.stem if path is not None else "")

    def sources(self, whole: bool) -> list[Source]:
        """Return where documents come from.

        Args:
            whole: Take the last line of a file although no line break ends it.
        """
        paths = [self.folder / name for name in self.settings.sources.files]
        found: list[Source] = [Files(path, self.form(path), whole) for path in paths]
        found += self.settings.feeds.sources(self.form())
        found += [
            SqlQuery(one.url, one.query, one.cursor, replace(self.form(), publisher=name))
            for name, one in self.settings.queries.items()
        ]
        queued = self.settings.sources.push or self.settings.broker.address
        return [*found, Inbox(self.database, self.form())] if queued else found

    def receiver(self) -> AbstractContextManager[object]:
        """Make what receives from the broker, where one is named, for the length of a block."""
        return Receiver(self.settings.broker, self.database) if self.settings.broker.address else nullcontext()

    def alerts(self) -> Alerts:
        """Make what tells people."""
        channels = {name: apprise_channel(address) for name, address in self.settings.channels.items()}
        return Alerts(self.database, channels)


def read_application(path: Path) -> Settings:
    """Read an application file.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault and its line.
    """
    if not path.is_file():
        raise UsageError(f"There is no application file {path}.", "examples/public_opinion.toml is one to begin with.")
    text = path.read_bytes().decode("utf-8-sig", "replace")
    try:
        values: dict[str, Any] = toml.parse(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError([f"no TOML: {error}."], str(path)) from error
    settings, faults = core_settings.read(Settings, values)
    if settings is None:
        lines = lines_of_keys(text)
        places = [f"line {lines[fault.key]}: " if fault.key in lines else "" for fault in faults]
        said = [place + fault.message for place, fault in zip(places, faults, strict=True)]
        raise RecipeError(said, str(path))
    return settings


@contextmanager
def opened(
    path: Path, database: str | None = None, models: Mapping[str, Predictor] | None = None
) -> Iterator[Application]:
    """Put an application together for the length of a block.

    Args:
        path: Its file.
        database: Address of its database; None takes that of FEILUN_DATABASE or FEILUN_HOME.
        models: Predictors that take the place of those of the file.
    """
    settings = read_application(path)
    folder = path.absolute().parent
    gazetteer = read_gazetteer(folder / settings.entities)
    scheme = read_scheme(folder / settings.scheme if settings.scheme else FINANCE)
    names = [entity.name for entity in gazetteer.entities]
    rules = read_rules(folder / settings.rules, scheme.names, names) if settings.rules else DEFAULT
    held = open_database(database)
    try:
        yield Application(settings, folder, held, gazetteer, scheme, rules, models or {})
    finally:
        held.close()


def run(
    application: Application,
    *,
    follow: bool = False,
    finish: bool = False,
    replay: bool = False,
    tell: Callable[[Taken, list[Incident]], None] = lambda taken, incidents: None,
) -> Taken:
    """Take in what the sources have, watch the numbers, and send incidents.

    Args:
        application: It.
        follow: Go on until interrupted.
        finish: No more documents come: judge the last buckets too.
        replay: Try the dead letters again first.
        tell: Is told of each round: what was taken, and which incidents changed.

    Returns:
        What was taken in all.

    Raises:
        UsageError: If another process runs on the same database.
    """
    total = Taken()
    with locked(application.database, "public-opinion"), application.alerts() as alerts, ExitStack() as held:
        intake, watch = application.intake(), application.watch()
        watch.resume(application.database)
        if replay:
            total += intake.replay(application.form())
        held.enter_context(application.receiver() if follow else nullcontext())
        while True:
            taken = Taken()
            for source in application.sources(whole=not follow):
                taken += intake.take(source)
            ahead = intake.lateness + application.width if finish and not follow else 0
            changed = watch.advance(application.database, intake.watermark + ahead)
            _send(alerts, application, changed)
            intake.retain()
            tell(taken, changed)
            total += taken
            if not follow:
                return total
            time.sleep(FOLLOW_SECONDS)


def preview(application: Application, rules: tuple[Rule, ...]) -> list[Incident]:
    """Return the incidents that rules would have found in all that was counted; nothing is saved."""
    watch = application.watch(rules)
    with application.database.read() as connection:
        last = opinion.span(connection)[1]
        watch.look(connection, (last or 0.0) + application.width)
    return sorted(watch.incidents.values(), key=lambda one: one.opened)


def _send(alerts: Alerts, application: Application, changed: list[Incident]) -> None:
    """Tell channels of incidents that are open, again where one became more severe; muted ones are not told."""
    if not alerts.channels:
        return
    rules = {rule.name: rule for rule in application.rules}
    hour = time.gmtime().tm_hour
    for incident in changed:
        rule = rules.get(incident.peak.rule)
        if incident.state != "open" or (rule and rule.hours and hour not in rule.hours):
            continue
        title = f"[{incident.severity}] {incident.entity} {incident.title}".replace("  ", " ")
        alerts.tell(
            Message(f"{incident.id}:{incident.severity}", title, summary(incident)), rule.channels if rule else ()
        )
