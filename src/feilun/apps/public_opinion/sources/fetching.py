"""Pages and feeds fetched from the public web, and from nowhere else.

Only hosts on a list are asked, by http or https. A host's addresses are looked up once, refused where one of them is no
public one (loopback, private, link-local, a cloud's metadata), and the connection goes to the address that was checked,
so that a name cannot mean another machine a moment later (DNS rebinding). Redirects are followed by the same rules.
Bytes, bytes after decompression and time are bounded.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Timer
from urllib.parse import SplitResult, urljoin, urlsplit

from feilun.core.errors import ServiceError
from feilun.core.remark import Remark

MOST_REDIRECTS = 5
PIECE_BYTES = 1 << 16
AGENT = "feilun (public opinion; reads feeds)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for an IPv4 address (RFC 6052)."""

LATER = Remark("It is asked again later.", "稍后会再次访问。")
WEB = Remark("Give an http or https address.", "请给出 http 或 https 地址。")


class NotFetched(ServiceError):
    """A page was refused, or did not come.

    Args:
        problem: What is wrong and where.
        remedy: What to do next.
        retry_after: Seconds after which its server wants to be asked again; 0 where it did not say.
    """

    def __init__(self, problem: str, remedy: str = "", retry_after: float = 0.0) -> None:
        super().__init__(problem, remedy)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Page:
    """What a server gave.

    Args:
        url: Where it came from in the end.
        body: Its bytes, decompressed; empty where nothing changed.
        etag: The server's mark of this version; empty where it gave none.
        modified: When it was last changed, in the server's words.
        changed: Whether it is another one than the caller has.
    """

    url: str
    body: bytes
    etag: str = ""
    modified: str = ""
    changed: bool = True


