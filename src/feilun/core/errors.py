"""Every error that Feilun raises for a reader, as one tree.

FeilunError
├── UsageError            the call itself is wrong (exit code 2)
│   ├── RecipeError       faults of a recipe, all reported together
│   └── NotFound          nothing of that name or id is kept
├── DataError             a file, a column or a row is not as it must be
│   └── UnknownEncoding   nothing tells how a file's bytes are to be read as text
├── BaseModelError        a base model is unknown, missing, unsafe or does not fit
├── TrainingError         training cannot go on
│   └── LossNotFinite     a loss became NaN or infinite
├── Interrupted           the user stopped a run (exit code 130)
├── BundleError           a bundle is missing, damaged, tampered with or too new
├── GateNotMet            a release misses its gate
├── StorageError          the disk is full or not writable
├── MissingExtra          an optional package is not installed
└── ServiceError          the service cannot start or answer

Each message says what was wrong, where, what would be valid, and what to do next. A message made of remarks is read in
Chinese by `said_in("zh", error.message)`; to all else it is its English.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from feilun.core.remark import Remark, joined, said_in


class FeilunError(Exception):
    """Base of all errors that a user can act on.

    Args:
        problem: What is wrong and where, one or two sentences; a remark where it is said in both languages.
        remedy: What to do next; shown after the problem; a remark too.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.message = joined([part for part in (problem, remedy) if part], " ", "")
        super().__init__(str(self.message))
        self.problem = problem
        self.remedy = remedy


class UsageError(FeilunError):
    """The call itself is wrong: an argument, an option, a key."""

    exit_code = 2


class RecipeError(UsageError):
    """Faults of a recipe, all of them in one message.

    Args:
        faults: One finished sentence a fault, each with its line where there is one.
        source: The recipe's file name, or a phrase for where the values came from.
    """

    def __init__(self, faults: Sequence[str], source: str) -> None:
        head = Remark(
            f"{source} has {counted(len(faults), 'fault')}:", f"{said_in('zh', source)} 有 {len(faults):,} 处错误："
        )
        lines = [Remark(f"  - {fault}", f"  - {said_in('zh', fault)}") for fault in faults]
        super().__init__(joined([head, *lines], "\n", "\n"))
        self.faults = tuple(faults)


class NotFound(UsageError):
    """Nothing of that name or id is kept."""


class DataError(FeilunError):
    """A file, a column or a row is not as it must be."""


class UnknownEncoding(DataError):
    """Nothing tells how a file's bytes are to be read as text; where a setting names encodings, it may be named."""


class BaseModelError(FeilunError):
    """A base model is unknown, missing, unsafe, or does not fit."""


class TrainingError(FeilunError):
    """Training cannot go on."""


class LossNotFinite(TrainingError):
    """A loss became NaN or infinite; the last good state is kept.

    Args:
        step: The optimiser step at which it happened.
        row_ids: Ids of the rows of the batch.
        remedy: What to do next.
    """

    def __init__(self, step: int, row_ids: Sequence[str], remedy: str) -> None:
        more = len(row_ids) - 20
        shown = ", ".join(row_ids[:20]) + (f" and {more} more" if more > 0 else "")
        shown_zh = "、".join(row_ids[:20]) + (f" 等，另有 {more} 行" if more > 0 else "")
        super().__init__(
            Remark(
                f"The loss is not finite at step {step}, in the batch of rows {shown}.",
                f"第 {step} 步的损失不是有限数，所在批次的行：{shown_zh}。",
            ),
            remedy,
        )
        self.step = step
        self.row_ids = tuple(row_ids)


class Interrupted(FeilunError):
    """The user stopped a run; the message says how to go on."""

    exit_code = 130


class BundleError(FeilunError):
    """A bundle is missing, damaged, tampered with, or of a newer schema."""


class GateNotMet(FeilunError):
    """A release misses a bound of its gate and is refused."""


class StorageError(FeilunError):
    """The disk is full, or a folder cannot be written."""


class MissingExtra(FeilunError):
    """An optional package is not installed.

    Args:
        package: The package that could not be imported.
        extra: The extra of Feilun that brings it.
        purpose: What it is needed for; the subject of the sentence.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            Remark(f"{purpose} needs the package {package!r}.", f"{said_in('zh', purpose)}需要 {package} 包。"),
            Remark(f"Install it: pip install 'feilun[{extra}]'", f"安装：pip install 'feilun[{extra}]'"),
        )


class ServiceError(FeilunError):
    """The service cannot start or cannot answer."""


def counted(number: int, noun: str) -> str:
    """Say a number of things: `1 label`, `2,000 labels`; the plural of the noun takes an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest(name: str, valid: Iterable[str]) -> Remark:
    """Say which valid name was probably meant, or list them all.

    Args:
        name: The name that was given.
        valid: The names that would have been valid.

    Returns:
        `Did you mean 'x'?` where one is close, else `Valid: a, b, c.`, or that there is none.
    """
    names = sorted(valid)
    if not names:
        return Remark("There is none yet.", "目前一个也没有。")
    return meant(name, names) or Remark(f"Valid: {', '.join(names)}.", f"可用：{'、'.join(names)}。")


def meant(name: str, valid: Iterable[str]) -> Remark:
    """Say which valid name was probably meant, as a question, or nothing where none is close."""
    close = get_close_matches(name, sorted(valid), n=1, cutoff=0.6)
    return Remark(f"Did you mean {close[0]!r}?", f"是不是 {close[0]!r}？") if close else Remark("", "")
