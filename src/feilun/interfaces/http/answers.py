"""The shape of every answer that is no success."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse
from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str


class ErrorAnswer(BaseModel):
    """The body of every answer with a status of 400 or above."""

    error: ErrorDetail


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as JSON; characters that UTF-8 cannot hold are escaped."""
    safe = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return JSONResponse({"error": {"message": safe}}, status, dict(headers) if headers else None)
