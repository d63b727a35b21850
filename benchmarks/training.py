"""Training speed: ours beside the Hugging Face Trainer, arm by arm in turn, each in a process of its own.

    python benchmarks/training.py --data ../shared/data/banking77 --base minilm-l6-en

Each arm trains the same rows from the same weights. An arm's figure is the median over the rounds of texts a second
after its warm-up; `--accuracy` trains some arms to the end instead and prints the accuracy on dev. An arm has its own
process because what one asks of the C library's memory would also help those that are measured after it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.frozen import Frozen
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.models.pooling import pool
from feilun.models.text_model import TextModel
from feilun.training.fit import Run
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from public_tables import read

WARM_UP_SECONDS = 1.0


class PlainModel(nn.Module):
    """The peer's model: the same base and a linear head, by the base's own code."""

    def __init__(self, model: TextModel) -> None:
        super().__init__()
        self.body, self.head, self.pooling = model.body, nn.Linear(model.base.hidden, len(model.labels)), "mean"

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return loss and logits, as the Trainer wants them."""
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits = self.head(pool(hidden, attention_mask, self.pooling))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Clock(TrainerCallback):
    """Stops the Trainer after some seconds and counts what it did since its warm-up."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.steps, self.began, self.ended = seconds, 0, 0.0, 0.0

    def on_step_end(self, args, state, control, **_):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN201, D102
        now = time.perf_counter()
        if not self.began:
            self.first = getattr(self, "first", now)
            if now - self.first > WARM_UP_SECONDS:
                self.began = now
            return
        self.steps, self.ended = self.steps + 1, now
        if self.seconds and now - self.began > self.seconds:
            control.should_training_stop = True


def trainer_arm(
    rows: int, *, bf16: bool, grouped: bool, frozen_words: bool = False, frozen_base: bool = False
) -> Callable[..., float]:
    """Return the peer at a batch size: texts a second, or the accuracy on dev where `epochs` is given."""

    def run(splits: Splits, base: str, seconds: float, epochs: int = 0) -> float:
        model = build(ModelSettings(base=base), open_base(base), splits, 13)
        model.body.requires_grad_(not frozen_base)
        model.body.get_input_embeddings().weight.requires_grad_(not (frozen_words or frozen_base))
        plain = PlainModel(model)
        tokens = model.encoder.encode(splits.train.text)
        targets = splits.labels.encode(splits.train.target)
        dataset = [{"input_ids": ids, "labels": int(y)} for ids, y in zip(tokens, targets, strict=True)]

        def collate(batch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            width = max(len(row["input_ids"]) for row in batch)
            ids = torch.full((len(batch), width), model.base.pad_id)
            for i, row in enumerate(batch):
                ids[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            mask = torch.tensor([[1] * len(r["input_ids"]) + [0] * (width - len(r["input_ids"])) for r in batch])
            return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([r["labels"] for r in batch])}

        clock = Clock(0 if epochs else seconds)
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder, per_device_train_batch_size=rows, num_train_epochs=epochs or 100, learning_rate=1e-4,
                use_cpu=True, bf16=bf16, save_strategy="no", logging_strategy="no",
                train_sampling_strategy="group_by_length" if grouped else "random", report_to=[],
                disable_tqdm=True, seed=13, remove_unused_columns=False,
                warmup_steps=0.1,
            )  # fmt: skip
            began = time.perf_counter()
            Trainer(plain, arguments, train_dataset=dataset, data_collator=collate, callbacks=[clock]).train()
        if epochs < 0:
            return time.perf_counter() - began
        if epochs:
            model.head.linear.load_state_dict(plain.head.state_dict())
            return accuracy(model, splits.validation)
        return clock.steps * rows / (clock.ended - clock.began)

    return run


def our_arm(settings: TrainingSettings, *, frozen: bool = False) -> Callable[..., float]:
    """Return ours with some settings: texts a second, or the accuracy on dev where `epochs` is given."""

    def run(splits: Splits, base: str, seconds: float, epochs: int = 0) -> float:
        chosen = replace(settings, epochs=epochs or 100, early_stopping=EarlyStopping("accuracy", 0, 1))
        adaptation = {"adaptation": Frozen()} if frozen else {}
        model = build(ModelSettings(base=base, **adaptation), open_base(base), splits, 13)
        with tempfile.TemporaryDirectory() as folder:
            training = Run(model, splits, chosen, RunFolder(Path(folder)), Path(folder), "benchmark")
            if epochs:
                from feilun.training.interruption import Interruption

                training.go(None, Interruption())
                training.close()
                return accuracy(model, splits.validation)
            model.train()
            began = first = time.perf_counter()
            warm, done = False, 0
            for epoch in range(100):
                for batches in training.steps(epoch):
                    training.step(batches)
                    now = time.perf_counter()
                    if not warm:
                        warm, began = now - first > WARM_UP_SECONDS, now
                        continue
                    done += sum(map(len, batches))
                    if now - began > seconds:
                        return done / (now - began)
        return done / seconds

    return run


def accuracy(model: TextModel, corpus: Corpus) -> float:
    """Return the share of rows whose label the model gives."""
    return float(np.mean([p.label == t for p, t in zip(model.predict(corpus), corpus.target, strict=True)]))


def ceiling() -> float:
    """Measure this machine's bf16 matrix products in FLOP a second (2,048 × 384 by 384 × 1,536, as in a small base)."""
    a, b = torch.randn(2048, 384, dtype=torch.bfloat16), torch.randn(1536, 384, dtype=torch.bfloat16)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(50):
            nn.functional.linear(a, b)
        best = max(best, 50 * 2 * 2048 * 384 * 1536 / (time.perf_counter() - began))
    return best


