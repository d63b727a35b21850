"""Where documents are from: told by record or source, counted beside all together, and found by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from apps.public_opinion.made import NOW, WIDTH, made_intake, record, write_lines
from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.document import LONGEST_REGION, Form, parse
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.queries import Question, search
from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.report import incident_documents, make_report
from feilun.apps.public_opinion.report_files import write_report
from feilun.apps.public_opinion.rules import DEFAULT, Rule
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.summary import summary
from feilun.apps.public_opinion.watch import Watch
from feilun.core.errors import UsageError
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.storage import opinion_counts
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.public_opinion.wiring import opened

REGIONS = ("广东", "上海", "", "广东")
DAY = 86_400


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    held = open_database(database_url)
    yield held
    held.close()


def lines() -> list[dict[str, Any]]:
    return [record(i, f"青禾汽车召回新车，第{i}次", NOW - DAY + 60 * i) | {"region": REGIONS[i % 4]} for i in range(40)]


def volume(database: Database, **asked: Any) -> int:
    with database.read() as connection:
        found = trends.trends(connection, WIDTH, topic="", entity="青禾汽车", **asked)
    return sum(int(one.documents.sum()) for one in found)


@pytest.mark.parametrize("name", ["region", "province", "country", "地区", "省份", "IP属地"])
def test_a_record_tells_its_region_and_else_its_source_does(name: str) -> None:
    bare = {"text": "好", "time": "2026-11-24"}
    form = Form(region="上海")
    assert parse({**bare, name: " 广东 "}, "x", NOW, form).region == "广东"
    assert parse({**bare, name: ""}, "x", NOW, form).region == "上海"
    assert parse(bare, "x", NOW).region == ""
    assert parse({**bare, name: "广东"}, "x", NOW).key == parse(bare, "x", NOW).key
    assert len(parse({**bare, name: "长" * 500}, "x", NOW).region) == LONGEST_REGION


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("广东省 廣東省 中国广东 中国广东省 Guangdong GUANGDONG", "广东"),
        ("内蒙古自治区 內蒙古 Neimenggu", "内蒙古"),
        ("广西壮族自治区 广西 Guangxi", "广西"),
        ("新疆维吾尔自治区 宁夏回族自治区", None),
        ("上海市 上海 Shanghai", "上海"),
        ("香港特别行政区 香港 HongKong", "香港"),
        ("臺灣 台灣省 Taiwan", "台湾"),
        ("吉林市", "吉林市"),
        ("美国", "美国"),
        ("南山", "南山"),
    ],
)
def test_a_province_is_one_region_whatever_it_is_called(called: str, name: str | None) -> None:
    for one in called.split():
        assert region_name(one) == (name or one[:2])


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("Guangdong Province, China", "广东"),
        ("Hong Kong SAR", "香港"),
        ("Beijing Municipality", "北京"),
        ("Guangxi Zhuang Autonomous Region", "广西"),
        (" New York ", "New York"),
        ("", ""),
    ],
)
def test_a_province_is_one_region_in_english_too(called: str, name: str) -> None:
    assert region_name(called) == name


def test_what_was_taken_in_before_follows_and_is_counted_as_if_it_came_now(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("广东", "广东省", "", "廣東省")
    told = [one | {"region": names[i % 4]} for i, one in enumerate(lines())]
    with monkeypatch.context() as before:
        for module in ("document", "words", "trends", "renaming"):
            before.setattr(f"feilun.apps.public_opinion.{module}.region_name", lambda text: text)
        made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", told)))
        assert [volume(database, region=region) for region in ("广东", "广东省")] == [10, 10]
    made_intake(database)
    with database.read() as connection:
        assert opinion_counts.regions(connection) == ["广东"]
        for name in ("广东", "Guangdong"):
            assert len(search(connection, Question("召回", region=name), None)) == 30
        assert {one["region"] for one in search(connection, Question("召回"), None)} == {"广东", ""}

    def numbers() -> list[Any]:
        with database.read() as connection:
            read = (opinion_counts.counts, opinion_counts.daily_counts)
            return [list(map(tuple, one(connection, region=region))) for one in read for region in ("", "广东")]

    found = numbers()
    assert volume(database, region="广东省") == 30
    with database.write() as connection:
        trends.recount(connection, WIDTH)
    assert numbers() == found


def test_regions_add_up_beside_all_together_in_any_order(database: Database, tmp_path: Path) -> None:
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", lines())))
    made_intake(database).take(Files(write_lines(tmp_path / "b.jsonl", reversed(lines()))))

    def numbers() -> list[Any]:
        with database.read() as connection:
            asked = [{"source": source, "region": region} for source in ("", "财闻") for region in ("", *REGIONS[:2])]
            read = (opinion_counts.counts, opinion_counts.daily_counts)
            return [list(map(tuple, one(connection, **scope))) for one in read for scope in asked]

    assert [volume(database, region=region) for region in ("", "广东", "上海", "北京")] == [40, 20, 10, 0]
    assert volume(database, region="广东", source="财闻") == 20
    assert volume(database, region="广东", source="nobody") == 0
    before = numbers()
    with database.write() as connection:
        assert opinion_counts.regions(connection) == sorted({"广东", "上海"})
        trends.recount(connection, WIDTH)
    assert numbers() == before
    assert all(before)


def test_documents_are_found_by_their_region(database: Database, tmp_path: Path) -> None:
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", lines())))
    with database.read() as connection:
        found = search(connection, Question("召回", region="上海"), None)
        assert search(connection, Question(region="北京"), None) == []
    assert (len(found), {one["region"] for one in found}) == (10, {"上海"})


def test_an_application_file_names_regions_of_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    monkeypatch.setenv("FEILUN_DATABASE", url)
    (tmp_path / "e.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    path = tmp_path / "app.toml"
    path.write_text(
        'application = "public-opinion"\nentities = "e.toml"\n[sources]\nfiles = ["news.jsonl"]\nregion = "上海"\n'
        + "".join(
            f'[queries.{name}]\nurl = "sqlite://"\nquery = "SELECT 1"\ncursor = "id"\n{more}'
            for name, more in (("wire", 'region = "北京"\n'), ("other", ""))
        ),
        encoding="utf-8",
    )
    with opened(path, url) as application:
        sources = application.sources(whole=True)
        assert [one.form.region for one in sources] == ["上海", "北京", "上海", "上海"]
        news = write_lines(tmp_path / "news.jsonl", lines())
        made_intake(application.database).take(Files(news, application.form(news)))

    def told(*arguments: str) -> list[dict[str, Any]]:
        said = CliRunner().invoke(cli.app, [arguments[0], str(path), *arguments[1:], "--json"])
        assert said.exit_code == 0, said.output
        return [json.loads(line) for line in said.stdout.splitlines()]

    assert told("trends", "--region", "上海")[0]["documents"] == 20  # ten of them say none: their source does
    assert {one["region"] for one in told("documents", "--region", "广东")} == {"广东"}
    out = tmp_path / "documents.csv"
    assert told("export", "documents", "--out", str(out), "--region", "广东")[0]["rows"] == 20


@pytest.fixture
def surging(tmp_path: Path) -> Iterator[Database]:
    """Twelve days in two regions and from two sources; then bad news, of 广东 from 财闻 alone."""
    begin = (NOW // DAY - 20) * DAY
    usual = [
        record(i, f"青禾汽车发布第{i}号公告", begin + i * WIDTH / 2)
        | {"region": ("广东省", "上海")[i % 2], "source": ("财闻", "快讯")[i // 2 % 2]}
        for i in range(48 * 12)
    ]
    bad = [
        record(5000 + i, f"青禾汽车第{i}名车主投诉刹车故障并维权", begin + 12 * DAY + i * 60)
        | {"region": "广东", "source": "财闻"}
        for i in range(30)
    ]
    last = record(9000, "青禾汽车发布公告", begin + 13 * DAY)
    held = open_database(f"sqlite:///{tmp_path / 'surging.db'}")
    made_intake(held).take(Files(write_lines(tmp_path / "s.jsonl", [*usual, *bad, last])))
    yield held
    held.close()


def test_a_rule_looks_at_the_series_of_its_regions_and_sources(surging: Database) -> None:
    rules = (
        Rule("here", regions=("广东省",)),
        Rule("there", regions=("上海",)),
        Rule("paper", sources=("财闻", "快讯"), regions=("广东", "上海")),
    )
    watch = Watch(WIDTH, rules)
    with surging.read() as connection:
        watch.look(connection, NOW)
        (incident,) = watch.incidents.values()
        assert {incident.peak.rule} <= {"here", "paper"}
        assert incident.peak.region == "广东"
        assert (incident.peak.count, len(incident_documents(connection, incident, WIDTH))) == (30, 30)
        assert "广东" in summary(incident)
        assert incident_documents(connection, incident, WIDTH, region="上海") == []
        alone = Watch(WIDTH, rules[1:2])
        alone.look(connection, NOW)
        everywhere, beside = Watch(WIDTH), Watch(WIDTH, (*DEFAULT, *rules))
        everywhere.look(connection, NOW)
        beside.look(connection, NOW)
    assert alone.incidents == {}
    (usual,), (same,) = everywhere.incidents.values(), beside.incidents.values()
    assert (usual.id, usual.peak.p_value, usual.peak.region) == (same.id, same.peak.p_value, "")
    assert Incident.from_json(json.loads(json.dumps(incident.to_json()))).peak == incident.peak


def test_series_by_region_and_source_and_comparisons_are_what_was_counted(surging: Database) -> None:
    with surging.read() as connection:
        by_region = trends.trends_by(connection, WIDTH, "region", entity="青禾汽车")
        by_source = trends.trends_by(connection, WIDTH, "source", region="广东省")
        found, unknown = trends.compared(
            connection, WIDTH, {"entity": ["青禾汽车", "无名"], "region": ["上海市", "广东"], "source": []}
        )
        with pytest.raises(UsageError, match="1 series cannot be compared"):
            trends.compared(connection, WIDTH, {"entity": ["青禾汽车"]})
    assert [(one.region, int(one.documents.sum())) for one in by_region] == [("广东", 318), ("上海", 288)]
    assert [(one.source, int(one.documents.sum())) for one in by_source] == [("财闻", 174), ("快讯", 144)]
    assert [(one.region, int(one.documents.sum())) for one in found] == [("上海", 288), ("广东", 318)]
    assert unknown == ["无名"]


def test_a_report_on_a_region_holds_what_was_written_there_alone(surging: Database, tmp_path: Path) -> None:
    with surging.read() as connection:
        whole = make_report(connection, WIDTH, {}).to_json()
        report = make_report(connection, WIDTH, {}, region="上海市", source="快讯")
    page = write_report(report, tmp_path / "report")[0].read_text(encoding="utf-8")
    told = report.to_json()
    assert [(one["region"], one["documents"]) for one in whole["regions"]] == [("广东", 318), ("上海", 288)]
    assert {one["source"] for one in whole["sources"]} == {"财闻", "快讯"}
    assert (told["region"], told["source"], told["documents"]) == ("上海", "快讯", 144)
    assert [(one["region"], one["documents"]) for one in told["regions"]] == [("上海", 144)]
    assert "快讯, 上海, " in page
    assert "投诉" not in page
