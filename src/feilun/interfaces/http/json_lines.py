"""Log records as JSON lines, for whatever gathers logs."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

from feilun.interfaces.http.requests_log import current


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, the request's id, and further facts.

    Of an exception it keeps the kind and the places in the code; its words are left out, for they may quote a text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := current.get()) is not None:
            line["request"] = request
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            line["exception"] = record.exc_info[0].__name__
            line["places"] = "; ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Let everything that is logged become JSON lines on the standard error, each request among it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
