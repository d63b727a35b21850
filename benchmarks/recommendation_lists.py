"""What single parts of a list gain and cost: `visits`, `terms`, `segments` and `moving` of recommendation.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from feilun.apps.recommendation.answering.business_rules import BusinessRules
from feilun.apps.recommendation.answering.policy import ListPolicy
from feilun.apps.recommendation.candidates.generator import scored
from feilun.apps.recommendation.candidates.in_segment import PopularInSegment
from feilun.apps.recommendation.judging.against_baselines import judge, scorer_of_model
from feilun.apps.recommendation.ranking.as_of import AsOf
from feilun.apps.recommendation.ranking.model import Model, fit_generators
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.records.context import Contexts, Situation, columns_of
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History, Interactions, read
from feilun.apps.recommendation.records.sessions import Session
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.sample.shop import simulate
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.evaluation.protocols import split
from recommendation_films import SHOWN, Figures, MovieLens, later_rows


def visits(users: Interactions, catalogue: Catalogue, settings: RecommendationSettings, part: str) -> Figures:
    """Judge what the visit that goes on is worth, by temporal leave-one-out: off, chosen by training, and always."""
    parts = split("leave-one-out", users.user, users.time, settings.seed)
    rows = parts.train if part == "validation" else np.sort(np.concatenate([parts.train, parts.validation]))
    train, held_out = users.select(rows), users.select(parts.validation if part == "validation" else parts.test)
    later = later_rows(train, "leave-one-out", settings.seed)
    now, found = float(users.time.max()), {}
    for name, weight, always in (("off", 1.0, False), ("as training chooses", 2.0, False), ("always twice", 2.0, True)):
        wanted = replace(settings, session=replace(settings.session, weight=weight))
        model = fit(train, catalogue, wanted, now, later=later, session=Session(5.0, 2.0) if always else None)
        scorer = scorer_of_model(model, settings.candidates.quotas, np.ones(len(catalogue), bool))
        judged = judge(scorer, train, held_out, catalogue, resamples=0)
        found[name] = {metric: judged.figures[metric].value for metric in SHOWN} | {"weight": model.session.weight}
    return found


def terms(users: Interactions, catalogue: Catalogue, settings: RecommendationSettings, part: str) -> Figures:
    """Judge what weights of novelty, and of fairness to creators, cost and gain, by temporal leave-one-out."""
    parts = split("leave-one-out", users.user, users.time, settings.seed)
    rows = parts.train if part == "validation" else np.sort(np.concatenate([parts.train, parts.validation]))
    train, held_out = users.select(rows), users.select(parts.validation if part == "validation" else parts.test)
    model = fit(train, catalogue, settings, float(users.time.max()), later=later_rows(train, "leave-one-out", 13))
    creator, found = model.facts.creator, {}
    deserved = np.bincount(creator[creator >= 0], np.expm1(model.facts.popularity[creator >= 0]) + 1)
    asked = [("novelty", weight) for weight in (0.0, 0.1, 0.25, 0.5, 1.0)]
    asked += [("creator_fairness", weight) for weight in (0.25, 0.5, 1.0)] if len(deserved) else []
    for name, weight in asked:
        policy = ListPolicy(replace(settings.list, **{name: weight}), BusinessRules(), model)
        given = np.zeros(len(deserved))
        judged = judge(scorer_of_policy(policy, model, settings, given), train, held_out, catalogue, resamples=0)
        found[f"{name} {weight:g}"] = {m: judged.figures[m].value for m in ("ndcg@10", "hr@10")} | {
            m: judged.catalogue[m] for m in ("novelty", "coverage", "popularity_lift")
        }
        if len(deserved):
            shares = given / max(1.0, given.sum()) / (deserved / deserved.sum())
            found[f"{name} {weight:g}"]["least share of a creator"] = float(shares.min())
    return found


def scorer_of_policy(
    policy: ListPolicy, model: Model, settings: RecommendationSettings, given: np.ndarray
) -> Callable[[int, History, float], np.ndarray]:
    """Return lists as a policy lifts them as what can be judged; places are counted by creator in `given`."""

    def scores(_: int, history: History, moment: float) -> np.ndarray:
        allowed = np.ones(len(model.catalogue), bool)
        allowed[history.items] = False
        looked_at, situation = model.looked_at(history, moment), Situation(moment)
        pool, ruled = policy.candidates(model, settings.candidates.quotas, looked_at, situation, allowed, 10)
        lifted = policy.lifted(model.scores(pool, looked_at, situation), model, pool, ruled, moment)
        shown = pool.items[np.argsort(-lifted, kind="stable")[:10]]
        policy.shown(model, shown, moment)
        creators = model.facts.creator[shown]
        np.add.at(given, creators[creators >= 0], 1)
        found = np.full(len(model.catalogue), -1e6)
        found[pool.items] = lifted
        return found.astype(np.float32)

    return scores


def segments(data: MovieLens, seed: int) -> Figures:
    """Hide a fifth of the users and recommend them what is popular, by nothing, by their age, and by their sex."""
    source, names = np.random.default_rng(seed), data.users.tolist()
    fresh = np.isin(data.user, source.permutation(len(names))[: len(names) // 5])
    train, held_out = data.part(np.flatnonzero(~fresh)), data.part(np.flatnonzero(fresh))
    band = np.searchsorted([25, 35, 50], data.age, side="right")
    now, found = float(data.time.max()), {}
    for name, of in (("nothing", np.zeros(len(names))), ("age", band), ("sex", data.sex)):
        context = {user: {"segment": str(value)} for user, value in zip(names, of.tolist(), strict=True)}
        columns = columns_of(Contexts(("segment",), context), names, train.user, train.time, "segment")
        popular = PopularInSegment().fit(replace(train, context=columns), data.catalogue, now)
        judged = judge(
            lambda user, *_, context=context, popular=popular: popular.scores_in(Situation(now, context[names[user]])),
            train, held_out, data.catalogue, resamples=0,
        )  # fmt: skip
        found[f"popular by {name}"] = {metric: judged.figures[metric].value for metric in SHOWN}
    return found


def moving(data: MovieLens, seed: int, half_life: float = 7.0) -> Figures:
    """Judge popularity and trends as trained and as they move with events, by temporal split."""
    parts = split("temporal", data.user, data.time, seed)
    train = data.part(np.sort(np.concatenate([parts.train, parts.validation])))
    held_out, found = data.part(parts.test), {}
    now = float(held_out.time.min())
    train, held_out = (
        replace(one, weight=one.weight * 0.5 ** ((now - one.time) / 86_400 / half_life), half_life_days=half_life)
        for one in (train, held_out)
    )
    first = {user: float(held_out.time[held_out.user == user].min()) for user in np.unique(held_out.user).tolist()}
    model = fit_generators(train, data.catalogue, {"popular": 1, "trending": 1}, now)
    for name in model.generators:
        for how in ("as trained", "moving"):
            as_of, said = AsOf(model, held_out), {}
            for user in sorted(first, key=first.get):
                then = as_of.at(first[user]) if how == "moving" else model
                moment = first[user] if how == "moving" else now
                said[user] = scored(then.generators[name], NO_HISTORY, Situation(moment)).copy()
            judged = judge(lambda user, *_, said=said: said[user], train, held_out, data.catalogue, resamples=0)
            found[f"{name}, {how}"] = {metric: judged.figures[metric].value for metric in SHOWN}
    return found


def fictional_shop(seed: int, part: str, judged: Callable[..., Figures] = visits) -> Figures:
    """Judge the same on the shop of the demonstration, whose shoppers' tastes do not change within a visit."""
    sample = simulate(seed)
    catalogue = build_catalogue(sample.items, WordVectors([item.text for item in sample.items], 64, 13))
    settings = replace(RecommendationSettings(application="recommendation"), seed=seed)
    everything = read(sample.events, catalogue.index, settings.signals, sample.now, len(catalogue)).positive
    return judged(everything, catalogue, settings, part)
