"""Customer service on other people's questions: what is answered, declined and cited; intents; speed over HTTP.

    python benchmarks/customer_service.py grounding --data ../shared/data [--embedder BUNDLE] [--reranker BUNDLE]
    python benchmarks/customer_service.py intents --data ../shared/data --examples 20
    python benchmarks/customer_service.py speed --data ../shared/data --embedder BUNDLE --entries 10000

grounding: the 175 test queries of esun_bank_faq over its 617 entries (or, --questions bq, the first texts of bq_corpus'
positive dev pairs over all second texts), each asked with its entry there and once more with its entry taken out. In
halves: weights and thresholds are chosen on one, the other is judged, and turned round.
intents: clinc150, each intent an entry whose ways to ask are training utterances; thresholds from held-out ones.
speed: entries are the different sentences of bq_corpus; turns come at a fixed rate, whether or not the former were
answered.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import uvicorn

from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.calibration import calibrate
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.entries import FaqEntry
from feilun.apps.customer_service.held_out import Thresholds, thresholds
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.library import ANSWER, Library
from feilun.apps.customer_service.rungs.grounded import unsupported
from feilun.apps.customer_service.second_look import Reranker
from feilun.apps.customer_service.settings import CustomerServiceSettings, KnowledgeSettings
from feilun.bundles.bundle import open_bundle
from feilun.core.errors import BundleError
from feilun.core.ports import Embedder
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.customer_service import with_customer_service
from feilun.knowledge.rules import DecisionTables
from feilun.models.bases.catalogue import open_base
from feilun.serving.engine import Engine
from feilun.storage.database import open_database
from feilun.workflow.applications.base_embedder import BaseEmbedder
from feilun.workflow.applications.customer_service_version import reranker_of
from feilun.workflow.service import listen

SETTINGS = CustomerServiceSettings("customer-service", "benchmark", KnowledgeSettings(faq=("-",)))


def embedder(name: str) -> Embedder:
    """Open a bundle, or a base model with its own pooling."""
    try:
        return open_bundle(name, threads=1)
    except BundleError:
        return BaseEmbedder(open_base(name))


def esun(data: Path) -> tuple[list[FaqEntry], list[tuple[str, str]]]:
    """Return the entries of E.SUN's FAQ, and queries with the id of the entry that answers them."""
    questions: dict[str, list[str]] = {}
    answers: dict[str, list[str]] = {}
    for line in (data / "esun_bank_faq" / "kb.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        questions.setdefault(str(row["doc_id"]), []).append(row["question"])
        answers.setdefault(str(row["doc_id"]), []).extend(row["answers"])
    entries = [
        FaqEntry(i, own[0], " ".join(answers[i]).replace("{", "("), tuple(own[1:])) for i, own in questions.items()
    ]
    lines = (data / "esun_bank_faq" / "queries_test.jsonl").read_text(encoding="utf-8").splitlines()
    return entries, [(row["query"], str(row["relevant_doc_id"])) for row in map(json.loads, lines)]


def bq(data: Path) -> tuple[list[FaqEntry], list[tuple[str, str]]]:
    """Return the second texts of BQ's dev rows as entries, and the first texts of its positive pairs as queries."""
    with (data / "bq_corpus" / "dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = {text: str(number) for number, text in enumerate(dict.fromkeys(row["sentence2"] for row in rows))}
    entries = [FaqEntry(number, text, f"答复 {number}。") for text, number in ids.items()]
    return entries, [(row["sentence1"], ids[row["sentence2"]]) for row in rows if row["label"] == "1"]


QUESTIONS = {"esun": esun, "bq": bq}


def grounding(data: Path, name: str, model: Embedder | None, share: float, reranker: Reranker | None) -> None:
    """Print what the whole ladder does with questions that have an answer, and with the same without it."""
    entries, queries = QUESTIONS[name](data)
    queries = queries[: max(20, round(share * len(queries)))]
    library = Library(model, entries, reranker=reranker)
    counts = {"first": 0, "answered": 0, "right": 0, "clarified": 0, "declined": 0, "citations": 0, "wrong": 0}
    for half in (0, 1):
        found = _calibrated(library, queries[half::2])
        ladder = Ladder(library, found, SETTINGS)
        for query, right in queries[1 - half :: 2]:
            evidence = library.question(query, library.embed(query))
            counts["first"] += evidence is not None and found.curated.weighed(evidence)[0].id == right
            _ask_with_and_without(ladder, query, right, counts)
    n = len(queries)
    print(f"first candidate right {counts['first'] / n:.3f} of {n}; answered {counts['answered'] / n:.3f}, "
          f"rightly {counts['right'] / n:.3f}; asked back {counts['clarified'] / n:.3f}")  # fmt: skip
    print(f"without their entry: not answered {counts['declined'] / n:.3f} of {n}")
    print(f"cited sentences that do not stand in what they cite: {counts['wrong']} of {counts['citations']}")


def _calibrated(library: Library, queries: Sequence[tuple[str, str]]) -> Thresholds:
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
    reply, _ = ladder.answer(query, {})
    counts["answered"] += reply.action == "answer"
    counts["right"] += any(citation.id.removesuffix(ANSWER) == right for citation in reply.citations)
    counts["clarified"] += reply.action == "clarify"
    entry = library.entries[right]
    library.change(removed=[right])
    without, _ = ladder.answer(query, {})
    library.change([entry])
    counts["declined"] += without.action != "answer"
    for one in (reply, without):
        counts["citations"] += len(one.citations)
        counts["wrong"] += len(list(unsupported(one, library)))


def intents(data: Path, model: Embedder | None, examples: int, share: float) -> None:
    """Print accuracy in scope and recall of what is out of scope, of the ladder as a whole."""
    ways: dict[str, list[str]] = {}
    for text, label in _rows(data / "clinc150" / "train.csv"):
        if label != "oos" and len(ways.setdefault(label, [])) < examples:
            ways[label].append(text)
    entries = [FaqEntry(label, own[0], f"This is {label}.", tuple(own[1:]), label) for label, own in ways.items()]
    asked = _rows(data / "clinc150" / "test.csv")[:: max(1, round(1 / share))]
    found = thresholds(model, entries, (), declined=SETTINGS.ladder.declined, precision=SETTINGS.ladder.precision)
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


def speed(data: Path, model: Embedder | None, count: int, rate: float, seconds: float) -> None:
    """Print how long indexing takes, when an update is seen, and the latency of turns over HTTP at a fixed rate."""
    rows = [text for split in ("train", "dev", "test") for text in _sentences(data / "bq_corpus" / f"{split}.csv")]
    texts = list(dict.fromkeys(rows))
    entries = [FaqEntry(str(i), text, f"答复 {i}。") for i, text in enumerate(texts[:count])]
    start = time.perf_counter()
    library = Library(model, entries)
    print(f"{len(entries)} entries indexed in {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    library.change([FaqEntry("new", "云溪银行代收快递吗", "不代收。")])
    hits = library.question("云溪银行代收快递吗", library.embed("云溪银行代收快递吗"))
    print(f"an update is seen after {time.perf_counter() - start:.3f} s: {hits is not None and 'new' in hits.ids}")
    found = _calibrated(library, [(text, str(i)) for i, text in enumerate(texts[:50])])
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/benchmark.db")
        desk = Desk(SETTINGS, Ladder(library, found, SETTINGS), database, BusinessRules(DecisionTables((), OUTPUTS)))
        taken = _turns_over_http(desk, texts[:: max(1, len(texts) // 500)], rate, seconds)
        database.close()
    p50, p99 = np.quantile(np.array(taken) * 1000, [0.5, 0.99])
    print(f"{len(taken)} turns at {rate:g} a second over HTTP: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def _turns_over_http(desk: Desk, texts: Sequence[str], rate: float, seconds: float) -> list[float]:
    """Send turns at a fixed rate to a real server; returns the seconds that each took, from when it was due."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(with_customer_service(create_app, desk)(Engine({})), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/apps/customer-service/turns"

    async def asked() -> list[float]:
        async with httpx.AsyncClient(timeout=60) as client:
            for _ in range(20):
                await client.post(address, json={"text": texts[0]})
            begun = time.perf_counter()

            async def one(number: int) -> float:
                due = begun + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                answer = await client.post(address, json={"text": texts[number % len(texts)]})
                answer.raise_for_status()
                return time.perf_counter() - due

            return await asyncio.gather(*(one(number) for number in range(round(rate * seconds))))

    while not server.started:
        time.sleep(0.05)
    try:
        return asyncio.run(asked())
    finally:
        server.should_exit = True
        thread.join()


def _rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def _sentences(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file) for name in ("sentence1", "sentence2")]


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grounding", "intents", "speed"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", default="multilingual-e5-small", help="bundle or base model; none: words alone")
    parser.add_argument("--questions", choices=list(QUESTIONS), default="esun", help="of grounding")
    parser.add_argument("--reranker", default="", help="`match` bundle that looks again at close candidates")
    parser.add_argument("--share", type=float, default=1.0, help="share of the questions that is asked")
    parser.add_argument("--examples", type=int, default=20, help="training utterances an intent")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=20.0, help="turns a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    model = None if arguments.embedder == "none" else embedder(arguments.embedder)
    runs: Mapping[str, Callable[[], None]] = {
        "grounding": lambda: grounding(
            arguments.data, arguments.questions, model, arguments.share, reranker_of(arguments.reranker)
        ),
        "intents": lambda: intents(arguments.data, model, arguments.examples, arguments.share),
        "speed": lambda: speed(arguments.data, model, arguments.entries, arguments.rate, arguments.seconds),
    }
    runs[arguments.what]()


if __name__ == "__main__":
    main()
