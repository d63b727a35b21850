"""The peer of benchmarks/serving.py: the service that one writes first, FastAPI around a transformers pipeline.

python benchmarks/serving_peer.py BASE LABELS THREADS MAX_TOKENS
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast, pipeline

from feilun.models.bases.catalogue import open_base


class Asked(BaseModel):
    """A request, in the form in which ours takes it."""

    text: str
    ranked: int = 1


def service(base: str, labels: int, max_tokens: int) -> FastAPI:
    """Return the service."""
    opened = open_base(base)
    config = AutoConfig.for_model(**{**opened.model.config.to_dict(), "num_labels": labels})
    model = AutoModelForSequenceClassification.from_config(config)
    model.base_model.load_state_dict(opened.model.state_dict(), strict=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=opened.tokenizer,
        pad_token=opened.tokenizer.id_to_token(opened.pad_id),
        model_max_length=max_tokens,
    )
    answer = pipeline("text-classification", model=model.eval(), tokenizer=tokenizer, device="cpu", truncation=True)
    app = FastAPI()

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/predict/{name}")
    def predict(name: str, asked: Asked) -> dict[str, Any]:
        return {"model": name, "predictions": answer([asked.text])}

    return app


if __name__ == "__main__":
    base, labels, threads, max_tokens = sys.argv[1], *map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    app = service(base, labels, max_tokens)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
