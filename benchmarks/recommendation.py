"""Recommendation on MovieLens 100K, read from the recbole wheel in memory: ours beside the baselines, by protocol.

    python benchmarks/recommendation.py --movielens recbole-1.2.1-py3-none-any.whl --seeds 13 14 15

Protocols: `top-n` (every rating positive, per-user random 8:1:1, full ranking), `sequence` (temporal leave-one-out,
full ranking), `visits` (the same, with and without more weight on the visit that goes on, also on the fictional shop),
`cold` (15 % of the films hidden from training, ranked among themselves), `newcomers` (a fifth of the users hidden from
training and asked about 20 films: the answers come from half of their ratings, the other half is held out), `click`
(rating >= 4, global random 8:1:1), `few-shot` (TALLRec's, told in recommendation_few_shot.py). Everything is chosen on
validation (`--part validation`); test is looked at once. `terms` shows what novelty and fairness to creators in the
final list cost, by temporal leave-one-out, also on the fictional shop; nothing is chosen by it. `segments` and `moving`
show popularity by age and sex among a fifth of hidden users, and popularity that moves with events, by temporal split.
Nothing of the data is written anywhere.
"""

from __future__ import annotations

import argparse
import statistics
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from feilun.apps.recommendation.answering.business_rules import BusinessRules
from feilun.apps.recommendation.answering.policy import ListPolicy
from feilun.apps.recommendation.candidates.ease import Ease
from feilun.apps.recommendation.candidates.generator import scored
from feilun.apps.recommendation.candidates.in_segment import PopularInSegment
from feilun.apps.recommendation.judging.beside_baselines import BASELINES, judge, scorer_of, scorer_of_model
from feilun.apps.recommendation.judging.cold import judge_cold
from feilun.apps.recommendation.ranking.as_of import AsOf
from feilun.apps.recommendation.ranking.model import Model, fit_generators
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.ranking.trees import TreeSettings, grow_clicks
from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.records.context import Contexts, Situation, columns_of
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History, Interactions, made, read
from feilun.apps.recommendation.records.sessions import Session
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.sample.shop import simulate
from feilun.apps.recommendation.settings import CandidateSettings, RankingSettings, RecommendationSettings
from feilun.evaluation.metrics.clicks import area_under_curve, grouped_area, log_loss
from feilun.evaluation.protocols import split
from feilun.workflow.applications.recommendation.wiring import embedder_of
from recommendation_few_shot import few_shot

Figures = dict[str, dict[str, float]]

FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
SHOWN = ("ndcg@10", "recall@10", "mrr@10", "hr@10")


def table(wheel: Path, ending: str) -> list[list[str]]:
    """Return the rows of one of its files below the header."""
    with zipfile.ZipFile(wheel) as opened:
        text = opened.read(f"{FOLDER}.{ending}").decode()
    return [line.split("\t") for line in text.splitlines()[1:]]


class MovieLens:
    """The ratings as arrays, in the order of the file."""

    def __init__(self, wheel: Path) -> None:
        rows = table(wheel, "inter")
        self.users, self.user = np.unique([row[0] for row in rows], return_inverse=True)
        films = {
            row[0]: Item(row[0], row[1], categories=tuple(row[3].split()), tags=(row[2],))
            for row in table(wheel, "item")
        }
        known, self.item = np.unique([row[1] for row in rows], return_inverse=True)
        self.rating = np.array([float(row[2]) for row in rows])
        self.time = np.array([float(row[3]) for row in rows])
        items = [films.get(name, Item(name)) for name in known.tolist()]
        self.catalogue: Catalogue = build_catalogue(items, WordVectors([item.text for item in items], 64, 13))
        people = {row[0]: row[1:4] for row in table(wheel, "user")}
        self.age = np.array([float(people[user][0]) for user in self.users.tolist()])
        jobs = {name: i for i, name in enumerate(sorted({row[2] for row in people.values()}))}
        self.job = np.array([float(jobs[people[user][2]]) for user in self.users.tolist()])
        self.sex = np.array([float(people[user][1] == "M") for user in self.users.tolist()])

    def part(self, rows: np.ndarray) -> Interactions:
        """Return some ratings as interactions; a better rating says a little more."""
        weight = 0.6 + 0.1 * self.rating[rows]
        return made(self.users.tolist(), self.user[rows], self.item[rows], weight, self.time[rows], len(self.catalogue))


