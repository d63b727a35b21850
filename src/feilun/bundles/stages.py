"""Which version of a model answers: the stages of its versions, one file beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from feilun.core.errors import BundleError
from feilun.core.files import read_json, write_json
from feilun.core.remark import Remark

STAGES = "stages.json"


@dataclass(frozen=True)
class Stages:
    """The stages of a model's versions.

    Args:
        champion: The version that answers under the model's name; None while nobody chose one.
        candidates: Versions that wait to be promoted.
        retired: Former champions, the last one last.
    """

    champion: int | None = None
    candidates: tuple[int, ...] = ()
    retired: tuple[int, ...] = ()

    def of(self, version: int) -> str:
        """Return a version's stage: champion, candidate, retired, or nothing."""
        if version == self.champion:
            return "champion"
        return "candidate" if version in self.candidates else "retired" if version in self.retired else ""

    def with_candidate(self, version: int) -> Stages:
        """Return the stages with one more version that waits."""
        return replace(self, candidates=(*_without(self.candidates, version), version))

    def with_champion(self, version: int, there: list[int]) -> Stages:
        """Return the stages with another champion; the one before is retired.

        Args:
            version: The champion.
            there: The versions that there are, oldest first: while nobody chose one, the newest other answered.
        """
        unchosen = [one for one in there if one != version and one not in self.candidates]
        former = unchosen[-1:] if self.champion is None else [self.champion]
        retired = (*(one for one in self.retired if one not in former), *former)
        return Stages(version, _without(self.candidates, version), _without(retired, version))

    def rolled_back(self, there: list[int]) -> Stages | None:
        """Return the stages with the champion before, None where none is left.

        The one that is taken back has no stage then: going back once more leads to the one before, never to it.

        Args:
            there: The versions whose bundles are still there.
        """
        before = next((version for version in reversed(self.retired) if version in there), None)
        if before is None:
            return None
        return Stages(before, self.candidates, self.retired[: self.retired.index(before)])


def read_stages(folder: Path) -> Stages:
    """Read the stages of a model.

    Args:
        folder: The model's, which holds its versions.

    Raises:
        BundleError: If the file is damaged.
    """
    path = folder / STAGES
    if not path.exists():
        return Stages()
    try:
        table = read_json(path)
        champion = table["champion"]
        return Stages(
            None if champion is None else int(champion),
            tuple(int(version) for version in table["candidates"]),
            tuple(int(version) for version in table["retired"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(
            Remark(
                f"{path} is damaged: it does not say which version of {folder.name} is the champion.",
                f"{path} 已损坏：它没有写明 {folder.name} 的哪个版本是现任。",
            ),
            Remark(
                f"Delete it and choose again: feilun models promote {folder.name}@VERSION",
                f"请删掉它，重新选择：feilun models promote {folder.name}@VERSION",
            ),
        ) from error


def write_stages(folder: Path, stages: Stages) -> None:
    """Write the stages of a model, whole or not at all.

    Raises:
        StorageError: If the folder cannot be written; the stages are as before.
    """
    write_json(
        folder / STAGES,
        {"champion": stages.champion, "candidates": list(stages.candidates), "retired": list(stages.retired)},
    )


def _without(versions: tuple[int, ...], left_out: int) -> tuple[int, ...]:
    return tuple(version for version in versions if version != left_out)
