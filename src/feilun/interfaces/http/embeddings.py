"""`POST /v1/embeddings`: vectors of texts, as clients of the OpenAI API ask for them."""

from __future__ import annotations

import base64
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from feilun.bundles.generator import Generator
from feilun.core.errors import UsageError
from feilun.interfaces.http.disconnect import cancel_on_disconnect
from feilun.interfaces.http.guard import client_of
from feilun.interfaces.http.openai_errors import RESPONSES, OpenAIRoute
from feilun.serving.embeddings import Embeddings
from feilun.serving.engine import Engine

router = APIRouter(prefix="/v1/embeddings", tags=["OpenAI"], route_class=OpenAIRoute)


class EmbeddingsRequest(BaseModel):
    """Texts whose vectors are wanted."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(description="The model's name; see /v1/models.")
    input: str | list[str] = Field(description="A text, or several.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: None = Field(None, description="Vectors have the length that the model gives; no other can be asked.")

    @property
    def texts(self) -> list[str]:
        """Return the texts.

        Raises:
            UsageError: If there are none.
        """
        texts = [self.input] if isinstance(self.input, str) else self.input
        if not texts:
            raise UsageError("input holds no text.", "Give one text or a list of them.")
        return texts


@router.post("", summary="Give texts their vectors", responses=RESPONSES)
async def embed(request: Request, body: EmbeddingsRequest) -> Response:
    """Return a vector of unit length for each text: that of a `match` model with two encoders, or the pooled state."""
    engine: Engine = request.app.state.engine
    bundle, texts = engine.bundle(body.model), body.texts
    engine.limits.check(texts)
    if isinstance(bundle.predictor, Generator):
        raise UsageError(f"The model {body.model} writes answers and gives no vectors.", "Ask one of another task.")
    embeddings: Embeddings = request.app.state.embeddings
    vectors, tokens = await cancel_on_disconnect(request, embeddings.embed(bundle, texts, client_of(request)))
    data = [
        {"object": "embedding", "index": i, "embedding": _encoded(vector, body.encoding_format)}
        for i, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    model = f"{body.model}@{bundle.version}"
    return JSONResponse({"object": "list", "data": data, "model": model, "usage": usage})


def _encoded(vector: NDArray[np.float32], form: str) -> Any:
    """Return a vector as numbers, or as the bytes of little-endian float32 in base64."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode() if form == "base64" else vector.tolist()
