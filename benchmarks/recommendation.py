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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from feilun.apps.recommendation.candidates.ease import Ease
from feilun.apps.recommendation.judging.against_baselines import BASELINES, judge, scorer_of, scorer_of_model
from feilun.apps.recommendation.judging.cold_start import judge_cold
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.interactions import NO_HISTORY
from feilun.evaluation.protocols import split
from feilun.workflow.applications.recommendation.prepared import embedder_of
from recommendation_click import clicked
from recommendation_few_shot import few_shot
from recommendation_films import SHOWN, Figures, MovieLens, later_rows, settings_of_films
from recommendation_lists import fictional_shop, moving, segments, terms, visits


def ranked(data: MovieLens, seed: int, part: str, protocol: str) -> Figures:
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


def cold(data: MovieLens, seed: int) -> Figures:
    """Hide 15 % of the films from training and rank them among themselves."""
    everything = data.part(np.arange(len(data.user)))
    judged = judge_cold(everything, data.catalogue, seed, float(data.time.max()))
    return {name: {metric: one.figures[metric].value for metric in SHOWN} for name, one in judged.items()}


def newcomers(data: MovieLens, seed: int, asked: int = 20) -> Figures:
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


def show(title: str, runs: list[Figures]) -> None:
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
