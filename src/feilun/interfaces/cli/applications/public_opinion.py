"""`feilun public-opinion`: what is said of companies, followed over time; alarms where bad news surges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications import (
    public_opinion_desk,
    public_opinion_export,
    public_opinion_names,
    public_opinion_numbers,
)
from feilun.interfaces.cli.applications.public_opinion_numbers import File
from feilun.interfaces.cli.help import Verbs, option
from feilun.interfaces.cli.options import AllowHost, AsJson, Host, Port, RequireToken

if TYPE_CHECKING:
    from feilun.apps.public_opinion.corrected import Corrected
    from feilun.apps.public_opinion.incidents import Incident
    from feilun.workflow.applications.public_opinion.wiring import Application
    from feilun.workflow.screen import Screen

EXAMPLES = (
    "feilun public-opinion demo",
    "feilun public-opinion train examples/public_opinion.toml",
    "feilun public-opinion run examples/public_opinion.toml",
    "feilun public-opinion serve examples/public_opinion.toml --port 8080",
    "feilun public-opinion reindex examples/public_opinion.toml",
    *public_opinion_numbers.EXAMPLES,
    *public_opinion_desk.EXAMPLES,
    public_opinion_names.EXAMPLE,
    public_opinion_export.EXAMPLE,
)

app = Verbs(no_args_is_help=True)


@app.callback()
def public_opinion() -> None:
    """Follow what is said of companies: topics, sentiment, trends, and alarms where bad news surges.

    One TOML file describes the application; its documents and numbers are in the database (FEILUN_HOME/feilun.db, or
    FEILUN_DATABASE).

    跟踪外界对公司的评价：话题、情感、趋势，负面激增时发出警报。

    一个 TOML 文件描述一个应用；它的文档和计数存在数据库里（FEILUN_HOME/feilun.db，或 FEILUN_DATABASE）。
    """


@app.command(epilog=f"Example: {EXAMPLES[0]}")
def demo(
    documents: Annotated[
        Path | None,
        option(
            "Your own documents, CSV or JSON Lines, in place of the sample's.",
            "用自己的文档（CSV 或 JSON Lines）代替样例。",
        ),
    ] = None,
    entities: Annotated[
        Path | None, option("Whom to look for in them, TOML.", "要在文档里查找的主体，TOML 文件。")
    ] = None,
    train: Annotated[
        bool,
        option("Train models; else wording rules decide, in seconds.", "训练模型；否则按措辞规则判断，几秒钟完成。"),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Train on the packaged sample, replay its sixty days, and find what happened in them.

    用自带的样例训练，回放其中的六十天，找出期间发生的事。
    """
    from feilun.workflow.applications.public_opinion.demo import demonstrate
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
    out: Annotated[Path, option("Folder of the bundles.", "存放模型包的文件夹。")] = Path("models"),
    topic: Annotated[
        str,
        option("Train a model of this new topic alone, from few texts.", "只为这一个新话题训练模型，少量文本即可。"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Train models of sentiment and topics from the file's labelled table and what was put right since.

    With models.spans also a tagger, which finds companies, people and products that the list of entities does not name.
    A topic that is new in the scheme is found by its words; --topic trains a model of it from ten texts on.

    用应用文件所写的标注表和此后人工更正的内容，训练判断情感和话题的模型。

    写了 models.spans 时，还训练一个标注模型，找出主体名单上没有的公司、人物和产品。
    话题体系里新增的话题先按词查找；有了十篇文本，就可以用 --topic 为它训练模型。
    """
    from feilun.apps.public_opinion.corrected import corrected
    from feilun.workflow.applications.public_opinion.training import train_models, worth_their_cost
    from feilun.workflow.applications.public_opinion.wiring import opened
    from feilun.workflow.screen import Terminal

    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    with opened(file) as application, application.database.read() as connection:
        right = corrected(connection)
        if topic:
            _train_topic(application, out, topic, right, screen, as_json)
            return
    if application.settings.models.spans:
        _train_entities(application, out, screen, as_json)
        if not application.settings.models.labelled:
            return
    bundles = train_models(application.settings, application.folder, out, screen, right)
    worth = worth_their_cost(bundles, screen)
    for path, bundle in {bundle.path: bundle for bundle in bundles.values()}.items():
        own = [name for name, other in bundles.items() if other.path == path]
        if as_json:
            output.print_json({"model": ", ".join(own), "bundle": str(path), **bundle.report.to_json()})
            continue
        for name in own:
            if name in worth:
                key = f'{name} = "{path.absolute()}"'
                output.tell(Remark(f"{path}: set {key} in the table [models].", f"{path}：在 [models] 中设置 {key}。"))


def _train_entities(application: Application, out: Path, screen: Screen, as_json: bool) -> None:
    from feilun.workflow.applications.public_opinion.training import train_entities

    bundle = train_entities(application.settings, application.folder, out, application.gazetteer, screen)
    if as_json:
        output.print_json({"model": "tagger", "bundle": str(bundle.path), **bundle.report.to_json()})
        return
    key = f'tagger = "{bundle.path.absolute()}"'
    output.tell(
        Remark(f"{bundle.path}: set {key} in the table [models].", f"{bundle.path}：在 [models] 中设置 {key}。")
    )


def _train_topic(
    application: Application, out: Path, topic: str, right: Corrected, screen: Screen, as_json: bool
) -> None:
    from feilun.workflow.applications.public_opinion.new_topic import train_topic

    bundle = train_topic(application.settings, application.folder, out, topic, application.scheme, right, screen)
    if as_json:
        output.print_json({"model": topic, "bundle": str(bundle.path), **bundle.report.to_json()})
        return
    key = f'{topic} = "{bundle.path.absolute()}"'
    output.tell(
        Remark(
            f"{bundle.path}: set {key} in the table [models.new_topics]; it takes the place of the topic's words.",
            f"{bundle.path}：在 [models.new_topics] 中设置 {key}，即由模型代替该话题的词。",
        )
    )


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def run(
    file: File,
    follow: Annotated[bool, option("Go on until Ctrl-C.", "持续运行，直到按下 Ctrl-C。", "--follow")] = False,
    finish: Annotated[
        bool,
        option("No more comes: judge the last buckets too.", "不会再有新文档：最后几个时间桶也一并判断。", "--finish"),
    ] = False,
    replay: Annotated[bool, option("Try the dead letters again first.", "先重试死信。", "--replay")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what the sources have, and raise alarms. What was taken in before is not taken again.

    从各个来源取入文档并发出警报。取过的不会再取。
    """
    from feilun.apps.public_opinion.intake import Taken
    from feilun.workflow.applications.public_opinion import wiring as wired

    def tell(taken: Taken, changed: list[Incident]) -> None:
        if as_json:
            figures = {"new": taken.new, "repeated": taken.repeated, "dead": taken.dead, "late": taken.late}
            output.print_json({**figures, "incidents": [one.to_json() for one in changed]})
            return
        if taken != Taken():
            output.tell(
                Remark(
                    f"{taken.new:,} new, {taken.repeated:,} repeated, {taken.dead:,} dead letters, {taken.late:,} late",
                    f"新 {taken.new:,} 篇，重复 {taken.repeated:,} 篇，死信 {taken.dead:,} 条，迟到 {taken.late:,} 篇",
                )
            )
        for reason, count in wired.dead_reasons(application) if taken.dead else ():
            output.tell(Remark(f"  {count:,} dead ×  {reason}", f"  死信 {count:,} ×  {reason}"))
        for one in changed:
            public_opinion_desk.show(one)

    with wired.opened(file) as application:
        wired.run(application, follow=follow, finish=finish, replay=replay, tell=tell)


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def serve(
    file: File,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
) -> None:
    """Serve what was taken in until Ctrl-C: a web page at /console, addresses at /docs.

    `run --follow` goes on beside it, and takes what is pushed to POST /v1/apps/public-opinion/documents.

    提供查看已取入内容的服务，直到按下 Ctrl-C：网页在 /console，接口说明在 /docs。

    `run --follow` 可以同时运行，并取入推送到 POST /v1/apps/public-opinion/documents 的文档。
    """
    from feilun.interfaces.console.console import with_console
    from feilun.interfaces.http.app import create_app
    from feilun.interfaces.http.applications.opinion_desk import with_public_opinion
    from feilun.workflow import service
    from feilun.workflow.applications.public_opinion.wiring import opened

    with opened(file) as application:
        pages = with_console(with_public_opinion(create_app, application), "public-opinion")
        service.serve(
            (), pages, host=host, port=port, require_token=require_token, hosts=allow_host or (),
            page="/console", say=output.tell,
        )  # fmt: skip


@app.command(epilog=f"Example: {EXAMPLES[4]}")
def reindex(file: File, as_json: AsJson = False) -> None:
    """Fill the index of words anew from the stored documents; `run` must not go on meanwhile.

    Nothing makes it necessary but a damaged index: it changes together with the documents.

    用存下的文档重建全文索引；期间 `run` 不能运行。

    索引与文档同步更新，只有索引损坏时才需要重建。
    """
    from feilun.workflow.applications.public_opinion import wiring as wired

    with wired.opened(file) as application:
        found = wired.reindex(application)
    if as_json:
        output.print_json({"documents": found})
    else:
        output.tell(Remark(f"{found:,} documents can be found by their words.", f"{found:,} 篇文档可按词语检索。"))


for verbs in (public_opinion_numbers, public_opinion_desk):
    for command, example in zip(verbs.COMMANDS, verbs.EXAMPLES, strict=True):
        app.command(epilog=f"Example: {example}")(command)
app.command(epilog=f"Example: {public_opinion_export.EXAMPLE}")(public_opinion_export.export)
app.command(epilog=f"Example: {public_opinion_names.EXAMPLE}")(public_opinion_names.names)
