"""A shop over HTTP, and events from a broker beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from feilun.apps.brokers.receiver import Receiver
from feilun.apps.recommendation.broker import take_message
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.core.remark import Remark
from feilun.serving.access import Access
from feilun.serving.drain import DrainingServer, server_config
from feilun.serving.limits import Limits
from feilun.workflow.applications.recommendation.tables import refused_messages
from feilun.workflow.applications.recommendation.wiring import opened_shop
from feilun.workflow.service import access_to, is_loopback, listen


def serve(
    settings: RecommendationSettings, application: Callable[[Shop, Access], Any], *, host: str, port: int,
    require_token: bool, hosts: Sequence[str], say: Callable[[str], Any],
) -> None:  # fmt: skip
    """Serve an application over HTTP until Ctrl-C or SIGTERM.

    Args:
        settings: Of the application.
        application: Makes an ASGI application of a shop, with `state.ready`.
        host: Address to listen on; any but this machine's own asks for a token.
        port: TCP port; 0 takes a free one.
        require_token: Ask for a token also on this machine's own addresses.
        hosts: Further names by which the service may be called.
        say: Receives the addresses, a line each.

    Raises:
        UsageError: If a token is asked for and there is none.
        ServiceError: If the port is in use or may not be used.
        MissingExtra: If events come from a broker, and what it is read with is not installed.
    """
    listener = listen(host, port)
    try:
        with opened_shop(settings) as shop, receiver(settings, shop):
            guarded = require_token or not is_loopback(host)
            app = application(shop, access_to(host, shop.database if guarded else None, hosts))
            address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            say(f"{settings.name}@{shop.recommender.version}  POST {address}/v1/apps/recommendation/recommend")
            if settings.broker.address:
                place = f"{settings.broker.place}, {settings.broker.stream}"
                say(Remark(f"Events from {place}", f"接收事件：{place}"))
            say(Remark(f"Web page: {address}/console", f"网页：{address}/console"))
            say(
                Remark(
                    f"Documentation: {address}/docs  Stop with Ctrl-C.", f"接口文档：{address}/docs  按 Ctrl-C 停止。"
                )
            )

            def leave() -> None:
                app.state.ready = False

            DrainingServer(server_config(app, Limits()), leave).run(sockets=[listener])
    finally:
        listener.close()


def receiver(settings: RecommendationSettings, shop: Shop) -> AbstractContextManager[object]:
    """Make what receives events from the broker, where one is named, for the length of a block.

    Args:
        settings: Of the application.
        shop: Takes them.

    Raises:
        MissingExtra: If what this kind of broker is read with is not installed.
    """
    broker, refused = settings.broker, refused_messages(settings)
    if not broker.address:
        return nullcontext()
    return Receiver(broker, lambda body: take_message(shop, refused, broker.stream, body))
