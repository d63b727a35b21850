"""What an interest model is worth: texts read by words, by a base as it is, and by the same base fine-tuned.

    python benchmarks/recommendation_interest.py --seeds 13 14 15
    python benchmarks/recommendation_interest.py --movielens recbole-1.2.1-py3-none-any.whl --base minilm-l6-en

Of the fictional shop, or of MovieLens 100K, read in memory. The temporal split: an interest model learns from the first
72 % of the interactions (what the final ranking does not learn on), and knows nothing of the 15 % of items that are
hidden to be judged as cold ones; these are ranked among themselves. `overall` judges the whole application on the last
tenth (NDCG@10 over the whole catalogue). Settings of the training are the application's defaults unless given; nothing
is chosen by these figures. FEILUN_HOME receives the models.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from feilun.apps.recommendation.interest.settings import InterestSettings
from feilun.apps.recommendation.judging.against_baselines import judge, scorer_of_model
from feilun.apps.recommendation.judging.cold_start import hidden_items, judge_cold
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.records.interactions import Interactions, read
from feilun.apps.recommendation.sample.shop import simulate
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.evaluation.protocols import split
from feilun.workflow.applications.recommendation.interest import history_reader, tuned
from feilun.workflow.applications.recommendation.prepared import before_ranking, embedder_of
from recommendation_films import Figures, MovieLens, settings_of_films

Data = tuple[Interactions, Catalogue, RecommendationSettings, float]


def shop_of(seed: int) -> Data:
    """Return the fictional shop's events, drawn by a seed, with its items and settings."""
    sample, settings = simulate(seed), RecommendationSettings(application="recommendation", name="interest-shop")
    catalogue = build_catalogue(sample.items, embedder_of(None, [item.text for item in sample.items], seed))
    said = read(sample.events, catalogue.index, settings.signals, sample.now, len(catalogue))
    return said.positive, catalogue, settings, sample.now


def films_of(wheel: Path) -> Data:
    """Return MovieLens' ratings, all positive, with its films and settings."""
    data = MovieLens(wheel)
    settings = replace(settings_of_films(), name="interest-films")
    return data.part(np.arange(len(data.user))), data.catalogue, settings, float(data.time.max())


def arms(data: Data, interest: InterestSettings, seed: int, wanted: list[str], names: list[str]) -> Figures:
    """Judge each way to read texts.

    Args:
        data: Interactions, catalogue, settings, and the end of time.
        interest: How the model is trained.
        seed: Of everything drawn.
        wanted: `cold`, `overall`, or both.
        names: `words`, `untuned`, `tuned`.
    """
    everything, catalogue, settings, end = data
    settings = replace(settings, seed=seed)
    parts = split("temporal", everything.user, everything.time)
    known = everything.select(np.sort(np.concatenate([parts.train, parts.validation])))
    held_out, texts, found = everything.select(parts.test), [item.text for item in catalogue.items], {}
    for name in names:
        began = time.process_time()
        own, reader = settings, None
        if name == "tuned":
            own = replace(settings, interest=interest)
            hidden = hidden_items(len(catalogue), seed)
            reads = tuned(own, before_ranking(known, own), catalogue.items, left_out=hidden)
            reader = history_reader(own, reads)
        else:
            reads = embedder_of(None if name == "words" else interest.base, texts, seed)
        taken = time.process_time() - began
        read_by = build_catalogue(catalogue.items, reads, reader)
        found[name] = {"processor seconds of training": taken}
        if "cold" in wanted:
            for judged_as, one in judge_cold(everything, read_by, seed, end).items():
                found[name][f"cold: {judged_as}"] = one.figures["ndcg@10"].value
        if "overall" in wanted:
            model = fit(known, read_by, own, float(held_out.time.min()))
            scorer = scorer_of_model(model, own.candidates.quotas, read_by.shown)
            found[name]["overall"] = judge(scorer, known, held_out, read_by, resamples=0).figures["ndcg@10"].value
        print(seed, name, {key: round(value, 4) for key, value in found[name].items()}, flush=True)
    return found


def show(runs: list[Figures]) -> None:
    """Print NDCG@10, mean (least to most) of the seeds."""
    print(f"\nNDCG@10, mean (min–max) of {len(runs)} seeds")
    for name in runs[0]:
        for column in runs[0][name]:
            values = [run[name][column] for run in runs]
            print(f"{name:<10}{column:<32}{np.mean(values):8.4f} ({min(values):.4f}–{max(values):.4f})")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movielens", type=Path, help="the wheel recbole-1.2.1-py3-none-any.whl; else the shop")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--only", nargs="*", default=["cold", "overall"], choices=("cold", "overall"))
    parser.add_argument("--arms", nargs="*", default=["words", "untuned", "tuned"])
    defaults = InterestSettings()
    parser.add_argument("--base", default=defaults.base)
    for name in ("layers", "pairs", "epochs"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    chosen = parser.parse_args()
    interest = InterestSettings(True, chosen.base, chosen.layers, chosen.pairs, chosen.epochs)
    runs = []
    for seed in chosen.seeds:
        data = shop_of(seed) if chosen.movielens is None else films_of(chosen.movielens)
        runs.append(arms(data, interest, seed, chosen.only, chosen.arms))
    show(runs)


if __name__ == "__main__":
    main()
