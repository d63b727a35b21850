"""Customer service on other people's questions: what is answered, declined and cited; intents; reworded questions.

    python benchmarks/customer_service.py grounding --data ../shared/data [--embedder BUNDLE] [--reranker BUNDLE]
    python benchmarks/customer_service.py intents --data ../shared/data --examples 20
    python benchmarks/customer_service.py reworded --data ../shared/data

grounding: the 175 test queries of esun_bank_faq over its 617 entries (or, --questions bq, the first texts of bq_corpus'
positive dev pairs over all second texts), each asked with its entry there and once more with its entry, and any other
of the same answer, taken out. In halves: weights and thresholds are chosen on one, the other is judged, then turned
round.
intents: clinc150, each intent an entry whose ways to ask are training utterances; thresholds from held-out ones.
With --epochs the base is tuned on them first, as an application's is.
reworded: the questions of bank_faq_en, each held out and its paraphrase asked: by rule (rewording.py), and 80 that were
written by hand. Questions that are there several times, with answers for different products, count as one.
customer_service_load.py measures speed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from faqs import bq, embedder, esun
from feilun.apps.customer_service.finding.calibration import calibrate
from feilun.apps.customer_service.finding.held_out import Thresholds, thresholds
from feilun.apps.customer_service.finding.library import ANSWER, Library
from feilun.apps.customer_service.finding.second_look import Reranker
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.apps.customer_service.known.twins import says_the_same
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.rungs.grounded import unsupported
from feilun.apps.customer_service.settings import CustomerServiceSettings, KnowledgeSettings, ModelSettings
from feilun.core.ports import Embedder
from feilun.workflow.applications.customer_service.training import trained
from feilun.workflow.applications.customer_service.version import reranker_of
from feilun.workflow.screen import silent
from public_tables import rows_of, texts_and_labels
from rewording import REWORDINGS

BY_HAND = Path(__file__).parent / "bank_faq_en_paraphrases.jsonl"
"""Paraphrases written for this benchmark, by a language model that saw the question alone; which, by a hash of it."""

NOT_FOUND = 1000
"""The place of an entry that no search proposes."""

SETTINGS = CustomerServiceSettings("customer-service", "benchmark", KnowledgeSettings(faq=("-",)))


def embedder_or_none(name: str) -> Embedder | None:
    """Open a bundle or a base; `none` finds by words alone."""
    return None if name == "none" else embedder(name)


def esun_entries(data: Path) -> tuple[list[FaqEntry], list[tuple[str, str]]]:
    """Return the entries of E.SUN's FAQ, and queries with the id of the entry that answers them."""
    bank = esun(data)
    answers = {i: " ".join(own).replace("{", "(") for i, own in bank.answers.items()}
    return [FaqEntry(i, own[0], answers[i], own[1:]) for i, own in bank.questions.items()], bank.queries


def bq_entries(data: Path) -> tuple[list[FaqEntry], list[tuple[str, str]]]:
    """Return the second texts of BQ's dev rows as entries, and the first texts of its positive pairs as queries."""
    pairs = bq(data, "dev")
    return [FaqEntry(i, own[0], f"答复 {i}。") for i, own in pairs.questions.items()], pairs.queries


QUESTIONS = {"esun": esun_entries, "bq": bq_entries}


