"""Training by one process and by several with as many threads in all; and with layers computed anew.

    python benchmarks/parallel.py --data ../shared/data/waimai_10k --base multilingual-e5-small --workers 2

Every arm does the same steps on the same rows, in turn, each in processes of its own. A figure is the median over the
rounds of texts a second after two steps of warm-up, and the most memory that the process that gives the orders had.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build, build_anew
from feilun.training.fit import Run
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from feilun.training.workers.parallel import settings_of_each, team_of
from feilun.workflow.adaptations.cost import peak_bytes
from public_tables import read

WARM_UP = 2


def measure(splits: Splits, settings: TrainingSettings, chosen: argparse.Namespace, workers: int) -> dict[str, float]:
    """Train for a while; return texts a second and the peak of this process in megabytes."""
    model_settings = ModelSettings(base=chosen.base)
    model = build(model_settings, open_base(chosen.base), splits, 13)
    own = settings_of_each(settings, workers)
    again = partial(build_anew, model_settings, splits, 13)
    with tempfile.TemporaryDirectory() as name, team_of(workers, again, model, splits.train, own) as team:
        run = Run(model, splits, own, RunFolder(Path(name)), Path(name), "benchmark", team=team)
        model.train()
        done, began = 0, 0.0
        for number, batches in enumerate(run.steps(0)):
            if number == WARM_UP:
                began = time.perf_counter()
            run.step(batches)
            done += sum(map(len, batches)) if number >= WARM_UP else 0
            if began and time.perf_counter() - began > chosen.seconds:
                break
        return {"speed": done / (time.perf_counter() - began), "peak": peak_bytes() / 1e6}


def arms_of(workers: int) -> dict[str, tuple[TrainingSettings, int]]:
    """Return settings and number of processes of each arm."""
    plain = TrainingSettings()
    return {
        "one process": (plain, 1),
        f"{workers} workers": (plain, workers),
        "one process, gradient checkpointing": (replace(plain, gradient_checkpointing=True), 1),
    }


def in_processes_of_its_own(arm: str, chosen: argparse.Namespace) -> dict[str, float]:
    """Run one arm and return its figures."""
    command = [sys.executable, __file__, "--data", chosen.data, "--base", chosen.base, "--seconds", chosen.seconds,
               "--workers", chosen.workers, "--arm", arm]  # fmt: skip
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--arm", help="run this one here and print its figures")
    chosen = parser.parse_args()
    arms = arms_of(chosen.workers)
    if chosen.arm:
        train, dev = read(chosen.data / "train.csv"), read(chosen.data / "dev.csv").select(range(8))
        splits = Splits(train, dev, dev, LabelSet(tuple(sorted(set(train.target)))), {}, "")
        print(json.dumps(measure(splits, arms[chosen.arm][0], chosen, arms[chosen.arm][1])))
        return
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for _ in range(chosen.rounds):
        for arm, figures in found.items():
            figures.append(in_processes_of_its_own(arm, chosen))
    print(f"{chosen.base}, {chosen.data.name}, {torch.get_num_threads()} threads in all, {chosen.rounds} rounds")
    print("| arm | texts/s (min–max) | ÷ one process | peak MB |\n|---|---|---|---|")
    one = statistics.median(figures["speed"] for figures in found["one process"])
    for arm, rounds in found.items():
        speeds, peak = [figures["speed"] for figures in rounds], max(figures["peak"] for figures in rounds)
        middle = statistics.median(speeds)
        print(f"| {arm} | {middle:.0f} ({min(speeds):.0f}–{max(speeds):.0f}) | {middle / one:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
