"""The real packaged bases, as their packages are installed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.bases.packaged import PACKAGED
from feilun.models.vocabulary import trim

pytestmark = pytest.mark.slow

ENGLISH = ("I lost my bank card", "My credit card has been stolen", "The weather is nice today")
CHINESE = ("我的银行卡丢了怎么办", "信用卡遗失如何挂失", "今天天气很好")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bases")


@pytest.fixture
def opened(converted: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Base]:
    def open_installed(name: str) -> Base:
        if not PACKAGED[name].installed():
            pytest.skip(f"{name} is not installed")
        monkeypatch.setenv("FEILUN_HOME", str(converted))
        return open_base(name, accept_licence=True)

    return open_installed


def vector(base: Base, text: str) -> torch.Tensor:
    ids = torch.tensor([base.tokenizer.encode(base.prefix + text).ids])
    with torch.no_grad():
        states = base.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    pooled = states.mean(0) if base.pooling == "mean" else states[-1]
    return torch.nn.functional.normalize(pooled, dim=0)


def cosines(base: Base, texts: tuple[str, str, str]) -> tuple[float, float]:
    first, near, far = (vector(base, text) for text in texts)
    return float(first @ near), float(first @ far)


def test_e5_knows_what_is_alike(opened: Callable[[str], Base]) -> None:
    base = opened("multilingual-e5-small")
    near, far = cosines(base, CHINESE)
    assert near == pytest.approx(0.92, abs=0.01)
    assert far == pytest.approx(0.83, abs=0.01)
    assert base.tokenizer.encode("").tokens == ["<s>", "</s>"]
    assert base.tokenizer.encode("未知𠀀").ids[0] == 0


def test_e5_trimmed_says_the_same(opened: Callable[[str], Base]) -> None:
    base = opened("multilingual-e5-small")
    texts = ["Привет из Москвы 😀", "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn"]
    trimmed, report = trim(base, ["zh", "en"], texts)
    for text in (*texts, *CHINESE, *ENGLISH):
        assert trimmed.tokenizer.encode(text).tokens == base.tokenizer.encode(text).tokens
        assert torch.equal(vector(trimmed, text), vector(base, text))
    assert report.outside_pieces > 0
    assert report.parameters_after < 0.36 * report.parameters_before


def test_minilm_knows_what_is_alike(opened: Callable[[str], Base]) -> None:
    near, far = cosines(opened("minilm-l6-en"), ENGLISH)
    assert near > 0.6
    assert far < 0.2


@pytest.mark.parametrize(
    ("name", "beginning", "continuation"),
    [("smollm2-135m", "The capital of France is", " Paris"), ("gemma3-270m", "中国的首都是", "中国")],
)
def test_language_models_go_on_sensibly(
    opened: Callable[[str], Base], name: str, beginning: str, continuation: str
) -> None:
    base = opened(name)
    ids = base.tokenizer.encode(beginning).ids
    with torch.no_grad():
        last = base.model(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]
    word = int((base.model.get_input_embeddings().weight @ last).argmax())  # both tie output to input embeddings
    assert base.tokenizer.decode([word]) == continuation
    assert len(base.tokenizer.encode("").ids) == 1
