"""What a tagger finds that lists do not: entity F1 of a list alone, of a model alone, and of both united.

    python benchmarks/entities.py --made --seeds 13 14 15
    python benchmarks/entities.py --cluener ../shared/data/cluener --rows 3000
    python benchmarks/entities.py --customers

`--made`: documents of the packaged sample of public opinion about sixty made companies. The list names forty of them;
the model learns from documents on those forty alone; half of the judged documents are on the twenty that neither list
nor model saw, of other stems. `--cluener`: Chinese news; companies, people and products (books, films, games); the
list holds the mentions of all training rows, the model learns from `--rows` of them; dev is judged, also its texts
whose names no training row has. `--customers`: sayings made of the packaged bank (what `tagger.made` of customer
service learns from), judged by made ones of other templates and names, and by fifty that were written by hand. Models:
`--layers` top layers of `--base`. Last what a pass of the int8 bundle takes of the processor, on one thread.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.words.made_sayings import made_sayings
from feilun.apps.customer_service.words.slots import TAGGED, formats
from feilun.apps.public_opinion.gazetteer import KINDS, Entity, Gazetteer
from feilun.apps.public_opinion.sample.writer import FOLDER
from feilun.apps.public_opinion.understanding import named
from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.spans import Span
from feilun.core.toml import parse
from feilun.knowledge.mentions import Tagger, folded, united
from feilun.workflow.applications.customer_service.demo import packaged_entries
from feilun.workflow.applications.tagging import Find, entity_f1
from feilun.workflow.getting_started.default_settings import top_layers
from feilun.workflow.recipe import from_table
from feilun.workflow.steps import train

STEMS = {
    "zh": (
        "启明", "恒泽", "远帆", "金穗", "蓝汀", "鼎和", "星野", "宏岩", "泰澜", "博渊", "嘉禾", "凌川", "百川",
        "瑞霖", "华峤", "信诺", "正阳", "东篱", "南屏", "北辰", "汇通", "长风", "万象", "明德", "顺安", "云岭",
        "锦程", "天工", "木樨", "雪山",
    ),
    "en": (
        "Alder", "Brisk", "Calder", "Dunmore", "Eastvale", "Farrow", "Glenmar", "Hartwell", "Ironbark", "Juniper",
        "Kestrel", "Larkspur", "Marlow", "Norvane", "Oakhurst", "Pellam", "Quarry", "Redfern", "Stanmere", "Tarrant",
        "Umber", "Vexley", "Wexcombe", "Yarrow", "Zephyr", "Corvane", "Dellwood", "Elmstead", "Foxley", "Granmoor",
    ),
}  # fmt: skip
ENDINGS = {
    "zh": ("汽车", "地产", "银行", "科技", "食品", "能源", "制药", "物流", "证券", "电子"),
    "en": ("Motors", "Bank", "Foods", "Energy", "Pharma", "Logistics", "Holdings", "Software", "Retail", "Steel"),
}
LISTED = 2 / 3
LANGUAGES = {"minilm-l6-en": ("en",)}
KINDS_OF_CLUENER = {"company": "company", "name": "person", "book": "product", "movie": "product", "game": "product"}
Row = tuple[str, list[Span]]


def companies(language: str) -> list[str]:
    """Return made names, one a stem: the first are listed, the others held out."""
    ends = ENDINGS[language]
    join = "" if language == "zh" else " "
    return [f"{stem}{join}{ends[i % len(ends)]}" for i, stem in enumerate(STEMS[language])]


def written(names: dict[str, list[str]], count: int, seed: int) -> list[Row]:
    """Write documents from the sample's sentences, each company marked where it stands."""
    table, drawn = parse((FOLDER / "sentences.toml").read_text(encoding="utf-8")), random.Random(seed)
    rows = []
    for _ in range(count):
        language = drawn.choice(list(names))
        event = drawn.choice([one for one in table["event"] if one[language]])
        said = [drawn.choice(event[language]), *drawn.sample(table["details"][language], drawn.randint(0, 1))]
        company, other = drawn.sample(names[language], 2)
        text, spans = filled("。".join(said) if language == "zh" else ". ".join(said), company, other, drawn)
        rows.append((text, spans))
    return rows


