"""`feilun customer-service`: answers customers from a FAQ and documents, and hands over to people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications import customer_service_lists, customer_service_releases
from feilun.interfaces.cli.applications.customer_service_calibration import show_calibration
from feilun.interfaces.cli.applications.customer_service_chat import chat_with, show_reply
from feilun.interfaces.cli.applications.customer_service_options import File, Force, reason
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AllowHost, AsJson, Host, Port, RequireToken

if TYPE_CHECKING:
    from feilun.apps.customer_service.known.faq import FaqReport, Pairs
    from feilun.apps.customer_service.known.past import PastReport
    from feilun.workflow.screen import Terminal

EXAMPLES = (
    "feilun customer-service demo",
    "feilun customer-service import examples/customer_service.toml",
    "feilun customer-service train examples/customer_service.toml",
    "feilun customer-service chat examples/customer_service.toml",
    "feilun customer-service serve examples/customer_service.toml --port 8080",
    "feilun customer-service test examples/customer_service_suite.yaml",
    *customer_service_lists.EXAMPLES,
    *customer_service_releases.EXAMPLES,
)

REPLACED = Remark(
    "  Personal data was replaced, so that answers say [PHONE] or [EMAIL]; name your own in knowledge.public.",
    "  个人信息已被替换，答案里会出现 [PHONE] 或 [EMAIL]；自家的号码和地址请写进 knowledge.public。",
)

COUNTED_ZH = {
    "rows": "行", "entries": "条目", "variants": "问法", "repeated": "重复", "redacted": "脱敏",
    "conversations": "对话", "turns": "轮次", "answered": "已答", "labelled": "标注意图",
}  # fmt: skip
"""What a report of an import counts, in Chinese."""

app = Verbs(no_args_is_help=True)


@app.callback()
def customer_service() -> None:
    """Answer customers from a FAQ and documents, in Chinese and English, and hand over to people.

    An application is one TOML file; examples/customer_service.toml is one to begin with.

    根据常见问题和文档回答客户，支持中文和英文，必要时转人工。

    一个 TOML 文件就是一个应用，可以从 examples/customer_service.toml 改起。
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def demo(
    faq: Annotated[
        Path | None,
        option(
            "A FAQ of your own instead of the packaged bank's.",
            "用自己的常见问题代替自带的银行样例。",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train on the packaged sample, a bank that does not exist, and chat with it.

    Where the standard input is no terminal, a tour of questions is asked instead.

    用自带的样例（一家虚构的银行）训练，然后与它对话。

    标准输入不是终端时，改为依次提出一组问题。
    """
    from feilun.workflow.applications.customer_service import wiring as wired
    from feilun.workflow.applications.customer_service.demo import TOUR, demo_settings, tour_of
    from feilun.workflow.applications.customer_service.training import train as train_application

    settings = demo_settings(faq)
    with opened_database() as database:
        show_calibration(train_application(settings, database, screen=_terminal()))
    with wired.opened(settings) as desk:
        if sys.stdin.isatty():
            chat_with(desk)
        else:
            conversation = None
            for text in TOUR if faq is None else tour_of(list(desk.ladder.library.entries.values())):
                print(f"> {text}")
                conversation = show_reply(desk.say(text, conversation, "terminal"))


@app.command("import", epilog=f"Example: {EXAMPLES[1]}")
def import_files(file: File, force: Force = None, as_json: AsJson = False) -> None:
    """Read the application's files anew; what they hold takes the place of what was imported before.

    Approved candidates stay. A service that runs answers from it at once. Where the application names a suite, it is
    refused if a conversation fails by it.

    重新读取应用的文件，以其中的内容取代此前导入的内容。

    审批通过的候选条目保留。正在运行的服务立刻用新内容回答。应用写明了测试集时，只要有一段对话因此不通过，就拒绝导入。
    """
    from dataclasses import asdict

    from feilun.apps.customer_service.known.faq import alike
    from feilun.workflow.applications.customer_service import wiring as wired
    from feilun.workflow.applications.customer_service.file import read_application

    settings = read_application(file)
    with opened_database() as database:
        knowledge, known = wired.import_knowledge(settings, database, force=reason(force), say=_terminal().say)
    near, contradictions = alike(known.entries)
    if as_json:
        reports = {name: asdict(report) for name, report in knowledge.reports.items()}
        counts = {"entries": len(known.entries), "passages": len(known.passages)}
        output.print_json({**counts, "files": reports, "near": near, "contradictions": contradictions})
        return
    _show_import(knowledge.reports, near, contradictions)
    entries, passages = len(known.entries), len(known.passages)
    output.tell(
        Remark(
            f"{entries} entries and {passages} passages of documents are known now.",
            f"现有 {entries} 个条目和 {passages} 段文档。",
        )
    )


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def train(file: File, force: Force = None, as_json: AsJson = False) -> None:
    """Import the files, fine-tune what questions are found by, and calibrate how sure an answer has to be.

    Where the application names a suite, the release is refused if conversations fail that passed before; what was
    trained is kept, so that with --force it is released without training again.

    导入文件，微调查找问题用的模型，并校准多有把握才回答。

    应用写明了测试集时，若有以前通过的对话不再通过，就拒绝发布；训练结果保留，加 --force 即可直接发布，不必重新训练。
    """
    from feilun.workflow.applications.customer_service.file import read_application
    from feilun.workflow.applications.customer_service.training import train as train_application

    settings = read_application(file)
    with opened_database() as database:
        found = train_application(settings, database, force=reason(force), screen=_terminal())
    if as_json:
        output.print_json(found.to_json())
        return
    show_calibration(found)
    chat = f"feilun customer-service chat {file}"
    output.tell(Remark(f"Talk to it: {chat}", f"与它对话：{chat}"))


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def chat(file: File) -> None:
    """Talk to an application that was trained, line by line.

    在终端里与训练好的应用逐句对话。
    """
    from feilun.workflow.applications.customer_service import wiring as wired
    from feilun.workflow.applications.customer_service.file import read_application

    with wired.opened(read_application(file)) as desk:
        chat_with(desk)


@app.command(epilog=f"Example: {EXAMPLES[4]}")
def serve(
    file: File,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
) -> None:
    """Serve an application over HTTP until Ctrl-C: POST /v1/apps/customer-service/turns, a web page at /console.

    以 HTTP 提供应用服务，直到按下 Ctrl-C：POST /v1/apps/customer-service/turns，网页在 /console。
    """
    from contextlib import ExitStack

    from feilun.apps.customer_service.channels.inbox import inboxes
    from feilun.interfaces.console.console import with_console
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.applications.customer_service import with_customer_service
    from feilun.workflow import service
    from feilun.workflow.applications.customer_service import wiring as wired
    from feilun.workflow.applications.customer_service.file import read_application

    settings = read_application(file)
    with wired.opened(settings, follow=True) as desk, ExitStack() as exits:
        platforms = inboxes(settings.channels, desk)
        for one in platforms.values():
            exits.callback(one.close)
        print(f"{desk.application}: POST http://{host}:{port}/v1/apps/customer-service/turns", flush=True)
        pages = with_console(with_customer_service(create_app, desk, platforms), "customer-service")
        service.serve(
            (), pages, host=host, port=port, observe=0.0,
            require_token=require_token, hosts=allow_host or (),
            page="/console", say=output.tell,
        )  # fmt: skip


@app.command("test", epilog=f"Example: {EXAMPLES[5]}")
def hold_to_suite(
    file: Annotated[
        Path,
        argument(
            "The application file; or a suite that names it.",
            "应用文件，或写明了应用文件的测试集。",
            metavar="FILE",
            show_default=False,
        ),
    ],
    suite: Annotated[
        Path | None,
        argument("The suite; else the application's own.", "测试集；默认用应用自己的。", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a trained application to a suite of conversations, YAML; exit code 1 where one goes otherwise.

    用一套对话（YAML 文件）测试训练好的应用；有一段与预期不符时退出码为 1。
    """
    from feilun.workflow.applications.customer_service.wiring import held_to_suite

    held, outcome = held_to_suite(file, suite)
    failures = [said for own in outcome.failures.values() for said in own]
    if as_json:
        output.print_json({"turns": outcome.turns, "failures": failures})
    else:
        for failure in failures:
            output.tell(failure)
        passed, talks = len(held.conversations) - len(outcome.failures), len(held.conversations)
        right, turns = outcome.turns - len(failures), outcome.turns
        output.tell(
            Remark(
                f"{passed} of {talks} conversations, {right} of {turns} turns as expected",
                f"{talks} 个对话中 {passed} 个、{turns} 轮中 {right} 轮符合预期",
            )
        )
    if failures:
        raise typer.Exit(1)


for listing in (customer_service_lists, customer_service_releases):
    for command, example in zip(listing.COMMANDS, listing.EXAMPLES, strict=True):
        app.command(epilog=f"Example: {example}")(command)


def _terminal() -> Terminal:
    from feilun.workflow.screen import Terminal

    return Terminal(output.progress_console(), output.language())


def _show_import(reports: Mapping[str, FaqReport | PastReport], near: Pairs, contradictions: Pairs) -> None:
    """Print what was found in each file, and the entries that a person should settle."""
    from dataclasses import asdict

    from feilun.apps.customer_service.known.faq import FaqReport

    for name, report in reports.items():
        found = asdict(report).items()
        output.tell(
            Remark(
                f"{name}: {', '.join(f'{count} {what}' for what, count in found)}",
                f"{name}：{'，'.join(f'{COUNTED_ZH.get(what, what)} {count}' for what, count in found)}",
            )
        )
    if any(isinstance(report, FaqReport) and report.redacted for report in reports.values()):
        output.tell(REPLACED)
    for one, other in near:
        output.tell(Remark(f"  nearly the same: {one!r} and {other!r}", f"  几乎相同：{one!r} 和 {other!r}"))
    for one, other in contradictions:
        output.tell(
            Remark(
                f"  the same question, other answers: {one!r} and {other!r}",
                f"  问题相同，答案不同：{one!r} 和 {other!r}",
            )
        )
