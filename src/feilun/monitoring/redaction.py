"""What is kept of a text: cleaned as a model reads it by default, personal data replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from feilun.core.corpus import Corpus
from feilun.core.features import FeatureColumns
from feilun.text.clean import Cleaning, narrow
from feilun.text.redact import ORDER, redact_kind

KEPT = Cleaning(redact=ORDER)
"""Also finds numbers in full-width digits or with invisible characters in between, and takes out what no database
stores: NUL and lone surrogates."""


def kept(text: str) -> str:
    """Return a text as it is stored; doing so again changes nothing."""
    return KEPT.apply(text)


CLEANED = replace(KEPT, redact=())


def kept_cell(cell: Any) -> Any:
    """Return the cell of a column as it is stored: words in which personal data was found with it replaced."""
    if not isinstance(cell, str):
        return cell
    safe = kept(cell)
    same = safe == CLEANED.apply(cell) and cell.isprintable()
    return cell if same else safe


def kept_words(text: str) -> str:
    """Return a written text as it is stored: just as it is, line breaks too, unless personal data is found in it."""
    safe = kept(text)
    return "".join(map(_storable, text)) if safe == CLEANED.apply(text) else safe


def holds_placeholder(text: str) -> bool:
    """Say whether personal data was replaced in a text."""
    return any(f"[{kind.upper()}]" in text for kind in ORDER)


def kept_in_place(text: str) -> str:
    """Return a text of the same length, so that places in it stay: each character of personal data is a `*`.

    Where some would only be found after cleaning, such as a number with invisible characters in between, every digit
    and every @ is a `*`.
    """
    safe = "".join(map(_storable, text))
    masked = narrowed = narrow(safe)
    for kind in ORDER:
        masked = redact_kind(masked, kind, in_place=True)
    places = zip(safe, narrowed, masked, strict=True)
    shown = "".join(own if before == after else "*" for own, before, after in places)
    if kept(shown) == CLEANED.apply(shown):
        return shown
    return "".join("*" if character.isdecimal() or character in "@＠" else character for character in shown)


def _storable(character: str) -> str:
    """Return a character as a database stores it: NUL and lone surrogates it does not."""
    return "\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character


def kept_rows(rows: Corpus, columns: FeatureColumns | None = None, *, in_place: bool = False) -> Corpus:
    """Return rows as they are stored: texts cleaned, cells as the numbers and categories that a model reads.

    Args:
        rows: They.
        columns: The columns that the model reads, where it reads some.
        in_place: Whether answers are places in the text, which is then not cleaned.
    """
    keep = kept_in_place if in_place else kept
    features = {} if columns is None else columns.plain({name: rows.features[name] for name in columns.names})
    return replace(
        rows,
        text=[keep(text) for text in rows.text],
        pair=None if rows.pair is None else [kept(text) for text in rows.pair],
        features={name: [kept_cell(cell) for cell in cells] for name, cells in features.items()},
    )
