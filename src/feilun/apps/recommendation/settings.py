"""A recommendation application: one TOML file says what counts as interest and how lists are made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from feilun.apps.brokers.broker import BrokerSettings
from feilun.apps.recommendation.answering.business_rules import RuleSettings
from feilun.apps.recommendation.candidates.table import GENERATORS, OF_SEGMENT
from feilun.apps.recommendation.interest.settings import InterestSettings
from feilun.apps.recommendation.ranking.context_lift import LIFT
from feilun.apps.recommendation.ranking.features import FEATURES, features_of
from feilun.apps.recommendation.records.context import ContextSettings
from feilun.apps.recommendation.records.sessions import SessionSettings
from feilun.apps.recommendation.records.signals import SignalSettings
from feilun.core.errors import nearest
from feilun.core.remark import Remark, said_in
from feilun.core.settings import REQUIRED, setting, table

NAME = re.compile(r"\w[\w.-]{0,79}")
INTEREST_QUOTA = 60
"""Candidates that the interest model brings where the file does not say."""

EXPERIMENT = re.compile(r"[^\x00-\x1f]{1,60}")


@dataclass(frozen=True)
class EventBroker(BrokerSettings):
    """The table `[broker]`."""

    stream: str = setting("events", "stream of NATS or Redis, queue of RabbitMQ, topic of Kafka; made where absent")
    subject: str = setting("events", "of NATS: subject of the stream; each message a JSON object or a list of them")


@dataclass(frozen=True)
class CandidateSettings:
    """The table `[candidates]`."""

    quotas: dict[str, int] = setting(
        {"ease": 60, "als": 60, "item-neighbours": 40, "text": 40, "popular": 20, "recent": 20, "same-category": 20},
        "how many candidates each generator may bring: " + ", ".join(GENERATORS),
    )
    seen: Literal["never", "after", "always"] = setting(
        "never", "whether an item that the user took is recommended again: after seen_days, always, or never"
    )
    seen_days: float = setting(30.0, "days after which one may come again, with seen = after", above=0)

    def contradictions(self) -> list[Remark]:
        """Say which generators there are not."""
        found = [
            Remark(
                f"candidates.quotas: unknown generator {name!r}. {nearest(name, GENERATORS)}",
                f"candidates.quotas：没有召回源 {name!r}。{said_in('zh', nearest(name, GENERATORS))}",
            )
            for name in self.quotas
            if name not in GENERATORS
        ]
        found += [
            Remark(
                f"candidates.quotas: {name} must be at least 1; leave it out instead.",
                f"candidates.quotas：{name} 至少为 1；不用时请直接省略。",
            )
            for name, n in self.quotas.items()
            if n < 1
        ]
        if self.quotas:
            return found
        said = "candidates.quotas is empty: nothing could be recommended."
        return [Remark(said, "candidates.quotas 为空：没有可以推荐的商品。")]


@dataclass(frozen=True)
class RankingSettings:
    """The table `[ranking]`."""

    trees: int = setting(150, "most trees of the final ranking", minimum=1)
    leaves: int = setting(15, "leaves of a tree", minimum=2)
    learning_rate: float = setting(0.05, "weight of each tree", above=0, maximum=1)
    held_out: float = setting(
        0.2, "last share of the interactions, on which the final ranking learns", above=0, below=1
    )
    monotone: dict[str, int] = setting({}, "features whose growth may only help (1) or only hurt (-1)")
    without: tuple[str, ...] = setting((), "features that are not used")

    def contradictions(self) -> list[Remark]:
        """Say which features there are not; those of a context are known beside its columns alone."""
        found = _unknown(FEATURES, [name for name in self._named() if not name.endswith(LIFT)])
        return found + [
            Remark(f"ranking.monotone: {name} must be 1 or -1.", f"ranking.monotone：{name} 必须是 1 或 -1。")
            for name, sign in self.monotone.items()
            if sign not in {1, -1}
        ]

    def of_context(self, columns: Sequence[str]) -> list[Remark]:
        """Say which features of a context there are not."""
        lifts = [name for name in self._named() if name.endswith(LIFT)]
        return _unknown(features_of(columns), lifts)

    def _named(self) -> list[str]:
        return list(dict.fromkeys((*self.monotone, *self.without)))


def _unknown(features: Sequence[str], named: Sequence[str]) -> list[Remark]:
    return [
        Remark(
            f"ranking: unknown feature {name!r}. {nearest(name, features)}",
            f"ranking：没有特征 {name!r}。{said_in('zh', nearest(name, features))}",
        )
        for name in named
        if name not in features
    ]


@dataclass(frozen=True)
class ListSettings:
    """The table `[list]`: what happens to a ranking before it is shown."""

    diversity: float = setting(0.2, "weight of variety against relevance, 0 to 1", minimum=0, maximum=1)
    blocked_creators: tuple[str, ...] = setting((), "creators that are never shown")
    blocked_categories: tuple[str, ...] = setting((), "categories that are never shown")
    boost_categories: dict[str, float] = setting({}, "what is added to the standardised score of a category's items")
    most_of_creator: int | None = setting(None, "most items of one creator in a list", minimum=1)
    creator_fairness: float = setting(
        0.0, "what is added to the standardised score of creators who get fewer places than is taken of them", minimum=0
    )
    novelty: float = setting(
        0.0, "what is added to the standardised score for each standard deviation of being less popular", minimum=0
    )
    exploration: float = setting(
        0.05, "share of the places given to a random candidate; the chances are logged", minimum=0, maximum=1
    )


@dataclass(frozen=True)
class SearchSettings:
    """The table `[search]`."""

    personal: float = setting(
        0.3, "weight of what the user likes beside how well an item fits what was typed; 0 looks at no history",
        minimum=0,
    )  # fmt: skip


@dataclass(frozen=True)
class ExperimentSettings:
    """The table `[experiment]`: some users get other lists, which shows what a look at the history gains."""

    name: str = setting("holdout", "name of the experiment; another name draws other users")
    method: Literal["holdout", "interleave"] = setting(
        "holdout",
        "lists that look at no history, or lists in which the personal and such a one take turns (team draft)",
    )
    holdout: float = setting(
        0.0, "share of the users, by a stable hash, whose lists are made by `method`", minimum=0, maximum=1
    )

    def contradictions(self) -> list[Remark]:
        """Say what would measure nothing, or could not be kept with the lists."""
        if not EXPERIMENT.fullmatch(self.name):
            shown = repr(self.name[:80])
            said = f"experiment.name: 1 to 60 printable characters, not {shown}."
            return [Remark(said, f"experiment.name：1 到 60 个可见字符，不能是 {shown}。")]
        if self.method == "interleave" and self.holdout == 0:
            return [
                Remark(
                    "experiment.method = interleave needs a share of users: set experiment.holdout above 0, up to 1.",
                    "experiment.method = interleave 需要一部分用户：请把 experiment.holdout 设为大于 0、至多 1。",
                )
            ]
        return []


@dataclass(frozen=True)
class RecommendationSettings:
    """What a recommendation application is."""

    application: Literal["recommendation"] = setting(REQUIRED, "recommendation")
    name: str = setting("recommendation", "name of the application")
    items: str | None = setting(None, "table of the items, or the URL of a database")
    items_query: str | None = setting(None, "the SQL query that gives the items, where items is a database")
    events: str | None = setting(None, "table of the interactions, or the URL of a database")
    events_query: str | None = setting(None, "the SQL query that gives the interactions, where events is a database")
    creator: str = setting("creator", "column of the items that names the creator: an author, a brand, a shop")
    embedder: str | None = setting(
        None, "a bundle or base model that reads the items' texts; without it, words and their co-occurrence are used"
    )
    seed: int = setting(13, "seed of everything drawn", minimum=0)
    broker: EventBroker = table(EventBroker, "a message broker whose messages are events, taken while it serves")
    users: str | None = setting(None, "table of the users' context (user, context.columns), or the URL of a database")
    users_query: str | None = setting(None, "the SQL query that gives the users, where users is a database")
    signals: SignalSettings = table(SignalSettings, "what counts as interest")
    context: ContextSettings = table(ContextSettings, "what is known of users and of the moment they ask")
    candidates: CandidateSettings = table(CandidateSettings, "where candidates come from")
    interest: InterestSettings = table(InterestSettings, "a language model that learns what users take next")
    ranking: RankingSettings = table(RankingSettings, "the final ranking")
    session: SessionSettings = table(SessionSettings, "the visit that goes on")
    search: SearchSettings = table(SearchSettings, "finding items by what is typed")
    rules: RuleSettings = table(RuleSettings, "decision tables of the business")
    experiment: ExperimentSettings = table(ExperimentSettings, "an A/B test of personal lists")
    list: ListSettings = table(ListSettings, "what happens to a ranking before it is shown")

    def __post_init__(self) -> None:
        if self.interest.tune and "interest" not in self.candidates.quotas:
            quotas = {**self.candidates.quotas, "interest": INTEREST_QUOTA}
            object.__setattr__(self, "candidates", replace(self.candidates, quotas=quotas))

    def without_interest(self) -> RecommendationSettings:
        """Return the same application without an interest model."""
        quotas = {name: quota for name, quota in self.candidates.quotas.items() if name != "interest"}
        return replace(
            self, interest=replace(self.interest, tune=False), candidates=replace(self.candidates, quotas=quotas)
        )

    def contradictions(self) -> Sequence[Remark]:
        """Say what cannot be: the name is a folder's and a column's, and a database wants a query."""
        found = []
        if not NAME.fullmatch(self.name):
            shown = repr(self.name[:100])
            said = f"name: letters, digits, '-', '_' and '.' only, at most 80, not {shown}."
            found.append(Remark(said, f"name：只能用文字、数字和 '-'、'_'、'.'，最多 80 个，不能是 {shown}。"))
        for name, source, query in (
            ("items", self.items, self.items_query),
            ("events", self.events, self.events_query),
            ("users", self.users, self.users_query),
        ):
            if (query is None) == ("://" in (source or "")):
                said = f"{name} and {name}_query belong together: a database's URL, and the query to ask it."
                found.append(Remark(said, f"{name} 与 {name}_query 要一起给出：数据库的地址，和查询语句。"))
        found += self.ranking.of_context(self.context.columns)
        if self.users is not None and not self.context.columns:
            said = "users: none of their columns is looked at. Name some in context.columns."
            found.append(Remark(said, "users：它的列一个也没有用到。请在 context.columns 中写明要用的列。"))
        if "interest" in self.candidates.quotas and not self.interest.tune:
            said = "candidates.quotas: interest needs interest.tune = true, which trains what it asks."
            found.append(Remark(said, "candidates.quotas：interest 需要 interest.tune = true，由它训练所用的模型。"))
        for name in OF_SEGMENT:
            if name in self.candidates.quotas and self.context.segment is None:
                said = f"candidates.quotas: {name} needs context.segment, the column that parts the users."
                found.append(Remark(said, f"candidates.quotas：{name} 需要 context.segment，即给用户分群的那一列。"))
        return found
