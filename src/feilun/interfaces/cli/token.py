"""`feilun token`: who may ask the service."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.storage.tokens import Token

EXAMPLES = (
    "feilun token create shop --scope predict --scope feedback",
    "feilun token list",
    "feilun token revoke shop",
)

Name = Annotated[str, argument("What the token is called.", "令牌的名称。", show_default=False)]

app = Verbs(no_args_is_help=True)


@app.callback()
def token() -> None:
    """Make, list and revoke the access tokens of the service.

    Only a hash of each is kept. A running service knows of a change within five seconds.

    创建、列出和吊销服务的访问令牌。

    只保存令牌的散列。运行中的服务在五秒内得知变化。
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def create(
    name: Name,
    scope: Annotated[
        list[str] | None,
        option(
            "predict, feedback or admin; may be given again.",
            "predict、feedback 或 admin；可以重复给出。",
            show_default="predict",
        ),
    ] = None,
    application: Annotated[
        str | None,
        option(
            "The only application that it reaches, by its name.",
            "令牌只能访问的那个应用，写应用名。",
            show_default="all",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once.

    创建令牌并显示，仅此一次。
    """
    from feilun.storage import tokens

    scopes = scope or ["predict"]
    with opened_database() as opened, opened.write() as connection:
        secret = tokens.create(connection, name, scopes, application)
    if application is not None:
        _tell_reach(application)
    if as_json:
        output.print_json({"name": name, "scopes": scopes, "application": application, "token": secret})
    else:
        output.tell(
            secret,
            Remark(
                "Keep it now: it is not shown again. Send it as: Authorization: Bearer TOKEN",
                "请现在就保存好：以后不再显示。发送方式：Authorization: Bearer TOKEN",
            ),
        )


@app.command("list", epilog=f"Example: {EXAMPLES[1]}")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens, without themselves.

    列出令牌（不显示令牌本身）。
    """
    from feilun.storage import tokens

    with opened_database() as opened, opened.read() as connection:
        found = tokens.listed(connection)
    for one in found:
        if as_json:
            output.print_json({
                "name": one.name, "scopes": one.scopes, "application": one.application, "created": one.created,
                "revoked": one.revoked,
            })  # fmt: skip
        else:
            output.tell(_line(one))
    if not found and not as_json:
        output.tell(Remark(f"No token. Make one: {EXAMPLES[0]}", f"没有令牌。请创建一个：{EXAMPLES[0]}"))


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def revoke(name: Name, as_json: AsJson = False) -> None:
    """Make a token invalid for good.

    吊销令牌，不可恢复。
    """
    from feilun.storage import tokens

    with opened_database() as opened, opened.write() as connection:
        tokens.revoke(connection, name)
    if as_json:
        output.print_json({"revoked": name})
    else:
        output.tell(Remark(f"Revoked: {name}", f"已吊销：{name}"))


def _line(one: Token) -> Remark:
    """Say what a token may do, when it was made, and whether it is valid."""
    own, state = Remark("", ""), Remark("valid", "有效")
    if one.application:
        own = Remark(f"  of {one.application}", f"  只用于 {one.application}")
    if one.revoked is not None:
        since = f"{datetime.fromtimestamp(one.revoked):%Y-%m-%d %H:%M}"
        state = Remark(f"revoked {since}", f"{since} 吊销")
    made, scopes = f"{datetime.fromtimestamp(one.created):%Y-%m-%d %H:%M}", ", ".join(one.scopes)
    return Remark(
        f"{one.name}  {scopes}{own}  made {made}  {state}",
        f"{one.name}  {scopes}{own.chinese}  创建于 {made}  {state.chinese}",
    )


def _tell_reach(application: str) -> None:
    """Say on standard error that no application of that name was trained here, where that is so."""
    from feilun.workflow.state import inventory

    known = inventory.applications()
    if application in known:
        return
    shown, zh_shown = ", ".join(known) or "none", "、".join(known) or "无"
    said = Remark(
        f"No application called {application!r} was trained here (trained: {shown}). The token reaches nothing but one "
        "that is served under this very name.",
        f"这里没有训练过名为 {application!r} 的应用（已训练：{zh_shown}）。该令牌只能访问以这个名称提供服务的应用。",
    )
    print(said_in(output.language(), said), file=sys.stderr)
