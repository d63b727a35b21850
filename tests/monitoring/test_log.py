"""Everything answered is remembered, nothing waits for it, and what is lost is counted."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feilun.core.corpus import Corpus
from feilun.core.errors import StorageError
from feilun.core.observation import Observation
from feilun.core.prediction import Prediction
from feilun.core.spans import PredictedSpan
from feilun.monitoring import log as log_file
from feilun.monitoring.log import ObservationLog, Seen
from feilun.monitoring.redaction import CLEANED, kept, kept_in_place
from feilun.storage import observations
from feilun.storage.database import Database, open_database
from monitoring.made import predictions


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url, busy_seconds=0.1)
    yield opened
    opened.close()


@pytest.fixture
def file_database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'feilun.db'}", busy_seconds=0.1)
    yield opened
    opened.close()


def stored(database: Database, model: str = "m") -> list[Observation]:
    with database.read() as connection:
        return observations.latest(connection, model)


def test_what_was_answered_is_stored_in_order(database: Database) -> None:
    texts, given = [f"text {i}" for i in range(7)], predictions(7)
    with ObservationLog(database) as log:
        identities = log.observe("m@3", texts, given, 0.004)
        log.flush()
        found = stored(database)
    assert [one.id for one in found] == identities
    assert len(set(identities)) == 7
    assert [one.text for one in found] == texts
    assert [one.prediction for one in found] == [prediction.to_json() for prediction in given]
    assert {(one.bundle, one.latency) for one in found} == {("m@3", 0.004)}
    assert all(abs(one.time - time.time()) < 60 for one in found)


def test_leaving_writes_what_still_waits(file_database: Database) -> None:
    with ObservationLog(file_database) as log:
        for i in range(30):
            log.observe("m@1", ["a"] * 50, predictions(50, i), 0.0)
    assert len(stored(file_database)) == log.written == 1500
    assert (log.waiting, log.lost) == (0, 0)


def test_personal_data_never_reaches_the_database(file_database: Database, tmp_path: Path) -> None:
    secrets = ["13812345678", "6222021234567890128", "11010519491231002X", "wang@example.com"]
    hidden = ["１３８１２３４５６７８", "138\u200b1234\u200b5678"]
    with ObservationLog(file_database) as log:
        log.observe("m@1", [f"请联系 {secret} 谢谢" for secret in secrets + hidden], predictions(6), 0.0)
    content = (tmp_path / "feilun.db").read_bytes()
    assert not [secret for secret in [*secrets, *hidden, "1234\u200b5678"] if secret.encode() in content]
    assert [one.text.split(" ")[1] for one in stored(file_database)] == [
        "[PHONE]", "[BANK_CARD]", "[ID_CARD]", "[EMAIL]", "[PHONE]", "[PHONE]",
    ]  # fmt: skip


def test_personal_data_in_a_span_never_reaches_the_database(file_database: Database) -> None:
    text = "ring 13812345678 now"
    found = Prediction("", 0.9, None, spans=(PredictedSpan(5, 16, "phone", "13812345678", 0.9),))
    with ObservationLog(file_database) as log:
        log.observe("m@1", [text], [found], 0.0)
        log.flush()
        (one,) = stored(file_database)
    assert "13812345678" not in str(one)
    (span,) = one.prediction["spans"]
    assert (one.text, span["text"], span["label"]) == ("ring *********** now", "*" * 11, "phone")


HIDDEN = [
    "13812345678",
    "１３８12345678",
    "138\u200b1234\u200b5678",
    "6222021234567890128",
    "a.b@example.com",
    "11010519491231002X",
]


@given(st.lists(st.sampled_from([*HIDDEN, "好", " ", "a", "９", "\u200b", "\0", "\ud800", "@", "1"]), max_size=12))
def test_texts_whose_places_matter_keep_their_length_and_no_personal_data(parts: list[str]) -> None:
    text = "".join(parts)
    shown = kept_in_place(text)
    assert len(shown) == len(text)
    assert kept(shown) == CLEANED.apply(shown)
    assert kept_in_place(shown) == shown
    shown.replace("\ufffd", "").encode()


def test_words_of_columns_keep_their_form_unless_they_hold_personal_data(database: Database) -> None:
    rows = Corpus(
        id=["0"], text=["call 13812345678"], pair=["a@b.com says"],
        features={"amount": [13812345678.0], "channel": ["（Web）  x"], "contact": ["13812345678"], "none": [None]},
    )  # fmt: skip
    with ObservationLog(database) as log:
        log.observe("m@1", rows, predictions(1), 0.0)
    (one,) = stored(database)
    assert (one.text, one.pair) == ("call [PHONE]", "[EMAIL] says")
    assert one.features == {"amount": 13812345678.0, "channel": "（Web）  x", "contact": "[PHONE]", "none": None}
    with database.write() as connection:
        assert observations.delete(connection, containing="（Web") == [one.id]


def test_personal_data_in_a_written_answer_never_reaches_the_database(file_database: Database) -> None:
    with ObservationLog(file_database) as log:
        log.observe("m@1", ["call me"], [Prediction.of_text("call 13912345678 now", 0.5)], 0.0)
    (found,) = stored(file_database)
    assert "13912345678" not in json.dumps(found.prediction)
    assert found.prediction["text"] == found.prediction["label"]
    assert found.prediction["text"].startswith("call ")


def test_a_written_answer_keeps_its_lines_unless_personal_data_is_found_in_it(file_database: Database) -> None:
    lines = "Dear  customer,\n\n- fee: （free）\n\0"
    with ObservationLog(file_database) as log:
        log.observe(
            "m@1", ["a", "b"], [Prediction.of_text(lines, 0.5), Prediction.of_text("１３９１２３４５６７８", 0.5)], 0.0
        )
    plain, personal = stored(file_database)
    assert plain.prediction["text"] == lines.replace("\0", "\ufffd")
    assert personal.prediction["text"] == "[PHONE]"


def test_an_answer_named_before_it_is_given_is_remembered_by_that_name(file_database: Database) -> None:
    with ObservationLog(file_database, share=0.25) as log:
        drawn = [log.draw() for _ in range(4000)]
        names = [name for name in drawn if name is not None]
        assert 850 < len(names) < 1150
        seen = Seen(names[0], 7.0, "m@1", "a", Prediction.of_text("b", 0.5, 2, "stop"), 0.1, asked={"turns": 3})
        assert log.remember(seen)
    (found,) = stored(file_database)
    assert (found.id, found.time, found.turns) == (names[0], 7.0, 3)
    assert (found.prediction["tokens"], found.prediction["finish_reason"]) == (2, "stop")
    assert not ObservationLog(file_database, waiting=0).remember(seen)


def test_sampling_keeps_its_share_and_tells_which(file_database: Database) -> None:
    with ObservationLog(file_database, share=0.25) as log:
        identities = [i for _ in range(8) for i in log.observe("m@1", ["a"] * 500, predictions(500), 0.0)]
    chosen = [identity for identity in identities if identity is not None]
    assert 850 < len(chosen) < 1150  # 1000 ± 5.5 standard errors
    assert [one.id for one in stored(file_database)] == chosen
    assert log.lost == 0


def test_while_the_database_is_locked_answers_go_on_and_nothing_is_lost(
    file_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "RETRY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / "feilun.db", check_same_thread=False)
    other.execute("begin exclusive")
    with ObservationLog(file_database) as log:
        first = log.observe("m@1", ["a"], predictions(1), 0.0)
        with pytest.raises(StorageError, match="locked by another program"):
            log.flush()
        second = log.observe("m@1", ["b"], predictions(1), 0.0)
        assert log.waiting == 2
        other.close()
        log.flush()
    assert [one.id for one in stored(file_database)] == first + second
    assert (log.written, log.lost, log.fault) == (2, 0, None)


def test_a_full_buffer_loses_the_newest_and_counts_them(
    file_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "RETRY_SECONDS", 0.02)
    other = sqlite3.connect(tmp_path / "feilun.db", check_same_thread=False)
    other.execute("begin exclusive")
    with ObservationLog(file_database, waiting=3) as log:
        identities = log.observe("m@1", list("abcde"), predictions(5), 0.0)
        assert [identity is None for identity in identities] == [False, False, False, True, True]
        assert log.lost == 2
        other.close()
        log.flush()
        assert None not in log.observe("m@1", ["f"], predictions(1), 0.0)
    assert [one.text for one in stored(file_database)] == list("abcf")


def test_a_service_that_ends_while_the_database_refuses_says_what_it_loses(
    file_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_file, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(log_file, "LEAVING_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / "feilun.db")
    other.execute("begin exclusive")
    with ObservationLog(file_database) as log:
        log.observe("m@1", ["a", "b"], predictions(2), 0.0)
    other.close()
    assert (log.lost, log.waiting) == (2, 0)
    assert "2 observations are lost" in caplog.text


def test_a_row_that_cannot_be_stored_does_not_keep_the_others_out(database: Database) -> None:
    given = predictions(3)
    with ObservationLog(database) as log:
        log.observe("m@1", ["a"], given[:1], 0.0)
        log.observe(f"{'m' * 300}@1", ["b"], given[1:2], float("nan"))  # NaN latency is no value of SQLite
        log.observe("m@1", ["c"], given[2:], 0.0)
        log.flush()
    assert [one.text for one in stored(database)] == ["a", "c"]
    assert (log.written, log.lost) == (2, 1)


def test_a_text_that_cannot_be_read_neither_ends_the_log_nor_stands_in_its_messages(
    file_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> str:
        if text == "secret":
            raise ValueError(text)
        return text

    monkeypatch.setattr(log_file, "kept", broken)
    with ObservationLog(file_database) as log:
        log.observe("m@1", ["a", "secret", "b"], predictions(3), 0.0)
        log.flush()
        assert (log.written, log.lost) == (2, 1)
    assert [one.text for one in stored(file_database)] == ["a", "b"]
    assert "cannot be stored: ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_many_threads_observe_and_flush_at_once(tmp_path: Path) -> None:
    file_database = open_database(f"sqlite:///{tmp_path / 'feilun.db'}")

    def work(number: int) -> None:
        for i in range(10):
            (identity,) = log.observe("m@1", [f"{number} {i}"], predictions(1), 0.0)
            log.flush()
            with file_database.read() as connection:
                assert observations.find(connection, str(identity)) is not None
            done.append(identity)

    done: list[str | None] = []
    with ObservationLog(file_database) as log:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == len(stored(file_database)) == 40
    file_database.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.characters(codec=None)), min_size=1, max_size=5))
def test_any_text_is_stored(database: Database, texts: list[str]) -> None:
    with ObservationLog(database) as log:
        log.observe("m@1", texts, predictions(len(texts)), 0.0)
        log.flush()
    assert (log.written, log.lost) == (len(texts), 0)