@dataclass(frozen=True)
class Fetcher:
    """Fetches pages.

    Args:
        hosts: Names of the hosts that may be asked.
        seconds: Longest time that a page may take, redirects included.
        most_bytes: Most bytes of a page, before and after decompression.
        loopback: Let this machine's own addresses be asked, for tests; no setting leads here.
    """

    hosts: Collection[str]
    seconds: float = 30.0
    most_bytes: int = 8 << 20
    loopback: bool = False
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def get(self, url: str, etag: str = "", modified: str = "") -> Page:
        """Fetch a page, unless it is still the one that the caller has.

        Args:
            url: Its address.
            etag: The mark of the version that the caller has.
            modified: When that was last changed.

        Raises:
            NotFetched: If the address is refused, or the server does not answer in time, with a page, of bounded size.
        """
        end = time.monotonic() + self.seconds
        asked = {"User-Agent": AGENT, "Accept-Encoding": "gzip, deflate", "Connection": "close"}
        asked |= {"If-None-Match": etag} if etag else {}
        asked |= {"If-Modified-Since": modified} if modified else {}
        for _ in range(MOST_REDIRECTS + 1):
            parts = self._checked(url)
            try:
                page, onward = self._ask(url, parts, asked, end)
            except (OSError, http.client.HTTPException, zlib.error) as error:
                said = str(error) or type(error).__name__
                raise NotFetched(
                    Remark(f"{url} did not answer: {said}.", f"{url} 没有应答：{said}。"), LATER
                ) from error
            if page is not None:
                return page
            url = urljoin(url, onward)
        raise NotFetched(
            Remark(f"{url} leads on more than {MOST_REDIRECTS} times.", f"{url} 的重定向超过 {MOST_REDIRECTS} 次。"),
            Remark("Give the address that it leads to.", "请直接给出它最终指向的地址。"),
        )

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise NotFetched(Remark(f"{url!r} is no address: {error}.", f"{url!r} 不是地址：{error}。"), WEB) from error
        if parts.scheme not in {"http", "https"} or not host:
            raise NotFetched(
                Remark(
                    f"{url!r} is refused: only http and https are fetched.",
                    f"拒绝访问 {url!r}：只访问 http 和 https 地址。",
                ),
                WEB,
            )
        if parts.username is not None:
            raise NotFetched(
                Remark(
                    f"The address of {host} is refused: it holds a name or a password.",
                    f"拒绝访问 {host} 的地址：其中有用户名或密码。",
                ),
                Remark("Leave it out.", "请去掉它们。"),
            )
        if host.lower() not in {name.lower() for name in self.hosts}:
            raise NotFetched(
                Remark(f"{url} is refused: the host {host} is not listed.", f"拒绝访问 {url}：主机 {host} 未列出。"),
                Remark("Add it to feeds.hosts.", "请把它加入 feeds.hosts。"),
            )
        return parts

    def _address(self, host: str, port: int) -> str:
        """Return an address of a host, all of its addresses being public."""
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        for address in found:
            if not self._allowed(address):
                raise NotFetched(
                    Remark(
                        f"{host} is refused: its address {address} is no public one.",
                        f"拒绝访问 {host}：它的地址 {address} 不是公网地址。",
                    ),
                    Remark("Name another host.", "请换一个主机。"),
                )
        return sorted(found)[0]

    def _allowed(self, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address):
            found = found.ipv4_mapped or found.sixtofour or found
        if isinstance(found, ipaddress.IPv6Address) and found in TRANSLATED:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if found.is_loopback:
            return self.loopback
        return found.is_global and not found.is_multicast

    def _ask(self, url: str, parts: SplitResult, headers: Mapping[str, str], end: float) -> tuple[Page | None, str]:
        """Ask one server; return its page, or where it leads on."""
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = self._address(host, port)
        connection = http.client.HTTPConnection(host, port, timeout=max(0.1, end - time.monotonic()))
        raw = socket.create_connection((address, port), timeout=max(0.1, end - time.monotonic()))
        ended = Timer(max(0.1, end - time.monotonic()), lambda: _cut(connection.sock))
        ended.start()
        try:
            connection.sock = self.tls.wrap_socket(raw, server_hostname=host) if secure else raw
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            if answer.status in REDIRECTS and answer.getheader("Location"):
                return None, str(answer.getheader("Location"))
            marks = (answer.getheader("ETag") or "", answer.getheader("Last-Modified") or "")
            if answer.status == NOT_MODIFIED:
                return Page(url, b"", *marks, changed=False), ""
            if answer.status != http.client.OK:
                raise NotFetched(
                    Remark(
                        f"{url} answered {answer.status} {answer.reason}.",
                        f"{url} 应答 {answer.status} {answer.reason}。",
                    ),
                    LATER,
                    _seconds(answer.getheader("Retry-After")),
                )  # fmt: skip
            return Page(url, self._body(url, answer, raw, end), *marks), ""
        finally:
            ended.cancel()
            connection.close()
            raw.close()

    def _body(self, url: str, answer: http.client.HTTPResponse, raw: socket.socket, end: float) -> bytes:
        """Read a page piece by piece, within bounds of bytes and time."""
        encoding = (answer.getheader("Content-Encoding") or "identity").lower()
        if encoding not in {"identity", "gzip", "deflate"}:
            raise NotFetched(
                Remark(f"{url} is compressed by {encoding!r}.", f"{url} 的压缩方式是 {encoding!r}。"),
                Remark("Valid: gzip, deflate.", "可用：gzip、deflate。"),
            )
        unpack = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
        held, seen = bytearray(), 0
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise NotFetched(
                    Remark(
                        f"{url} took longer than {self.seconds:g} seconds.", f"{url} 用时超过 {self.seconds:g} 秒。"
                    ),
                    LATER,
                )
            if raw.fileno() >= 0:
                raw.settimeout(left)
            piece = answer.read1(PIECE_BYTES)
            if not piece:
                if answer.length or (unpack is not None and seen and not unpack.eof):
                    raise NotFetched(Remark(f"{url} broke off before its end.", f"{url} 中途断开。"), LATER)
                return bytes(held)
            seen += len(piece)
            held += piece if unpack is None else unpack.decompress(piece, self.most_bytes - len(held) + 1)
            if max(seen, len(held)) > self.most_bytes:
                raise NotFetched(
                    Remark(
                        f"{url} holds more than {self.most_bytes:,} bytes.", f"{url} 超过 {self.most_bytes:,} 字节。"
                    ),
                    Remark("It is no feed.", "它不是订阅源。"),
                )


def _cut(connected: socket.socket | None) -> None:
    """End what is waited for: a timeout counts from the last byte, and a head may come byte by byte for ever."""
    with suppress(OSError):
        if connected is not None:
            connected.shutdown(socket.SHUT_RDWR)


def _seconds(value: str | None) -> float:
    return float(value) if value is not None and value.isdecimal() else 0.0
