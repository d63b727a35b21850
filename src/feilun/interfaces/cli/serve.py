"""`feilun serve`: bundles answer over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AllowHost, Host, Port, RequireToken, Threads

EXAMPLES = (
    "feilun serve out/model --port 8080",
    "feilun serve finance-sentiment reviews@3",
    "feilun serve reviews --shadow reviews@4",
    "feilun serve reviews --canary reviews@4=0.1",
)


def serve(
    bundles: Annotated[
        list[str],
        argument(
            "Bundles: folders, names, or name@version.", "模型包：文件夹、名称，或 name@version。", show_default=False
        ),
    ],
    port: Port = 8080,
    host: Host = "127.0.0.1",
    threads: Threads = None,
    observe: Annotated[
        float,
        option(
            "Share of the predictions to remember, personal data replaced.",
            "记录多大比例的预测；个人信息先被替换。",
            min=0,
            max=1,
        ),
    ] = 1.0,
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
    shadow: Annotated[
        list[str] | None,
        option(
            "Ask this version along and tell nobody.",
            "影子版本：同样的请求也问它，答案不返回给任何人。",
            metavar="NAME@VERSION",
            show_default=False,
        ),
    ] = None,
    canary: Annotated[
        list[str] | None,
        option(
            "Let this version answer a share of the requests.",
            "灰度版本：由它回答一部分请求。",
            metavar="NAME@VERSION=SHARE",
            show_default=False,
        ),
    ] = None,
    max_waiting: Annotated[
        int,
        option(
            "Requests that may wait for one model; further ones get 503.",
            "一个模型最多允许多少请求排队；超出的返回 503。",
            min=1,
        ),
    ] = 256,
    client_share: Annotated[
        float,
        option(
            "Share of these that one client may have waiting; then it gets 429.",
            "一个客户端最多占用其中多大比例；超出的返回 429。",
            min=0.001,
            max=1,
        ),
    ] = 0.5,
    deadline: Annotated[
        float, option("Seconds after which a request is given up.", "一个请求最多等多少秒，超时即放弃。", min=0.01)
    ] = 10.0,
    max_texts: Annotated[int, option("Most texts of a request.", "一个请求最多包含多少条文本。", min=1)] = 1000,
    max_characters: Annotated[int, option("Longest text.", "一条文本最多多少个字符。", min=1)] = 100_000,
    logs: Annotated[
        Literal["text", "json"],
        option(
            "text: warnings; json: also every request, a line each.",
            "text：只有警告；json：另外每个请求一行。",
            "--log",
        ),
    ] = "text",
    max_body: Annotated[int, option("Largest body.", "请求体最大多少字节。", min=1, metavar="BYTES")] = 2 * 1024 * 1024,
) -> None:
    """Serve bundles over HTTP until Ctrl-C.

    POST /v1/predict/NAME answers one text or a list; /docs shows every address with examples. What it answers is
    remembered in the database (FEILUN_HOME/feilun.db, or FEILUN_DATABASE), so that it can be watched and corrected.
    A model named without a version follows its champion: `feilun models promote` reaches the running service.

    以 HTTP 提供模型包服务，直到按下 Ctrl-C。

    POST /v1/predict/NAME 回答一条或一批文本；/docs 列出每个接口和示例。回答记录在数据库里（FEILUN_HOME/feilun.db，或
    FEILUN_DATABASE），以便监控和纠正。不写版本的名称始终指现任版本：`feilun models promote` 对运行中的服务立即生效。
    """
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.json_lines import log_as_json
    from feilun.serving.limits import Limits
    from feilun.workflow import service

    if logs == "json":
        log_as_json()
    limits = Limits(
        requests=max_waiting,
        client_share=client_share,
        seconds=deadline,
        texts=max_texts,
        characters=max_characters,
        body_bytes=max_body,
    )  # fmt: skip
    service.serve(
        bundles, create_app, host=host, port=port, threads=threads, observe=observe, limits=limits,
        require_token=require_token, hosts=allow_host or (), trials=trials_of(shadow or (), canary or ()),
        say=output.tell,
    )  # fmt: skip


def trials_of(shadows: Sequence[str], canaries: Sequence[str]) -> dict[str, float]:
    """Read the two options into versions and their shares.

    Raises:
        UsageError: If a share is no number above 0.
    """
    shares = dict.fromkeys(shadows, 0.0)
    for given in canaries:
        reference, _, share = given.rpartition("=")
        try:
            shares[reference] = float(share)
        except ValueError:
            shares[reference] = 0.0
        if not shares[reference] > 0:
            raise UsageError(
                Remark(f"--canary {given} names no share.", f"--canary {given} 没有写明份额。"),
                Remark(
                    "Write --canary NAME@VERSION=0.1 for a tenth.", "请写成 --canary NAME@VERSION=0.1，表示十分之一。"
                ),
            )
    return shares
