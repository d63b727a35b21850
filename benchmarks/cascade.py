"""A cascade beside its int8 transformer alone, on one machine in one run: throughput, and accuracy on the test rows.

    python benchmarks/cascade.py --data ../shared/data --only banking77 --threads 1

Each transformer is trained by the defaults (or taken from --bundles FOLDER, which holds a bundle by the name of each
data set), then made a cascade as `feilun compress --cascade` does: its threshold is chosen on dev, test looked at once.
The arms take turns; a round is the test texts, repeated or cut to --texts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.cascade import Cascade
from feilun.bundles.runtime import Runtime
from feilun.core.corpus import corpus_of
from feilun.workflow.finished.compress_bundle import Rows, compress_bundle, wanted
from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train
from public_tables import texts_and_labels
from quality import CASES, Case

SETS = ("banking77", "thucnews_titles")


def trained(case: Case, data: Path, folder: Path) -> Bundle:
    """Train the transformer of a data set by the defaults."""
    tables = {part: str(data / case.data / f"{name}.csv") for part, name in
              (("train", "train"), ("validation", "dev"), ("test", "test"))}  # fmt: skip
    recipe = from_table({
        "name": case.data, "task": "classify", "data": {**tables, "text": "text", "target": "label"},
        "model": {"base": case.base}, "training": {"epochs": case.epochs},
    })  # fmt: skip
    return train(recipe, out=folder / case.data)


def cascade_of(bundle: Bundle, case: Case, data: Path, folder: Path, threads: int | None) -> Cascade:
    """Make a cascade of a bundle; its student is judged alone too."""
    rows = Rows(*(str(data / case.data / f"{name}.csv") for name in ("train", "dev", "test")))
    made = compress_bundle(bundle, rows, wanted(bundle, {"form": "cascade"}), out=folder / f"{case.data}-cascade")
    runtime = open_bundle(made.path, threads=threads).predictor
    assert isinstance(runtime, Cascade), made.report.notes
    return runtime


def speed(runtime: Runtime, texts: list[str]) -> float:
    """Return texts a second."""
    corpus = corpus_of(texts)
    began = time.perf_counter()
    runtime.logits(corpus)
    return len(texts) / (time.perf_counter() - began)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=3000)
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    print("| data, base | arm | texts/s (min–max) | ÷ int8 alone | accuracy, test | points lost |\n|" + "---|" * 6)
    for case in (case for case in CASES if case.data in chosen.only):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            had = chosen.bundles and chosen.bundles / case.data
            alone = open_bundle(had, threads=chosen.threads) if had else trained(case, chosen.data, folder)
            cascade = cascade_of(alone, case, chosen.data, folder, chosen.threads)
            arms = {"int8 alone": alone.predictor, "cascade": cascade, "student alone": cascade.student}
            report(case, arms, texts_and_labels(chosen.data / case.data / "test.csv"), chosen.rounds, chosen.texts)


def report(case: Case, arms: dict[str, Runtime], rows: tuple[list[str], list[str]], rounds: int, texts: int) -> None:
    """Measure the arms in turn and print their rows."""
    many = (rows[0] * (1 + texts // len(rows[0])))[:texts]
    for runtime in arms.values():
        speed(runtime, many[:500])
    speeds: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(rounds):
        for arm, runtime in arms.items():
            speeds[arm].append(speed(runtime, many))
    targets = arms["int8 alone"].labels.encode(rows[1])
    accuracy = {arm: float((rt.logits(corpus_of(rows[0])).argmax(1) == targets).mean()) for arm, rt in arms.items()}
    base, threads = statistics.median(speeds["int8 alone"]), arms["int8 alone"].threads
    for arm, runtime in arms.items():
        own, share = speeds[arm], ""
        if isinstance(runtime, Cascade):
            answered = runtime.sure(runtime.student.logits(corpus_of(rows[0])))
            share = f", student answers {answered.mean():.0%}"
        print(f"| {case.data}, {case.base}, {threads} thread(s) | {arm}{share} | {statistics.median(own):,.0f} "
              f"({min(own):,.0f}–{max(own):,.0f}) | {statistics.median(own) / base:.1f} × | {accuracy[arm]:.4f} | "
              f"{100 * (accuracy['int8 alone'] - accuracy[arm]):.2f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
