"""Base models by name: packaged ones, hub ids, local folders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from feilun.core.errors import BaseModelError, MissingExtra, nearest
from feilun.core.files import read_json, write_json
from feilun.core.places import home
from feilun.core.remark import Remark, said_in
from feilun.models.bases.base import Base
from feilun.models.bases.packaged import NO_BASE, PACKAGED, Packaged, wheels_folder
from feilun.models.bases.stored import FACTS, load

CONSENTS = "accepted_licences.json"


@dataclass(frozen=True)
class BaseStatus:
    """A packaged base, and whether it is at hand.

    Args:
        name: Its short name.
        description: One phrase.
        kind: encoder or causal.
        parameters: Number of weights.
        megabytes: Size of its packages.
        languages: Its main languages.
        licence: Its licence.
        installed: Its packages are at hand.
        cached: It is converted and opens at once.
        accepted: Its terms need no consent, or have it.
        get: The command that gets it.
    """

    name: str
    description: str
    kind: str
    parameters: int
    megabytes: int
    languages: tuple[str, ...]
    licence: str
    installed: bool
    cached: bool
    accepted: bool
    get: str

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {**asdict(self), "languages": list(self.languages)}

    def __str__(self) -> str:
        consent = "" if self.accepted else ", terms not yet accepted"
        return f"{self.state}{consent}; {self.kind}, {self.description}"

    @property
    def state(self) -> Remark:
        """Return one phrase: ready, installed, or how to get it."""
        if self.cached:
            return Remark("ready", "就绪")
        if self.installed:
            return Remark("installed, converted at first use", "已安装，首次使用时转换")
        return Remark(f"not installed: {self.get}", f"未安装：{self.get}")


def list_bases() -> list[BaseStatus]:
    """Return the packaged bases; reads no weights, needs no network."""
    return [_status(packaged) for packaged in PACKAGED.values()]


def open_base(name: str, *, accept_licence: bool = False) -> Base:
    """Open a base model.

    Args:
        name: A packaged name, a hub id such as `org/model`, a local folder or GGUF file, or `none` (reads no text).
        accept_licence: Agree to the base's terms; recorded in FEILUN_HOME, asked for once.

    Returns:
        The base: float32, in evaluation mode, without a task head.

    Raises:
        BaseModelError: If it is unknown, missing, unsafe, or its terms were not accepted.
        MissingExtra: If torch is not installed.
    """
    _need_torch()
    if name in PACKAGED:
        return _open_packaged(PACKAGED[name], accept_licence)
    from feilun.models.bases import blank, folder, hub

    if name == NO_BASE:
        return blank.open_blank()

    if looks_local(name):
        return folder.open_folder(Path(name))
    if "/" not in name and get_close_matches(name, PACKAGED, cutoff=0.7):
        raise BaseModelError(
            Remark(
                f"There is no base model {name!r}. {nearest(name, PACKAGED)}",
                f"没有基座模型 {name!r}。{said_in('zh', nearest(name, PACKAGED))}",
            ),
            Remark(
                "`feilun bases` lists the packaged ones; a hub id has the form org/model, a folder begins with ./ or "
                "/.",
                "`feilun bases` 列出打包的基座；hub 上的名称形如 org/model，文件夹以 ./ 或 / 开头。",
            ),
        )
    return hub.open_hub(name)


def get_base(name: str, *, accept_licence: bool = False) -> Base:
    """Fetch a base where it is not at hand, convert it and open it.

    Args:
        name: As for `open_base`.
        accept_licence: As for `open_base`.

    Returns:
        The base.

    Raises:
        BaseModelError: If it cannot be fetched, or as for `open_base`.
    """
    packaged = PACKAGED.get(name)
    if packaged is None or _cached(packaged) or packaged.installed():
        return open_base(name, accept_licence=accept_licence)
    _need_torch()
    _consent(packaged, accept_licence)
    fetched = _download(list(packaged.missing()))
    base = open_base(name, accept_licence=accept_licence)
    for wheel in fetched:
        wheel.unlink(missing_ok=True)
    return base


def described(status: BaseStatus) -> Remark:
    """Return what the terminal shows of a base: its name and state on one line, what it is on the next."""
    weights, languages = f"{status.parameters / 1e6:.0f} M", ", ".join(status.languages)
    english, chinese = ("", "") if status.accepted else (" (consent needed)", "（需要同意）")
    return Remark(
        f"{status.name:<23}{status.state}\n"
        f"    {status.description}; {status.kind}; {weights} weights, {status.megabytes} MB download; {languages}; "
        f"{status.licence}{english}",
        f"{status.name:<23}{said_in('zh', status.state)}\n"
        f"    {status.description}；{status.kind}；权重 {weights}，下载 {status.megabytes} MB；{languages}；"
        f"{status.licence}{chinese}",
    )


def looks_local(name: str) -> bool:
    """Say whether a name means a place on this machine rather than a hub id."""
    return Path(name).exists() or name.startswith(("/", "./", "../", "~", ".\\")) or name.endswith(".gguf")


def accepted(packaged: Packaged) -> bool:
    """Say whether a base's terms need no consent, or have it."""
    return not packaged.terms or packaged.facts.name in _consents()


