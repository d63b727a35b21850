"""`POST /v1/feedback`: what people say of a prediction."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from feilun.core.answers.table import ANSWERS
from feilun.core.observation import Feedback
from feilun.core.remark import Remark
from feilun.interfaces.http.chat_observed import COMPLETION
from feilun.interfaces.http.error_answers import ErrorAnswer, error_answer
from feilun.monitoring.feedback import FeedbackDesk

NOTHING_SAID = Remark(
    'give at least one of the right answer, such as "label", "thumbs" and "text"',
    "正确答案（如 label）、thumbs 和 text 至少给出一项",
)
NOT_OBSERVED = Remark(
    "This service observes nothing, so there is nothing to give feedback on.", "这个服务不记录观测，无从反馈。"
)

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])

LONGEST_ANSWER = 50_000


class SpanTold(BaseModel):
    """A part of the text and what it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start: int = Field(description="Its first character, counted from 0.", ge=0)
    end: int = Field(description="The character behind its last.", ge=1)
    label: str


class FeedbackRequest(BaseModel):
    """What somebody says of one prediction: the right answer, thumbs or text, at least one of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    observation: str = Field(
        description="The `observation` of the prediction; of several tasks, that of the answer that is meant; of a "
        "chat completion also its `id`.",
        min_length=1, max_length=300,
    )  # fmt: skip
    label: str | None = Field(None, description="The right label, where the prediction has one.")
    labels: list[str] | None = Field(
        None, description="All right labels, where a text may have several or none.", max_length=2000
    )
    value: float | dict[str, float] | None = Field(
        None, description="The right number, or several by name, where the prediction has such."
    )
    relevance: float | None = Field(
        None, description="How relevant the candidate is, 0 where it is not, where the prediction is a relevance.", ge=0
    )
    spans: list[SpanTold] | None = Field(
        None, description="All right spans, where the prediction has some.", max_length=10_000
    )
    answer: str | None = Field(
        None, description="The text that should have been written, where the prediction is one; personal data is "
        "replaced.", max_length=LONGEST_ANSWER,
    )  # fmt: skip
    thumbs: Literal["up", "down"] | None = Field(None, description="Whether the prediction is right.")
    text: str | None = Field(None, description="Free words; personal data is replaced.", max_length=10_000)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.told() and self.thumbs is None and not (self.text and self.text.strip()):
            raise ValueError(NOTHING_SAID)
        return self

    def told(self) -> dict[str, Any]:
        """Return the right answer, by the name under which a prediction has its own."""
        said = self.model_dump(include=set(FIELDS), exclude_none=True)
        return {field: said[field] for field in FIELDS if field in said}


FIELDS = tuple(dict.fromkeys(kind.field for kind in ANSWERS.values()))
"""The names under which predictions have their answers."""


class Said(BaseModel):
    """Feedback as it is kept."""

    id: str
    label: str | None = None
    labels: list[str] | None = None
    relevance: float | None = None
    value: float | dict[str, float] | None = None
    spans: list[SpanTold] | None = None
    answer: str | None = None
    tasks: dict[str, Any] | None = None
    thumbs: Literal["up", "down"] | None
    text: str | None


class FeedbackAnswer(BaseModel):
    """The feedback as it was taken, and what else was said of the same prediction."""

    feedback: str = Field(description="Id of this feedback.")
    observation: str
    model: str = Field(description="name@version of the model that had answered.")
    predicted: str | list[str] | float | dict[str, float] | list[dict[str, Any]] | None = Field(
        description="The answer that was predicted."
    )
    repeated: bool = Field(description="Whether the same came before under this key; nothing was added.")
    conflicting: bool = Field(description="Whether what people say of this prediction disagrees; all of it is kept.")
    all: list[Said] = Field(description="All feedback on this prediction, earliest first.")


EXAMPLES = {
    "label": {"summary": "The right label", "value": {"observation": "ID", "label": "negative"}},
    "labels": {"summary": "All right labels", "value": {"observation": "ID", "labels": ["taste", "service"]}},
    "value": {"summary": "The right number", "value": {"observation": "ID", "value": 12.5}},
    "relevance": {"summary": "This candidate is the right one", "value": {"observation": "ID", "relevance": 1}},
    "spans": {
        "summary": "All right spans",
        "value": {"observation": "ID", "spans": [{"start": 0, "end": 4, "label": "product"}]},
    },
    "answer": {"summary": "The text to write", "value": {"observation": "ID", "answer": "您好，退款三天内到账。"}},
    "thumbs": {"summary": "Right or wrong", "value": {"observation": "ID", "thumbs": "down"}},
    "text": {"summary": "Free words", "value": {"observation": "ID", "text": "反讽，其实是差评"}},
}
KEY = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="The same feedback sent again under it is taken once."),
]


@router.post(
    "",
    summary="Say whether a prediction was right",
    status_code=201,
    response_model=FeedbackAnswer,
    responses={
        200: {"model": FeedbackAnswer, "description": "Taken before under the same key."},
        404: {"model": ErrorAnswer, "description": "There is no such observation, or this service observes nothing."},
        409: {"model": ErrorAnswer, "description": "The key came before with other feedback."},
        422: {"model": ErrorAnswer, "description": "The body is wrong, or the answer is none of the model's."},
        503: {"model": ErrorAnswer, "description": "The database refuses; nothing was taken. Send it again."},
    },
)
def give_feedback(
    request: Request, body: Annotated[FeedbackRequest, Body(openapi_examples=EXAMPLES)], key: KEY = None
) -> JSONResponse:
    """Take feedback on a prediction; once answered it is on the disk. Feedback adds up and never replaces another."""
    desk: FeedbackDesk | None = request.app.state.feedback
    if desk is None:
        return error_answer(404, NOT_OBSERVED, request.headers)
    correct = None if body.thumbs is None else body.thumbs == "up"
    about = body.observation.removeprefix(COMPLETION)
    given = desk.give(about, correct=correct, text=body.text, key=key, **body.told())
    found = given.observation
    answer = {
        "feedback": given.feedback.id,
        "observation": found.id,
        "model": found.bundle,
        "predicted": found.kind.own(found.prediction),
        "repeated": given.repeated,
        "conflicting": found.conflicting,
        "all": [_said(one, found.kind.field) for one in found.feedback],
    }
    return JSONResponse(answer, 200 if given.repeated else 201)


def _said(feedback: Feedback, field: str) -> dict[str, Any]:
    thumbs = None if feedback.correct is None else "up" if feedback.correct else "down"
    return {"id": feedback.id, field: feedback.answer, "thumbs": thumbs, "text": feedback.text}
