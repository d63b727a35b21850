"""Fields of the JSON that platforms send, each held to be what it must be."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from feilun.core.errors import UsageError


def json_of(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        UsageError: If it is none.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UsageError(f"The body is no JSON ({error}).", "Each platform has its own form.") from error
    if not isinstance(found, dict):
        raise UsageError("The body is no JSON object.", "Each platform has its own form.")
    return found


def object_at(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a field that is an object; an empty one where it is not there, or something else."""
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def bytes_of(text: str) -> bytes:
    """Return what a text in base64 stands for.

    Raises:
        UsageError: If it is none.
    """
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise UsageError("What is encrypted is not in base64.", "Each platform has its own form.") from error


def text_at(fields: Mapping[str, Any], name: str) -> str:
    """Return a text field.

    Raises:
        UsageError: If it is not there, or no text.
    """
    found = fields.get(name)
    if not isinstance(found, str):
        raise UsageError(f"The field {name!r} is missing, or no text.", "Each platform has its own form.")
    return found
