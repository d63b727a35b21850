"""`feilun public-opinion`: what is said of companies, followed over time; alarms where bad news surges."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli import public_opinion_export as tables
from feilun.interfaces.cli.options import AllowHost, AsJson, Host, Port, RequireToken

if TYPE_CHECKING:
    from feilun.apps.public_opinion.incidents import Incident

EXAMPLES = (
    "feilun public-opinion demo",
    "feilun public-opinion train examples/public_opinion.toml",
    "feilun public-opinion run examples/public_opinion.toml",
    "feilun public-opinion trends examples/public_opinion.toml --days 30",
    "feilun public-opinion incidents examples/public_opinion.toml",
    "feilun public-opinion report examples/public_opinion.toml --out report",
    "feilun public-opinion rules examples/public_opinion.toml --rules rules.toml",
    "feilun public-opinion correct examples/public_opinion.toml KEY --sentiment neutral",
    "feilun public-opinion serve examples/public_opinion.toml --port 8080",
    "feilun public-opinion emergent examples/public_opinion.toml --days 7",
    tables.EXAMPLE,
)

File = Annotated[Path, typer.Argument(help="The application file, TOML.", show_default=False)]
Days = Annotated[float | None, typer.Option(min=0, help="Only the last so many days.", show_default=False)]
DAY = 86_400.0

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def public_opinion() -> None:
    """Follow what is said of companies: topics, sentiment, trends, and alarms where bad news surges.

    One TOML file describes the application; its documents and numbers are in the database (FEILUN_HOME/feilun.db, or
    FEILUN_DATABASE).
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def demo(
    documents: Annotated[
        Path | None, typer.Option(help="Your own documents, CSV or JSON Lines, in place of the sample's.")
    ] = None,
    entities: Annotated[Path | None, typer.Option(help="Whom to look for in them, TOML.")] = None,
    train: Annotated[bool, typer.Option(help="Train models; else wording rules decide, in seconds.")] = True,
    as_json: AsJson = False,
) -> None:
    """Train on the packaged sample, replay its sixty days, and find what happened in them."""
    from feilun.workflow.applications.public_opinion_demo import demonstrate
    from feilun.workflow.screen import Terminal

    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    outcome = demonstrate(documents, entities, train=train, screen=screen)
    if as_json:
        output.print_json({
            "documents": outcome.documents, "incidents": [one.to_json() for one in outcome.incidents],
            "found": outcome.found, "others": [one.id for one in outcome.others],
            "files": [str(path) for path in outcome.files],
        })  # fmt: skip


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def train(
    file: File,
    out: Annotated[Path, typer.Option(help="Folder of the bundles.")] = Path("models"),
    as_json: AsJson = False,
) -> None:
    """Train models of sentiment and topics from the file's labelled table and what was put right since."""
    from feilun.apps.public_opinion.corrected import corrected
    from feilun.workflow.applications.public_opinion import opened
    from feilun.workflow.applications.public_opinion_train import train_models, worth_their_cost
    from feilun.workflow.screen import Terminal

    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    with opened(file) as application, application.database.read() as connection:
        right = corrected(connection)
    bundles = train_models(application.settings, application.folder, out, screen, right)
    worth = worth_their_cost(bundles, screen)
    for name, bundle in bundles.items():
        if as_json:
            output.print_json({"model": name, "bundle": str(bundle.path), **bundle.report.to_json()})
        elif name in worth:
            print(f'{bundle.path}: set {name} = "{bundle.path.absolute()}" in the table [models].')


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def run(
    file: File,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="No more comes: judge the last buckets too.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Try the dead letters again first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what the sources have, and raise alarms. What was taken in before is not taken again."""
    from feilun.apps.public_opinion.intake import Taken
    from feilun.workflow.applications import public_opinion as wired

    def tell(taken: Taken, changed: list[Incident]) -> None:
        if as_json:
            figures = {"new": taken.new, "repeated": taken.repeated, "dead": taken.dead, "late": taken.late}
            output.print_json({**figures, "incidents": [one.to_json() for one in changed]})
            return
        if taken != Taken():
            print(f"{taken.new:,} new, {taken.repeated:,} repeated, {taken.dead:,} dead letters, {taken.late:,} late")
        for one in changed:
            _show(one)

    with wired.opened(file) as application:
        wired.run(application, follow=follow, finish=finish, replay=replay, tell=tell)


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def trends(
    file: File,
    days: Days = None,
    topic: Annotated[str, typer.Option(help="Only this topic.")] = "",
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    by: Annotated[str, typer.Option(help="entity or topic.")] = "entity",
    as_json: AsJson = False,
) -> None:
    """Show what is said of whom: documents, negative share, share of voice, sentiment index."""
    from feilun.apps.public_opinion.trends import trends as found_trends
    from feilun.core.errors import UsageError
    from feilun.workflow.applications.public_opinion import opened
    from feilun.workflow.applications.public_opinion_demo import show
    from feilun.workflow.screen import Terminal

    if by not in {"entity", "topic"}:
        raise UsageError(f"--by cannot be {by!r}.", "Valid: entity, topic.")
    with opened(file) as application, application.database.read() as connection:
        since = _since(connection, days)
        scope: dict[str, Any] = {"since": since, "source": source}
        everything = found_trends(connection, application.width, topic="", entity="", **scope)
        narrow = {"topic": topic} if by == "entity" else {"entity": "", "topic": topic or None}
        found = found_trends(connection, application.width, **narrow, **scope)
    total = int(everything[0].documents.sum()) if everything else 0
    rows = [one.summary(total) for one in found if getattr(one, by)]
    rows.sort(key=lambda row: (-row["documents"], row[by]))
    if as_json:
        for row in rows:
            output.print_json(row)
    else:
        show(rows, Terminal(output.result_console()))


@app.command(epilog=f"Example: {EXAMPLES[4]}")
def incidents(
    file: File,
    identity: Annotated[str | None, typer.Argument(metavar="ID", help="Act on this one.", show_default=False)] = None,
    do: Annotated[str | None, typer.Option(help="acknowledge, mute, close or reopen it.", show_default=False)] = None,
    actor: Annotated[str, typer.Option(help="Who does it.")] = "operator",
    as_json: AsJson = False,
) -> None:
    """List incidents with their causes, or act on one."""
    from feilun.core.errors import UsageError
    from feilun.workflow.applications import public_opinion_desk as desk
    from feilun.workflow.applications.public_opinion import opened

    if (identity is None) != (do is None):
        raise UsageError("An incident and what to do with it go together.", "feilun public-opinion incidents --help")
    with opened(file) as application:
        found = desk.listed(application) if identity is None else [desk.act(application, identity, do or "", actor)]
    for one in found:
        if as_json:
            output.print_json(one.to_json())
        else:
            _show(one)
    if not found and not as_json:
        print("No incident.")


@app.command(epilog=f"Example: {EXAMPLES[5]}")
def report(
    file: File,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
    days: Days = None,
    as_json: AsJson = False,
) -> None:
    """Write what happened, why, and what to watch, as HTML, PDF and JSON."""
    from feilun.apps.public_opinion.report import make_report, write_report
    from feilun.workflow.applications.public_opinion import opened

    with opened(file) as application, application.database.read() as connection:
        since = _since(connection, days)
        made = make_report(connection, application.width, application.scheme.titles, since)
    files = write_report(made, out)
    if as_json:
        output.print_json(made.to_json())
    else:
        print("\n".join(str(path) for path in files))


@app.command(epilog=f"Example: {EXAMPLES[6]}")
def rules(
    file: File,
    rules: Annotated[Path | None, typer.Option(help="Rules to try; else those of the file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how often rules would have fired in all that was counted, and on what."""
    from feilun.apps.public_opinion.rules import read_rules
    from feilun.workflow.applications.public_opinion import opened, preview

    with opened(file) as application:
        names = [entity.name for entity in application.gazetteer.entities]
        tried = read_rules(rules, application.scheme.names, names) if rules else application.rules
        found = preview(application, tried)
    for rule in tried:
        fired = [one for one in found if one.peak.rule == rule.name]
        if as_json:
            output.print_json({"rule": rule.name, "incidents": [one.to_json() for one in fired]})
            continue
        print(f"{rule.name}: would have fired {len(fired)} times.")
        for one in fired:
            _show(one, indent="  ")


@app.command(epilog=f"Example: {EXAMPLES[7]}")
def correct(
    file: File,
    key: Annotated[str, typer.Argument(help="The document's key; a report names it.", show_default=False)],
    sentiment: Annotated[str | None, typer.Option(help="The right sentiment.", show_default=False)] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="A right topic; may be given again.", show_default=False)
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="Whom it names in truth; may be given again.", show_default=False)
    ] = None,
    story: Annotated[
        str | None,
        typer.Option(help="Key of a document whose story it belongs to; its own parts it.", show_default=False),
    ] = None,
    actor: Annotated[str, typer.Option(help="Who says so.")] = "operator",
    as_json: AsJson = False,
) -> None:
    """Put right what a document was found to say, whom it names, or its story; both are kept, the numbers follow.

    The next `train` learns from corrected sentiments and topics.
    """
    from feilun.workflow.applications import public_opinion_desk as desk
    from feilun.workflow.applications.public_opinion import opened

    with opened(file) as application:
        right = desk.Correction(sentiment, topic or None, entity or None, story)
        corrected = desk.correct(application, key, right, actor)
    if as_json:
        output.print_json(corrected)
    else:
        print(f"Corrected: {corrected['document']}")


@app.command(epilog=f"Example: {EXAMPLES[8]}")
def serve(
    file: File,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
) -> None:
    """Serve what was taken in until Ctrl-C: a web page at /console, addresses at /docs.

    `run --follow` goes on beside it, and takes what is pushed to POST /v1/apps/public-opinion/documents.
    """
    from feilun.interfaces.console.console import with_console
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.opinion_desk import with_public_opinion
    from feilun.workflow import service
    from feilun.workflow.applications.public_opinion import opened

    with opened(file) as application:
        pages = with_console(with_public_opinion(create_app, application), "public-opinion")
        service.serve(
            (), pages, host=host, port=port, require_token=require_token, hosts=allow_host or (),
            page="/console", say=lambda line: print(line, flush=True),
        )  # fmt: skip


@app.command(epilog=f"Example: {EXAMPLES[9]}")
def emergent(
    file: File,
    days: Annotated[float, typer.Option(min=0.01, help="The last so many days, compared with as many before.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """Show themes of the documents that no topic takes: their words, how many they are, and whether they grow."""
    from feilun.apps.public_opinion.emergent import find_emergent
    from feilun.workflow.applications.public_opinion import opened

    with opened(file) as application, application.database.read() as connection:
        found = find_emergent(connection, days)
    if as_json:
        output.print_json(found.to_json())
        return
    print(f"{found.documents:,} documents of the last {days:g} days have no topic; {len(found.themes)} themes.")
    for one in found.themes:
        grows = f", grows (p = {one.p_value:.1g})" if one.grows else ""
        print(
            f"\n{one.title}: {one.documents:,} documents, {one.stories:,} stories, {one.stories_before:,} before{grows}"
        )
        print(f"  {'、'.join(one.phrases)}")
        for document in one.typical:
            print(f"  - {document['title']} ({document['source']}, {document['key']})")


app.command(epilog=f"Example: {EXAMPLES[10]}")(tables.export)


def _since(connection: Any, days: float | None) -> float | None:
    """Return the second from which the last days are counted back from the last document."""
    from feilun.storage import opinion

    last = opinion.span(connection)[1]
    return None if days is None or last is None else last - days * DAY


def _show(incident: Incident, indent: str = "") -> None:
    from feilun.apps.public_opinion.report import summary

    day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(incident.opened))
    state = f"{day} UTC  {incident.state}  {incident.severity}"
    print(f"{indent}{incident.id}  {state}  {incident.entity}  {incident.title}")
    for line in summary(incident).splitlines():
        print(f"{indent}    {line}")
