"""Every request is a span, named by its address's template."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feilun.interfaces.http.requests_log import REQUEST
from feilun.serving.tracing import Tracer

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TracingMiddleware:
    """Opens a span for each request.

    Args:
        app: The application inside.
        tracer: Keeps the spans.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on within its span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.tracer.request(Headers(scope=scope)) as facts:
            try:
                await self.app(scope, receive, watch)
            finally:
                method = scope["method"] if scope["method"] in METHODS else "_OTHER"
                route = getattr(scope.get("route"), "path", "other")
                facts |= {"name": f"{method} {route}", "http.request.method": method, "http.route": route}
                facts |= {"http.response.status_code": status, "feilun.request": scope.get(REQUEST, "")}
                if status >= 500:
                    facts["error.type"] = str(status)
