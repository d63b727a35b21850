"""A served model is watched: windows by count and by time, drift against its own validation rows, feedback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.bundles.registry import next_version
from feilun.core.corpus import corpus_of
from feilun.core.errors import UsageError
from feilun.core.files import write_json
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.interfaces.cli.main import run
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.storage.database import Database, open_database
from feilun.workflow.loop.monitor import Span, watch
from feilun.workflow.profile import unknown_shares, unknown_token, with_reference
from tiny_bundle import LABELS, WORDS, made_bundle, made_facts, made_files, made_tokenizer


def texts(count: int, seed: int, words: tuple[str, ...] = WORDS) -> list[str]:
    source = np.random.default_rng(seed)
    return [" ".join(source.choice(words, size=size)) for size in source.integers(2, 9, size=count)]


@pytest.fixture
def bundle(own_home: Path, tmp_path: Path) -> Bundle:
    """A registered bundle that remembers 300 validation rows."""
    return remembering(300, tmp_path)


def remembering(count: int, tmp_path: Path) -> Bundle:
    """Register a bundle that remembers so many validation rows."""
    plain = open_bundle(made_bundle(tmp_path / "plain"), threads=1)
    rows = texts(count, 1)
    validation = corpus_of(rows, [prediction.label for prediction in plain.predict(rows)])
    splits = Splits(validation, validation, validation, LabelSet(LABELS), {"rows": count}, "x")
    files = made_files()

    def write(folder: Path) -> None:
        files(folder)
        write_json(folder / "profile.json", with_reference(plain.predictor, splits))

    folder = next_version("reviews")
    write_bundle(folder, write, made_facts())
    return open_bundle(folder, threads=1)


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    opened = open_database()
    yield opened
    opened.close()


def serve(bundle: Bundle, database: Database, rows: list[str]) -> list[str]:
    """Observe what a bundle answers; return the ids."""
    with ObservationLog(database) as log:
        found = log.observe(f"{bundle.name}@{bundle.version}", rows, bundle.predict(rows), 0.002)
    return [str(identity) for identity in found]


def test_traffic_like_the_validation_rows_has_not_drifted_and_other_traffic_has(
    bundle: Bundle, database: Database
) -> None:
    serve(bundle, database, texts(200, 2))
    (alike,) = watch(bundle, database, [Span(count=200)])
    assert alike.drift is not None
    assert not alike.drift.drifted
    assert {signal.name for signal in alike.drift.signals} >= {"labels", "scores", "characters", "states"}
    serve(bundle, database, texts(200, 3, ("很差", "银行", "nowhere", "slow")))
    (other,) = watch(bundle, database, [Span(count=200)])
    assert other.drift is not None
    assert {s.name for s in other.drift.signals if s.drifted} >= {"scores", "unknown", "states"}
    (without,) = watch(bundle, database, [Span(count=200)], states=False)
    assert without.drift is not None
    assert "states" not in {signal.name for signal in without.drift.signals}


def test_windows_by_count_and_by_time(bundle: Bundle, database: Database) -> None:
    serve(bundle, database, texts(120, 2))
    now = time.time()
    spans = [Span(count=70), Span(count=500), Span(hours=1), Span(hours=1)]
    last, all_, hour, _ = watch(bundle, database, spans, now=now)
    assert [window.rows for window in (last, all_, hour)] == [70, 120, 120]
    (later,) = watch(bundle, database, [Span(hours=1)], now=now + 7200)
    assert (later.rows, later.latency, later.drift, later.observed.accuracy) == (0, None, None, None)
    assert "takes 50 predictions" in later.note
    assert last.latency == (0.002, 0.002)
    assert sum(last.labels.values()) == pytest.approx(1)


def test_feedback_shows_as_observed_accuracy(bundle: Bundle, database: Database) -> None:
    identities = serve(bundle, database, texts(60, 2))
    with ObservationLog(database) as log:
        desk = FeedbackDesk(log, lambda _: LABELS)
        for i, identity in enumerate(identities[:20]):
            desk.give(identity, correct=i >= 5)
        desk.give(identities[19], correct=False)
    (window,) = watch(bundle, database, [Span(count=60)])
    figure = window.observed.accuracy
    assert (window.observed.labelled, window.observed.refused, window.observed.conflicting) == (14, 5, 1)
    assert figure is not None
    assert figure.value == pytest.approx(14 / 19)


def test_a_bundle_from_before_there_was_a_reference_is_watched_without_verdict(
    database: Database, tmp_path: Path
) -> None:
    old = open_bundle(made_bundle(tmp_path / "old"), threads=1)
    serve(old, database, texts(60, 2))
    (window,) = watch(old, database, [Span(count=60)])
    assert (window.rows, window.drift, window.estimated) == (60, None, None)
    assert "train it again" in window.note


def test_a_bundle_of_few_validation_rows_says_why_it_estimates_no_accuracy(
    own_home: Path, database: Database, tmp_path: Path
) -> None:
    few, enough = remembering(49, tmp_path), remembering(50, tmp_path)
    for one in (few, enough):
        serve(one, database, texts(60, 2))
    (window,), (other,) = (watch(one, database, [Span(count=60)]) for one in (few, enough))
    assert window.estimated is None
    assert window.note == "an estimate of accuracy takes 50 validation rows, and this bundle remembers 49"
    assert (other.estimated is None, other.note) == (False, "")


def test_a_version_that_was_never_observed_is_told_from_those_that_were(
    bundle: Bundle, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"reviews@1 was never observed\. Nothing was observed yet"):
        watch(bundle, database)
    other = open_bundle(made_bundle(tmp_path / "other", seed=3), threads=1)
    serve(other, database, texts(5, 1))
    with pytest.raises(UsageError, match=rf"Observed were: reviews@{other.version}\."):
        watch(bundle, database)


def test_unknown_tokens_are_counted_and_byte_tokenizers_have_none(bundle: Bundle) -> None:
    shares = unknown_shares(bundle.predictor, corpus_of(["good bank", "good nowhere"]))
    assert shares.tolist() == [0.0, 0.25]  # [CLS] good nowhere [SEP]
    assert unknown_token(made_tokenizer()) == 1
    assert unknown_token(Tokenizer(BPE())) is None


def test_the_verb_shows_a_page_and_one_json_object_a_window(
    bundle: Bundle, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    identities = serve(bundle, database, texts(80, 3, ("很差", "nowhere")))
    with ObservationLog(database) as log:
        FeedbackDesk(log, lambda _: LABELS).give(identities[0], correct=False)
    assert run(["monitor", "reviews", "--threads", "1"]) == 0
    page = capsys.readouterr().out
    assert "reviews@1" in page
    assert "DRIFT" in page
    assert "states drifted" in page
    assert "1 called wrong" in page
    assert run(["monitor", "reviews", "--count", "60", "--hours", "2", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["model"], line["window"], line["n"]) for line in lines] == [
        ("reviews@1", "last 60", 60), ("reviews@1", "last 2 h", 80),
    ]  # fmt: skip
    assert lines[0]["drift"]["drifted"]
    assert lines[1]["feedback"] == {
        "labelled": 0, "right": 0, "refused": 1, "conflicting": 0, "figures": {}
    }  # fmt: skip


def test_the_verb_says_what_is_wrong(own_home: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "reviews"]) == 2
    assert "never observed" in capsys.readouterr().err
    assert run(["monitor", "nothing"]) == 1
    assert "no bundle 'nothing'" in capsys.readouterr().err


def test_what_several_windows_hold_is_run_through_the_model_once(
    bundle: Bundle, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(bundle, database, texts(150, 2))
    asked: list[int] = []
    embed = bundle.predictor.embed
    monkeypatch.setattr(bundle.predictor, "embed", lambda corpus: (asked.append(len(corpus)), embed(corpus))[1])
    small, large = watch(bundle, database, [Span(count=60), Span(count=150)])
    assert sum(asked) == 150
    (alone,) = watch(bundle, database, [Span(count=150)])
    assert large.drift == alone.drift
    assert small.drift is not None