def grounding(data: Path, name: str, model: Embedder | None, share: float, reranker: Reranker | None) -> None:
    """Print what the whole ladder does with questions that have an answer, and with the same without it."""
    entries, queries = QUESTIONS[name](data)
    queries = queries[: max(20, round(share * len(queries)))]
    library = Library(model, entries, reranker=reranker)
    counts = {"first": 0, "answered": 0, "right": 0, "clarified": 0, "declined": 0, "citations": 0, "wrong": 0}
    for half in (0, 1):
        found = calibrated(library, queries[half::2])
        ladder = Ladder(library, found, SETTINGS)
        for query, right in queries[1 - half :: 2]:
            evidence = library.question(query, library.embed(query))
            like = answering_like(library, right)
            counts["first"] += evidence is not None and found.curated.weighed(evidence)[0].id in like
            _ask_with_and_without(ladder, query, right, counts)
    n = len(queries)
    print(f"first candidate right {counts['first'] / n:.3f} of {n}; answered {counts['answered'] / n:.3f}, "
          f"rightly {counts['right'] / n:.3f}; asked back {counts['clarified'] / n:.3f}")  # fmt: skip
    print(f"without their entry: not answered {counts['declined'] / n:.3f} of {n}")
    print(f"cited sentences that do not stand in what they cite: {counts['wrong']} of {counts['citations']}")


def calibrated(library: Library, queries: Sequence[tuple[str, str]]) -> Thresholds:
    """Return thresholds that are chosen on queries, each with the id of the entry that answers it."""
    curated, grounded = [], []
    for query, right in queries:
        vector = library.embed(query)
        curated.append((library.question(query, vector), right))
        grounded.append((library.passage(query, vector), right + ANSWER))
    settings = SETTINGS.ladder
    return Thresholds(
        calibrate(curated, settings.declined, settings.precision),
        calibrate(grounded, settings.declined, settings.precision),
    )


def _ask_with_and_without(ladder: Ladder, query: str, right: str, counts: dict[str, int]) -> None:
    library = ladder.library
    answering = answering_like(library, right)
    reply, _ = ladder.answer(query, {})
    counts["answered"] += reply.action == "answer"
    counts["right"] += any(citation.id.removesuffix(ANSWER) in answering for citation in reply.citations)
    counts["clarified"] += reply.action == "clarify"
    entries = [library.entries[identity] for identity in answering]
    library.change(removed=answering)
    without, _ = ladder.answer(query, {})
    library.change(entries)
    counts["declined"] += without.action != "answer"
    for one in (reply, without):
        counts["citations"] += len(one.citations)
        counts["wrong"] += len(list(unsupported(one, library)))


def answering_like(library: Library, right: str) -> set[str]:
    """Return the entries that give the same answer as one, itself among them."""
    answer = library.entries[right].answer
    return {right, *(entry.id for entry in library.entries.values() if says_the_same(answer, entry.answer))}


def intents(data: Path, base: str, examples: int, share: float, declined: float, epochs: int) -> None:
    """Print accuracy in scope and recall of what is out of scope, of the ladder as a whole."""
    ways: dict[str, list[str]] = {}
    for text, label in zip(*texts_and_labels(data / "clinc150" / "train.csv"), strict=True):
        if label != "oos" and len(ways.setdefault(label, [])) < examples:
            ways[label].append(text)
    entries = [FaqEntry(label, own[0], f"This is {label}.", tuple(own[1:]), label) for label, own in ways.items()]
    asked = list(zip(*texts_and_labels(data / "clinc150" / "test.csv"), strict=True))[:: max(1, round(1 / share))]
    model = tuned(base, entries, epochs) if epochs else embedder_or_none(base)
    found = thresholds(model, entries, (), declined=declined, precision=SETTINGS.ladder.precision)
    ladder = Ladder(Library(model, entries), found, SETTINGS)
    first = right = inside = outside = declined = 0
    for text, label in asked:
        evidence = ladder.library.question(text, ladder.library.embed(text))
        best = found.curated.weighed(evidence)[0].id if evidence is not None else None
        reply, _ = ladder.answer(text, {})
        inside += label != "oos"
        outside += label == "oos"
        first += best == label
        right += label != "oos" and reply.action == "answer" and reply.citations[0].id.removesuffix(ANSWER) == label
        declined += label == "oos" and reply.action != "answer"
    print(f"held out: {found.curated.to_json() | {'weights': ()}}")
    print(f"in scope: first candidate right {first / inside:.3f}, answered by it {right / inside:.3f} of {inside}; "
          f"out of scope: not answered {declined / max(outside, 1):.3f} of {outside}")  # fmt: skip


