"""A large model behind an address that speaks the OpenAI protocol: hosted, vLLM, Ollama, or another Feilun."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from feilun.core.errors import ServiceError, UsageError
from feilun.core.remark import Remark

PATH = "/chat/completions"
RETRIES = 4
LONGEST_WAIT = 30.0
TRANSIENT = {408, 409, 429, 500, 502, 503, 504}
WITHOUT_SCHEMA = {400, 404, 422, 501}
"""What servers answer that know no structured output; they are asked without."""

GOES_ON = Remark(
    "What was answered before is kept: the same command goes on.", "此前的回答都已保存：同一命令可以接着做。"
)
REMEDIES = {
    401: Remark("Set OPENAI_API_KEY to the service's key.", "请把 OPENAI_API_KEY 设为该服务的密钥。"),
    403: Remark("Set OPENAI_API_KEY to a key that may.", "请把 OPENAI_API_KEY 设为有权限的密钥。"),
    404: Remark("Check --endpoint (it ends in /v1) and --model.", "请检查 --endpoint（应以 /v1 结尾）和 --model。"),
}
"""What to do where the service refuses, by its status."""

CHECK_ADDRESS = Remark("Check --endpoint: it ends in /v1.", "请检查 --endpoint：应以 /v1 结尾。")


@dataclass(frozen=True)
class Reply:
    """What a model answered.

    Args:
        text: The answer's text.
        tokens: Tokens read and written, as the server counts them; 0 where it does not say.
    """

    text: str
    tokens: int


class ChatEndpoint:
    """Asks a model.

    Args:
        url: Up to and with the version, such as `http://localhost:8000/v1`.
        model: The model's name there.
        key: What stands behind `Bearer`; none sends nothing.
        timeout: Seconds that an answer may take.

    Raises:
        UsageError: If the address is none.
    """

    def __init__(self, url: str, model: str, key: str | None = None, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(
                Remark(f"{url!r} is no address of a service.", f"{url!r} 不是服务的地址。"),
                Remark("Such as --endpoint http://localhost:8000/v1.", "例如 --endpoint http://localhost:8000/v1。"),
            )
        self.url, self.model, self.timeout = url.rstrip("/"), model, timeout
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._structured = True

    def ask(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], most_tokens: int) -> Reply:
        """Ask for an object of a schema; servers that know no schemas are asked in words alone.

        Args:
            messages: The conversation.
            schema: JSON schema of the answer.
            most_tokens: Longest answer.

        Raises:
            ServiceError: If the service cannot be reached, refuses, or gives no answer of the protocol.
        """
        body = {"model": self.model, "messages": list(messages), "max_tokens": most_tokens, "temperature": 0}
        if self._structured:
            wanted = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
            try:
                return _reply(self._post({**body, "response_format": wanted}))
            except HTTPError as error:
                if error.code not in WITHOUT_SCHEMA:
                    raise self._refused(error) from error
                self._structured = False
        try:
            return _reply(self._post(body))
        except HTTPError as error:
            raise self._refused(error) from error

    def _post(self, body: Mapping[str, Any]) -> Any:
        """Return what the service answers; it is asked again where that may help.

        Raises:
            HTTPError: If it refuses.
            ServiceError: If it cannot be reached, or answers no JSON.
        """
        request = Request(self.url + PATH, json.dumps(body).encode(), self._headers)  # noqa: S310 - http or https
        for attempt in range(RETRIES + 1):
            try:
                with urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                    return json.load(answer)
            except HTTPError as error:
                if error.code not in TRANSIENT or attempt == RETRIES:
                    raise
                time.sleep(_wait(error.headers.get("Retry-After"), attempt))
            except (URLError, TimeoutError, ConnectionError) as error:
                if attempt == RETRIES:
                    why = getattr(error, "reason", error)
                    raise ServiceError(
                        Remark(f"{self.url} cannot be reached: {why}.", f"连接不上 {self.url}：{why}。"),
                        Remark("Check --endpoint.", "请检查 --endpoint。"),
                    ) from error
                time.sleep(_wait(None, attempt))
            except ValueError as error:
                raise ServiceError(
                    Remark(f"{self.url} answered no JSON.", f"{self.url} 的回答不是 JSON。"), CHECK_ADDRESS
                ) from error
        raise AssertionError

    def _refused(self, error: HTTPError) -> ServiceError:
        said = " ".join(error.read(500).decode("utf-8", "replace").split())
        return ServiceError(
            Remark(f"{self.url} refused with {error.code}: {said}", f"{self.url} 拒绝了请求（{error.code}）：{said}"),
            REMEDIES.get(error.code, GOES_ON),
        )


def _wait(wanted: str | None, attempt: int) -> float:
    """Return the seconds to wait: what the service wants, or twice as long each time."""
    asked = float(wanted) if wanted and wanted.isdigit() else 0.5 * 2**attempt
    return min(asked, LONGEST_WAIT)


def _reply(answer: Any) -> Reply:
    try:
        text = answer["choices"][0]["message"]["content"]
        usage = answer.get("usage") or {}
        return Reply(str(text or ""), int(usage.get("total_tokens") or 0))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ServiceError(
            Remark("The service answered something that is no chat completion.", "服务的回答不是 chat completion。"),
            CHECK_ADDRESS,
        ) from error
