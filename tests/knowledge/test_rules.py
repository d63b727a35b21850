"""Decision tables: evaluated as they stand, refused where they are more than tables."""

import json
import threading

import pytest

from feilun.core.errors import DataError
from feilun.knowledge.rules import DecisionTables

OUTPUTS = ("action", "text")


def table(path, rows, *, inputs=("text",), outputs=("action",), kind="decisionTableNode"):
    """Write a decision table; a row gives the cells of the inputs, then of the outputs."""
    names = [*inputs, *outputs]
    columns = [{"id": name, "name": name, "field": name, "type": "expression"} for name in names]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {
            "id": "t",
            "type": kind,
            "name": "table",
            "position": {"x": 0, "y": 0},
            "content": {
                "hitPolicy": "collect",
                "inputs": columns[: len(inputs)],
                "outputs": columns[len(inputs) :],
                "rules": [{"_id": str(i), **dict(zip(names, row, strict=True))} for i, row in enumerate(rows)],
            },
        },
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ]
    edges = [{"id": a + b, "sourceId": a, "targetId": b, "type": "edge"} for a, b in (("in", "t"), ("t", "out"))]
    path.write_text(json.dumps({"nodes": nodes, "edges": edges}), encoding="utf-8")
    return path


def test_rows_that_hold_are_given_in_their_order(tmp_path):
    made = table(tmp_path / "a.json", [("contains($, '内幕')", "'decline'"), ("", "'none'")])
    tables = DecisionTables([made], OUTPUTS)
    assert tables.rows({"text": "有内幕消息吗"}) == [{"action": "decline"}, {"action": "none"}]
    assert tables.rows({"text": "年费多少"}) == [{"action": "none"}]


def test_facts_are_never_read_as_expressions(tmp_path):
    tables = DecisionTables([table(tmp_path / "a.json", [("'x'", "text")])], OUTPUTS)
    assert tables.rows({"text": "'x'"}) == []
    assert tables.rows({"text": "x"}) == [{"action": "x"}]


def test_tables_answer_in_several_threads(tmp_path):
    tables = DecisionTables([table(tmp_path / "a.json", [("'x'", "'y'")])], OUTPUTS)
    found = []
    threads = [threading.Thread(target=lambda: found.append(tables.rows({"text": "x"}))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [[{"action": "y"}]] * 8


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "no decision table"), ("{}", "no decision table"), ('{"nodes": [{"name": "a"}]}', "no decision table")],
)
def test_what_is_no_table_is_refused(tmp_path, content, said):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=said):
        DecisionTables([tmp_path / "a.json"], OUTPUTS)


@pytest.mark.parametrize(("cell", "said"), [("$ +* 2", "'text'"), ("contains($", "'text'"), ("'x'", "'action'")])
def test_a_cell_that_cannot_be_read_is_named_as_the_engine_would_take_it_as_one_that_never_holds(tmp_path, cell, said):
    wrong = "'handoff" if said == "'action'" else "'handoff'"
    with pytest.raises(DataError, match=rf"a\.json, row 2, column .*{said}.*cannot be read"):
        DecisionTables([table(tmp_path / "a.json", [("-", "'decline'"), (cell, wrong)])], OUTPUTS)


def test_many_facts_at_once_are_answered_as_one_after_the_other(tmp_path):
    made = table(tmp_path / "a.json", [("contains($, '内幕')", "'decline'"), ("'x'", "'none'"), ("", "text")])
    tables = DecisionTables([made, made], OUTPUTS)
    facts = [{"text": text} for text in ("有内幕", "x", "年费", "")]
    assert tables.rows_of_each(facts) == [tables.rows(one) for one in facts]
    assert tables.rows_of_each([]) == []
    assert DecisionTables([], OUTPUTS).rows_of_each(facts) == [[], [], [], []]


def test_programs_and_unknown_outputs_are_refused(tmp_path):
    with pytest.raises(DataError, match="more than tables"):
        DecisionTables([table(tmp_path / "a.json", [("", "''")], kind="functionNode")], OUTPUTS)
    with pytest.raises(DataError, match="unknown outputs"):
        DecisionTables([table(tmp_path / "a.json", [("", "''")], outputs=("shell",))], OUTPUTS)
    with pytest.raises(DataError, match="cannot be read"):
        DecisionTables([tmp_path / "none.json"], OUTPUTS)