def ranked(data: MovieLens, seed: int, part: str, protocol: str) -> dict[str, dict[str, float]]:
    """Judge all recommenders by one split."""
    parts = split(protocol, data.user, data.time, seed)
    train = data.part(parts.train)
    validation, test = data.part(parts.validation), data.part(parts.test)
    held_out, masked = (test, validation) if part == "test" else (validation, None)
    now, shown = float(data.time.max()), np.ones(len(data.catalogue), bool)
    if protocol == "leave-one-out" and part == "test":
        train, masked = data.part(np.concatenate([parts.train, parts.validation])), None
    found = {}

    def add(name: str, scorer: Callable) -> None:
        judged = judge(scorer, train, held_out, data.catalogue, masked=masked, resamples=0)
        found[name] = {metric: judged.figures[metric].value for metric in SHOWN} | dict(judged.catalogue)

    for name, make in {**BASELINES, "EASE": Ease}.items():
        add(name, scorer_of(make().fit(train, data.catalogue, now), len(data.catalogue)))
    vectors = bpr(data, parts.train, seed)
    add("BPR", lambda user, *_: vectors[0][user] @ vectors[1].T)
    settings = settings_of_films()
    later = later_rows(train, protocol, seed)
    model = fit(train, data.catalogue, replace(settings, seed=seed), now, later=later)
    add("ours, generators fused", scorer_of_model(replace(model, trees=None), settings.candidates.quotas, shown))
    add("ours", scorer_of_model(model, settings.candidates.quotas, shown))
    return found


