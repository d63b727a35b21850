"""The application file, the packaged sample and the suite's form."""

import csv
import json
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.known.entries import FaqEntry, content
from feilun.apps.customer_service.known.faq import alike
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import DataError, RecipeError, UsageError
from feilun.interfaces.cli import main
from feilun.knowledge.rules import DecisionTables
from feilun.storage import customer_service as storage
from feilun.storage.customer_service_knowledge import Known, put_knowledge
from feilun.storage.database import open_database
from feilun.workflow.applications.customer_service.demo import demo_settings
from feilun.workflow.applications.customer_service.file import read_application, read_knowledge
from feilun.workflow.applications.customer_service.knowledge import known_to
from feilun.workflow.applications.customer_service.measures import measures_of, write_csv
from feilun.workflow.applications.customer_service.suite import read_suite
from feilun.workflow.applications.customer_service.wiring import import_knowledge, opened

NIGHT = datetime(2026, 11, 27, 23)
ROOT = Path(__file__).parents[3]


def test_all_faults_of_an_application_file_are_named_with_their_lines(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('application = "customer-service"\nname = "x"\n[ladder]\nsentences = 0\noption = 3\n')
    with pytest.raises(RecipeError) as raised:
        read_application(path)
    assert "line 4" in str(raised.value)
    assert "'options'" in str(raised.value)
    with pytest.raises(UsageError, match="no application file"):
        read_application(tmp_path / "none.toml")


def test_the_packaged_sample_is_whole_and_the_example_names_the_same():
    knowledge = read_knowledge(demo_settings())
    assert len(knowledge.entries) >= 150
    assert len({passage.document for passage in knowledge.passages}) >= 6
    sample = files("feilun.apps.customer_service") / "sample" / "conversations.jsonl"
    assert len(sample.read_text(encoding="utf-8").splitlines()) >= 60
    assert len(knowledge.answered) >= 60
    assert not alike(knowledge.entries)[1]
    example = read_knowledge(read_application(ROOT / "examples" / "customer_service.toml"))
    assert example.entries == knowledge.entries


def test_the_suite_of_the_example_is_named_by_it_and_names_it():
    settings = read_application(ROOT / "examples" / "customer_service.toml")
    suite = read_suite(Path(settings.release.suite))
    assert suite.application == ROOT / "examples" / "customer_service.toml"
    assert len(suite.conversations) == 11


def test_an_import_replaces_what_was_imported_before(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.jsonl"
    first.write_text("question,answer\n怎么开户,带身份证\n怎么销户,去网点\n", encoding="utf-8")
    second.write_text('{"question": "怎么开户", "answer": "带身份证", "variants": ["开户"]}\n', encoding="utf-8")
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    assert len(import_knowledge(demo_settings(first), database)[1].entries) == 2
    import_knowledge(demo_settings(second), database)
    (entry,) = known_to("customer-service-demo", database).entries
    assert entry.variants == ("开户",)
    assert known_to("other", database).entries == ()
    database.close()


def test_what_two_files_say_of_one_question_is_put_together_or_told_to_contradict(tmp_path, capsys):
    first, second = tmp_path / "一.csv", tmp_path / "二.csv"
    first.write_text("question,answer,variants\n怎么开户,带身份证,开户\n年费,免费,\n", encoding="utf-8")
    second.write_text("question,answer,variants\n怎么开户,带身份证,办卡\n年费,一百元,\n", encoding="utf-8")
    file = tmp_path / "a.toml"
    file.write_text('application = "customer-service"\nname = "x"\n[knowledge]\nfaq = ["一.csv", "二.csv"]\n', "utf-8")
    assert [entry.variants for entry in read_knowledge(read_application(file)).entries] == [("开户", "办卡"), (), ()]
    with closing(open_database()) as database, database.write() as connection:
        approved = content(FaqEntry("f", "办卡", "不行"))
        put_knowledge(connection, "x", Known("f", "faq", "candidate", approved))
    assert main.run(["customer-service", "import", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sorted(map(sorted, said["contradictions"])) == [["办卡", "办卡"], ["年费", "年费"]]
    assert said["files"][str(first)]["variants"] == 1


def test_a_faulty_file_changes_nothing(tmp_path):
    good, bad = tmp_path / "a.csv", tmp_path / "b.csv"
    good.write_text("question,answer\n怎么开户,带身份证\n", encoding="utf-8")
    bad.write_text("question,answer\n怎么开户,{pin}\n", encoding="utf-8")
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    import_knowledge(demo_settings(good), database)
    with pytest.raises(DataError, match="unknown slot"):
        import_knowledge(demo_settings(bad), database)
    assert len(known_to("customer-service-demo", database).entries) == 1
    database.close()


@pytest.mark.parametrize("foreign", [b"\xff\xfe\x81\x00\x9d", bytes(range(128, 256))])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_faq_that_is_no_text_says_what_a_faq_can_be(tmp_path, name, foreign):
    path = tmp_path / name
    path.write_bytes(b"question,answer\n" + foreign + b",x\n")
    with pytest.raises(DataError, match="no text in any encoding") as raised:
        read_knowledge(demo_settings(path))
    assert raised.value.remedy == "Save it as UTF-8."


def test_a_faq_of_json_lines_may_be_in_an_encoding_of_windows(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"question": "怎么开户", "answer": "请带身份证到网点办理"}\n'.encode("gb18030"))
    (entry,) = read_knowledge(demo_settings(path)).entries
    assert entry.answer == "请带身份证到网点办理"


def test_an_application_that_was_not_trained_says_so():
    with pytest.raises(UsageError, match="not trained"), opened(demo_settings()):
        pass


def test_measures_are_a_table_with_a_row_a_day(tmp_path):
    settings = CustomerServiceSettings("customer-service", "bank")
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as connection:
        begun = storage.begun("=web")
        storage.begin(connection, "bank", begun)
        turn = storage.Turn("t", begun.id, begun.started, "customer", "年费")
        storage.add_turns(connection, "bank", [turn])
    found, missing = measures_of(settings, database, "channel", 1)
    write_csv(found, tmp_path / "m.csv")
    rows = list(csv.DictReader((tmp_path / "m.csv").open(encoding="utf-8-sig")))
    assert [(row["name"], row["conversations"], row["answered"]) for row in rows] == [("'=web", "1", "")]
    assert missing == []
    assert measures_of(replace(settings, name="shop"), database, "all", 1) == ({}, [])
    with pytest.raises(UsageError, match="'day'"):
        measures_of(settings, database, "dy", 1)
    database.close()


def test_the_rules_of_the_example_are_valid_and_say_what_they_are_to_say():
    made = read_application(ROOT / "examples" / "customer_service.toml")
    rules = BusinessRules(DecisionTables([Path(name) for name in made.rules.tables], OUTPUTS), lambda: NIGHT)
    funds = rules.applied(Reply("answer", "开放日可赎回。", intent="理财"), "能赎回吗", {}, "web")
    assert funds.text.endswith("投资须谨慎。")
    assert rules.applied(Reply("answer", "a"), "有内幕消息吗", {}, "web").action == "unknown"
    handed = rules.applied(Reply("handoff", "请稍候", handoff="request"), "转人工", {"level": "vip"}, "web")
    assert (handed.priority, "9 点" in handed.text) == (5, True)
    assert set(made.forms) == {"card_loss", "appointment"}
