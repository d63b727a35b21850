"""A connection that waits only so long for headers, and for its answers to be read; uvicorn would wait for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES = 65536
"""What an address and headers may take while more of them is waited for."""


class PatientConnection(HttpToolsProtocol):
    """A connection that is closed where headers, or the reading of answers, take longer than `seconds`.

    Headers without end are refused too, which httptools would gather.
    """

    seconds = 10.0
    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for headers."""
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Read on; more headers than HEADER_BYTES are answered with 400."""
        due = self._headers_due
        super().data_received(data)
        if due is not None and due is self._headers_due:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        """Wait for the headers of a request."""
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        """Wait for headers no longer."""
        self._forget()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read on."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """Wait for it no longer."""
        self._forget_reading()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Wait for the client to read the rest, which uvicorn forgets."""
        if self.transport.get_write_buffer_size():
            self._watch_reading()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget()
        self._forget_reading()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(self.seconds, self.transport.close)

    def _forget(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
            self._header_bytes = 0

    def _watch_reading(self) -> None:
        self._forget_reading()
        self._reading_due = self.loop.call_later(self.seconds, self._give_up)

    def _forget_reading(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None

    def _give_up(self) -> None:
        """End a connection whose client does not read; closing it would wait for what is not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def patient_for(seconds: float) -> type[PatientConnection]:
    """Return a protocol for uvicorn whose patience ends after so many seconds.

    Args:
        seconds: How long a client may take from its first byte, or from connecting, to the end of its headers; and how
            long until it has read so much of an answer that more can be sent, or all of it.
    """
    return type("Patient", (PatientConnection,), {"seconds": seconds})


def patient_socket_for(seconds: float) -> Any:
    """Return a protocol for uvicorn whose WebSockets are cut off where their client does not read on for that long.

    Where websockets is not installed there are none: requests for one are answered as any other.
    """
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        return "none"

    class PatientSocket(WebSocketsSansIOProtocol):
        _reading_due: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            super().pause_writing()
            self._forget_reading()
            self._reading_due = self.loop.call_later(seconds, self.transport.abort)

        def resume_writing(self) -> None:
            self._forget_reading()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_reading()
            super().connection_lost(exc)

        def _forget_reading(self) -> None:
            if self._reading_due is not None:
                self._reading_due.cancel()
                self._reading_due = None

    return PatientSocket
