"""Customer service where less is known or less well typed: a FAQ without variants, and questions with mistakes.

    python benchmarks/customer_service_plain.py plain --data ../shared/data --questions esun [--embedder BUNDLE]
    python benchmarks/customer_service_plain.py typos --data ../shared/data --questions bank --embedder minilm-l6-en

plain: variants are hidden, weights are borrowed from the packaged bank and thresholds chosen as `train` does then; what
customers ask is asked with its entry there and once more without it. esun: the 175 queries of esun_bank_faq; bank: the
80 paraphrases of bank_faq_en that were written by hand.
typos: held-out questions of the packaged bank (sample), or paraphrases of bank_faq_en (bank; the hand-written ones and
every second one by rule, `exchanged` of rewording.py), as they are and with mistakes, seed 7: an English word of four
letters or more has one with probability 0.2, a Chinese character is exchanged for one of the same syllable with 0.1,
and each question has at least one. Weights are fitted to the questions as they are.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from customer_service import BY_HAND, SETTINGS, answering_like, calibrated, embedder_or_none, esun_entries
from feilun.apps.customer_service.finding.held_out import Thresholds, held_out, thresholds, without_held_out
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.apps.customer_service.ladder import Ladder
from feilun.core.ports import Embedder
from feilun.text.known_words import syllables
from feilun.workflow.applications.customer_service.demo import packaged_entries
from public_tables import rows_of
from rewording import exchanged

Asked = list[tuple[str, str]]
"""Questions, each with the id of the entry that answers it."""

WORD = re.compile(r"[A-Za-z]{4,}")
COMMON = 50
"""Times that a character stands in a corpus, from which on it is one that is typed for another."""


def bank_entries(data: Path) -> tuple[list[FaqEntry], Asked]:
    """Return bank_faq_en and the paraphrases of it that were written by hand."""
    rows = [row for split in ("train", "dev", "test") for row in rows_of(data / "bank_faq_en" / f"{split}.csv")]
    known = {spelt_alike(row["text"]): (row["text"].strip(), row["answer"].replace("{", "(")) for row in rows}
    numbers = {sha256(key.encode()).hexdigest()[:10]: str(number) for number, key in enumerate(known)}
    written = map(json.loads, BY_HAND.read_text(encoding="utf-8").splitlines())
    entries = [FaqEntry(str(number), *own) for number, own in enumerate(known.values())]
    return entries, [(one["asked"], numbers[one["question"]]) for one in written]


def plain(data: Path, name: str, model: Embedder | None) -> None:
    """Print what is answered and declined by a FAQ whose variants are hidden."""
    entries, queries = esun_entries(data) if name == "esun" else bank_entries(data)
    entries = [replace(entry, variants=()) for entry in entries]
    wanted = SETTINGS.ladder
    found = thresholds(
        model, entries, (), declined=wanted.declined, precision=wanted.precision, lender=packaged_entries()
    )
    print(f"threshold {found.curated.threshold:.3f} on {found.curated.left_out} questions without their entry")
    _judge(Library(model, entries), found, queries, name)


def typos(data: Path, name: str, model: Embedder | None) -> None:
    """Print what is answered and declined with and without typing mistakes."""
    if name == "sample":
        entries = list(packaged_entries())
        held = held_out(entries)
        entries, queries = without_held_out(entries, held), [(text, one) for one, text in held.items()]
        learned = queries
    else:
        entries, by_hand = bank_entries(data)
        by_rule = [(said, entry.id) for entry in entries if (said := exchanged(entry.question)) is not None]
        queries, learned = [*by_hand, *by_rule[1::2]], [*by_hand, *by_rule[::2]]
    library = Library(model, entries)
    fitted = calibrated(library, learned)
    draw, common = random.Random(7), _common(data)
    mistyped = [(_mistyped(text, draw, common), right) for text, right in queries]
    for kind, asked in (("as they are", queries), ("with mistakes", mistyped)):
        _judge(library, fitted, asked, f"{name}, {kind}")


def _judge(library: Library, found: Thresholds, queries: Asked, name: str) -> None:
    """Print shares of questions with their entry there, and once more without it; documents are not asked."""
    ladder = Ladder(library, replace(found, grounded=replace(found.grounded, threshold=1.01)), SETTINGS)
    counts: Counter[str] = Counter()
    for text, right in queries:
        like = answering_like(library, right)
        reply, _ = ladder.answer(text, {})
        counts["answered"] += reply.action == "answer"
        counts["rightly"] += reply.action == "answer" and reply.citations[0].id in like
        counts["offered"] += reply.action == "clarify"
        gone = [library.entries[identity] for identity in like]
        library.change(removed=like)
        counts["declined"] += ladder.answer(text, {})[0].action != "answer"
        library.change(gone)
    shares = ", ".join(f"{what} {counts[what] / len(queries):.3f}" for what in ("answered", "rightly", "offered"))
    print(
        f"{name}: {shares}; without their entry not answered {counts['declined'] / len(queries):.3f} of {len(queries)}"
    )


def _common(data: Path) -> frozenset[str]:
    counts = Counter(c for row in rows_of(data / "bq_corpus" / "train.csv") for c in row["sentence1"])
    return frozenset(c for c, count in counts.items() if count >= COMMON)


def _mistyped(text: str, draw: random.Random, common: frozenset[str]) -> str:
    alike: dict[str, list[str]] = {}
    for character in sorted(common & syllables().keys()):
        for syllable in syllables()[character]:
            alike.setdefault(syllable, []).append(character)
    places = [n for n, c in enumerate(text) if len(alike.get(syllables().get(c, ("",))[0], ())) > 1]
    if places:
        hit = {n for n in places if draw.random() < 0.1} or {draw.choice(places)}
        return "".join(_other(c, alike, draw) if n in hit else c for n, c in enumerate(text))
    words = [word.start() for word in WORD.finditer(text)]
    if not words:
        return text
    wrong = {start for start in words if draw.random() < 0.2} or {draw.choice(words)}
    return WORD.sub(lambda word: _slipped(word[0], draw) if word.start() in wrong else word[0], text)


def _other(character: str, alike: dict[str, list[str]], draw: random.Random) -> str:
    others: Sequence[str] = [c for c in alike[syllables()[character][0]] if c != character]
    return draw.choice(others) if others else character


def _slipped(word: str, draw: random.Random) -> str:
    """Leave a letter out, type it twice, exchange it with the next one, or type another one."""
    at = draw.randrange(1, len(word) - 1)
    return draw.choice([
        word[:at] + word[at + 1 :],
        word[:at] + word[at - 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + draw.choice("etaoinsr") + word[at + 1 :],
    ])  # fmt: skip


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plain", "typos"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", choices=["esun", "bank", "sample"], required=True)
    parser.add_argument("--embedder", default="multilingual-e5-small", help="bundle or base model; none: words alone")
    arguments = parser.parse_args()
    run = plain if arguments.what == "plain" else typos
    run(arguments.data, arguments.questions, embedder_or_none(arguments.embedder))


if __name__ == "__main__":
    main()
