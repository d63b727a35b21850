"""What is said of each kind of error, over HTTP and over sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feilun.core.errors import FeilunError, NotFound, UsageError
from feilun.core.remark import Remark, joined
from feilun.interfaces.values import said_of_value
from feilun.monitoring.feedback import KeyReused
from feilun.serving.engine import UnknownModel
from feilun.serving.limits import ShareTaken, TooLarge
from feilun.storage.faults import StorageFull

STATUSES: tuple[tuple[type[FeilunError], int], ...] = (
    (NotFound, 404),
    (UnknownModel, 404),
    (KeyReused, 409),
    (TooLarge, 413),
    (UsageError, 422),
    (ShareTaken, 429),
    (StorageFull, 507),
)
"""The status of each kind of error, the first that fits; the others are 503."""


def status_of(error: FeilunError) -> int:
    """Return the status of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 503)


def said_of(faults: Sequence[Mapping[str, Any]]) -> Remark:
    """Say what pydantic found wrong, each fault with its place."""
    return joined([_said(fault) for fault in faults])


def _said(fault: Mapping[str, Any]) -> Remark:
    if fault["type"] == "json_invalid":
        why = fault.get("ctx", {}).get("error", "it cannot be read")
        return Remark(f"the body is not JSON ({why})", f"请求体不是 JSON（{why}）")
    if fault["type"] in {"model_attributes_type", "model_type", "dict_type"} and len(fault["loc"]) <= 1:
        return Remark(
            'the body must be a JSON object, sent with the header "content-type: application/json"',
            "请求体应为 JSON 对象，并带有请求头 content-type: application/json",
        )
    where = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return Remark(f"{where}: there is no such field", f"{where}：没有这个字段")
    return joined([where, said_of_value(fault)], ": ", "：")
