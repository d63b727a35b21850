"""A bundle that writes answers, small enough for tests."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.bundles.golden import write_golden
from feilun.compression.generation import export_generator
from feilun.core.files import write_json, write_text
from feilun.core.report import Report
from feilun.core.settings import to_table
from feilun.text.clean import Cleaning
from tiny_bundle import made_facts
from tiny_writer import TURNS, writer_model


def writer_bundle(path: Path, **head: object) -> Bundle:
    """Write and open a bundle whose model was never trained: what it writes is its own."""
    model = writer_model(turns=TURNS, **{"max_new_tokens": 12, **head})

    def write(folder: Path) -> None:
        generator = export_generator(model, folder / "model.onnx", Cleaning())
        write_text(folder / "tokenizer.json", model.encoder.tokenizer.to_str())
        write_json(folder / "labels.json", [])
        write_json(folder / "calibration.json", asdict(model.decision))
        write_json(folder / "preparation.json", to_table(Cleaning()))
        write_json(folder / "profile.json", {})
        write_json(folder / "report.json", Report(n=0, metrics={}, task="generate").to_json())
        write_text(folder / "CARD.md", "# writer\n")
        write_golden(folder, generator)

    write_bundle(path, write, made_facts(name="writer", task="generate", max_tokens=32))
    return open_bundle(path, threads=1)
