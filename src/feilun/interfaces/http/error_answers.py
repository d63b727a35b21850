"""The shape of every answer that is no success."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from feilun.core.remark import Language, said_in


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str


class ErrorAnswer(BaseModel):
    """The body of every answer with a status of 400 or above."""

    error: ErrorDetail


def language_of(headers: Mapping[str, str]) -> Language:
    """Return the language that a client likes best: what its `Accept-Language` begins with; English without one."""
    return "zh" if headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


def error_answer(
    status: int, message: str, asked: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error as JSON.

    Args:
        status: The status.
        message: What is wrong; characters that UTF-8 cannot hold are escaped.
        asked: The request's headers: a remark is said in the language that they ask for.
        headers: Headers of the answer.
    """
    safe = said_in(language_of(asked), message).encode("utf-8", "backslashreplace").decode("utf-8")
    return JSONResponse({"error": {"message": safe}}, status, dict(headers) if headers else None)