def filled(sentence: str, company: str, other: str, drawn: random.Random) -> Row:
    """Fill a sentence's places, and tell where its companies stand."""
    values = {
        "c": company,
        "o": other,
        "n": drawn.randint(2, 9),
        "m": drawn.randint(11, 99) * 10,
        "p": drawn.randint(3, 38),
    }
    text, spans = "", []
    for part in sentence.replace("}", "{").split("{"):
        start = len(text)
        text += str(values[part]) if part in values else part
        if part in ("c", "o"):
            spans.append(Span(start, len(text), "company"))
    return text, spans


def read(path: Path) -> list[Row]:
    """Read rows of cluener, their labels as the application's kinds."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        own = [(one["start"], one["end"], KINDS_OF_CLUENER.get(one["label"])) for one in row["entities"]]
        rows.append((row["text"], [Span(start, end, kind) for start, end, kind in own if kind]))
    return rows


def corpus(rows: Sequence[Row]) -> Corpus:
    """Return rows as a corpus."""
    made = corpus_of([text for text, _ in rows])
    return Corpus(made.id, made.text, target=[tuple(spans) for _, spans in rows])


def listing(rows: Sequence[Row]) -> Gazetteer:
    """Return a list of all that rows name, each under its commonest kind, where it is marked more often than not."""
    marked: dict[str, list[str]] = {}
    for text, spans in rows:
        for span in spans:
            marked.setdefault(text[span.start : span.end].lower(), []).append(span.label)
    texts = "\n".join(text.lower() for text, _ in rows)
    names = {name: statistics.mode(kinds) for name, kinds in marked.items() if 2 * len(kinds) > texts.count(name)}
    return Gazetteer([Entity(name, kind) for name, kind in names.items() if len(name) > 1])  # type: ignore[arg-type]


def trained(
    rows: Sequence[Row], folder: Path, seed: int, arguments: argparse.Namespace, labels: Collection[str] = KINDS
) -> Tagger:
    """Train a tagger on rows."""
    path = folder / "spans.jsonl"
    lines = [
        {"text": text, "entities": [{"start": one.start, "end": one.end, "label": one.label} for one in spans]}
        for text, spans in rows
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    table: dict[str, Any] = {
        "name": "entities", "task": "tag", "data": {"train": str(path), "text": "text", "target": "entities"},
        "model": {"base": arguments.base, "max_tokens": 128, **top_layers(arguments.layers)},
        "training": {"epochs": arguments.epochs, "seed": seed}, "compression": {"texts": 600},
    }  # fmt: skip
    began = time.process_time()
    bundle = train(from_table(table), out=folder / "bundle")
    print(f"seed {seed}: trained in {time.process_time() - began:.0f} s of the processor", flush=True)
    return Tagger(open_bundle(str(bundle.path), threads=1), labels)


def figures(judged: Corpus, gazetteer: Gazetteer, tagger: Tagger) -> list[float]:
    """Return F1 of list, model and both."""
    labels = sorted({span.label for own in judged.target or () for span in own})

    def united(model: Tagger | None) -> Find:
        return lambda texts: named(texts, gazetteer, model)

    return [entity_f1(judged, labels, find) for find in (united(None), tagger.read, united(tagger))]


def made(seed: int, arguments: argparse.Namespace) -> tuple[dict[str, list[float]], Tagger, Corpus]:
    """Judge on documents on listed companies and on held-out ones."""
    names = {language: companies(language) for language in LANGUAGES.get(arguments.base, tuple(STEMS))}
    cut = round(LISTED * len(STEMS["zh"]))
    known = {language: own[:cut] for language, own in names.items()}
    others = {language: own[cut:] for language, own in names.items()}
    gazetteer = Gazetteer([Entity(name) for own in known.values() for name in own])
    with tempfile.TemporaryDirectory() as folder:
        tagger = trained(written(known, arguments.rows, seed), Path(folder), seed, arguments)
    listed, new = written(known, 200, seed + 1000), written(others, 200, seed + 2000)
    tables = {"listed names": listed, "held-out names": new, "half and half": [*listed, *new]}
    return {name: figures(corpus(rows), gazetteer, tagger) for name, rows in tables.items()}, tagger, corpus(new)


def cluener(seed: int, arguments: argparse.Namespace) -> tuple[dict[str, list[float]], Tagger, Corpus]:
    """Judge on dev, with a list of all that the training rows name."""
    rows, judged = read(arguments.cluener / "train.jsonl"), read(arguments.cluener / "dev.jsonl")
    chosen = random.Random(seed).sample(rows, min(arguments.rows, len(rows)))
    with tempfile.TemporaryDirectory() as folder:
        tagger = trained(chosen, Path(folder), seed, arguments)
    seen = {text[span.start : span.end] for text, spans in rows for span in spans}
    unseen = [(text, spans) for text, spans in judged if spans
              and all(text[span.start : span.end] not in seen for span in spans)]  # fmt: skip
    gazetteer = listing(rows)
    tables = {"dev": judged, "dev, texts whose names no training row has": unseen}
    return {name: figures(corpus(own), gazetteer, tagger) for name, own in tables.items()}, tagger, corpus(judged)


def customers(seed: int, arguments: argparse.Namespace) -> tuple[dict[str, list[float]], Tagger, Corpus]:
    """Judge what made sayings teach; no product is listed, so that list and formats are formats alone."""
    own = [text for entry in packaged_entries() for text in entry.texts]
    learned, judged = made_sayings({}, own, arguments.rows, seed)
    with tempfile.TemporaryDirectory() as folder:
        tagger = trained(learned, Path(folder), seed, arguments, TAGGED)
    lines = (Path(__file__).parent / "customer_sayings.txt").read_text(encoding="utf-8").splitlines()
    tables = {"made sayings": corpus(judged), "sayings by hand": corpus([marked(line) for line in lines])}

    def beside(model: Tagger | None) -> Find:
        return lambda texts: [
            united(formats(folded(text)), () if model is None else model.read([text])[0]) for text in texts
        ]

    finds = (beside(None), tagger.read, beside(tagger))
    figures = {name: [entity_f1(rows, TAGGED, find) for find in finds] for name, rows in tables.items()}
    return figures, tagger, tables["made sayings"]


def marked(line: str) -> Row:
    """Return a saying and its spans, each written as [text](label)."""
    text, spans, end = "", [], 0
    for found in re.finditer(r"\[(.+?)\]\((\w+)\)", line):
        text += line[end : found.start()]
        spans.append(Span(len(text), len(text) + len(found[1]), found[2]))
        text, end = text + found[1], found.end()
    return text + line[end:], spans


def main() -> None:
    """Print a table, and what the model's pass costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--cluener", type=Path)
    parser.add_argument("--customers", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--base", default="multilingual-e5-small", help="minilm-l6-en reads English alone")
    arguments = parser.parse_args()
    judge = cluener if arguments.cluener else customers if arguments.customers else made
    found = [judge(seed, arguments) for seed in arguments.seeds]
    print("| judged on | list | model | together |\n| --- | --- | --- | --- |")
    for name in found[0][0]:
        columns = zip(*(tables[name] for tables, _, _ in found), strict=True)
        shown = [f"{statistics.mean(own):.3f} ({min(own):.3f}–{max(own):.3f})" for own in map(list, columns)]
        print(f"| {name} | {' | '.join(shown)} |", flush=True)
    _, tagger, judged = found[-1]
    began = time.process_time()
    tagger.read(judged.text)
    used = time.process_time() - began
    print(f"the model's pass: {len(judged) / used:,.0f} texts a second of the processor")


if __name__ == "__main__":
    main()