def tuned(base: str, entries: Sequence[FaqEntry], epochs: int) -> Embedder:
    """Tune a base on the ways to ask entries, as `feilun customer-service train` does."""
    settings = replace(SETTINGS, model=ModelSettings(base, epochs))
    asked = [replace(entry, answer="") for entry in entries]  # the answers of an intent are made up
    return trained(settings, asked, (), silent, ())[0]


def reworded(data: Path, model: Embedder | None) -> None:
    """Print how often the entry of a question of bank_faq_en comes first when its paraphrase is asked.

    Weights are fitted on one half of the paraphrases of a kind and judged on the other, and turned round; an entry that
    gives the same answer counts as right.
    """
    rows = [row for split in ("train", "dev", "test") for row in rows_of(data / "bank_faq_en" / f"{split}.csv")]
    answers = {spelt_alike(row["text"]): (row["text"].strip(), row["answer"].replace("{", "(")) for row in rows}
    numbers = {sha256(key.encode()).hexdigest()[:10]: str(number) for number, key in enumerate(answers)}
    questions = [question for question, _ in answers.values()]
    library = Library(model, [FaqEntry(str(n), *own) for n, own in enumerate(answers.values())])
    by_hand = [json.loads(line) for line in BY_HAND.read_text(encoding="utf-8").splitlines()]
    asked = {"written by hand": [(one["asked"], numbers[one["question"]]) for one in by_hand]}
    for kind, rule in REWORDINGS.items():
        asked[kind] = [(said, str(n)) for n, text in enumerate(questions) if (said := rule(text)) is not None]
    for kind, own in asked.items():
        ranks = [rank for half in (0, 1) for rank in _ranks(library, own[half::2], own[1 - half :: 2])]
        first, five = (sum(rank < most for rank in ranks) / len(ranks) for most in (1, 5))
        print(f"{kind}: entry first {first:.3f}, among five {five:.3f} of {len(own)}; such as {own[0][0]!r}")


def _ranks(library: Library, learned: Sequence[tuple[str, str]], asked: Sequence[tuple[str, str]]) -> Iterator[int]:
    """Yield the places of the right entries, from 0, by weights that were fitted on other questions."""
    curated = calibrated(library, learned).curated
    for said, right in asked:
        evidence = library.question(said, library.embed(said))
        weighed = curated.weighed(evidence) if evidence is not None else []
        like = answering_like(library, right)
        yield next((place for place, one in enumerate(weighed) if one.id in like), NOT_FOUND)


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grounding", "intents", "reworded"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", default="multilingual-e5-small", help="bundle or base model; none: words alone")
    parser.add_argument("--questions", choices=list(QUESTIONS), default="esun", help="of grounding")
    parser.add_argument("--reranker", default="", help="`match` bundle that looks again at close candidates")
    parser.add_argument("--share", type=float, default=1.0, help="share of the questions that is asked")
    parser.add_argument("--declined", type=float, default=SETTINGS.ladder.declined, help="of intents: what is declined")
    parser.add_argument("--epochs", type=int, default=0, help="of intents: times over the examples; 0 tunes nothing")
    parser.add_argument("--examples", type=int, default=20, help="training utterances an intent")
    arguments = parser.parse_args()
    runs: Mapping[str, Callable[[], None]] = {
        "grounding": lambda: grounding(
            arguments.data,
            arguments.questions,
            embedder_or_none(arguments.embedder),
            arguments.share,
            reranker_of(arguments.reranker),
        ),
        "intents": lambda: intents(
            arguments.data,
            arguments.embedder,
            arguments.examples,
            arguments.share,
            arguments.declined,
            arguments.epochs,
        ),
        "reworded": lambda: reworded(arguments.data, embedder_or_none(arguments.embedder)),
    }
    runs[arguments.what]()


if __name__ == "__main__":
    main()
