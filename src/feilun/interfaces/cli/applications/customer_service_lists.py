"""What `feilun customer-service` lists: who waits, what found no answer, how well customers are served."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications.customer_service_options import File
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun customer-service handoffs examples/customer_service.toml",
    "feilun customer-service candidates examples/customer_service.toml",
    "feilun customer-service measures examples/customer_service.toml --by day --csv measures.csv",
    "feilun customer-service mine examples/customer_service.toml",
)


def handoffs(file: File, as_json: AsJson = False) -> None:
    """List the conversations that wait for a person: most urgent, then longest waiting first.

    列出等待人工的对话：最紧急的在前，同样紧急的等得最久的在前。
    """
    import time

    from feilun.storage import customer_service as storage
    from feilun.workflow.applications.customer_service.file import read_application

    with opened_database() as database, database.read() as connection:
        found = storage.queue(connection, read_application(file).name)
    for one in found:
        waited = time.time() - (one.waiting_since or time.time())
        if as_json:
            output.print_json(
                {
                    "conversation": one.id,
                    "state": one.speaker,
                    "reason": one.reason,
                    "priority": one.priority,
                    "waited": round(waited),
                }
            )
        else:
            words = _words()
            state, reason = words(f"state.{one.speaker}", one.speaker), words(f"reason.{one.reason}", str(one.reason))
            minutes = f"{waited / 60:.0f}"
            output.tell(
                Remark(f"{one.id}  {state}  {reason}  {minutes} min", f"{one.id}  {state}  {reason}  {minutes} 分钟")
            )
    if not found and not as_json:
        output.tell(Remark("Nobody waits.", "没有人在等待。"))


def candidates(file: File, as_json: AsJson = False) -> None:
    """List the questions that found no answer, the most asked first; they are approved over HTTP.

    列出没有找到答案的问题，问得最多的在前；通过 HTTP 审批。
    """
    from feilun.storage import customer_service as storage
    from feilun.workflow.applications.customer_service.file import read_application

    with opened_database() as database, database.read() as connection:
        found = storage.candidates_of(connection, read_application(file).name)
    for one in found:
        if as_json:
            output.print_json({"candidate": one.id, "asked": one.asked, "question": one.question})
        else:
            print(f"{one.id}  {one.asked} ×  {one.question}")
    if not found and not as_json:
        output.tell(Remark("No candidate.", "没有候选。"))


def measures(
    file: File,
    by: Annotated[str, option("all, day, channel or intent.", "按什么分组：all、day、channel 或 intent。")] = "all",
    days: Annotated[
        int, option("Conversations that began in the last days.", "只看最近这么多天内开始的对话。", min=1)
    ] = 30,
    csv: Annotated[Path | None, option("Write a table instead.", "不显示，写成表格文件。", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well customers are served: answered, contained, handed over and why, how fast, how satisfied.

    说明客户服务得怎么样：回答率、自助解决率、转人工的比例与原因、响应速度、满意度。
    """
    from rich.cells import set_cell_size

    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.measures import measures_of, write_csv

    with opened_database() as database:
        found, missing = measures_of(read_application(file), database, by, days)
    if csv is not None:
        write_csv(found, csv)
        output.tell(Remark(f"{len(found)} rows are in {csv}.", f"已将 {len(found)} 行写入 {csv}。"))
    elif as_json:
        rows = {name: own.to_json() for name, own in found.items()}
        output.print_json({"measures": rows, "unanswered": [list(one) for one in missing]})
    else:
        words = _words()
        for name, own in found.items():
            print(name)
            for figure, value in own.to_json().items():
                label = set_cell_size(words(f"figure.{figure}", figure), 16)
                print(f"  {label} {'-' if value is None else value}")
        for question, asked in missing:
            output.tell(Remark(f"no answer: {asked} ×  {question}", f"没有答案：{asked} ×  {question}"))


def _words() -> Callable[[str, str], str]:
    """Return what says a value by its key as the web page does where the system is Chinese, else as it is."""
    if output.language() == "en":
        return lambda _, value: value
    table = json.loads((files("feilun.interfaces.console") / "pages" / "words.json").read_text(encoding="utf-8"))
    return lambda key, value: table[key]["zh"] if key in table else value


def mine(
    file: File,
    days: Annotated[
        int, option("Conversations that began in the last days.", "只看最近这么多天内开始的对话。", min=1)
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Group what past conversations ask and the FAQ does not answer; each group becomes a candidate for the FAQ.

    Conversations are those of the application file and those that were held. Nothing goes live without approval.

    把过去的对话里问过而常见问题没有答案的内容分组；每一组成为常见问题的一个候选条目。

    对话来自应用文件，以及服务中实际进行过的。未经审批，什么也不会上线。
    """
    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.mining import mine as mined

    found = mined(read_application(file), days)
    for one in found:
        if as_json:
            output.print_json(
                {"question": one.question, "asked": one.asked, "answer": one.answer, "examples": list(one.examples)}
            )
        else:
            print(f"{one.asked} ×  {one.question}")
            for example in one.examples:
                print(f"      {example}")
            if one.answer:
                print(f"      → {one.answer}")
    if not found and not as_json:
        output.tell(Remark("Nothing is asked that the FAQ does not answer.", "所有问题 FAQ 都有答案。"))


COMMANDS: tuple[Callable[..., Any], ...] = (handoffs, candidates, measures, mine)
