"""Fields of the JSON that platforms send, each held to be what it must be."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from feilun.core.errors import UsageError
from feilun.core.remark import Remark


def json_of(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        UsageError: If it is none.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UsageError(
            Remark(f"The body is no JSON ({error}).", f"请求体不是 JSON（{error}）。"),
            Remark("Each platform has its own form.", "每个平台有自己的格式。"),
        ) from error
    if not isinstance(found, dict):
        raise UsageError(
            Remark("The body is no JSON object.", "请求体不是 JSON 对象。"),
            Remark("Each platform has its own form.", "每个平台有自己的格式。"),
        )
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
        raise UsageError(
            Remark("What is encrypted is not in base64.", "加密的内容不是 base64。"),
            Remark("Each platform has its own form.", "每个平台有自己的格式。"),
        ) from error


def text_at(fields: Mapping[str, Any], name: str) -> str:
    """Return a text field.

    Raises:
        UsageError: If it is not there, or no text.
    """
    found = fields.get(name)
    if not isinstance(found, str):
        raise UsageError(
            Remark(f"The field {name!r} is missing, or no text.", f"缺少字段 {name!r}，或它不是文本。"),
            Remark("Each platform has its own form.", "每个平台有自己的格式。"),
        )
    return found
