"""Cells that a spreadsheet would run as a formula: made inert where a table is written for people, and taken back."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a cell a formula where a spreadsheet opens the table."""


def inert(cell: str) -> str:
    """Put an apostrophe before a cell that would be a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def plain(cell: str) -> str:
    """Take back what `inert` did."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
