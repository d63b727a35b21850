"""Bundles by name and version: `FEILUN_HOME/models/NAME/VERSION`."""

from __future__ import annotations

from pathlib import Path

from feilun.bundles.content import MANIFEST, NAME
from feilun.bundles.stages import read_stages
from feilun.core.errors import BundleError, UsageError, nearest
from feilun.core.files import disk_errors
from feilun.core.places import registered
from feilun.core.remark import Remark, said_in


def next_version(name: str) -> Path:
    """Take the next version number of a model; the empty folder is made at once, so that no other run takes it.

    Args:
        name: The model's name.

    Returns:
        The folder for the bundle, empty.

    Raises:
        UsageError: If the name cannot be a folder's name.
        StorageError: If the home cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            Remark(f"{name!r} cannot be the name of a model.", f"{name!r} 不能作模型的名称。"),
            Remark(
                "Use letters of any script, digits, and - _ . or a blank.",
                "可用：任何文字的字母、数字，以及 - _ . 和空格。",
            ),
        )
    folder = registered() / name
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        version = max((int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()), default=0)
        while True:
            version += 1
            try:
                (folder / str(version)).mkdir()
            except FileExistsError:
                continue
            return folder / str(version)


def names() -> list[str]:
    """Return the names of the registered models that have at least one version."""
    folder = registered()
    found = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [name for name in found if versions(name)]


def versions(name: str) -> list[int]:
    """Return the versions of a registered model, oldest first; a folder without a manifest is none."""
    folder = registered() / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        return []
    numbers = (int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal())
    return sorted(number for number in numbers if (folder / str(number) / MANIFEST).is_file())


def resolve(reference: str | Path) -> Path:
    """Find a bundle.

    Args:
        reference: A bundle's folder; or the name of a registered model, meaning its champion, or where none was
            chosen its newest version; or `name@version`. A folder of that name that holds a bundle comes first.

    Returns:
        The bundle's folder.

    Raises:
        BundleError: If there is none; the nearest name, or the versions that there are, are given.
    """
    path = Path(reference)
    if isinstance(reference, Path) or (path / MANIFEST).is_file():
        return path
    name, _, version = reference.partition("@")
    there = versions(name)
    if there and not version:
        return registered() / name / str(champion(name) or there[-1])
    if version.isdecimal() and int(version) in there:
        return registered() / name / str(int(version))
    if there:
        shown = ", ".join(map(str, there))
        raise BundleError(
            Remark(
                f"{name!r} has no version {version!r}. Its versions: {shown}.",
                f"{name!r} 没有版本 {version!r}。它的版本：{shown}。",
            ),
            Remark(f"Try: {name}@{there[-1]}", f"可以试试：{name}@{there[-1]}"),
        )
    if path.exists():
        return path  # the opener says what is wrong with it
    known = names()
    none = Remark(f"None is registered in {registered()} yet.", f"{registered()} 里还没有登记过模型。")
    hint = nearest(name, known) if known else none
    raise BundleError(
        Remark(
            f"There is no bundle {reference!r}: no such folder, and no registered model of that name. {hint}",
            f"没有模型包 {reference!r}：既没有这个文件夹，也没有叫这个名称的已登记模型。{said_in('zh', hint)}",
        ),
        Remark("Make one: feilun train RECIPE.toml", "请先训练一个：feilun train RECIPE.toml"),
    )


def champion(name: str) -> int | None:
    """Return the version of a registered model that was chosen to answer, None where none was.

    Raises:
        BundleError: If its bundle is gone, or the file of stages is damaged.
    """
    chosen, there = read_stages(registered() / name).champion, versions(name)
    if chosen is not None and chosen not in there:
        raise BundleError(
            Remark(
                f"The champion {name}@{chosen} is gone: its versions are {', '.join(map(str, there)) or 'none'}.",
                f"现任 {name}@{chosen} 不见了：现有的版本是 {'、'.join(map(str, there)) or '无'}。",
            ),
            Remark(
                f"Choose another: feilun models rollback {name}, or feilun models promote {name}@VERSION",
                f"请另选一个：feilun models rollback {name}，或 feilun models promote {name}@VERSION",
            ),
        )
    return chosen


def version_of(path: Path) -> str | None:
    """Return the version of a registered bundle by its folder, or None for a bundle that lies elsewhere."""
    folder = path.resolve()
    return folder.name if folder.parent.parent == registered().resolve() and folder.name.isdecimal() else None