def _open_packaged(packaged: Packaged, accept_licence: bool) -> Base:
    from feilun.models.bases.convert import convert

    _consent(packaged, accept_licence)
    if _cached(packaged):
        try:
            return replace(load(packaged.folder), turns=packaged.turns)
        except BaseModelError:
            if not packaged.installed():
                raise
    if not packaged.installed():
        raise BaseModelError(
            Remark(
                f"The base model {packaged.facts.name} is not installed: {', '.join(packaged.missing())} missing.",
                f"基座模型 {packaged.facts.name} 未安装：缺少 {'、'.join(packaged.missing())}。",
            ),
            Remark(
                f"Get it: {packaged.get}. Without network, put the wheels into {wheels_folder()}.",
                f"获取方法：{packaged.get}。没有网络时，请把 wheel 文件放进 {wheels_folder()}。",
            ),
        )
    return replace(convert(packaged, packaged.folder), turns=packaged.turns)


def _consent(packaged: Packaged, accept_licence: bool) -> None:
    if accepted(packaged):
        return
    if not accept_licence:
        raise BaseModelError(
            Remark(
                f"The base model {packaged.facts.name} comes under terms that you must agree to: "
                f"{packaged.facts.licence}, {packaged.terms}.",
                f"使用基座模型 {packaged.facts.name} 须先同意其条款：{packaged.facts.licence}，{packaged.terms}。",
            ),
            Remark(
                "Read them, then run the command once with --accept-licence; the consent is recorded in "
                f"{home() / CONSENTS}.",
                f"请阅读条款，再加 --accept-licence 运行一次；同意记录保存在 {home() / CONSENTS}。",
            ),
        )
    consent = {"terms": packaged.terms, "accepted": datetime.now(UTC).isoformat(timespec="seconds")}
    write_json(home() / CONSENTS, {**_consents(), packaged.facts.name: consent})


def _consents() -> dict[str, Any]:
    path = home() / CONSENTS
    try:
        found = read_json(path) if path.exists() else {}
    except ValueError:
        return {}  # an unreadable record is no consent
    return found if isinstance(found, dict) else {}


def _cached(packaged: Packaged) -> bool:
    return (packaged.folder / FACTS).is_file()


def _status(packaged: Packaged) -> BaseStatus:
    facts = packaged.facts
    return BaseStatus(
        facts.name, packaged.description, facts.kind, packaged.parameters, packaged.megabytes, facts.languages,
        facts.licence, packaged.installed(), _cached(packaged), accepted(packaged), packaged.get,
    )  # fmt: skip


def _download(requirements: Sequence[str]) -> list[Path]:
    """Fetch wheels as files: nothing is installed, so that no dependency and no platform stands in the way."""
    folder = wheels_folder()
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("*.whl"))
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--dest", str(folder), *requirements,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - names from our own table
    if done.returncode:
        reason = next(
            (line for line in reversed(done.stderr.splitlines()) if line.strip()),
            Remark("no reason given", "没有说明原因"),
        )
        raise BaseModelError(
            Remark(
                f"pip could not fetch {', '.join(requirements)}: {reason}",
                f"pip 未能取得 {'、'.join(requirements)}：{said_in('zh', reason)}",
            ),
            Remark(
                f"Fetch the wheels on a machine that can ({' '.join(['pip', *command[3 : -len(requirements)]])} …) "
                f"and put them into {folder}.",
                f"请在能联网的机器上下载这些 wheel 文件（{' '.join(['pip', *command[3 : -len(requirements)]])} …），"
                f"放进 {folder}。",
            ),
        )
    return sorted(set(folder.glob("*.whl")) - before)


def _need_torch() -> None:
    for package in ("torch", "transformers", "safetensors"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingExtra(package, "train", Remark("Opening a base model", "打开基座模型")) from error
