"""`GET /v1/models`: what is served."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from feilun.bundles.bundle import Bundle
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.serving.engine import Engine

router = APIRouter(prefix="/v1/models", tags=["models"])


class Model(BaseModel):
    """A served model."""

    name: str
    version: str = Field(description="Registered version, or the start of the content hash.")
    task: str
    labels: list[str]
    languages: list[str]
    max_tokens: int = Field(description="Longer texts are cut.")
    precision: str
    created: str
    hash: str = Field(description="Content hash; equal for two trainings with the same recipe and data.")
    metrics: dict[str, float] = Field(description="As measured on the test rows when the model was made.")


class Models(BaseModel):
    """All served models."""

    models: list[Model]


@router.get("", summary="List the served models")
async def list_models(request: Request) -> Models:
    """List the models that answer here, with their labels and how good they were on their test rows."""
    engine: Engine = request.app.state.engine
    return Models(models=[_model(name, bundle) for name, bundle in engine.bundles.items()])


@router.get(
    "/{name}",
    summary="Describe one model",
    responses={404: {"model": ErrorAnswer, "description": "No model of that name is served."}},
)
async def describe_model(request: Request, name: str) -> Model:
    """Describe one served model."""
    engine: Engine = request.app.state.engine
    return _model(name, engine.bundle(name))


def _model(name: str, bundle: Bundle) -> Model:
    facts: dict[str, Any] = {key: bundle.manifest.get(key, "") for key in ("task", "precision", "created", "hash")}
    return Model(
        name=name,
        version=bundle.version,
        labels=list(bundle.labels.names),
        languages=list(bundle.manifest.get("languages", ())),
        max_tokens=bundle.predictor.encoder.max_tokens,
        metrics={metric: figure.value for metric, figure in bundle.report.metrics.items()},
        **facts,
    )
