"""`feilun customer-service`: answers customers from a FAQ and documents, and hands over to people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.interfaces.cli import customer_service_lists, output
from feilun.interfaces.cli.customer_service_lists import File
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.options import AllowHost, AsJson, Host, Port, RequireToken

if TYPE_CHECKING:
    from feilun.apps.customer_service.desk import Answered, Desk
    from feilun.apps.customer_service.faq import FaqReport

EXAMPLES = (
    "feilun customer-service demo",
    "feilun customer-service import examples/customer_service.toml",
    "feilun customer-service train examples/customer_service.toml",
    "feilun customer-service chat examples/customer_service.toml",
    "feilun customer-service serve examples/customer_service.toml --port 8080",
    "feilun customer-service test examples/customer_service.toml examples/customer_service_suite.jsonl",
    *customer_service_lists.EXAMPLES,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def customer_service() -> None:
    """Answer customers from a FAQ and documents, in Chinese and English, and hand over to people.

    An application is one TOML file; examples/customer_service.toml is one to begin with.
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def demo(
    faq: Annotated[
        Path | None, typer.Option(help="A FAQ of your own instead of the packaged bank's.", show_default=False)
    ] = None,
) -> None:
    """Train on the packaged sample, a bank that does not exist, and chat with it.

    Where the standard input is no terminal, a tour of questions is asked instead.
    """
    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_demo import TOUR, demo_settings
    from feilun.workflow.screen import Terminal

    settings = demo_settings(faq)
    with opened_database() as database:
        wired.train(settings, database, screen=Terminal(output.progress_console(), output.language()))
    with wired.opened(settings) as desk:
        if sys.stdin.isatty():
            _chat(desk)
        else:
            conversation = None
            for text in TOUR:
                print(f"> {text}")
                conversation = _shown(desk.say(text, conversation, "terminal"))


@app.command("import", epilog=f"Example: {EXAMPLES[1]}")
def import_files(file: File, as_json: AsJson = False) -> None:
    """Read the application's files anew; what they hold takes the place of what was imported before.

    Approved candidates stay. A running service knows of it when it starts again.
    """
    from dataclasses import asdict

    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_file import read_application

    with opened_database() as database:
        knowledge, known = wired.import_knowledge(read_application(file), database)
    if as_json:
        reports = {name: asdict(report) for name, report in knowledge.reports.items()}
        output.print_json({"entries": len(known.entries), "passages": len(known.passages), "files": reports})
        return
    for name, report in knowledge.reports.items():
        _show_report(name, report)
    print(f"{len(known.entries)} entries and {len(known.passages)} passages of documents are known now.")


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def train(file: File, as_json: AsJson = False) -> None:
    """Import the files, fine-tune what questions are found by, and calibrate how sure an answer has to be."""
    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_file import read_application
    from feilun.workflow.screen import Terminal

    settings = read_application(file)
    with opened_database() as database:
        found = wired.train(settings, database, screen=Terminal(output.progress_console(), output.language()))
    if as_json:
        output.print_json(found.to_json())
        return
    for name, rung in (("FAQ", found.curated), ("documents", found.grounded)):
        print(
            f"{name}: answers from {rung.threshold:.3f} on; of {rung.questions} held-out questions "
            f"{rung.answered:.0%} of the answerable are answered, {rung.declined:.0%} of the others declined, "
            f"{rung.precision:.0%} of the answers to the former are right"
        )
    print(f"Talk to it: feilun customer-service chat {file}")


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def chat(file: File) -> None:
    """Talk to an application that was trained, line by line."""
    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_file import read_application

    with wired.opened(read_application(file)) as desk:
        _chat(desk)


@app.command(epilog=f"Example: {EXAMPLES[4]}")
def serve(
    file: File,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
) -> None:
    """Serve an application over HTTP until Ctrl-C: POST /v1/apps/customer-service/turns, a web page at /console."""
    from contextlib import ExitStack

    from feilun.apps.customer_service.channels.inbox import inboxes
    from feilun.interfaces.console.console import with_console
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.customer_service import with_customer_service
    from feilun.workflow import service
    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_file import read_application

    settings = read_application(file)
    with wired.opened(settings) as desk, ExitStack() as exits:
        platforms = inboxes(settings.channels, desk)
        for one in platforms.values():
            exits.callback(one.close)
        print(f"{desk.application}: POST http://{host}:{port}/v1/apps/customer-service/turns", flush=True)
        pages = with_console(with_customer_service(create_app, desk, platforms), "customer-service")
        service.serve(
            (), pages, host=host, port=port, observe=0.0,
            require_token=require_token, hosts=allow_host or (),
            page="/console", say=lambda line: print(line, flush=True),
        )  # fmt: skip


@app.command("test", epilog=f"Example: {EXAMPLES[5]}")
def hold_to_suite(
    file: File,
    suite: Annotated[Path, typer.Argument(help="Conversations with what is expected, JSON Lines.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Hold a trained application to a suite of conversations; exit code 1 where one differs."""
    from feilun.workflow.applications import customer_service as wired
    from feilun.workflow.applications.customer_service_file import read_application
    from feilun.workflow.applications.customer_service_suite import run_suite

    with wired.opened(read_application(file)) as desk:
        outcome = run_suite(desk, suite)
    if as_json:
        output.print_json({"turns": outcome.turns, "failures": list(outcome.failures)})
    else:
        for failure in outcome.failures:
            print(failure)
        print(f"{outcome.turns - len(outcome.failures)} of {outcome.turns} turns as expected")
    if outcome.failures:
        raise typer.Exit(1)


for command in customer_service_lists.COMMANDS:
    app.command(epilog=f"Example: {customer_service_lists.example(command)}")(command)


def _chat(desk: Desk) -> None:
    """Answer lines of the standard input until it ends."""
    print("Type a question; an empty line ends. 请输入问题，空行结束。")
    conversation = None
    while True:
        try:
            text = input("> ")
        except EOFError:
            return
        if not text.strip():
            return
        conversation = _shown(desk.say(text, conversation, "terminal"))


def _shown(answered: Answered) -> str:
    """Print a reply with its citations, and return its conversation."""
    reply = answered.reply
    print(f"  [{reply.action} {reply.confidence:.2f}] {reply.text}")
    for number, option in enumerate(reply.options, 1):
        print(f"    {number}. {option}")
    for citation in reply.citations:
        print(f"    — {citation.source}: {citation.place}")
    return answered.conversation


def _show_report(name: str, report: FaqReport) -> None:
    print(
        f"{name}: {report.rows} rows, {report.entries} entries with {report.variants} variants, "
        f"{report.repeated} repeated, {report.redacted} with personal data replaced"
    )
    for title, pairs in (("nearly the same", report.near), ("the same question, other answers", report.contradictions)):
        for one, other in pairs:
            print(f"  {title}: {one!r} and {other!r}")
