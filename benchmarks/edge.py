"""What a bundle needs on a small machine: disk and memory, in an environment that holds the base install alone.

    python benchmarks/edge.py --bundles out/minilm out/e5 --texts ../shared/data/banking77/test.csv

The environment is a folder of links to the packages of `pip install feilun` without extras, and to nothing else; the
bundle answers in a process that sees this folder only, on one core, and whose address space is limited.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

import feilun

ANSWER = """
import csv, json, re, sys, time
from feilun.bundles.bundle import open_bundle
began = time.perf_counter()
bundle = open_bundle(sys.argv[1], threads=1)
ready = time.perf_counter() - began
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    texts = [row["text"] for row in csv.DictReader(file)][:500]
began = time.perf_counter()
answers = bundle.predict(texts)
seconds = time.perf_counter() - began
foreign = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "polars", "sklearn"})
with open("/proc/self/status") as status:  # what getrusage tells includes the process that this one came from
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) / 1024
print(json.dumps({"answers": len(answers), "speed": len(texts) / seconds, "ready": ready, "peak": peak,
                  "foreign": foreign}))
"""


def base_install() -> list[Distribution]:
    """Return the distributions that `pip install feilun` brings, without extras, Feilun's own left out."""
    found: dict[str, Distribution] = {}
    waiting = [*_wanted(distribution("feilun"), frozenset())]
    while waiting:
        requirement = waiting.pop()
        name = requirement.name.lower().replace("_", "-")
        extras = frozenset(requirement.extras)
        if name in found and not extras:
            continue
        found[name] = distribution(requirement.name)
        waiting += _wanted(found[name], extras)
    return list(found.values())


def _wanted(found: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield requirement


def link(packages: list[Distribution], folder: Path) -> tuple[float, float]:
    """Link packages, and Feilun, into a folder.

    Returns:
        The megabytes that they take on disk, and how many of these are compiled bytecode.
    """
    taken = compiled = 0
    for package in packages:
        for file in package.files or ():
            place = Path(str(file.locate()))
            if not place.is_file():
                continue
            taken += place.stat().st_size
            compiled += place.stat().st_size if place.suffix == ".pyc" else 0
            top = file.parts[0]
            if top != ".." and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(package.locate_file(top))))
    own = Path(feilun.__file__).parent
    (folder / "feilun").symlink_to(own)
    return (taken + _size(own)) / 1e6, compiled / 1e6


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def answered(bundle: Path, texts: Path, folder: Path, megabytes: int) -> dict[str, float]:
    """Let a bundle answer texts on one core and within so much address space."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    ended = subprocess.run(  # -I -S: neither this environment's packages nor the user's
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{ANSWER}", bundle, texts],
        capture_output=True, text=True, preexec_fn=limited, env={"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found: dict[str, float] = json.loads(ended.stdout)
    assert not found["foreign"], found["foreign"]
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=Path, nargs="+", required=True)
    parser.add_argument("--texts", type=Path, required=True, help="a csv with a column text")
    parser.add_argument("--megabytes", type=int, default=512)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        install, compiled = link(base_install(), folder)
        print(f"Base install {install:.0f} MB, of which {compiled:.0f} are bytecode that `pip install --no-compile` "
              f"leaves out; one core, {chosen.megabytes} MB of address space.\n")  # fmt: skip
        columns = ("bundle", "form", "on disk, MB", "with the install, MB", "without bytecode, MB", "peak resident, MB",
                   "opened in, s", "texts/s")  # fmt: skip
        print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
        for bundle in chosen.bundles:
            manifest = json.loads((bundle / "manifest.json").read_text())
            own = _size(bundle) / 1e6
            found = answered(bundle.resolve(), chosen.texts.resolve(), folder, chosen.megabytes)
            cells = (f"{manifest['name']}, {manifest['base']['name']}", manifest.get("form", "model"), f"{own:.0f}",
                     f"{own + install:.0f}", f"{own + install - compiled:.0f}", f"{found['peak']:.0f}",
                     f"{found['ready']:.2f}", f"{found['speed']:,.0f}")  # fmt: skip
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
