"""`feilun recommendation`: items for users, by what they did and by what the texts mean."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.applications import recommendation_events as told
from feilun.interfaces.cli.applications import recommendation_experiments as trials
from feilun.interfaces.cli.applications import recommendation_finding as finding
from feilun.interfaces.cli.applications.recommendation_finding import Count, File
from feilun.interfaces.cli.help import Verbs, argument, option
from feilun.interfaces.cli.options import AllowHost, AsJson, Host, Port, RequireToken

if TYPE_CHECKING:
    from fastapi import FastAPI

    from feilun.apps.recommendation.settings import RecommendationSettings
    from feilun.apps.recommendation.shop import Shop
    from feilun.serving.access import Access
    from feilun.storage.database import Database
    from feilun.workflow.applications.recommendation.prepared import Prepared

EXAMPLES = (
    "feilun recommendation demo",
    "feilun recommendation demo --items items.csv --events events.csv",
    "feilun recommendation train shop.toml",
    "feilun recommendation evaluate shop.toml",
    "feilun recommendation recommend shop.toml USER --explain",
    "feilun recommendation serve shop.toml --port 8080",
    *finding.EXAMPLES,
    *told.EXAMPLES,
    *trials.EXAMPLES,
)

COUNTS_ZH = ("行为", "未知商品", "重复", "程序所为", "没有含义", "商品", "待上架商品", "本次访问的权重")

app = Verbs(no_args_is_help=True)


@app.callback()
def recommendation() -> None:
    """Recommend items: candidates from what many did and what texts mean, a learned order, reasons.

    What users do is kept in the database (FEILUN_HOME/feilun.db, or FEILUN_DATABASE).

    推荐商品：候选来自众人的行为和文字的含义，排序由学习得出，并给出理由。

    用户的行为存在数据库里（FEILUN_HOME/feilun.db，或 FEILUN_DATABASE）。
    """


app.command("similar", epilog=f"Example: {finding.EXAMPLES[0]}")(finding.similar)
app.command("search", epilog=f"Example: {finding.EXAMPLES[1]}")(finding.search)
app.command("questions", epilog=f"Example: {finding.EXAMPLES[2]}")(finding.questions)
app.command("events", epilog=f"Example: {told.EXAMPLES[0]}")(told.events)
app.command("refused", epilog=f"Example: {told.EXAMPLES[1]}")(told.refused)
app.command("forget", epilog=f"Example: {told.EXAMPLES[2]}")(told.forget)
app.command("experiment", epilog=f"Example: {trials.EXAMPLES[0]}")(trials.experiment)
app.command("estimate", epilog=f"Example: {trials.EXAMPLES[1]}")(trials.estimate)


@app.command(epilog=f"Example: {EXAMPLES[1]}")
def demo(
    items: Annotated[
        str | None, option("Your table of items; else a fictional shop.", "自己的商品表；默认用虚构的小店。")
    ] = None,
    events: Annotated[str | None, option("Your table of interactions.", "自己的行为表。")] = None,
    embedder: Annotated[
        str | None,
        option(
            "Bundle or base that reads texts; else the packaged one, or words.",
            "读文字的模型包或基座；默认用内置基座，没有则用词。",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run everything once: train, judge beside baselines, recommend, react to events, explain.

    把全过程走一遍：训练，与基线对比评估，推荐，响应新的行为，说明理由。
    """
    from feilun.workflow.applications.recommendation import demo as recommendation_demo

    say = (lambda line: None) if as_json else output.tell
    evaluation = recommendation_demo.demo(items, events, embedder, language=output.language(), say=say)
    if as_json:
        output.print_json(evaluation.to_json())


@app.command(epilog=f"Example: {EXAMPLES[2]}")
def train(file: File, as_json: AsJson = False) -> None:
    """Import the tables that the application names, and learn from all events.

    导入应用文件所写的表格，并从全部行为中学习。
    """
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation import wiring as application

    settings = _settings(file)
    database = open_database()
    try:
        prepared = _prepared(settings, database, say=not as_json)
        folder = application.train(settings, prepared, output.terminal())
    finally:
        database.close()
    read = prepared.read
    counts = {
        "interactions": len(read.positive), "unknown_items": read.unknown, "repeats": read.repeats,
        "of_programs": read.bots, "without_meaning": read.silent, "items": len(prepared.catalogue),
        "items_to_come": int((prepared.catalogue.published > time.time()).sum()),
        "weight_of_the_visit": application.session_of(settings).weight,
    }  # fmt: skip
    if as_json:
        output.print_json({"folder": str(folder), **counts})
        return
    words = zip((name.replace("_", " ") for name in counts), COUNTS_ZH, counts.values(), strict=True)
    output.tell(joined([Remark(f"{en}: {count:,}", f"{zh}：{count:,}") for en, zh, count in words], ", ", "，"))
    output.tell(Remark(f"Trained: {folder}", f"已训练：{folder}"))
    output.tell(
        Remark(f"Serve it: feilun recommendation serve {file}", f"启动服务：feilun recommendation serve {file}")
    )


