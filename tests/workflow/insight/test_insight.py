import json

import numpy as np
import pytest

from feilun.interfaces.cli.main import run
from feilun.workflow.insight import sentiment
from feilun.workflow.insight.findings import LATER, find_insight
from feilun.workflow.insight.page import write_insight
from feilun.workflow.insight.sentiment import sentiment_model
from tiny_bundle import LABELS, made_bundle

GOOD, BAD = "the coffee tastes lovely and fresh", "delivery came late and the parcel was broken"


def table(path, rows=240):
    """Write reviews: bad ones of shop B, ever more of them, with one in Chinese that stands alone."""
    draw = np.random.default_rng(3)
    lines = ["said,when,shop,stars,key"]
    for row in range(rows):
        bad = draw.random() < row / rows
        words = draw.choice(["really", "again", "sadly", "honestly", "today", "there"], 2, replace=False)
        shop = "B" if bad else "A"
        text = f"{BAD if bad else GOOD} {' '.join(words)} number{row}"
        lines.append(f"{text},2026-03-{1 + row * 28 // rows:02d} 10:00,{shop},{1 if bad else 5},k{row}")
    lines += ['"call me at 13912345678, mail a.b@example.org",2026-03-05,A,3,x'] * 2
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def links(insight, column):
    (drivers,) = [one for one in insight.drivers if one.column.name == column]
    return {(link.group, insight.marks[link.mark]): link for link in drivers.found}


def test_what_goes_with_columns_and_time_is_found(tmp_path):
    insight = find_insight(table(tmp_path / "a.csv"), "said", time="when", by=["shop", "stars", "key"], topics=2)
    shops, stars = links(insight, "shop"), links(insight, "stars")
    assert shops["B", "broken"].inside == 1
    assert shops["A", "broken"].effect < 0
    assert stars["", "broken"].high < 0 < stars["", "coffee"].low
    later = {insight.marks[link.mark]: link for link in insight.trends.found}
    assert later["broken"].low > 0
    assert later["broken"].group == LATER
    assert sum(insight.trends.texts) == 242
    assert "No value of the column 'key' has 10 rows" in " ".join(insight.remarks)


def test_the_page_stands_alone_and_holds_no_personal_data(tmp_path):
    insight = find_insight(table(tmp_path / "a.csv"), "said", time="when", by=["shop"])
    page, facts = write_insight(insight, tmp_path / "out")
    text = page.read_text(encoding="utf-8") + facts.read_text(encoding="utf-8")
    assert "13912345678" not in text
    assert "a.b@example.org" not in text
    assert "[PHONE]" in text
    assert 'src="http' not in text
    assert json.loads(facts.read_text(encoding="utf-8"))["near_duplicates"]["groups"] >= 1


def test_what_a_text_holds_is_never_markup(tmp_path):
    (tmp_path / "a.csv").write_text(
        "said,by\n" + "\n".join([f'"1 < 2 & good bread > y{i % 7}",<b>{i % 2}' for i in range(60)])
    )
    page, _ = write_insight(find_insight(str(tmp_path / "a.csv"), "said", by=["by"]), tmp_path)
    assert "1 &lt; 2 &amp; good bread &gt; y" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("rows", ["one text", "one text\nanother text"])
def test_a_table_of_one_or_two_rows_is_said_to_be_small(tmp_path, rows):
    (tmp_path / "a.csv").write_text(f"said\n{rows}\n")
    insight = find_insight(str(tmp_path / "a.csv"), "said")
    write_insight(insight, tmp_path)
    assert "too few" in insight.remarks[0]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", [], "is empty (0 bytes)"),
        ("said,when\n", [], "no rows"),
        ("said,when\n,2026\n,2026\n", [], "None of the 2 rows"),
        ("said,when\nhello,2026-01-01\n", ["--text", "sayd"], "Did you mean 'said'?"),
        ("said,when\nhello,2026-01-01\n", ["--time", "wen"], "which --time names"),
        ("said,when\nhello,2026-01-01\n", ["--by", "stars"], "which --by names"),
        ("said,when\nhello,soon\n", ["--time", "when"], "No time of the column 'when'"),
        ("said,when\nhello,soon\n", ["--model", "nobody"], "There is no bundle 'nobody'"),
    ],
)
def test_a_user_is_told_what_is_wrong(tmp_path, monkeypatch, capsys, content, options, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(content)
    assert run(["insight", "a.csv", "--text", "said", *options]) in {1, 2}
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_times_that_cannot_be_read_are_counted(tmp_path):
    (tmp_path / "a.csv").write_text("said,when\none,2026-01-01\ntwo,soon\n,2026-01-02\n")
    insight = find_insight(str(tmp_path / "a.csv"), "said", time="when")
    assert insight.trends.texts == (1,)
    assert "1 of 3 rows have no text." in insight.remarks
    assert any("The time of 1 rows cannot be read" in remark for remark in insight.remarks)


def test_the_command_prints_json(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["insight", table(tmp_path / "a.csv"), "--text", "said", "--by", "shop", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["texts"] == 242
    assert facts["sentiment"] is None
    assert sum(topic["texts"] for topic in facts["topics"]) + facts["without_topic"] == 242
    assert facts["drivers"][0]["column"] == "shop"


def test_a_named_model_tells_the_sentiment(tmp_path):
    bundle = made_bundle(tmp_path / "b")
    insight = find_insight(table(tmp_path / "a.csv", 60), "said", by=["shop"], model=str(bundle))
    facts = insight.to_json()["sentiment"]
    assert sum(facts["texts"].values()) == 62
    assert set(facts["texts"]) <= set(LABELS)
    assert any(mark.startswith("sentiment: ") for mark in insight.marks)
    page, _ = write_insight(insight, tmp_path / "out")
    assert "情感 Sentiment" in page.read_text(encoding="utf-8")


def test_a_registered_model_is_taken_only_where_it_knows_the_language(own_home, monkeypatch):
    made_bundle(own_home / "models" / "mood" / "1")
    assert sentiment_model(None, ["12"]) is None  # its labels are none of sentiment
    monkeypatch.setattr(sentiment, "POLES", (frozenset(LABELS),))
    assert sentiment_model(None, ["12"]).labels.names == LABELS
    assert sentiment_model(None, ["the coffee was good"]) is None  # its profile names no language
