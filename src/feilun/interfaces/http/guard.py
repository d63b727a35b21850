"""Who may ask: bearer tokens by scope, the names by which the service may be called, and headers for browsers."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feilun.core.errors import StorageError
from feilun.core.remark import Remark
from feilun.interfaces.http.error_answers import error_answer
from feilun.serving.access import Access
from feilun.storage.tokens import Token, find

OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that ask for no token: they say nothing but whether the service is up."""

SIGNED = "/v1/apps/customer-service/channels/"
"""Begins the paths whose requests are signed, which takes the place of a token."""

SCOPE_OF_PATH = (
    ("/v1/predict", "predict"), ("/v1/models", "predict"), ("/v1/feedback", "feedback"),
    ("/v1/apps/recommendation/recommend", "predict"), ("/v1/apps/recommendation/similar", "predict"),
    ("/v1/apps/recommendation/search", "predict"), ("/v1/apps/recommendation/questions", "predict"),
    ("/v1/apps/recommendation/context", "predict"),
    ("/v1/apps/recommendation/events", "feedback"),
    ("/v1/apps/customer-service/turns", "predict"), ("/v1/apps/customer-service/socket", "predict"),
    ("/v1/apps/customer-service/feedback", "feedback"),
    ("/v1/apps/customer-service/ratings", "feedback"),
    ("/v1/apps/public-opinion/trends", "predict"), ("/v1/apps/public-opinion/compare", "predict"),
    ("/v1/apps/public-opinion/incidents", "predict"), ("/v1/apps/public-opinion/search", "predict"),
    ("/v1/apps/public-opinion/export", "predict"), ("/v1/apps/public-opinion/emergent", "predict"),
    ("/v1/apps/public-opinion/scheme", "predict"), ("/v1/apps/public-opinion/desk", "admin"),
    ("/v1/apps/public-opinion", "feedback"),
    ("/v1/chat", "predict"), ("/v1/embeddings", "predict"),
    ("/v1/session", None),
)  # fmt: skip
"""The scope of each resource, None where any valid token will do; all other paths need `admin`."""

PAGES = "/console"
"""Begins the paths of web pages, which hold no data: what they show, they ask for with the session's token."""

CLIENT = "feilun.client"
"""Key of a request's scope that says who asks, where a token tells."""

TOKEN = "feilun.token"  # noqa: S105
"""Key of a request's scope that holds the token itself, as it is kept."""

TOKEN_PROTOCOL = "feilun.token."  # noqa: S105
"""Begins the name of a socket's protocol that holds a token."""

POLICY_VIOLATION = 1008
"""The code with which a socket is closed whose token does not hold any more (RFC 6455, 7.4.1)."""

KNOWN_SECONDS = 5.0
"""How long the tokens are held before the database is asked again."""

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'; object-src 'none'; base-uri 'none'"),
)
NEEDED = Remark(
    "A token is needed, in one header: Authorization: Bearer TOKEN",
    "需要令牌，写在一个请求头里：Authorization: Bearer TOKEN",
)
ILL_FORMED = Remark(
    "The token holds line breaks, spaces or characters beyond ASCII; no token does.",
    "令牌里有换行、空格或非 ASCII 字符，令牌不会是这样。",
)
UNKNOWN = Remark("The token is unknown or revoked.", "令牌不存在或已吊销。")
NO_STORE = (b"cache-control", b"no-store")

log = logging.getLogger(__name__)


