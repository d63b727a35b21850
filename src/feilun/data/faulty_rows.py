"""Rows that cannot be used, as parts of a message: each with its number and reason, the first few of many."""

from __future__ import annotations

from collections.abc import Sequence

from feilun.core.remark import Remark, joined, said_in

NAMED = 5
"""Rows that a message names."""


def faulty_row(identity: str, reason: str) -> Remark:
    """Say what is wrong with a row."""
    return Remark(f"row {identity}: {reason}", f"第 {identity} 行：{said_in('zh', reason)}")


def first_few(faults: Sequence[Remark], more: str) -> Remark:
    """Join the first faults.

    Args:
        faults: One a row.
        more: What the English says of the others, where there are any.
    """
    others = len(faults) - NAMED
    rest = [Remark(more, f"；另有 {others:,} 行")] if others > 0 else []
    return joined([joined(faults[:NAMED]), *rest], "", "")
