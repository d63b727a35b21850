"""Which version of a model answers: promoted, or taken back; each time noted in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from feilun.bundles.registry import names, resolve, versions
from feilun.bundles.stages import Stages, read_stages, write_stages
from feilun.core.errors import BundleError, UsageError, nearest
from feilun.core.places import registered
from feilun.core.remark import Remark, said_in
from feilun.storage import audit
from feilun.storage.database import Database


def promote(reference: str, database: Database, **why: Any) -> Stages:
    """Make a version the champion, which answers under the model's name; a running service follows.

    Args:
        reference: name@version.
        database: Whose audit log notes it.
        why: Further details for the log, JSON values.

    Raises:
        UsageError: If no version is named, or it is the champion already.
        BundleError: If there is no such bundle.
        StorageError: If the database or the folder refuses; the champion is as before.
    """
    name, _, version = reference.partition("@")
    if not version:
        shown = ", ".join(map(str, versions(name))) or "none"
        raise UsageError(
            Remark(
                f"Promote which version of {name!r}? Its versions: {shown}.",
                f"要让 {name!r} 的哪个版本上任？它的版本：{shown}。",
            ),
            Remark(f"Write {name}@VERSION.", f"请写成 {name}@VERSION。"),
        )
    number = int(resolve(reference).name) if version.isdecimal() and versions(name) else _nothing(reference)

    def change(stages: Stages) -> Stages:
        if stages.champion == number:
            raise UsageError(
                Remark(f"{name}@{number} is the champion already.", f"{name}@{number} 已经是现任。"),
                Remark("`feilun models` shows the stages.", "`feilun models` 会列出各版本的阶段。"),
            )
        return stages.with_champion(number, versions(name))

    return _changed(name, database, "promote", change, **why)


def roll_back(name: str, database: Database) -> Stages:
    """Make the champion before the champion again.

    Raises:
        UsageError: If there was none before, or its bundle is gone.
        StorageError: If the database or the folder refuses; the champion is as before.
    """

    def change(stages: Stages) -> Stages:
        if not versions(name):
            hint = nearest(name, names())
            raise UsageError(
                Remark(
                    f"There is no registered model {name!r}. {hint}",
                    f"没有已登记的模型 {name!r}。{said_in('zh', hint)}",
                ),
                Remark("See: feilun models", "查看：feilun models"),
            )
        before = stages.rolled_back(versions(name))
        if before is None:
            raise UsageError(
                Remark(
                    f"There is no earlier champion of {name!r} to go back to.", f"{name!r} 没有更早的现任可以退回。"
                ),
                Remark(
                    f"Choose one yourself: feilun models promote {name}@VERSION",
                    f"请自己选一个：feilun models promote {name}@VERSION",
                ),
            )
        return before

    return _changed(name, database, "roll back", change)


def wait(name: str, version: int, database: Database, **why: Any) -> Stages:
    """Note that a version waits for a person to promote it."""
    return _changed(
        name, database, "add candidate", lambda stages: stages.with_candidate(version), added=version, **why
    )


def _changed(name: str, database: Database, action: str, change: Callable[[Stages], Stages], **why: Any) -> Stages:
    """Change the stages under the lock of the audit log, so that no two changes cross."""
    folder: Path = registered() / name
    with database.write() as connection:
        audit.lock(connection)
        before = read_stages(folder)
        after = change(before)
        audit.record(connection, action, model=name, champion=after.champion, before=before.champion, **why)
        write_stages(folder, after)
    return after


def _nothing(reference: str) -> int:
    resolve(reference)  # says what there is
    raise BundleError(
        Remark(f"{reference!r} is no version of a registered model.", f"{reference!r} 不是已登记模型的版本。"),
        Remark("`feilun models` lists them.", "`feilun models` 会列出它们。"),
    )
