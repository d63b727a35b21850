"""What a base that read the texts of a domain is worth to a classifier, with all labels and with few.

    feilun pretrain texts.csv --base minilm-l6-en --out out/read
    python benchmarks/pretraining.py --data ../shared/data/financial_phrasebank --bases minilm-l6-en out/read

Each base is fine-tuned on a share of the training rows, drawn by the seed, with the settings of a recipe; some dev rows
choose the weights of each run. The table has macro-F1 on dev and test, the mean over the seeds with its range.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from feilun.core.splits import Splits
from feilun.data.prepare import prepare
from feilun.data.settings import DataSettings
from feilun.evaluation.judges.table import JUDGES
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.training.fit import fit
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder


def part_of(splits: Splits, share: float, seed: int) -> Splits:
    """Keep a share of the training rows, drawn by the seed."""
    rows = len(splits.train)
    drawn = np.random.default_rng(seed).permutation(rows)[: round(share * rows)]
    return replace(splits, train=splits.train.select(sorted(drawn.tolist())))


def macro_f1(base: str, splits: Splits, settings: TrainingSettings, max_tokens: int, choosing: int) -> list[float]:
    """Fine-tune a base, so many dev rows choosing its weights, and judge it on dev and test."""
    model = build(ModelSettings(base=base, max_tokens=max_tokens), open_base(base), splits, settings.seed)
    chosen_by = replace(splits, validation=splits.validation.select(range(min(choosing, len(splits.validation)))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fit(model, chosen_by, settings, RunFolder(folder), folder, identity="benchmark")
    judge = JUDGES["classify"]
    return [
        judge.figures(model.logits(rows), rows, model.labels, model.decision)["macro_f1"]
        for rows in (splits.validation, splits.test)
    ]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bases", nargs="+", required=True)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 1.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--epochs", type=int, nargs="+", default=[12, 4], help="of each share")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--choosing", type=int, default=160)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    files = {name: str(arguments.data / f"{name}.csv") for name in ("train", "dev", "test")}
    splits = prepare(DataSettings(files["train"], validation=files["dev"], test=files["test"]))
    print("| labels | base | macro-F1 on dev | on test |\n| --- | --- | --- | --- |")
    for share, epochs in zip(arguments.shares, arguments.epochs, strict=True):
        for base in arguments.bases:
            scores = []
            for seed in arguments.seeds:
                settings = TrainingSettings(
                    epochs=epochs, seed=seed, threads=arguments.threads,
                    early_stopping=EarlyStopping(patience=0, evaluations_per_epoch=1),
                )  # fmt: skip
                own = part_of(splits, share, seed)
                scores.append(macro_f1(base, own, settings, arguments.max_tokens, arguments.choosing))
            cells = [f"{np.mean(own):.3f} ({min(own):.3f}–{max(own):.3f})" for own in zip(*scores, strict=True)]
            print(f"| {share:g} | {base} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
