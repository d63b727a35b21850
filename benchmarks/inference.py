"""Inference speed: a bundle beside the Hugging Face pipeline with the same weights, in one process.

    python benchmarks/inference.py --data ../shared/data/banking77 --base minilm-l6-en

Trains for one epoch, bundles, then measures in turn: the pipeline at batch 32 and at batch 1, the bundle on all texts
and on one text, and a bare ONNX Runtime call on the same tokens.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast, pipeline

from feilun.bundles.bundle import Bundle
from feilun.bundles.session import INPUTS
from feilun.core.corpus import corpus_of
from feilun.models.bases.catalogue import open_base
from feilun.text.tokens import pad
from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train
from public_tables import read


def peer(base_name: str, labels: int) -> Callable[..., object]:
    """Return the pipeline over the same base with a fresh head: its speed does not depend on what the head knows."""
    base = open_base(base_name)
    config = base.model.config
    config.num_labels = labels
    model = AutoModelForSequenceClassification.from_config(config)
    model.bert.load_state_dict(base.model.state_dict(), strict=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=base.tokenizer, pad_token="[PAD]" if base_name == "minilm-l6-en" else "<pad>",
        model_max_length=128,
    )  # fmt: skip
    return pipeline("text-classification", model=model.eval(), tokenizer=tokenizer, device="cpu", truncation=True)


def per_text(call: Callable[[str], object], texts: list[str]) -> tuple[float, float]:
    """Return the median and the 99th percentile of the milliseconds of single calls."""
    for text in texts[:20]:
        call(text)
    times = []
    for text in texts:
        began = time.perf_counter()
        call(text)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), float(np.percentile(times, 99))


def make_bundle(data: Path, base: str, folder: Path) -> Bundle:
    """Train one epoch and return the bundle."""
    recipe = from_table({
        "name": "speed", "task": "classify", "model": {"base": base}, "training": {"epochs": 1},
        "data": {"train": str(data / "train.csv"), "validation": str(data / "dev.csv"), "test": str(data / "test.csv")},
    })  # fmt: skip
    return train(recipe, out=folder / "bundle")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    texts = list(read(chosen.data / "test.csv").text)
    with tempfile.TemporaryDirectory() as folder:
        bundle = make_bundle(chosen.data, chosen.base, Path(folder))
    pipe = peer(chosen.base, len(bundle.labels))
    runtime = bundle.predictor
    theirs, ours = [], []
    for _ in range(chosen.rounds):
        part = texts[:640]
        began = time.perf_counter()
        pipe(part, batch_size=32)
        theirs.append(len(part) / (time.perf_counter() - began))
        began = time.perf_counter()
        bundle.predict(texts)
        ours.append(len(texts) / (time.perf_counter() - began))
    feeds = {
        text: dict(zip(INPUTS, pad(runtime.encode(corpus_of([text])), runtime.pad_id), strict=True))
        for text in texts[:300]
    }
    bare = per_text(lambda text: runtime._session.run(["logits"], feeds[text]), texts[:300])
    single = per_text(lambda text: bundle.predict([text]), texts[:300])
    with torch.no_grad():
        piped = per_text(pipe, texts[:100])
    middle, base_line = statistics.median(ours), statistics.median(theirs)
    print(f"{chosen.base}, {bundle.manifest['precision']}, {runtime.threads} threads")
    print("| what | figure |\n|---|---|")
    print(f"| HF pipeline, batch 32 | {base_line:.0f} texts/s ({min(theirs):.0f}–{max(theirs):.0f}) |")
    print(f"| ours, batch | {middle:.0f} texts/s ({min(ours):.0f}–{max(ours):.0f}) |")
    print(f"| ratio | {middle / base_line:.1f} × |")
    print(f"| single text, HF pipeline | p50 {piped[0]:.2f} ms, p99 {piped[1]:.2f} ms |")
    print(f"| single text, ours | p50 {single[0]:.2f} ms, p99 {single[1]:.2f} ms |")
    print(f"| single text, bare ONNX Runtime call | p50 {bare[0]:.2f} ms, p99 {bare[1]:.2f} ms |")
    print(f"| ours ÷ bare call, p50 | {single[0] / bare[0]:.2f} |")


if __name__ == "__main__":
    main()
