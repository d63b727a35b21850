"""`POST /v1/predict/{name}`: a model answers one text or a list."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from feilun.bundles.bundle import Bundle
from feilun.core.remark import Remark
from feilun.interfaces.http.disconnect import cancel_on_disconnect
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.interfaces.http.guard import client_of
from feilun.interfaces.http.metrics import Figures
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.serving.limits import Row
from feilun.serving.rows import remembered_rows, rows_of

ONE_OF_BOTH = Remark(
    'give either "texts", a list of texts, "text", a single one, "pairs", pairs of texts, or "rows", cells by column',
    "texts（一批文本）、text（一条文本）、pairs（文本对）、rows（按列给出的单元格）四项只给一项",
)

router = APIRouter(prefix="/v1/predict", tags=["predict"])


class PredictRequest(BaseModel):
    """One text, a list of texts, a list of pairs where the model compares two, or rows of cells by column."""

    model_config = ConfigDict(extra="forbid", strict=True)

    texts: list[str] | None = Field(None, description="Texts to predict, answered in their order.")
    text: str | None = Field(None, description="A single text, instead of `texts`.")
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = Field(
        None,
        description="Pairs of texts, instead of `texts`, where the model compares two.",
        examples=[[["怎么退款", "如何退货"]]],
    )
    rows: list[dict[str, str | int | float | bool | None]] | None = Field(
        None,
        description="Cells by column, instead of `texts`: the columns that the model was trained on, null where a "
        "value is not known.",
        examples=[[{"text": "card declined", "amount": 120.5, "channel": "web"}]],
    )
    key: str | None = Field(
        None,
        max_length=200,
        description="Whom it is asked for, such as a customer's number: the same key gets the same version while a "
        "canary is tried; without one, the same first text does. It is not kept.",
    )
    ranked: int = Field(5, ge=0, le=1000, description="How many of the best labels to return with their scores.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if sum(value is not None for value in (self.texts, self.text, self.pairs, self.rows)) != 1:
            raise ValueError(ONE_OF_BOTH)
        return self

    def asked(self, bundle: Bundle) -> list[Row]:
        """Return what a bundle is asked about.

        Raises:
            UsageError: If the columns of rows are not those that it reads.
        """
        if self.rows is not None:
            return rows_of(bundle, self.rows)
        if self.pairs is not None:
            return [(first, second) for first, second in self.pairs]
        return list(self.texts) if self.texts is not None else [self.text or ""]


class RankedLabel(BaseModel):
    """A label with its calibrated probability."""

    label: str
    score: float


class FoundSpan(BaseModel):
    """A part of the text and what it is."""

    start: int = Field(description="Its first character, counted from 0.")
    end: int = Field(description="The character behind its last.")
    label: str
    text: str
    score: float


class Answer(BaseModel):
    """What the model says about one text."""

    label: str = Field(description="The chosen label; the best guess where the model abstained.")
    score: float = Field(description="Its calibrated probability, 0 to 1.")
    abstained: bool = Field(description="Whether the score is too low to decide, so that a person should.")
    labels: list[str] | None = Field(None, description="All chosen labels, where a text may have several or none.")
    ranked: list[RankedLabel] | None = Field(None, description="The best labels, best first, where there are labels.")
    similarity: float | None = Field(
        None, description="The cosine of both texts, where the model compares texts that it reads apart."
    )
    relevance: float | None = Field(
        None, description="How relevant the second text is to the first, to sort candidates by, where the task is that."
    )
    tasks: dict[str, Answer] | None = Field(None, description="The answer to each task, where the model has several.")
    spans: list[FoundSpan] | None = Field(None, description="The spans found, where the task is to find some.")
    value: float | dict[str, float] | None = Field(
        None, description="The predicted number, or several by name, where the task is to predict numbers."
    )
    interval: list[float] | dict[str, list[float] | None] | None = Field(
        None,
        description="The ends of the interval that holds the truth with the probability `score`; null where training "
        "had too few validation rows for it.",
    )
    text: str | None = Field(None, description="What the model wrote, where the task is to write.")
    tokens: int | None = Field(None, description="How many tokens that took, the ending one included.")
    finish_reason: Literal["stop", "length"] | None = Field(
        None, description="Why it ended: by itself or at a stop text, or cut at the longest answer."
    )
    observation: str | None = Field(
        None, description="Names this prediction for /v1/feedback; null where none is kept of it."
    )


class PredictAnswer(BaseModel):
    """One prediction a text, in their order."""

    model: str = Field(description="name@version of the model that answered.")
    predictions: list[Answer]


EXAMPLES = {
    "a list": {"summary": "A list of texts", "value": {"texts": ["送餐很快，味道也好", "Never again"]}},
    "one text": {"summary": "One text", "value": {"text": "Operating profit rose to EUR 13.1 mn"}},
    "best two": {"summary": "The two best labels of each", "value": {"texts": ["还可以"], "ranked": 2}},
}
ANSWER = {
    "model": "reviews@3",
    "predictions": [
        {"label": "positive", "score": 0.973, "abstained": False,
         "ranked": [{"label": "positive", "score": 0.973}, {"label": "negative", "score": 0.027}],
         "observation": "9f86d081884c7d659a2feaa0c55ad015"}
    ],
}  # fmt: skip


@router.post(
    "/{name}",
    summary="Predict texts",
    response_model=PredictAnswer,
    responses={
        200: {"content": {"application/json": {"example": ANSWER}}},
        404: {"model": ErrorAnswer, "description": "No model of that name is served."},
        413: {"model": ErrorAnswer, "description": "The body, the list or a text is too large."},
        422: {"model": ErrorAnswer, "description": "The body is wrong; the message says where."},
        429: {"model": ErrorAnswer, "description": "Too much of yours waits; Retry-After says when to ask again."},
        503: {"model": ErrorAnswer, "description": "Too much waits; Retry-After says when to ask again."},
    },
)
async def predict(
    request: Request,
    name: Annotated[str, Path(description="The model's name; see /v1/models.", examples=["reviews"])],
    body: Annotated[PredictRequest, Body(openapi_examples=EXAMPLES)],
) -> JSONResponse:
    """Answer texts, pairs or rows with the model of that name; concurrent requests are computed together."""
    engine: Engine = request.app.state.engine
    figures: Figures = request.app.state.figures
    log: ObservationLog | None = request.app.state.log
    began = time.perf_counter()
    rows = body.asked(engine.bundle(name))
    answer = await cancel_on_disconnect(request, engine.answer(name, rows, client_of(request), body.key))
    predictions = answer.predictions
    figures.count(name, predictions)
    seconds = time.perf_counter() - began
    asked = remembered_rows(engine.bundle(name), rows) if log else None
    kept = log.observe(answer.model, asked, predictions, seconds) if log and asked else [None] * len(rows)
    answers = [
        _named(prediction.to_json(body.ranked), observation)
        for prediction, observation in zip(predictions, kept, strict=True)
    ]
    return JSONResponse({"model": answer.model, "predictions": answers})


def _named(answer: dict[str, Any], observation: str | None) -> dict[str, Any]:
    """Return an answer with the id of its observation; those of several tasks have one each."""
    for task, own in answer.get("tasks", {}).items():
        own["observation"] = observation and f"{observation}/{task}"
    return {**answer, "observation": observation}