def ours(rows: int) -> Callable[..., float]:
    """Return ours at a number of rows a batch."""
    return our_arm(TrainingSettings(batch_rows=rows, batch_tokens=10**6))


ARMS: dict[str, Callable[..., float]] = {
    "HF Trainer defaults, batch 16": trainer_arm(16, bf16=False, grouped=False),
    **{f"HF Trainer best, batch {n}": trainer_arm(n, bf16=True, grouped=True) for n in (16, 32, 64, 128, 256)},
    "HF Trainer best, batch 16, word embeddings frozen": trainer_arm(16, bf16=True, grouped=True, frozen_words=True),
    **{f"ours, batch {n}": ours(n) for n in (16, 32, 64, 128, 256)},
    "ours, defaults": our_arm(TrainingSettings()),
}


def in_a_process_of_its_own(arm: str, chosen: argparse.Namespace) -> float:
    """Run one arm and return its figure."""
    command = [sys.executable, __file__, "--data", chosen.data, "--base", chosen.base, "--seconds", chosen.seconds,
               "--accuracy", chosen.accuracy, "--arm", arm]  # fmt: skip
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def speeds(splits: Splits, chosen: argparse.Namespace) -> None:
    """Print texts a second of every arm, with the ratios."""
    found: dict[str, list[float]] = {name: [] for name in ARMS}
    for _ in range(chosen.rounds):
        for name in ARMS:
            found[name].append(in_a_process_of_its_own(name, chosen))
    model = build(ModelSettings(base=chosen.base), open_base(chosen.base), splits, 13)
    moving = sum(p.numel() for n, p in model.body.named_parameters() if "embeddings" not in n)
    tokens = float(np.mean(np.minimum(model.encoder.count(splits.train.text), model.encoder.max_tokens)))
    floor = 6 * moving * tokens
    top = ceiling()
    defaults, best = (statistics.median(found[f"HF Trainer {kind}, batch 16"]) for kind in ("defaults", "best"))
    print(f"\n{chosen.base}, {tokens:.1f} tokens a text, bf16 ceiling {top / 1e9:.0f} GFLOP/s, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    print("| arm | texts/s (min–max) | ÷ HF defaults | ÷ HF best at 16 | share of ceiling |\n|---|---|---|---|---|")
    for name, values in found.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.0f} ({min(values):.0f}–{max(values):.0f}) | {middle / defaults:.2f} | "
              f"{middle / best:.2f} | {middle * floor / top:.0%} |")  # fmt: skip
    medians = {who: max(statistics.median(v) for n, v in found.items() if n.startswith(who)) for who in ("HF", "ours")}
    print(f"each at its own best batch: {medians['ours']:.0f} ÷ {medians['HF']:.0f} = "
          f"{medians['ours'] / medians['HF']:.2f}")  # fmt: skip


def frozen(splits: Splits, base: str) -> None:
    """Print the time of five epochs with a frozen base, ours and the peer's."""
    began = time.perf_counter()
    ours = our_arm(TrainingSettings(learning_rate=1e-3, head_learning_rate=1e-2), frozen=True)(splits, base, 0, 5)
    our_seconds = time.perf_counter() - began
    began = time.perf_counter()
    peer = trainer_arm(16, bf16=True, grouped=True, frozen_base=True)(splits, base, 0, 5)
    peer_seconds = time.perf_counter() - began
    print(f"\nfrozen base, 5 epochs: ours {our_seconds:.1f} s (dev {ours:.3f}), HF Trainer {peer_seconds:.1f} s "
          f"(dev {peer:.3f}): {peer_seconds / our_seconds:.1f} ×")  # fmt: skip


def accuracies(chosen: argparse.Namespace) -> None:
    """Print the accuracy on dev of the peer at its best and of ours."""
    for name in ("HF Trainer best, batch 16", "ours, batch 16", "ours, defaults"):
        began = time.perf_counter()
        print(f"{name}: dev accuracy {in_a_process_of_its_own(name, chosen):.4f} after {chosen.accuracy} epochs "
              f"in {time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--accuracy", type=int, default=0, metavar="EPOCHS")
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--arm", help="run this one here and print its figure")
    chosen = parser.parse_args()
    train, dev = read(chosen.data / "train.csv"), read(chosen.data / "dev.csv")
    splits = Splits(train, dev, dev, LabelSet(tuple(sorted(set(train.target)))), {}, "")
    if chosen.arm:
        print(ARMS[chosen.arm](splits, chosen.base, chosen.seconds, chosen.accuracy))
    elif chosen.accuracy:
        accuracies(chosen)
    elif chosen.frozen:
        frozen(splits, chosen.base)
    else:
        speeds(splits, chosen)


if __name__ == "__main__":
    main()
