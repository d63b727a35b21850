"""Quality on public data sets: ours, trained by the defaults and judged as it is served, beside the baselines.

    python benchmarks/quality.py --data ../shared/data --seeds 13 14 15 --only financial_phrasebank waimai_10k

Trains on train, chooses by dev, looks at test once. The recipe of each set says only base, epochs and columns. Tasks:
`classify`, `tag`, `multilabel`, `match` (read together) and `regress`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feilun.workflow.recipe import Recipe, from_table
from feilun.workflow.steps import train

SPANS = {"target": "entities"}
PAIRS = {"text": "sentence1", "pair": "sentence2"}


@dataclass(frozen=True)
class Case:
    """A data set, its base, its epochs, the metric and the aim.

    Args:
        data: Folder of the data set.
        base: The base that it is trained on.
        epochs: Times over the training rows.
        aims: The figures to compare, higher being better, and what each is to reach, where there is an aim.
        task: What is learned.
        columns: Keys of `[data]` that differ from `text` and `label`.
        max_tokens: Longest sequence.
        head: Keys of `[model.head]`.
    """

    data: str
    base: str
    epochs: int
    aims: Mapping[str, float | None]
    task: str = "classify"
    columns: Mapping[str, str] = field(default_factory=dict)
    max_tokens: int = 128
    head: Mapping[str, str] = field(default_factory=dict)


CASES = (
    Case("financial_phrasebank", "multilingual-e5-small", 4, {"accuracy": 0.84}),
    Case("banking77", "minilm-l6-en", 8, {"accuracy": 0.935}),
    Case("waimai_10k", "multilingual-e5-small", 3, {"macro_f1": 0.885}),
    Case("chnsenticorp_hotel", "multilingual-e5-small", 3, {"macro_f1": 0.88}),
    Case("thucnews_titles", "multilingual-e5-small", 6, {"accuracy": 0.90}),
    Case("airline_tweets", "minilm-l6-en", 3, {"macro_f1": 0.80}),
    Case("zh_financial_news", "multilingual-e5-small", 4, {"macro_f1": None}),
    Case("online_shopping_10_cats", "multilingual-e5-small", 3, {"macro_f1": None}),
    Case("tnews", "multilingual-e5-small", 6, {"accuracy": 0.53}),
    Case("clinc150", "minilm-l6-en", 6, {"in_scope_accuracy": 0.96, "oos_recall": 0.60},
         head={"out_of_scope": "oos"}),
    Case("cluener", "multilingual-e5-small", 8, {"entity_f1": 0.72}, "tag", SPANS),
    Case("ncbi_disease", "minilm-l6-en", 8, {"entity_f1": 0.82}, "tag", SPANS),
    Case("resume_ner_zh", "multilingual-e5-small", 4, {"entity_f1": None}, "tag", SPANS),
    Case("weibo_ner", "multilingual-e5-small", 8, {"entity_f1": None}, "tag", SPANS),
    Case("zh_car_opinion", "multilingual-e5-small", 4, {"micro_f1": None}, "multilabel",
         {"target": "topic", "gather": "content_id"}),
    Case("bq_corpus", "multilingual-e5-small", 4, {"accuracy": 0.77}, "match", PAIRS, 96),
    Case("lcqmc", "multilingual-e5-small", 4, {"accuracy": 0.80}, "match", PAIRS, 96),
    Case("lcsts_part3", "multilingual-e5-small", 4, {"r2": None}, "regress",
         {"pair": "summary", "target": "human_score"}, 192),
)  # fmt: skip


def recipe_of(case: Case, folder: Path, seed: int) -> Recipe:
    """Return the recipe of a case: defaults, but for base, epochs and columns."""
    ending = next(ending for ending in ("csv", "jsonl") if (folder / case.data / f"train.{ending}").is_file())
    tables = {part: str(folder / case.data / f"{name}.{ending}") for part, name in
              (("train", "train"), ("validation", "dev"), ("test", "test"))}  # fmt: skip
    return from_table({
        "name": case.data, "task": case.task, "data": {**tables, "text": "text", "target": "label", **case.columns},
        "model": {"base": case.base, "max_tokens": case.max_tokens, "head": dict(case.head)},
        "training": {"epochs": case.epochs, "seed": seed},
    })  # fmt: skip


def run(case: Case, folder: Path, seed: int) -> tuple[dict[str, float], dict[str, dict[str, float]], float]:
    """Train one case and return its figures, its baselines' and the seconds."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        report = train(recipe_of(case, folder, seed), out=Path(out) / "bundle").report
    figures = {name: figure.value for name, figure in report.metrics.items()}
    return figures, {k: dict(v) for k, v in report.baselines.items()}, time.perf_counter() - began


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--only", nargs="*", default=[case.data for case in CASES])
    chosen = parser.parse_args()
    print("| data | base | epochs | metric | ours, mean (min–max; seeds) | aim | baselines | seconds |\n|" + "---|" * 8)
    for case in CASES:
        if case.data not in chosen.only:
            continue
        runs = [run(case, chosen.data, seed) for seed in chosen.seeds]
        for metric, aim in case.aims.items():
            values = [figures[metric] for figures, _, _ in runs]
            beside = ", ".join(f"{name} {row[metric]:.3f}" for name, row in runs[0][1].items())
            spread = f"{min(values):.4f}–{max(values):.4f}; {len(values)}"
            ours = f"{statistics.mean(values):.4f} ({spread})"
            print(f"| {case.data} | {case.base} | {case.epochs} | {metric} | {ours} | {aim or ''} | "
                  f"{beside} | {statistics.mean(s for _, _, s in runs):.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
