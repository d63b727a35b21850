"""A bundle answers where there is nothing but the base install, one core and little memory."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tiny_bundle import made_bundle

EDGE = Path(__file__).parents[2] / "benchmarks" / "edge.py"


@pytest.fixture(scope="module")
def edge() -> ModuleType:
    spec = importlib.util.spec_from_file_location("edge", EDGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_the_base_install_alone_answers_in_little_memory(edge: ModuleType, tmp_path: Path) -> None:
    packages = edge.base_install()
    names = {package.name.lower() for package in packages}
    assert {"numpy", "onnxruntime", "tokenizers"} <= names
    assert not names & {"torch", "transformers", "polars", "scikit-learn"}
    (tmp_path / "site").mkdir()
    install, compiled = edge.link(packages, tmp_path / "site")
    assert 50 < install - compiled < 300
    bundle = made_bundle(tmp_path / "bundle")
    texts = tmp_path / "texts.csv"
    texts.write_text("text\ngood bank\n很好 服务\n", encoding="utf-8")
    found = edge.answered(bundle, texts, tmp_path / "site", 512)
    assert found["answers"] == 2
    assert found["peak"] < 300
    with pytest.raises(AssertionError):  # the limit does limit
        edge.answered(bundle, texts, tmp_path / "site", 64)
