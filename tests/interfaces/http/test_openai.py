"""The addresses of the OpenAI API, asked by the real `openai` client over a real server on loopback."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest
import uvicorn

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.generator import Generator
from feilun.core.corpus import corpus_of
from feilun.core.decisions.similarity import unit
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from feilun.serving.limits import Limits
from tiny_bundle import made_bundle
from tiny_writer_bundle import writer_bundle

USER = {"role": "user", "content": "loan bank"}


class Served:
    """A server on a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self.app = create_app(engine)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("openai")
    reviews = open_bundle(made_bundle(folder / "reviews"), threads=1)
    return {"writer": writer_bundle(folder / "writer"), "reviews": reviews}


@pytest.fixture(scope="module")
def served(bundles: dict[str, Bundle]) -> Iterator[Served]:
    running = Served(Engine(bundles))
    yield running
    running.stop()


@pytest.fixture
def client(served: Served) -> openai.OpenAI:
    return served.client()


def expected(bundle: Bundle, messages: list[dict[str, str]]) -> str:
    generator = bundle.predictor
    assert isinstance(generator, Generator)
    return generator.written([generator.conversation(messages)])[0].text


def test_a_conversation_is_answered_whole_with_its_usage(client: openai.OpenAI, bundles: dict[str, Bundle]) -> None:
    messages = [{"role": "system", "content": "slow"}, USER, {"role": "assistant", "content": "fee"}, USER]
    done = client.chat.completions.create(model="writer", messages=messages)  # type: ignore[arg-type]
    choice = done.choices[0]
    assert choice.message.role == "assistant"
    assert choice.message.content == expected(bundles["writer"], messages) != ""
    assert choice.finish_reason in {"stop", "length"}
    assert done.usage is not None
    assert done.usage.prompt_tokens == len(bundles["writer"].predictor.conversation(messages))  # type: ignore[union-attr]
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.model.startswith("writer@")
    assert done.model_extra == {"observation": None}  # this service remembers nothing
    parts = [{"role": "user", "content": [{"type": "text", "text": "loan "}, {"type": "text", "text": "bank"}]}]
    again = client.chat.completions.create(model="writer", messages=parts)  # type: ignore[arg-type]
    assert again.choices[0].message.content == expected(bundles["writer"], [USER])


def test_a_stream_says_the_same_piece_by_piece(client: openai.OpenAI, bundles: dict[str, Bundle]) -> None:
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="writer", messages=[USER], stream=True, stream_options=options)  # type: ignore[call-overload]
    )
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == expected(bundles["writer"], [USER])
    assert sum(map(bool, said)) > 3
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] in {"stop", "length"}
    assert chunks[-1].usage.completion_tokens > 3
    assert len({chunk.id for chunk in chunks}) == 1


def test_length_stop_texts_and_draws_are_the_callers_within_the_bundles_limit(
    client: openai.OpenAI, bundles: dict[str, Bundle]
) -> None:
    def said(**options: object) -> tuple[str, str]:
        done = client.chat.completions.create(model="writer", messages=[USER], **options)  # type: ignore[call-overload]
        return done.choices[0].message.content, done.choices[0].finish_reason

    words = said()[0].split()
    assert said(max_tokens=2) == (" ".join(words[:2]), "length")
    assert len(said(max_completion_tokens=500)[0].split()) == len(words)
    text, why = said(stop=words[1])
    assert (text.strip(), why) == (words[0] if words[0] != words[1] else "", "stop")
    drawn = {said(temperature=2.0, seed=seed)[0] for seed in range(5)}
    assert len(drawn) > 1
    assert said(temperature=2.0, seed=3) == said(temperature=2.0, seed=3)


