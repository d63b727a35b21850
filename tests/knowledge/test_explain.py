"""What an explanation says is what the model answers when it is asked again."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import corpus_of
from feilun.core.errors import UsageError
from feilun.interfaces.cli.main import run
from feilun.knowledge.explain import MOST_PARTS, explain, read_part
from tiny_bundle import WORDS, made_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return open_bundle(made_bundle(tmp_path_factory.mktemp("explained") / "reviews"))


def scores(bundle, text):
    return dict(bundle.predict([text])[0].ranked)


@settings(max_examples=25)
@given(words=st.lists(st.sampled_from([*WORDS, "unheard", "，", "!"]), min_size=1, max_size=9))
def test_effects_and_decisive_words_hold_when_the_model_is_asked_again(bundle, words):
    text = " ".join(words)
    if not any(word.isalnum() for word in words):
        return
    found = explain(bundle.predictor, text)
    assert found.label == bundle.predict([text])[0].label
    before = scores(bundle, text)[found.label]
    for part in found.parts:
        assert text[part.start : part.end] == part.text
        after = scores(bundle, text[: part.start] + text[part.end :])[found.label]
        expected = math.log(before / (1 - before)) - math.log(after / (1 - after))
        assert part.effect == pytest.approx(expected, abs=1e-3)
    if found.decisive:
        left = "".join(
            sign for i, sign in enumerate(text) if not any(part.start <= i < part.end for part in found.decisive)
        )
        assert bundle.predict([left])[0].label == found.instead != found.label


def test_another_label_can_be_explained_and_an_unknown_one_is_named(bundle):
    found = explain(bundle.predictor, "good bank", label="bad")
    assert found.label == "bad"
    assert found.score == pytest.approx(scores(bundle, "good bank")["bad"])
    with pytest.raises(UsageError, match="no label 'worse'"):
        explain(bundle.predictor, "good bank", label="worse")


@pytest.mark.parametrize("text", ["", "  ", "！？…", "\U0001f600"])
def test_a_text_without_words_is_refused(bundle, text):
    with pytest.raises(UsageError, match="no word"):
        explain(bundle.predictor, text)


def test_a_long_text_is_weighed_in_bounded_parts_that_hold_all_its_words(bundle):
    words = ["good", "bad", "银行", "fee"] * 300
    text = " ".join(words)
    found = explain(bundle.predictor, text)
    assert len(found.parts) <= MOST_PARTS
    assert " ".join(part.text for part in found.parts) == text


def test_what_a_model_cuts_off_has_no_part_in_an_explanation(bundle):
    text = "good bank! " * 5000
    read = read_part(text, bundle.predictor.encode)
    assert bundle.predictor.encode(corpus_of([read])) == bundle.predictor.encode(corpus_of([text]))
    shorter = read[: read.rindex(" ")]
    assert bundle.predictor.encode(corpus_of([shorter])) != bundle.predictor.encode(corpus_of([text]))
    assert read_part("good bank!", bundle.predictor.encode) == "good bank!"


def test_chinese_is_weighed_by_words(bundle):
    parts = [part.text for part in explain(bundle.predictor, "银行的服务很好。").parts]
    assert "".join(parts) == "银行的服务很好"
    assert "服务" in parts


def test_the_verb_tells_the_same_as_a_table_and_as_json(bundle, capsys):
    assert run(["explain", str(bundle.path), "good bank, bad fee", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [part["text"] for part in told["parts"]] == ["good", "bank", "bad", "fee"]
    assert run(["explain", str(bundle.path), "good bank, bad fee"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(told["label"])
    assert "taken out" in shown or "Without" in shown
    assert run(["explain", str(bundle.path), "…"]) == 2
    assert "no word" in capsys.readouterr().err


def test_the_verb_keeps_its_lines_short_and_speaks_chinese(bundle, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run(["explain", str(bundle.path), " ".join(["goo" + 80 * "o" + "d"] * 600)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "标签" in lines[-2] or "就会变成" in lines[-2]
    assert "共 50,999 个），其余被截断" in lines[-1]
    assert max(map(len, lines[1:-2])) <= 100
    assert any(line.endswith("…") for line in lines)
