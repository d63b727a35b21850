"""Several adapter bundles on one base beside the same bundles folded: size on disk, resident memory, time of a batch.

    python benchmarks/shared_base.py --data ../shared/data/banking77 --base minilm-l6-en --bundles 4

Each bundle is trained for a moment on other rows, so that all differ. Every figure of memory and time is that of a
fresh process that opens the bundles and answers the same texts with each; forms are timed in turn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.workflow.finished.fold_bundle import fold_bundle
from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train

PROBE = """
import json, sys, time
from feilun.bundles.bundle import open_bundle
rows, *paths = json.loads(sys.argv[1])
bundles = [open_bundle(path, threads=1) for path in paths]
best, alone = [], []
for bundle in bundles:
    for _ in range(5):
        began = time.perf_counter(); bundle.predict(rows); best.append(time.perf_counter() - began)
    for _ in range(50):
        began = time.perf_counter(); bundle.predict(rows[:1]); alone.append(time.perf_counter() - began)
resident = next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]
print(json.dumps([int(resident) / 1000, min(best) * 1000, sorted(alone)[len(alone) // 2] * 1000]))
"""


def made(data: Path, base: str, kind: str, quantize: str, number: int, folder: Path) -> Bundle:
    """Train an adapter bundle for a moment on rows of its own."""
    lines = (data / "train.csv").read_text(encoding="utf-8").splitlines()
    table = folder / f"{number}.csv"
    table.write_text("\n".join([lines[0], *lines[1 + number :: 60]]), encoding="utf-8")
    test = [
        "\n".join((data / f"{part}.csv").read_text(encoding="utf-8").splitlines()[:150]) for part in ("dev", "test")
    ]
    for part, text in zip(("dev", "test"), test, strict=True):
        (folder / f"{part}.csv").write_text(text, encoding="utf-8")
    recipe = from_table({
        "task": "classify", "name": f"made-{number}",
        "data": {"train": str(table), "validation": str(folder / "dev.csv"), "test": str(folder / "test.csv")},
        "model": {"base": base, "max_tokens": 64, "adaptation": {"kind": kind}},
        "training": {"epochs": 1},
        "compression": {"form": "adapter", "quantize": quantize, "texts": 100, "max_changed": 1.0},
        "evaluation": {"resamples": 0},
    })  # fmt: skip
    return train(recipe, out=folder / f"{kind}-{quantize}-{number}")


def probed(bundles: list[Path], texts: list[str]) -> list[float]:
    """Return resident megabytes, milliseconds of all texts and of one text, of a fresh process."""
    command = [sys.executable, "-c", PROBE, json.dumps([texts, *map(str, bundles)])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def megabytes(folder: Path, names: tuple[str, ...]) -> float:
    """Return the size of some files of a folder."""
    return sum((folder / name).stat().st_size for name in names if (folder / name).is_file()) / 1e6


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--bundles", type=int, default=4)
    parser.add_argument("--kinds", nargs="*", default=["lora", "adapter"])
    parser.add_argument("--quantize", nargs="*", default=["none", "int8"], choices=["none", "int8"])
    chosen = parser.parse_args()
    lines = (chosen.data / "test.csv").read_text(encoding="utf-8").splitlines()
    texts = [line.rpartition(",")[0] for line in lines[1:129]]
    models = ("model.onnx", "adapter.onnx_adapter", "head.onnx")
    print(
        "| adaptation | weights | form | model files, MB each | resident MB: 1, 2, all | ms of 128 texts | ms of one |"
    )
    print("|---|---|---|---|---|---|---|")
    for kind in chosen.kinds:
        for quantize in chosen.quantize:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                numbers = range(chosen.bundles)
                apart = [made(chosen.data, chosen.base, kind, quantize, i, folder).path for i in numbers]
                forms = {"adapters on one base": apart}
                if quantize == "none":
                    forms["folded, each whole"] = [
                        fold_bundle(open_bundle(path), folder / f"{path.name}-whole").path for path in apart
                    ]
                for form, paths in forms.items():
                    found = [probed(paths[:count], texts) for count in (1, 2, chosen.bundles)]
                    resident = ", ".join(f"{one[0]:.0f}" for one in found)
                    size = megabytes(paths[0], models)
                    times = f"{min(one[1] for one in found):.0f} | {min(one[2] for one in found):.2f}"
                    print(f"| {kind} | {quantize} | {form} | {size:.2f} | {resident} | {times} |", flush=True)


if __name__ == "__main__":
    main()