def test_errors_have_the_shape_that_the_client_reads(client: openai.OpenAI) -> None:
    chat = client.chat.completions
    with pytest.raises(openai.NotFoundError) as missing:
        chat.create(model="writre", messages=[USER])  # type: ignore[list-item]
    assert missing.value.code == "model_not_found"
    assert "writer" in missing.value.message
    with pytest.raises(openai.BadRequestError) as long:
        chat.create(model="writer", messages=[{"role": "user", "content": "card " * 60}])
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="its task is classify"):
        chat.create(model="reviews", messages=[USER])  # type: ignore[list-item]
    with pytest.raises(openai.BadRequestError) as wrong:
        chat.create(model="writer", messages=[USER], temperature=9)  # type: ignore[list-item]
    assert (wrong.value.param, wrong.value.type) == ("temperature", "invalid_request_error")
    with pytest.raises(openai.BadRequestError, match="stop holds 5 texts"):
        chat.create(model="writer", messages=[USER], stop=["a", "b", "c", "d", "e"])  # type: ignore[list-item]
    with pytest.raises(openai.BadRequestError, match="writes answers and gives no vectors"):
        client.embeddings.create(model="writer", input="loan")
    with pytest.raises(openai.BadRequestError, match="no text"):
        client.embeddings.create(model="reviews", input=[])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"model": "writer", "messages": [{"role": "user", "content": "\\ud800 loan \\u0000"}]}', 200),
        ('{"model": "writer", "messages": [{"role": "user", "content": ""}]}', 200),
        (
            '{"model": "writer", "messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}]}',
            200,
        ),
        ('{"model": "writer", "messages": [{"role": "user", "content": "a"}], "seed": 99999999999999999999}', 400),
        ('{"model": "writer", "messages": [{"role": "user", "content": "a"}], "temperature": NaN}', 400),
        ('{"model": "writer", "messages": [{"role": "tool", "content": "a"}]}', 400),
        ('{"model": "writer", "messages": []}', 400),
        ('{"model": "writer", "messages": [{"role": "user", "content": "a"}], "n": 2}', 400),
        ('{"model": "\\ud800", "messages": [{"role": "user", "content": "a"}]}', 404),
        ("{", 400),
        ("[]", 400),
    ],
)
def test_odd_bodies_are_answered_or_refused_and_never_a_fault(served: Served, body: str, status: int) -> None:
    answer = httpx.post(
        f"{served.address}/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    if status != 200:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_texts_get_vectors_of_unit_length(client: openai.OpenAI, bundles: dict[str, Bundle]) -> None:
    texts = ["loan good", "bank"]
    wanted = unit(bundles["reviews"].embed(corpus_of(texts)))
    for form in ("float", "base64"):  # the client asks for base64 by itself and unpacks it
        found = client.embeddings.create(model="reviews", input=texts, encoding_format=form)  # type: ignore[arg-type]
        vectors = [one.embedding for one in found.data]
        if form == "base64":
            vectors = [np.frombuffer(base64.b64decode(str(v)), "<f4") for v in vectors]  # type: ignore[misc]
        assert np.allclose(np.array(vectors, dtype=np.float32), wanted, atol=1e-6)
    plain = client.embeddings.create(model="reviews", input="loan good")
    assert np.allclose(plain.data[0].embedding, wanted[0], atol=1e-6)
    assert plain.usage.prompt_tokens == len(bundles["reviews"].predictor.encode(corpus_of(["loan good"]))[0])


def test_the_predict_address_gives_the_text(served: Served, bundles: dict[str, Bundle]) -> None:
    answer = httpx.post(f"{served.address}/v1/predict/writer", json={"texts": ["loan bank"]}).json()
    (prediction,) = answer["predictions"]
    assert prediction["text"] == bundles["writer"].predict(["loan bank"])[0].text != ""
    assert set(prediction) == {"label", "score", "abstained", "text", "tokens", "finish_reason", "observation"}
    listed = httpx.get(f"{served.address}/v1/models/writer").json()
    assert (listed["task"], listed["labels"]) == ("generate", [])


def test_those_that_wait_are_bounded_late_ones_given_up_and_nothing_is_written_for_who_left(tmp_path: Path) -> None:
    bundle = writer_bundle(tmp_path / "writer", max_new_tokens=25)
    generator = bundle.predictor
    assert isinstance(generator, Generator)
    begun, going = [], threading.Event()
    run = generator.session.run_with_ort_values

    class Slow:
        """The real session, which takes its time."""

        def run_with_ort_values(self, *arguments: object) -> object:
            begun.append(time.monotonic())
            going.wait(0.05)
            return run(*arguments)

    generator.session = Slow()  # type: ignore[assignment]
    running = Served(Engine({"writer": bundle}, Limits(requests=2, client_share=1.0, seconds=0.8)))
    try:
        chat = running.client().chat.completions
        begun.clear()
        stream = chat.create(model="writer", messages=[USER], stream=True)  # type: ignore[list-item]
        next(iter(stream))
        stream.close()
        time.sleep(0.3)
        steps = len(begun)
        time.sleep(0.3)
        assert 0 < steps == len(begun) < 12  # no token more for a client that went away

        results: list[object] = []

        def asking() -> None:
            try:
                results.append(running.client().chat.completions.create(model="writer", messages=[USER]))  # type: ignore[list-item]
            except openai.APIStatusError as error:
                results.append(error.status_code)

        threads = [threading.Thread(target=asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(results) == [429, 429, 503, 503]  # two are refused at once, two are not done in time
        with pytest.raises(openai.APIError, match="not written within"):
            list(chat.create(model="writer", messages=[USER], stream=True))  # type: ignore[list-item]
        going.set()
        assert chat.create(model="writer", messages=[USER]).choices[0].message.content  # type: ignore[list-item]
    finally:
        running.stop()
