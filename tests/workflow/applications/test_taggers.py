"""The taggers of both applications, trained on a tiny base, judged beside their lists, and at work."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from made_bank import FEE, written
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from feilun.apps.public_opinion.gazetteer import KINDS, Entity, Gazetteer
from feilun.apps.public_opinion.understanding import named
from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError, UsageError
from feilun.core.spans import Span
from feilun.evaluation.baselines.spans import MentionDictionary
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.knowledge.mentions import Tagger
from feilun.workflow.applications.customer_service.file import read_application
from feilun.workflow.applications.customer_service.tagger import tagger_trained
from feilun.workflow.applications.customer_service.version import Version, tagger_of
from feilun.workflow.applications.public_opinion import wiring as wired
from feilun.workflow.applications.public_opinion.file import ModelSettings, Settings
from feilun.workflow.applications.public_opinion.training import train_entities
from feilun.workflow.applications.tagging import open_tagger, tell_beside_list
from feilun.workflow.screen import Screen
from tiny import WORDS, save_tiny_base, tiny_tokenizer
from tiny_bundle import made_bundle

pytestmark = pytest.mark.usefixtures("undrawn")


class Heard(Screen):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def spans(folder: Path, labels: dict[str, str], rows: int = 100) -> Path:
    """Write texts of tiny words in which some are marked."""
    source, lines = random.Random(5), []
    for _ in range(rows):
        words, text, marked = source.choices(WORDS, k=source.randint(2, 9)), "", []
        for word in words:
            start = len(text) + bool(text)
            text = f"{text} {word}".strip()
            if word in labels:
                marked.append({"start": start, "end": start + len(word), "label": labels[word]})
        lines.append(json.dumps({"text": text, "entities": marked}, ensure_ascii=False))
    (folder / "spans.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "spans.jsonl"


def wide_base(folder: Path) -> str:
    """Save a base of one layer that reads as many tokens as the application does."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32}
    read = BertConfig(vocab_size=20, max_position_embeddings=128, **sizes)
    BertModel(read, add_pooling_layer=False).save_pretrained(folder / "base")
    tiny_tokenizer().save(str(folder / "base" / "tokenizer.json"))
    return str(folder / "base")


def test_a_tagger_of_entities_is_trained_and_opened_by_the_application_file(tmp_path: Path) -> None:
    spans(tmp_path, {"loan": "product", "bank": "company", "银行": "company"})
    models = ModelSettings(spans="spans.jsonl", base=wide_base(tmp_path), epochs=1, compared=40)
    gazetteer, screen = Gazetteer([Entity("银行")]), Heard()
    bundle = train_entities(
        Settings("public-opinion", "", models=models), tmp_path, tmp_path / "out", gazetteer, screen
    )
    assert "list and rules" in "\n".join(screen.said)
    assert bundle.path == tmp_path / "out" / "tagger"
    assert open_tagger(bundle, KINDS, "models.tagger").labels == set(KINDS)


def test_list_and_model_are_told_alone_and_together() -> None:
    text = "星野电子和青禾汽车"
    made = corpus_of([text])
    judged = Corpus(made.id, made.text, target=[(Span(0, 4, "company"), Span(5, 9, "company"))])
    gazetteer, screen = Gazetteer([Entity("青禾汽车")]), Heard()
    tagger = Tagger(MentionDictionary({"星野电子": "company"}, KINDS), KINDS)

    def told(model: Tagger) -> bool:
        return tell_beside_list(
            judged, ["company"], lambda texts: named(texts, gazetteer, None), model.read,
            lambda texts: named(texts, gazetteer, model), screen,
        )  # fmt: skip

    assert told(tagger)
    assert "list and rules 0.667, model 0.667, together 1.000" in screen.said[-1]
    assert not told(Tagger(MentionDictionary({"青禾汽车": "company"}, KINDS), KINDS))
    assert "adds nothing" in screen.said[-1]


def test_a_bundle_of_another_task_is_no_tagger(tmp_path: Path) -> None:
    bundle = open_bundle(str(made_bundle(tmp_path / "b")), threads=1)
    with pytest.raises(UsageError, match="finds none of company, person, product"):
        open_tagger(bundle, KINDS, "models.tagger")


def test_found_names_are_listed_and_approved_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "entities.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    file = tmp_path / "application.toml"
    file.write_text(
        'application = "public-opinion"\nentities = "entities.toml"\n[sources]\nfiles = ["news.jsonl"]\npush = false\n',
        encoding="utf-8",
    )
    record = {"id": "1", "text": "星野电子裁员，某公司跟进", "time": "2026-03-01T10:00+08:00", "source": "财闻"}
    (tmp_path / "news.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    tagger = MentionDictionary({"星野电子": "company", "某公司": "company"}, KINDS)
    with wired.opened(file, models={"tagger": tagger}) as application:
        wired.run(application, finish=True)
    run = CliRunner().invoke
    listed = run(cli.app, ["names", str(file), "--json"])
    assert {json.loads(line)["name"] for line in listed.stdout.splitlines()} == {"星野电子", "某公司"}
    assert run(cli.app, ["names", str(file), "--approve", "星野电子", "--ignore", "某公司"]).exit_code == 0
    assert run(cli.app, ["names", str(file), "--json"]).stdout == ""
    with wired.opened(file) as application:
        assert [one.name for one in application.gazetteer.entities] == ["青禾汽车", "星野电子"]
        assert named(["某公司"], application.gazetteer, Tagger(tagger, KINDS)) == [[]]


def test_customer_service_learns_from_labelled_sayings_once_and_keeps_what_finds_more(tmp_path: Path) -> None:
    save_tiny_base(tmp_path / "base")
    spans(tmp_path, {"loan": "product", "card": "product"})
    path = written(tmp_path, FEE)
    path.write_text(path.read_text(encoding="utf-8") + '[tagger]\nspans = "spans.jsonl"\nlayers = 0\nepochs = 6\n')
    settings = read_application(path)
    settings = replace(settings, model=replace(settings.model, base=str(tmp_path / "base")))
    screen = Heard()
    reference, learned_from = tagger_trained(settings, [], [], screen)
    assert reference.startswith("bank-entities@")
    tagger = tagger_of(reference)
    assert tagger is not None
    assert [one.name for one in tagger.read(["bad card slow"])[0]] == ["card"]
    before = replace(standing_version(), tagger=reference, tagger_from=learned_from)
    assert tagger_trained(settings, [], [before], screen) == (reference, learned_from)
    assert len(screen.said) == len(set(screen.said))  # the second time nothing was trained


def standing_version() -> Version:
    from made_service import BY_QUESTION, BY_WORDS

    from feilun.apps.customer_service.finding.held_out import Thresholds

    return Version("bank-questions@1", Thresholds(BY_WORDS, BY_QUESTION))


def test_a_file_of_sayings_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, FEE)
    path.write_text(path.read_text(encoding="utf-8") + '[tagger]\nspans = "gone.jsonl"\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"gone\.jsonl cannot be read"):
        tagger_trained(read_application(path), [], [], Heard())
