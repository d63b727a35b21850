"""What is said of each kind of error, over HTTP and over sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feilun.core.errors import FeilunError, NotFound, UsageError
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


def said_of(faults: Sequence[Mapping[str, Any]]) -> str:
    """Say what pydantic found wrong, each fault with its place."""
    return "; ".join(_said(fault) for fault in faults)


def _said(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "json_invalid":
        return f"the body is not JSON ({fault.get('ctx', {}).get('error', 'it cannot be read')})"
    if fault["type"] in {"model_attributes_type", "model_type", "dict_type"} and len(fault["loc"]) <= 1:
        return 'the body must be a JSON object, sent with the header "content-type: application/json"'
    where = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: there is no such field"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
