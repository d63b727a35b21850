"""Leaves pieces out of a tokenizer: those of other languages than the declared ones, unless the given texts use them.

Text whose pieces are all kept is cut into the same pieces as before. Unigram: the best path is still the best;
WordPiece: the longest match is still the longest; BPE: every merge that made a kept piece is kept with its two parts,
in its order, and those left out made none of them. Other text falls back to shorter pieces, in the end to single
characters or bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark
from feilun.models.bases.languages import ENGLISH, SCRIPTS, script_of, scripts_of
from feilun.models.merges import alphabet, read_bytes, remaining, spelt_in_bytes, with_parts
from feilun.text.known_words import english_pieces

SHORT = 3
"""Latin pieces of so many letters are always kept: any English word can be put together from them."""

CHUNK = 4096

_LETTERS = re.compile("[a-z]+")


@dataclass(frozen=True)
class TrimmedTokenizer:
    """A tokenizer with fewer pieces.

    Args:
        tokenizer: The smaller tokenizer.
        kept: The former ids of its pieces, in the order of the new ones, shape (kept,).
        new_ids: The new id of each kept piece by its former one.
        before: Pieces before.
        outside_pieces: Kept pieces that belong to no declared language but occur in the given texts.
        outside_tokens: How often those occur there.
    """

    tokenizer: Tokenizer
    kept: NDArray[np.int64]
    new_ids: Mapping[int, int]
    before: int
    outside_pieces: int
    outside_tokens: int


def trim_tokenizer(
    tokenizer: Tokenizer, prefix: str, name: str, languages: Sequence[str], texts: Sequence[str]
) -> TrimmedTokenizer:
    """Keep the pieces of the declared languages and those that the given texts use.

    Args:
        tokenizer: It is left as it is, but for truncation and padding, which are switched off.
        prefix: What stands before every text.
        name: Of the model, for messages.
        languages: ISO 639-1 codes.
        texts: Texts whose every piece is kept, whatever its language.

    Raises:
        BaseModelError: If the numbers of its pieces have gaps.
        UsageError: If a language is unknown.
    """
    table = json.loads(tokenizer.to_str())
    pieces = _pieces(table, name)
    counts = _count(tokenizer, prefix, texts, len(pieces))
    declared = _declared(read_bytes(pieces) if spelt_in_bytes(table) else pieces, languages)
    declared |= _special(table, len(pieces))
    declared[tokenizer.encode(prefix).ids] = True
    outside = (counts > 0) & ~declared
    wanted = declared | outside
    kept = np.flatnonzero(with_parts(table["model"], wanted) if table["model"]["type"] == "BPE" else wanted)
    new_ids = {int(old): new for new, old in enumerate(kept)}
    smaller = _trim_tokenizer(table, pieces, kept, new_ids)
    return TrimmedTokenizer(smaller, kept, new_ids, len(pieces), int(outside.sum()), int(counts[outside].sum()))


def _pieces(table: Mapping[str, Any], name: str) -> list[str]:
    """Return every piece in the order of its id, added tokens included."""
    kind, vocabulary = table["model"]["type"], table["model"]["vocab"]
    if kind == "Unigram":
        found = dict(enumerate(piece for piece, _ in vocabulary))
    else:
        found = {number: piece for piece, number in vocabulary.items()}
    found |= {token["id"]: token["content"] for token in table["added_tokens"]}
    if sorted(found) != list(range(len(found))):
        raise BaseModelError(
            Remark(
                f"The vocabulary of {name} cannot be trimmed: its ids have gaps.",
                f"{name} 的词表不能裁剪：它的 id 不连续。",
            ),
            Remark('Set model.vocabulary = "keep".', '请设置 model.vocabulary = "keep"。'),
        )
    return [found[number] for number in range(len(found))]


def _count(tokenizer: Tokenizer, prefix: str, texts: Sequence[str], size: int) -> NDArray[np.int64]:
    """Return how often each piece occurs, shape (pieces,)."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = np.zeros(size, dtype=np.int64)
    for start in range(0, len(texts), CHUNK):
        chunk = [prefix + text for text in texts[start : start + CHUNK]]
        for encoding in tokenizer.encode_batch_fast(chunk):
            np.add.at(counts, encoding.ids, 1)
    return counts


