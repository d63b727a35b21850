"""Quality on public data sets: ours, trained by the defaults and judged as it is served, beside the baselines.

    python benchmarks/quality.py --data ../shared/data --seeds 13 14 15 --only financial_phrasebank waimai_10k

Trains on train, chooses by dev, looks at test once. The recipe of each set says only base and epochs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train


@dataclass(frozen=True)
class Case:
    """A data set, its base, its epochs, the metric and the aim of TARGETS."""

    data: str
    base: str
    epochs: int
    metric: str
    aim: float


CASES = (
    Case("financial_phrasebank", "multilingual-e5-small", 4, "accuracy", 0.84),
    Case("banking77", "minilm-l6-en", 8, "accuracy", 0.935),
    Case("waimai_10k", "multilingual-e5-small", 3, "macro_f1", 0.885),
    Case("chnsenticorp_hotel", "multilingual-e5-small", 3, "macro_f1", 0.88),
    Case("thucnews_titles", "multilingual-e5-small", 6, "accuracy", 0.90),
)


def run(case: Case, folder: Path, seed: int) -> tuple[dict[str, float], dict[str, dict[str, float]], float]:
    """Train one case and return its figures, its baselines' and the seconds."""
    tables = {part: str(folder / case.data / f"{name}.csv") for part, name in
              (("train", "train"), ("validation", "dev"), ("test", "test"))}  # fmt: skip
    recipe = from_table({
        "name": case.data, "task": "classify", "data": {**tables, "text": "text", "target": "label"},
        "model": {"base": case.base}, "training": {"epochs": case.epochs, "seed": seed},
    })  # fmt: skip
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        report = train(recipe, out=Path(out) / "bundle").report
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
        values = [figures[case.metric] for figures, _, _ in runs]
        beside = ", ".join(f"{name} {row[case.metric]:.3f}" for name, row in runs[0][1].items())
        spread = f"{min(values):.4f}–{max(values):.4f}; {len(values)}"
        ours = f"{statistics.mean(values):.4f} ({spread})"
        print(f"| {case.data} | {case.base} | {case.epochs} | {case.metric} | {ours} | {case.aim} | "
              f"{beside} | {statistics.mean(s for _, _, s in runs):.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
