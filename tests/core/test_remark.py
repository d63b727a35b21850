"""A sentence reads in English as a string, and knows its Chinese wherever it goes."""

from __future__ import annotations

import json
import pickle

from feilun.core.remark import Remark, joined, said_in
from feilun.core.report import Figure, Report

BOTH = Remark("Two rows.", "两行。")


def test_it_is_its_english_and_knows_its_chinese() -> None:
    assert BOTH == "Two rows."
    assert said_in("zh", BOTH) == "两行。"
    assert said_in("zh", "Plain.") == "Plain."
    assert said_in("zh", pickle.loads(pickle.dumps(BOTH))) == "两行。"  # noqa: S301 - pickled here


def test_clauses_are_joined_in_each_language() -> None:
    clauses = joined([Remark("one", "一"), Remark("two", "二")])
    assert (clauses, clauses.chinese) == ("one; two", "一；二")


def test_a_report_keeps_both_through_json() -> None:
    written = json.loads(json.dumps(Report(1, {"accuracy": Figure(1.0)}, notes=[BOTH, "Plain."]).to_json()))
    assert written["notes"] == ["Two rows.", "Plain."]
    assert [said_in("zh", note) for note in Report.from_json(written).notes] == ["两行。", "Plain."]
    del written["notes_zh"]  # of a report that was written before there was any
    assert [said_in("zh", note) for note in Report.from_json(written).notes] == ["Two rows.", "Plain."]
