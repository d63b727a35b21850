"""Whatever the OpenAPI documents let somebody send, and much that they do not, no answer is a fault of the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import httpx
import pytest
import schemathesis
from full_service import SERVICES, applications, served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from starlette.routing import Route
from starlette.testclient import TestClient

from feilun.interfaces.http.guard import SIGNED
from feilun.serving.access import Access

QUICK = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MORE = settings(QUICK, max_examples=25)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with ExitStack() as exits:
        apps = exits.enter_context(applications(tmp_path_factory.mktemp("services")))
        yield {name: exits.enter_context(served(app)) for name, app in apps.items()}


@pytest.fixture(scope="module")
def clients(addresses: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    """Clients for all examples: to make one reads the certificates of the system, which takes longer than an answer."""
    with ExitStack() as exits:
        yield {name: exits.enter_context(httpx.Client(base_url=address)) for name, address in addresses.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_the_document_allows_is_answered(addresses: dict[str, str], name: str) -> None:
    with urlopen(f"{addresses[name]}/openapi.json") as answer:  # noqa: S310
        schema = schemathesis.openapi.from_dict(json.loads(answer.read()))
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 8
    for operation in operations:

        @given(case=operation.as_strategy())
        @QUICK
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url=addresses[name], checks=[not_a_server_error])

        ask()


ANY_TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\0\u202e\ufeff\U0010ffff'\"\\%_<>{}=+-@"), max_size=300
)


@given(text=ANY_TEXT)
@MORE
def test_any_text_is_answered(clients: dict[str, httpx.Client], text: str) -> None:
    client = clients["models"]
    said = client.post("/v1/predict/reviews", json={"text": text})
    assert said.status_code == 200
    turn = client.post("/v1/apps/customer-service/turns", json={"text": text})
    assert turn.status_code < 500
    pushed = {"documents": [{"text": text, "title": text, "time": text, "source": text}]}
    assert client.post("/v1/apps/public-opinion/documents", json=pushed).status_code < 500


@given(path=ANY_TEXT, method=st.sampled_from(("GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH")))
@MORE
def test_any_path_is_answered(clients: dict[str, httpx.Client], path: str, method: str) -> None:
    for client in clients.values():
        for start in ("/", "/v1/models/", "/v1/predict/", "/v1/apps/customer-service/conversations/",
                      "/v1/apps/recommendation/users/", "/static-offline-docs/"):  # fmt: skip
            assert client.request(method, start + quote(path, safe="/.%\\")).status_code < 500


@given(
    body=st.binary(max_size=200), kind=st.sampled_from(("application/json", "text/plain", "multipart/form-data", ""))
)
@QUICK
def test_any_bytes_are_answered(clients: dict[str, httpx.Client], body: bytes, kind: str) -> None:
    for path in ("/v1/predict/reviews", "/v1/feedback", "/v1/apps/customer-service/turns"):
        assert clients["models"].post(path, content=body, headers={"content-type": kind}).status_code < 500


@pytest.mark.parametrize("name", SERVICES)
def test_anonymous_is_refused_on_every_route_of_every_application(name: str, tmp_path: Path) -> None:
    with applications(tmp_path, Access(tokens=list)) as apps, TestClient(apps[name]) as client:
        paths = apps[name].openapi()["paths"]
        asked = {(method.upper(), path) for path, methods in paths.items() for method in methods}
        asked |= {(m, r.path) for r in apps[name].routes if isinstance(r, Route) for m in r.methods or ()}
        assert len(asked) > 10
        for method, path in sorted(asked):
            status = client.request(method, path.replace("{", "").replace("}", "")).status_code
            signed = path.startswith(SIGNED)  # a channel's signature takes the token's place, and no channel is open
            allowed = {200} if path in {"/healthz", "/readyz"} else {401, 404} if signed else {401}
            assert status in allowed, (method, path)
