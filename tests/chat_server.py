"""A small service of the OpenAI protocol over a real, tiny causal language model (two layers, 32 wide).

Where a request has a JSON schema with an enum, the model's likelihood of each choice decides, as constrained decoding
does; without one it writes freely, which a model of this size does badly.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tiny import WORDS, tiny_tokenizer


@dataclass
class Service:
    """What a test can see and set.

    Args:
        url: Its address, up to the version.
        requests: Bodies that came, in order.
        failures: Status codes to answer with first, one a request.
        schemas: Whether it knows JSON schemas.
        keys: What stood in the header Authorization.
    """

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    schemas: bool = True
    keys: list[str | None] = field(default_factory=list)


class _Model:
    def __init__(self) -> None:
        torch.manual_seed(0)
        sizes = {"vocab_size": len(WORDS) + 4, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "intermediate_size": 64, "max_position_embeddings": 512}  # fmt: skip
        self.model = LlamaForCausalLM(LlamaConfig(**sizes, pad_token_id=0)).eval()
        self.tokenizer = tiny_tokenizer()

    def choose(self, prompt: list[int], choices: list[str]) -> str:
        """Return the choice that the model finds likeliest behind the prompt."""
        return max(choices, key=lambda choice: self._likelihood(prompt, self.encode(choice)))

    def write(self, prompt: list[int], count: int) -> str:
        ids = torch.tensor([prompt])
        written = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False)
        return self.tokenizer.decode(written[0, len(prompt) :].tolist())

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids[-400:]

    def _likelihood(self, prompt: list[int], answer: list[int]) -> float:
        with torch.no_grad():
            logits = self.model(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(answer) - 1)
        return float(sum(logits[place, token] for place, token in zip(places, answer, strict=True))) / len(answer)


@contextmanager
def chat_service() -> Iterator[Service]:
    """Run the service on a free port of this machine."""
    model, state = _Model(), Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(body)
            state.keys.append(self.headers.get("Authorization"))
            if self.path != "/v1/chat/completions":
                return self._answer(404, {"error": {"message": "no such address"}})
            if state.failures:
                return self._answer(state.failures.pop(0), {"error": {"message": "not now"}})
            if "response_format" in body and not state.schemas:
                return self._answer(400, {"error": {"message": "response_format is not known"}})
            prompt = model.encode(" ".join(message["content"] for message in body["messages"]))
            if "response_format" in body:
                schema = body["response_format"]["json_schema"]["schema"]
                text = json.dumps({"label": model.choose(prompt, schema["properties"]["label"]["enum"])})
            else:
                text = model.write(prompt, min(body["max_tokens"], 8))
            message = {"role": "assistant", "content": text}
            usage = {"prompt_tokens": len(prompt), "completion_tokens": 8, "total_tokens": len(prompt) + 8}
            return self._answer(200, {"choices": [{"index": 0, "message": message}], "usage": usage})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