def bpr(data: MovieLens, rows: np.ndarray, seed: int, epochs: int = 70) -> list[np.ndarray]:
    """Return vectors of users and items by Bayesian personalised ranking (Rendle et al. 2009), as RecBole trains it.

    64 wide, Adam at 1e-3, batches of 2,048, one negative a positive; the epochs were chosen on validation of seed 13.
    It tells whether the protocol here is RecBole's: 0.2768 by its defaults and 0.2920 tuned.
    """
    source = np.random.default_rng(seed)
    torch.manual_seed(seed)
    user, item, items = data.user[rows], data.item[rows], len(data.catalogue)
    seen = np.zeros((len(data.users), items), bool)
    seen[user, item] = True
    tables = [torch.nn.Embedding(len(data.users), 64), torch.nn.Embedding(items, 64)]
    for table_of in tables:
        torch.nn.init.xavier_normal_(table_of.weight)
    optimizer = torch.optim.Adam([table_of.weight for table_of in tables], lr=1e-3)
    for _ in range(epochs):
        negative = source.integers(0, items, len(user))
        while (wrong := seen[user, negative]).any():
            negative[wrong] = source.integers(0, items, wrong.sum())
        for batch in np.array_split(source.permutation(len(user)), max(1, len(user) // 2048)):
            of_user, of_item, of_other = (
                side(torch.from_numpy(numbers[batch]))
                for side, numbers in ((tables[0], user), (tables[1], item), (tables[1], negative))
            )  # each (batch, 64)
            loss = -functional.logsigmoid((of_user * (of_item - of_other)).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return [table_of.weight.detach().numpy() for table_of in tables]


def settings_of_films() -> RecommendationSettings:
    """Return the application's settings."""
    quotas = {"ease": 150, "als": 150, "item-neighbours": 60, "text": 20, "popular": 20}
    return RecommendationSettings(
        application="recommendation",
        candidates=CandidateSettings(quotas=quotas),
        ranking=RankingSettings(trees=300, leaves=15, learning_rate=0.05),
    )


def later_rows(train: Interactions, protocol: str, seed: int) -> np.ndarray | None:
    """Return the rows on which the final ranking learns: held out as the test was."""
    parts = split(protocol, train.user, train.time, seed + 1)
    later = np.zeros(len(train), bool)
    later[parts.test] = True
    if protocol == "per-user-ratio":
        later[parts.validation] = True
    return later


def out_of_fold(data: MovieLens, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return collaborative features of the training rows from models that had not seen them, and of all rows."""
    folds = np.random.default_rng(seed).integers(0, 5, len(rows))
    columns = [np.full((len(data.user), 9), np.nan) for _ in range(2)]
    for fold in range(5):
        columns[0][rows[folds == fold]] = collaborative(data, rows[folds != fold], rows[folds == fold], seed)
    everything = np.arange(len(data.user))
    columns[1] = collaborative(data, rows, everything, seed)
    return columns[0], columns[1]


def collaborative(data: MovieLens, rows: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """Return what ratings say of asked pairs: means, counts, a factor model of ratings, neighbours, texts."""
    user, item, rating = data.user[rows], data.item[rows], data.rating[rows]
    mean = rating.mean()
    shape = (len(data.users), len(data.catalogue))
    of_item = np.bincount(item, rating - mean, shape[1]) / (np.bincount(item, minlength=shape[1]) + 5)
    rest = rating - mean - of_item[item]
    of_user = np.bincount(user, rest, shape[0]) / (np.bincount(user, minlength=shape[0]) + 5)
    left = np.zeros(shape)
    left[user, item] = rest - of_user[user]
    seen = np.zeros(shape)
    seen[user, item] = 1
    factors = factorised(left, seen, seed)
    likeness = left.T @ left
    size = np.sqrt(np.diag(likeness)) + 1e-9
    likeness = likeness / (size[:, None] * size) * (seen.T @ seen / (seen.T @ seen + 20))
    np.fill_diagonal(likeness, 0)
    positive = np.maximum(likeness, 0)
    near = (left @ positive) / (seen @ positive + 1)
    texts = np.maximum(data.catalogue.vectors @ data.catalogue.vectors.T, 0).astype(np.float64)
    np.fill_diagonal(texts, 0)
    worded = (left @ texts) / (seen @ texts + 1)
    u, i = data.user[asked], data.item[asked]
    return np.stack(
        [
            of_user[u], of_item[i], factors[u, i], near[u, i], worded[u, i],
            np.log1p(seen.sum(1))[u], np.log1p(seen.sum(0))[i],
            (left**2).sum(1)[u] / (seen.sum(1)[u] + 1), of_user[u] + of_item[i] + factors[u, i],
        ],
        axis=1,
    )  # fmt: skip


def factorised(left: np.ndarray, seen: np.ndarray, seed: int, width: int = 16, ridge: float = 8.0) -> np.ndarray:
    """Return a ridge factorisation of the residuals by alternating least squares, shape (users, items)."""
    source = np.random.default_rng(seed)
    sides = [source.normal(0, 0.1, (left.shape[axis], width)) for axis in (0, 1)]
    for _ in range(8):
        for mine, other, values, there in ((0, 1, left, seen), (1, 0, left.T, seen.T)):
            for row in range(len(sides[mine])):
                picked = np.flatnonzero(there[row])
                beside = sides[other][picked]
                gram = beside.T @ beside + ridge * np.eye(width)
                sides[mine][row] = np.linalg.solve(gram, beside.T @ values[row, picked])
    product: np.ndarray = sides[0] @ sides[1].T
    return product


def clicked(data: MovieLens, seed: int, part: str) -> dict[str, dict[str, float]]:
    """Predict whether a rating is 4 or 5, by several sets of features."""
    parts = split("global-random", data.user, data.time, seed)
    held_out = parts.test if part == "test" else parts.validation
    liked = data.rating >= 4
    inside, outside = out_of_fold(data, parts.train, seed)
    hours = np.stack([data.time // 3600 % 24, data.time // 86400 % 7, data.time / 86400], axis=1)
    genres = data.catalogue.category_matrix()[data.item].toarray()
    person = np.stack([data.age[data.user], data.job[data.user], data.sex[data.user]], axis=1)
    words = data.catalogue.vectors[data.item][:, :16]
    groups = {"collaborative": [0, 1, 2, 3, 5, 6, 7, 8], "text": [4]}
    found = {}
    for name in ("all", "without text", "without collaborative", "without context"):
        kept = [column for group, columns in groups.items() if f"without {group}" != name for column in columns]
        more = [] if name == "without context" else [hours, person]
        more += [] if name == "without text" else [genres, words]
        tables = [np.concatenate([columns[:, kept], *more], axis=1) for columns in (inside, outside)]
        judged = np.random.default_rng(seed).random(len(parts.train)) < 0.1
        trees = grow_clicks(
            tables[0][parts.train], liked[parts.train], judged, [str(i) for i in range(tables[0].shape[1])],
            TreeSettings(trees=500, leaves=31, learning_rate=0.04, seed=seed),
        )  # fmt: skip
        scores = trees.scores(tables[1][held_out])
        chances = 1 / (1 + np.exp(-scores))
        truth = liked[held_out]
        found[name] = {
            "AUC": area_under_curve(scores, truth),
            "GAUC": grouped_area(scores, truth, data.user[held_out]),
            "log loss": log_loss(chances, truth),
        }
    return found


def cold(data: MovieLens, seed: int) -> dict[str, dict[str, float]]:
    """Hide 15 % of the films from training and rank them among themselves."""
    everything = data.part(np.arange(len(data.user)))
    judged = judge_cold(everything, data.catalogue, seed, float(data.time.max()))
    return {name: {metric: one.figures[metric].value for metric in SHOWN} for name, one in judged.items()}


def newcomers(data: MovieLens, seed: int, asked: int = 20) -> dict[str, dict[str, float]]:
    """Hide a fifth of the users from training and judge what a few answers are worth to them."""
    source = np.random.default_rng(seed)
    fresh = np.isin(data.user, source.permutation(len(data.users))[: len(data.users) // 5])
    told = fresh & (source.random(len(data.user)) < 0.5)
    train, known, held_out = (data.part(np.flatnonzero(rows)) for rows in (~fresh, told, fresh & ~told))
    settings, now, shown = settings_of_films(), float(data.time.max()), np.ones(len(data.catalogue), bool)
    model = fit(train, data.catalogue, replace(settings, seed=seed), now)
    scorer = scorer_of_model(model, settings.candidates.quotas, shown)
    liked = told & (data.rating >= 4)
    some = {
        "answers about the most taken films": np.argsort(-train.popularity(), kind="stable")[:asked],
        "answers about any films": source.permutation(len(data.catalogue))[:asked],
    }
    arms: dict[str, Callable] = {"nothing asked": lambda user, _, moment: scorer(user, NO_HISTORY, moment)}
    for name, films in some.items():
        said = liked & np.isin(data.item, films)
        arms[name] = lambda user, _, moment, said=said: scorer(
            user, NO_HISTORY.then(data.item[said & (data.user == user)], now), moment
        )
    arms["half of what they rated is known"] = scorer
    found = {}
    for name, arm in arms.items():
        judged = judge(arm, known, held_out, data.catalogue, resamples=0)
        found[name] = {metric: judged.figures[metric].value for metric in SHOWN}
    return found


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


def show(title: str, runs: list[dict[str, dict[str, float]]]) -> None:
    """Print a table of means and spreads."""
    columns = list(next(iter(runs[0].values())))
    print(f"\n{title}, mean (min–max) of {len(runs)} seeds\n\n| recommender | {' | '.join(columns)} |")
    print("|" + " --- |" * (len(columns) + 1))
    for name in runs[0]:
        cells = []
        for column in columns:
            values = [run[name][column] for run in runs]
            spread = f" ({min(values):.4f}–{max(values):.4f})" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.4f}{spread}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movielens", type=Path, required=True, help="the wheel recbole-1.2.1-py3-none-any.whl")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[
            "top-n",
            "sequence",
            "visits",
            "terms",
            "segments",
            "moving",
            "cold",
            "newcomers",
            "click",
            "few-shot",
        ],
    )
    parser.add_argument("--base", default="multilingual-e5-small", help="also reads the texts in few-shot")
    chosen = parser.parse_args()
    data = MovieLens(chosen.movielens)
    for name, protocol in (("top-n", "per-user-ratio"), ("sequence", "leave-one-out")):
        if name in chosen.only:
            show(f"{name} ({chosen.part})", [ranked(data, seed, chosen.part, protocol) for seed in chosen.seeds])
    if "visits" in chosen.only:
        films = data.part(np.arange(len(data.user)))
        runs = [visits(films, data.catalogue, replace(settings_of_films(), seed=s), chosen.part) for s in chosen.seeds]
        show(f"the visit that goes on, MovieLens ({chosen.part})", runs)
        runs = [fictional_shop(seed, chosen.part) for seed in chosen.seeds]
        show(f"the visit that goes on, fictional shop ({chosen.part})", runs)
    if "terms" in chosen.only:
        films = data.part(np.arange(len(data.user)))
        runs = [terms(films, data.catalogue, replace(settings_of_films(), seed=s), chosen.part) for s in chosen.seeds]
        show(f"terms of the list, MovieLens ({chosen.part})", runs)
        runs = [fictional_shop(seed, chosen.part, terms) for seed in chosen.seeds]
        show(f"terms of the list, fictional shop ({chosen.part})", runs)
    if "segments" in chosen.only:
        show("newcomers by segment", [segments(data, seed) for seed in chosen.seeds])
    if "moving" in chosen.only:
        show("popularity that moves", [moving(data, chosen.seeds[0])])
    if "cold" in chosen.only:
        show("cold films", [cold(data, seed) for seed in chosen.seeds])
    if "newcomers" in chosen.only:
        show("newcomers", [newcomers(data, seed) for seed in chosen.seeds])
    if "click" in chosen.only:
        show(f"click ({chosen.part})", [clicked(data, seed, chosen.part) for seed in chosen.seeds])
    if "few-shot" in chosen.only:
        few_shot(data, {"words": None, chosen.base: embedder_of(chosen.base, [], 13)})


if __name__ == "__main__":
    main()
