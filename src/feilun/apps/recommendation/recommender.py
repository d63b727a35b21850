"""Answers: what a user did a moment ago counts, what was withdrawn is gone, and who asks not to be profiled is not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.answering.answer import ALL_TAKEN, Answer
from feilun.apps.recommendation.answering.business_rules import BusinessRules
from feilun.apps.recommendation.answering.finder import Finder, check_count
from feilun.apps.recommendation.answering.item_search import ItemSearch
from feilun.apps.recommendation.answering.places import answer_of
from feilun.apps.recommendation.answering.policy import ListPolicy
from feilun.apps.recommendation.answering.rerank import Chosen, choose, permitted
from feilun.apps.recommendation.answering.scored_candidates import ScoredCandidates
from feilun.apps.recommendation.candidates.table import IMPERSONAL
from feilun.apps.recommendation.ranking.model import Model, fused
from feilun.apps.recommendation.records.catalogue import Vectors, text_vectors, with_items
from feilun.apps.recommendation.records.context import Context, Contexts, Situation, checked
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.records.histories import Histories
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.core.ports import Embedder
from feilun.knowledge.rules import DecisionTables


class Recommender:
    """A model with the users' histories, safe to share between threads.

    Args:
        model: What was trained.
        settings: Of the application.
        embedder: Reads the texts of items that come later.
        version: Names the model in answers.
        seed: Of exploration; None draws one.
        contexts: What is known of the users' context.
        rules: Decision tables of the business.

    Raises:
        DataError: If a decision table cannot be evaluated.
    """

    def __init__(
        self,
        model: Model,
        settings: RecommendationSettings,
        embedder: Embedder,
        version: str,
        seed: int | None = None,
        contexts: Contexts | None = None,
        rules: DecisionTables | None = None,
    ) -> None:
        self.model = model.moving_apart()
        self.settings = settings
        self.embedder = embedder
        self.version = version
        self._source = np.random.default_rng(seed)
        self.histories = Histories(settings.signals)
        self.contexts = contexts or Contexts(settings.context.columns)
        self._permitted = permitted(model.catalogue, settings.list)
        business = BusinessRules(rules, settings.context.columns)
        business.try_on(model.catalogue, time.time())
        self.policy = ListPolicy(settings.list, business, self.model)
        self.finder = Finder(settings, business)
        self._search: ItemSearch | None = None
        self._changing = RLock()  # held while the catalogue changes: what moves the model waits, lists do not
        self._lock = RLock()

    def observe(self, events: Iterable[Interaction], now: float | None = None, *, learned: bool = False) -> int:
        """Take events into account; the next answer knows them, and so does what is popular.

        Args:
            events: New ones, each once, in any order.
            now: Seconds since 1970; the present where absent.
            learned: Whether the model has learned from them: they count as what their users did alone.

        Returns:
            How many were of items that are not known; `put` of the item and observing them again makes them count.
        """
        with self._changing, self._lock:
            moment = time.time() if now is None else now
            found = self.histories.observe(list(events), self.model.catalogue.index, moment)
            if not learned and found.counted:
                self.model.take(found.takes(self.contexts))
            return found.unknown

    def put(self, items: Sequence[Item], now: float | None = None, vectors: Vectors | None = None) -> None:
        """Add items or change them; they can be recommended at once, by their texts.

        Args:
            items: With all that is known of each; of two with one id the later counts.
            now: Seconds since 1970; the present where absent.
            vectors: Of their texts; read where absent, shape (items, width).
        """
        vectors = text_vectors([item.text for item in items], self.embedder) if vectors is None else vectors
        with self._changing:
            catalogue = with_items(self.model.catalogue, items, vectors)
            changed = self.model.with_catalogue(catalogue, time.time() if now is None else now)
            allowed = permitted(catalogue, self.settings.list)
            with self._lock:
                self.model, self._permitted = changed, allowed
                self.policy.changed(changed)
                if self._search is not None:
                    self._search.put(catalogue)

    def withdraw(self, item: str) -> None:
        """Take an item out of all lists from now on.

        Raises:
            UsageError: If there is no such item.
        """
        with self._changing, self._lock:
            self._permitted[self.number(item)] = False

    def forget(self, user: str) -> int:
        """Drop what is known of a user and return how many items that were."""
        self.model.catalogue.forget_histories()
        with self._lock:
            self.contexts.forget(user)
            return self.histories.forget(user)

    def number(self, item: str) -> int:
        """Return an item's number.

        Raises:
            UsageError: If there is no such item.
        """
        return self.model.catalogue.number(item)

    def recommend(
        self,
        user: str,
        count: int = 10,
        *,
        personal: bool = True,
        explain: bool = False,
        liked: Sequence[str] = (),
        context: Context | None = None,
        now: float | None = None,
    ) -> Answer:
        """Make a list for a user.

        Args:
            user: Who; one who was never seen gets what is popular and new.
            count: Most items, 1 to 200.
            personal: False looks at no history and draws nothing for this user.
            explain: Tell what each feature added.
            liked: Items that the user says to like, beside the history; for this list alone, nothing is kept.
            context: What is known of the moment, by declared column; what the users' table says stands beside it.
            now: Seconds since 1970; the present where absent.

        Returns:
            The list; shorter where the catalogue has no more.

        Raises:
            UsageError: If `count` is out of bounds, there is no such liked item, or the context is not as declared.
        """
        now = time.time() if now is None else now
        found = self.considered(user, count, personal=personal, liked=liked, context=context, now=now)
        chosen = self._choose(found, count)
        self.policy.shown(found.model, found.pool.items[chosen.places], now)
        return answer_of(found, chosen, user, self.version, personal=personal, explain=explain)

    def considered(
        self,
        user: str,
        count: int,
        *,
        personal: bool = True,
        liked: Sequence[str] = (),
        context: Context | None = None,
        now: float,
    ) -> ScoredCandidates:
        """Return the candidates of a list with their scores, as `recommend` orders them.

        Args:
            user: Who.
            count: As `recommend` takes it.
            personal: The same.
            liked: The same.
            context: The same.
            now: Seconds since 1970; what is published later is not there yet.

        Raises:
            UsageError: As `recommend` does.
        """
        check_count(count)
        asked = checked(context or {}, self.settings.context.columns)
        with self._lock:
            model = self.model
            situation = Situation(now, self.contexts.known(user, now, asked) if personal else asked)
            said = [self.number(item) for item in liked]
            history = self._history(user, now).then(said, now) if personal else NO_HISTORY
            there = self._there(now)
            allowed = there.copy()
            if personal:
                allowed &= self.histories.open_to(user, len(there), self.settings.candidates, now)
            allowed[said] = False
        note = ""
        # what takes time needs no lock: events go on being observed, and move nothing of a model but counts
        if not allowed.any() and there.any():
            allowed, note = there, ALL_TAKEN
        quotas = self.settings.candidates.quotas
        if not personal:
            quotas = {name: count for name in IMPERSONAL if name in quotas}
        pool, ruled = self.policy.candidates(model, quotas, history, situation, allowed, count)
        scores = model.scores(pool, history, situation) if personal else fused(pool, {})
        lifted = self.policy.lifted(scores, model, pool, ruled, now)
        return ScoredCandidates(model, pool, scores, lifted, history, situation, ruled.rules, note)

    def similar(self, item: str, count: int = 10, now: float | None = None) -> list[tuple[Item, float]]:
        """Return the items nearest to one by its text and by who takes both, with their nearness.

        Args:
            item: Its id.
            count: Most items, 1 to 200.
            now: Seconds since 1970; the present where absent.

        Raises:
            UsageError: If there is no such item, or `count` is out of bounds.
        """
        check_count(count)
        with self._lock:
            moment = time.time() if now is None else now
            number, model, there = self.number(item), self.model, self._there(moment)
        found = self.finder.similar(model, number, there, count, Situation(moment))
        return [(model.catalogue.items[i], nearness) for i, nearness in found]

    def search(
        self, query: str, user: str | None = None, count: int = 10, now: float | None = None
    ) -> list[tuple[Item, float]]:
        """Find items by what is typed, in the order that suits who asks.

        Args:
            query: A few words.
            user: Whose history is looked at; None looks at none.
            count: Most items, 1 to 200.
            now: Seconds since 1970; the present where absent.

        Returns:
            Items with their scores, best first; none where nothing fits.

        Raises:
            UsageError: If `count` is out of bounds.
            MissingExtra: If tantivy is not installed.
        """
        check_count(count)
        now = time.time() if now is None else now
        vector, words = text_vectors([query.strip()], self.embedder)[0], self._words()
        with self._lock:
            model = self.model
            fits = words.relevance(query, vector, model.facts.vectors, self._there(now))
            history = self._history(user, now) if user else NO_HISTORY
            situation = Situation(now, self.contexts.at(user or "", now))
        found = self.finder.by_words(model, fits, history, count, situation)
        return [(model.catalogue.items[i], score) for i, score in found]

    def questions(self, count: int = 10, now: float | None = None) -> list[Item]:
        """Return items to ask a newcomer about; those that are liked go to `recommend(liked=...)`.

        They are the ones most taken; questions unlike each other gained nothing (docs/benchmarks.md).

        Args:
            count: Most items, 1 to 200.
            now: Seconds since 1970; the present where absent.

        Raises:
            UsageError: If `count` is out of bounds.
        """
        check_count(count)
        with self._lock:
            moment = time.time() if now is None else now
            model, there = self.model, self._there(moment)
        found = self.finder.most_taken(model, there, count, Situation(moment))
        return [model.catalogue.items[i] for i in found]

    def _there(self, now: float) -> NDArray[np.bool_]:
        """Return which items may be shown to anybody at a moment; a clock set back hides some again; shape (items,)."""
        return self._permitted & self.model.facts.published_by(now)

    def _history(self, user: str, now: float) -> History:
        return self.model.session.within(self.histories.of(user, now), now)

    def _choose(self, found: ScoredCandidates, count: int) -> Chosen:
        facts, items = found.model.facts, found.pool.items
        vectors, creators = facts.vectors[items], facts.creator[items]
        with self._lock:  # who draws at the same time would draw alike
            return choose(found.lifted, vectors, creators, count, self.settings.list, self._source)

    def _words(self) -> ItemSearch:
        """Return what finds items by words; all texts are read at the first search."""
        with self._changing:
            if self._search is None:
                self._search = ItemSearch(self.model.catalogue)
            return self._search
