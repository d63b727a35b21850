"""Public opinion wired together: one TOML file names the sources, models and channels, and everything else follows."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from feilun.apps.public_opinion import words
from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.gazetteer import KINDS, Gazetteer, read_gazetteer
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.intake import Intake, Taken
from feilun.apps.public_opinion.readers import Apart, AtOnce, Reader, WithNewTopics
from feilun.apps.public_opinion.rules import DEFAULT, Rule, read_rules
from feilun.apps.public_opinion.scheme import FINANCE, Scheme, known_topic, read_scheme
from feilun.apps.public_opinion.sources.broker import receiver
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.sources.inbox import Inbox
from feilun.apps.public_opinion.sources.query import SqlQuery
from feilun.apps.public_opinion.sources.source import Source
from feilun.apps.public_opinion.understanding import Understanding
from feilun.apps.public_opinion.watch import Watch
from feilun.apps.public_opinion.wording import WordingRules
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import StorageError, UsageError
from feilun.core.ports import Predictor
from feilun.evaluation.judges.multitask import OneAnswer
from feilun.knowledge.mentions import Tagger
from feilun.monitoring.alerts import Alerts, apprise_channel
from feilun.monitoring.trading_days import TradingDays
from feilun.storage import opinion
from feilun.storage.database import Database, open_database
from feilun.storage.locks import locked
from feilun.workflow.applications.public_opinion.file import Settings, read_application
from feilun.workflow.applications.public_opinion.rounds import Rounds
from feilun.workflow.applications.tagging import open_tagger

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 2.0
"""How long one waits where nothing came."""

GATHER_SECONDS = 0.25
"""How long documents gather where some came, in which whoever pushes finds SQLite unlocked."""

AGAIN_SECONDS = 5.0
"""After how long a database that refused is asked again."""

LOCK = "public-opinion"
"""Held by who writes documents."""


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
        return Understanding(self.reader(), self.gazetteer, self.scheme, self.tagger())

    def tagger(self) -> Tagger | None:
        """Open what finds entities beside the list; None where none is named.

        Raises:
            UsageError: If it is no `tag` bundle of companies, people or products.
        """
        named = self.settings.models.tagger
        if "tagger" in self.models:
            return Tagger(self.models["tagger"], KINDS)
        return open_tagger(self._bundle(named), KINDS, "models.tagger") if named else None

    def reader(self) -> Reader:
        """Open what tells sentiment and topics; those that the model of topics was not trained for are added."""
        reader, new = self._reader(), self.settings.models.new_topics
        if not new and not self.settings.models.topics:
            return reader
        return WithNewTopics(reader, self.scheme, {name: self._bundle(bundle) for name, bundle in new.items()})

    def _reader(self) -> Reader:
        """Open what tells sentiment and topics; a bundle that is named for both reads each text once."""
        named = {
            name: bundle for name in ("sentiment", "topics") if (bundle := getattr(self.settings.models, name))
        }  # fmt: skip
        opened = {bundle: self._bundle(bundle) for name, bundle in named.items() if name not in self.models}
        if len(named) == 2 and len(opened) == 1:
            return AtOnce(*opened.values())
        found: dict[str, Predictor] = {
            name: OneAnswer(opened[bundle], name) if opened[bundle].manifest["task"] == "multitask" else opened[bundle]
            for name, bundle in named.items()
            if bundle in opened
        } | dict(self.models)
        return Apart(WordingRules(found.get("sentiment")), found.get("topics", self.scheme))

    def _bundle(self, name: str) -> Bundle:
        return open_bundle(name if "/" not in name else str(self.folder / name))

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
        aliases = {entity.name: (*entity.aliases, *entity.ambiguous) for entity in self.gazetteer.entities}
        calendar, incidents = TradingDays(self.settings.calendar), self.settings.incidents
        return Watch(self.width, rules or self.rules, self.settings.surge, incidents, calendar, markets, aliases)

    def form(self, path: Path | None = None) -> Form:
        """Return how records are read."""
        sources = self.settings.sources
        return Form(sources.columns, sources.zone, path.stem if path is not None else "", sources.region)

    def sources(self, whole: bool) -> list[Source]:
        """Return where documents come from.

        Args:
            whole: Take the last line of a file although no line break ends it.
        """
        paths = [self.folder / name for name in self.settings.sources.files]
        found: list[Source] = [Files(path, self.form(path), whole) for path in paths]
        found += self.settings.feeds.sources(self.form())
        found += [
            SqlQuery(
                one.url,
                one.query,
                one.cursor,
                replace(self.form(), publisher=name, region=one.region or self.settings.sources.region),
            )
            for name, one in self.settings.queries.items()
        ]
        queued = self.settings.sources.push or self.settings.broker.address
        return [*found, Inbox(self.database, self.form())] if queued else found

    def receiver(self) -> AbstractContextManager[object]:
        """Make what receives from the broker, where one is named, for the length of a block."""
        return receiver(self.settings.broker, self.database) if self.settings.broker.address else nullcontext()

    def alerts(self) -> Alerts:
        """Make what tells people."""
        channels = {name: apprise_channel(address) for name, address in self.settings.channels.items()}
        return Alerts(self.database, channels)


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
    for name in settings.models.new_topics:
        known_topic(name, scheme)
    names = [entity.name for entity in gazetteer.entities]
    rules = read_rules(folder / settings.rules, scheme.names, names, settings.channels) if settings.rules else DEFAULT
    held = open_database(database)
    try:
        _index(held)
        yield Application(settings, folder, held, gazetteer, scheme, rules, models or {})
    finally:
        held.close()


def _index(database: Database) -> None:
    """Put documents from before an upgrade into the index of words, unless another process is doing so."""
    with database.read() as connection:
        filled, there = words.is_filled(connection), opinion.span(connection)[0] is not None
    if not filled and there:
        log.warning("The documents of %s are put into an index of words, once.", database.place)
    if not filled:
        with suppress(UsageError), locked(database, LOCK):
            words.fill(database)


def reindex(application: Application) -> int:
    """Fill the index of words anew, and return how many documents it holds.

    Raises:
        UsageError: If another process runs on the same database.
    """
    with locked(application.database, LOCK):
        return words.fill(application.database, anew=True)


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
        application: The wired application.
        follow: Go on until interrupted: a source that fails rests while the others go on, and while the database
            refuses it is asked again.
        finish: No more documents come: judge the last buckets too.
        replay: Try the dead letters again first.
        tell: Is told of each round: what was taken, and which incidents changed.

    Returns:
        What was taken in all.

    Raises:
        UsageError: If another process runs on the same database.
        DataError, StorageError: If a source or the database fails, unless it follows.
    """
    total = Taken()
    with locked(application.database, LOCK), application.alerts() as alerts, ExitStack() as held:
        rounds = Rounds(application, alerts, follow)
        if replay:
            total += rounds.intake.replay(application.sources(whole=True))
            tell(total, [])
        held.enter_context(application.receiver() if follow else nullcontext())
        while True:
            try:
                taken, changed = rounds.once(finish and not follow)
            except StorageError as error:
                if not follow:
                    raise
                log.error("%s It is asked again in %g s.", error, AGAIN_SECONDS)
                time.sleep(AGAIN_SECONDS)
                continue
            tell(taken, changed)
            total += taken
            if not follow:
                return total
            time.sleep(FOLLOW_SECONDS if taken == Taken() else GATHER_SECONDS)


def dead_reasons(application: Application, most: int = 3) -> list[tuple[str, int]]:
    """Return why records are dead letters, with how many are so, the most frequent first."""
    with application.database.read() as connection:
        return Counter(letter.reason for letter in opinion.dead_letters(connection)).most_common(most)


def preview(application: Application, rules: tuple[Rule, ...]) -> list[Incident]:
    """Return the incidents that rules would have found in all that was counted; nothing is saved."""
    watch = application.watch(rules)
    with application.database.read() as connection:
        last = opinion.span(connection)[1]
        watch.look(connection, (last or 0.0) + application.width)
    return sorted(watch.incidents.values(), key=lambda one: one.opened)