class Guard:
    """Refuses who may not ask before anything of the body is read.

    Args:
        app: The application inside.
        access: Who may.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access
        self._known: Sequence[Token] = ()
        self._read: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401, 403 or 421."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = HEADERS if not scope["path"].startswith("/v1/") else (*HEADERS, NO_STORE)
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        refused = self._wrong_host(scope) or await self._wrong_token(scope)
        if refused is None:
            await self.app(scope, receive, guarded)
            return
        status, said = refused
        headers = {"Connection": "close", **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}
        await error_answer(status, said, Headers(scope=scope), headers)(scope, receive, guarded)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a socket on, or refuse it; one whose token is revoked meanwhile is closed with its next message."""
        refused = self._wrong_host(scope) or await self._wrong_token(scope)
        if refused is not None:
            await error_answer(*refused, Headers(scope=scope))(scope, receive, send)
            return
        closed = False

        async def close() -> None:
            nonlocal closed
            if not closed:
                closed = True
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "The token is not valid."})

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and await self._wrong_token(scope) is not None:
                await close()
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        async def said(message: Message) -> None:
            if message["type"] == "websocket.send" and await self._wrong_token(scope) is not None:
                await close()
            if not closed:
                await send(message)

        await self.app(scope, heard, said)

    def _wrong_host(self, scope: Scope) -> tuple[int, Remark] | None:
        """Find a page of another site that asks through the visitor's browser (DNS rebinding, cross-site requests)."""
        hosts = self.access.hosts
        if hosts is None:
            return None
        host = _only(scope, b"host") or ""
        if not named("//" + host, hosts):
            return 421, Remark(
                f"The service does not answer as {host!r}. Allow the name: feilun serve --allow-host NAME",
                f"服务不以 {host!r} 这个名称应答。允许这个名称：feilun serve --allow-host NAME",
            )
        origin = _only(scope, b"origin")
        if origin is not None and not named(origin, hosts):
            return 403, Remark(
                f"Pages of {origin!r} may not ask. Allow the name: feilun serve --allow-host NAME",
                f"{origin!r} 的网页不允许访问。允许这个名称：feilun serve --allow-host NAME",
            )
        return None

    async def _wrong_token(self, scope: Scope) -> tuple[int, Remark] | None:
        if self.access.tokens is None or scope["path"] in OPEN or scope["path"].startswith(SIGNED):
            return None
        if self.access.sessions is not None and (scope["path"] + "/").startswith(PAGES + "/"):
            return None
        secret = _bearer(scope) or self._session(scope)
        if not secret:
            return 401, NEEDED
        if not (secret.isascii() and secret.isprintable() and " " not in secret):
            return 401, ILL_FORMED
        try:
            token = find(await self._tokens(self.access.tokens), secret)
        except StorageError as error:
            return 503, error.message
        if token is None:
            return 401, UNKNOWN
        if not token.reaches(self.access.application):
            return 403, Remark(
                f"The token {token.name} is one of another application.", f"令牌 {token.name} 属于另一个应用。"
            )
        scope[CLIENT], scope[TOKEN] = f"token {token.name}", token
        wanted = scope_of(scope["path"])
        if not token.allows(wanted):
            return 403, Remark(
                f"The token {token.name} lacks the scope {wanted!r}; it has {', '.join(token.scopes)}.",
                f"令牌 {token.name} 没有 {wanted!r} 权限，只有 {'、'.join(token.scopes)}。",
            )
        return None

    def _session(self, scope: Scope) -> str | None:
        """Return the token of the session that a cookie names.

        Browsers send a cookie to this machine's name whatever page and port asks; what changes something therefore
        must come from a page of this very address.
        """
        name = HTTPConnection(scope).cookies.get(cookie_of(scope))
        if self.access.sessions is None or name is None:
            return None
        own = (_only(scope, b"origin") or "").partition("://")[2] == _only(scope, b"host")
        harmless = scope.get("method") in {"GET", "HEAD"}  # a socket has no method, and may change something
        return self.access.sessions.secret_of(name) if own or harmless else None

    async def _tokens(self, read: Callable[[], Sequence[Token]]) -> Sequence[Token]:
        """Return the valid tokens; those known last where the database refuses."""
        if self._read is None or time.monotonic() - self._read >= KNOWN_SECONDS:
            try:
                self._known = await asyncio.to_thread(read)
            except StorageError as error:
                if self._read is None:
                    raise
                log.warning("The tokens known last are used: %s", error)
            self._read = time.monotonic()
        return self._known


def client_of(request: HTTPConnection) -> str:
    """Return who asks: the token's name, else the address that the request comes from."""
    named = request.scope.get(CLIENT)
    return str(named or (request.client.host if request.client else "unknown"))


def cookie_of(scope: Scope) -> str:
    """Return the name of the cookie that holds the session; ports of one machine share their cookies."""
    server = scope.get("server")
    return f"feilun_session_{server[1] if server else 0}"


def scope_of(path: str) -> str | None:
    """Return the scope that a path needs; None where any valid token will do."""
    for start, scope in SCOPE_OF_PATH:
        if path == start or path.startswith(start + "/"):
            return scope
    return "admin"


def named(address: str, hosts: Collection[str]) -> bool:
    """Return whether an address such as `http://localhost:8080` names one of the hosts, or this machine itself."""
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return False
    if name in hosts or name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _bearer(scope: Scope) -> str:
    """Return the token that the header holds; an empty text where there is none.

    A page can give its sockets no header but the names of protocols: there it is the rest of one of them.
    """
    kind, _, secret = (_only(scope, b"authorization") or "").partition(" ")
    if kind.lower() == "bearer":
        return secret
    named = [name for name in scope.get("subprotocols", ()) if name.startswith(TOKEN_PROTOCOL)]
    return named[0].removeprefix(TOKEN_PROTOCOL) if len(named) == 1 else ""


def _only(scope: Scope, header: bytes) -> str | None:
    """Return a header; an empty text where it is there more than once."""
    values = [value for name, value in scope["headers"] if name == header]
    if not values:
        return None
    return str(values[0].decode("latin-1")) if len(values) == 1 else ""