@app.command(epilog=f"Example: {EXAMPLES[3]}")
def evaluate(file: File, as_json: AsJson = False) -> None:
    """Judge on the last tenth of the interactions, over the whole catalogue, beside baselines and ablations.

    用最后十分之一的行为，在全部商品上评估，并与基线和消融对比。
    """
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.judging import evaluate as judged
    from feilun.workflow.applications.recommendation.terminal import table_of

    settings = _settings(file)
    database = open_database()
    try:
        prepared = _prepared(settings, database, say=not as_json)
        evaluation = judged(settings, prepared, output.terminal().say, output.terminal())
    finally:
        database.close()
    if as_json:
        output.print_json(evaluation.to_json())
    else:
        for line in table_of(evaluation):
            output.tell(line)


@app.command(epilog=f"Example: {EXAMPLES[4]}")
def recommend(
    file: File,
    user: Annotated[str, argument("Who.", "用户。", show_default=False)],
    count: Count = 10,
    explain: Annotated[
        bool, option("Tell what each feature added.", "说明每个特征各加了多少分。", "--explain")
    ] = False,
    impersonal: Annotated[bool, option("Look at no history.", "不看历史。", "--impersonal")] = False,
    liked: Annotated[
        list[str] | None,
        option(
            "Item that the user says to like, for this list alone; may be repeated.",
            "用户说喜欢的商品，只影响这一次的列表；可以重复给出。",
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        option(
            "column=value of a declared context, such as device=phone; may be repeated.",
            "已声明的上下文，写作 column=value，如 device=phone；可以重复给出。",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recommend items to a user.

    向一位用户推荐商品。
    """
    from feilun.core.errors import UsageError
    from feilun.workflow.applications.recommendation import wiring as application
    from feilun.workflow.applications.recommendation.terminal import show

    wrong = [one for one in context or () if "=" not in one]
    if wrong:
        raise UsageError(
            Remark(f"--context {wrong[0]} is no column=value.", f"--context {wrong[0]} 不是 列=值 的形式。"),
            Remark("Such as --context device=phone.", "例如 --context device=phone。"),
        )
    told = dict(one.split("=", 1) for one in context or ())
    with application.opened_shop(_settings(file)) as shop:
        answer, _ = shop.recommend(
            user, count, personal=not impersonal, explain=explain, liked=liked or (), context=told
        )
    if as_json:
        for place in answer.places:
            output.print_json({
                "item": place.item.id, "title": place.item.title, "score": place.score,
                "probability": place.probability, "probability_of": answer.basis, "base_rate": answer.base_rate,
                "reason": place.reason.said(output.language()),
                "contributions": dict(place.contributions), "propensity": place.propensity, "rules": list(place.rules),
                "ranking": answer.id,
            })  # fmt: skip
        return
    language = output.language()
    show(Remark(f"For {user}:", f"给 {user} 的列表："), answer, language, output.tell)


@app.command(epilog=f"Example: {EXAMPLES[5]}")
def serve(
    file: File,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    require_token: RequireToken = False,
    allow_host: AllowHost = None,
) -> None:
    """Serve the application over HTTP until Ctrl-C: events in, lists out, a web page at /console.

    以 HTTP 提供应用服务，直到按下 Ctrl-C：接收行为，给出列表，网页在 /console。
    """
    from feilun.interfaces.console.console import with_pages, with_sessions
    from feilun.interfaces.http.applications.recommendation import create_app
    from feilun.workflow.applications.recommendation.service import serve as run

    def create(shop: Shop, access: Access) -> FastAPI:
        own = with_sessions(access)
        return with_pages(create_app(shop, own), "recommendation", own)

    run(
        _settings(file), create, host=host, port=port, require_token=require_token, hosts=allow_host or (),
        say=output.tell,
    )  # fmt: skip


def _settings(file: Path) -> RecommendationSettings:
    from feilun.workflow.applications.recommendation.file import read_application

    return read_application(file)


def _prepared(settings: RecommendationSettings, database: Database, *, say: bool) -> Prepared:
    from feilun.workflow.applications.recommendation.prepared import Unread, prepare
    from feilun.workflow.applications.recommendation.tables import take_tables, take_up_waiting

    take_up_waiting(settings, database)
    take_tables(database, settings, output.tell if say else (lambda line: None))
    return prepare(settings, database, Unread() if settings.interest.tune else None)