def _declared(pieces: Sequence[str], languages: Sequence[str]) -> NDArray[np.bool_]:
    """Mark the pieces of the declared languages, and those without any letter; shape (pieces,)."""
    scripts = scripts_of(languages)
    latin = [language for language in languages if "latin" in SCRIPTS[language]]
    english_only = latin == [ENGLISH]
    result = np.zeros(len(pieces), dtype=bool)
    for number, piece in enumerate(pieces):
        bare = piece.removeprefix("##").replace("▁", "")
        if english_only and bare.isascii():
            result[number] = _is_english(bare)
            continue
        found = {script_of(character) for character in bare}
        if found <= {""}:
            result[number] = True
        elif found - {""} <= scripts:
            result[number] = not english_only or "latin" not in found or _is_english(bare)
    return result


def _is_english(piece: str) -> bool:
    """Say whether a piece of Latin letters may stand in English: short, or a known word or part of one."""
    if len(piece) <= SHORT:
        return len(piece) == 1 or piece.isascii()
    if not piece.isascii():
        return False
    return all(len(run) <= SHORT or run in english_pieces() for run in _LETTERS.findall(piece.lower()))


def _special(table: Mapping[str, Any], size: int) -> NDArray[np.bool_]:
    """Mark added tokens, the unknown piece and single bytes; shape (pieces,)."""
    result = np.zeros(size, dtype=bool)
    result[[token["id"] for token in table["added_tokens"]]] = True
    model = table["model"]
    if model["type"] == "Unigram":
        if model["unk_id"] is not None:
            result[model["unk_id"]] = True
        result[[number for number, (piece, _) in enumerate(model["vocab"]) if _is_byte(piece)]] = True
        return result
    if model["unk_token"] in model["vocab"]:
        result[model["vocab"][model["unk_token"]]] = True
    if model["type"] == "BPE":
        single = alphabet() if spelt_in_bytes(table) else {}
        result[[number for piece, number in model["vocab"].items() if piece in single or _is_byte(piece)]] = True
    return result


def _is_byte(piece: str) -> bool:
    return len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")


def _trim_tokenizer(
    table: dict[str, Any], pieces: Sequence[str], kept: NDArray[np.int64], new_ids: Mapping[int, int]
) -> Tokenizer:
    model = table["model"]
    if model["type"] == "Unigram":
        scored = model["vocab"]
        model["vocab"] = [scored[old] for old in kept.tolist() if old < len(scored)]
        if model["unk_id"] is not None:
            model["unk_id"] = new_ids[model["unk_id"]]
    else:
        if model["type"] == "BPE":
            model["merges"] = remaining(model, {pieces[old] for old in kept.tolist()})
        model["vocab"] = {pieces[old]: new_ids[old] for old in kept.tolist() if pieces[old] in model["vocab"]}
    for token in table["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    table["post_processor"] = _renumbered(table["post_processor"], new_ids)
    table["truncation"] = table["padding"] = None
    return Tokenizer.from_str(json.dumps(table, ensure_ascii=False))


def _renumbered(node: Any, new_ids: Mapping[int, int]) -> Any:
    """Return a post-processor with new ids: `ids` in templates, `sep` and `cls` as [token, id] elsewhere."""
    if isinstance(node, list):
        return [_renumbered(item, new_ids) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "ids":
            result[key] = [new_ids[old] for old in value]
        elif key in {"sep", "cls"} and isinstance(value, list):
            result[key] = [value[0], new_ids[value[1]]]
        else:
            result[key] = _renumbered(value, new_ids)
    return result
