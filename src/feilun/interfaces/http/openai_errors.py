"""Errors as clients of the OpenAI API expect them, on the addresses that follow it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from feilun.core.errors import FeilunError, UsageError
from feilun.core.remark import said_in
from feilun.interfaces.http.error_answers import language_of
from feilun.interfaces.values import said_of_value
from feilun.serving.engine import UnknownModel
from feilun.serving.limits import Overloaded, ShareTaken, TooLarge

STATUSES: tuple[tuple[type[FeilunError], int, str, str | None], ...] = (
    (UnknownModel, 404, "invalid_request_error", "model_not_found"),
    (TooLarge, 413, "invalid_request_error", None),
    (UsageError, 400, "invalid_request_error", None),
    (ShareTaken, 429, "rate_limit_error", "rate_limit_exceeded"),
    (FeilunError, 503, "server_error", None),
)
"""Status, type and code of each kind of error, the first that fits."""


class ErrorFields(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorAnswer(BaseModel):
    """The body of every answer with a status of 400 or above."""

    error: ErrorFields


RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": OpenAIErrorAnswer, "description": "The request is wrong; the message says where."},
    404: {"model": OpenAIErrorAnswer, "description": "No model of that name is served."},
    413: {"model": OpenAIErrorAnswer, "description": "A text, or all of them, are too large."},
    429: {"model": OpenAIErrorAnswer, "description": "Too much of yours waits; Retry-After says when to ask again."},
    503: {"model": OpenAIErrorAnswer, "description": "Too much waits; Retry-After says when to ask again."},
}
"""What is answered besides success, for the documentation."""


class ContextExceeded(UsageError):
    """A conversation leaves no room for an answer within the context."""


class OpenAIRoute(APIRoute):
    """A route whose errors have the fields message, type, param and code."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers, with errors put into that shape."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except RequestValidationError as error:
                fault = error.errors()[0]
                where = ".".join(str(step) for step in fault["loc"][1:]) or None
                said = said_in(language_of(request.headers), said_of_value(fault))
                return shaped(400, said, "invalid_request_error", where)
            except FeilunError as error:
                return answer_of(error, request.headers)

        return answer


def answer_of(error: FeilunError, asked: Mapping[str, str]) -> JSONResponse:
    """Return an error of ours as an answer, in the language that the request's headers ask for."""
    status, kind, code = fields_of(error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Overloaded) else None
    return shaped(status, said_in(language_of(asked), error.message), kind, None, code, headers)


def fields_of(error: FeilunError) -> tuple[int, str, str | None]:
    """Return status, type and code of an error of ours."""
    if isinstance(error, ContextExceeded):
        return 400, "invalid_request_error", "context_length_exceeded"
    return next((status, kind, code) for known, status, kind, code in STATUSES if isinstance(error, known))


def shaped(
    status: int,
    message: str,
    kind: str,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return an answer with OpenAI's fields of an error."""
    return JSONResponse({"error": body_of(message, kind, param, code)}, status, headers)


def body_of(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, str | None]:
    """Return the fields of an error; characters that UTF-8 cannot hold are escaped."""
    safe = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"message": safe, "type": kind, "param": param, "code": code}
