"""`feilun retrain`: a model is trained again with what people said of its answers."""

from __future__ import annotations

import sys
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any

from feilun.core.errors import FeilunError, Interrupted, UsageError
from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.database import opened_database
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AcceptLicence, AsJson

if TYPE_CHECKING:
    from feilun.workflow.loop.retrain import Retraining

EXAMPLES = (
    "feilun retrain reviews --check",
    "feilun retrain recipe.toml --review",
    "feilun retrain reviews --if-due --resume",
    "feilun retrain reviews --every 6",
)

UNUSED = {
    "conflicting": Remark("conflicting", "说法不一"),
    "unnamed": Remark("unnamed", "没有给出正确答案"),
    "unknown_label": Remark("unknown_label", "标签未知"),
    "without_columns": Remark("without_columns", "缺少列"),
    "conversation": Remark("conversation", "多轮对话"),
    "personal_data": Remark("personal_data", "含个人信息"),
    "near_held_out": Remark("near_held_out", "与留出的行几乎相同"),
    "approved_held_out": Remark("approved_held_out", "点赞认可而须留出"),
}
"""Why rows that people spoke of are not used, by the name that JSON has."""


def retrain(
    model: Annotated[
        str,
        argument(
            "The model's recipe; or its name, once trained here.",
            "模型的配方；在这里训练过以后也可以写名称。",
            show_default=False,
        ),
    ],
    check: Annotated[
        bool, option("Say whether it is due and why; train nothing.", "只说明是否该训练及原因，不训练。", "--check")
    ] = False,
    if_due: Annotated[
        bool, option("Train only when it is due: for a timer.", "该训练时才训练：供定时任务使用。", "--if-due")
    ] = False,
    review: Annotated[
        bool, option("Let a person promote what comes out.", "训练出的版本由人决定是否上任。", "--review")
    ] = False,
    resume: Annotated[
        bool, option("Go on with what was stopped, where something was.", "上次若被中断，就接着做完。", "--resume")
    ] = False,
    every: Annotated[
        float | None,
        option(
            "As --if-due --resume, every so many hours until Ctrl-C.",
            "每隔这么多小时执行一次 --if-due --resume，直到按下 Ctrl-C。",
            min=0.0001,
            max=8760,
            metavar="HOURS",
            show_default=False,
        ),
    ] = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Train a model again with what people said of its answers.

    The challenger takes the champion's place where it is no worse on the recipe's test rows and better on rows told by
    people from which neither learned; the table [retrain] of the recipe says how much. Two never run at once.

    用人们对答案的反馈重新训练模型。

    挑战者在配方的测试集上不更差、在双方都没学过的反馈行上更好，才接替现任；允许的幅度写在配方的 [retrain] 表里。不会有
    两次再训练同时进行。
    """
    if every is None:
        _look(model, check, if_due, review, resume, accept_licence, as_json)
        return
    if check:
        raise UsageError(
            Remark("--check looks once, --every again and again.", "--check 只看一次，--every 一次又一次地看。"),
            Remark("Leave one of them out.", "请去掉其中一个。"),
        )
    while True:
        try:
            _look(model, False, True, review, True, accept_licence, as_json)
        except Interrupted:
            raise
        except FeilunError as error:  # a gate that was missed, a database that is away: the next look may find it well
            output.tell_error(error.message)
        sys.stdout.flush()  # hours pass before the next word: a log that reads a pipe is to have this one
        sleep(3600 * every)


def _look(
    model: str, check: bool, if_due: bool, review: bool, resume: bool, accept_licence: bool, as_json: bool
) -> None:
    """Look whether training is due, where that is asked, and train."""
    from feilun.workflow.loop import retrain as retraining
    from feilun.workflow.loop.recipe_of_model import recipe_of
    from feilun.workflow.screen import Terminal

    recipe = recipe_of(model)
    with opened_database() as database:
        if check or if_due:
            verdict = retraining.is_due(recipe, database)
            if check or not verdict.yes:
                said: dict[str, Any] = {"model": recipe.name, "due": verdict.yes, "reasons": list(verdict.reasons)}
                if as_json:
                    output.print_json(said)
                else:
                    due = Remark("due", "该再训练了") if verdict.yes else Remark("not due", "还不必再训练")
                    why = joined(verdict.reasons)
                    output.tell(
                        Remark(f"{recipe.name} is {due}: {why}.", f"{recipe.name} {due.chinese}：{why.chinese}。")
                    )
                return
        screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
        result = retraining.retrain(
            recipe, database, review=review, resume=resume, accept_licence=accept_licence, screen=screen
        )
    if as_json:
        output.print_json(result.to_json())
    else:
        _show(result)


def _show(result: Retraining) -> None:
    output.tell(_outcome(result))
    for reason in result.reasons:
        output.tell(f"  {output.said(reason)}")
    counts = {UNUSED[reason]: count for reason, count in result.left_out.items() if count}
    unused = joined(
        [Remark(f"{why} {count}", f"{why.chinese} {count} 行") for why, count in counts.items()], ", ", "、"
    )
    more = Remark(f"; not used: {unused}", f"；未用：{unused.chinese}") if counts else Remark("", "")
    output.tell(
        Remark(
            f"  learned from {result.learned} rows told by people{more}",
            f"  学了 {result.learned} 行人们说出答案的数据{more.chinese}",
        ),
        f"  {result.report}",
    )


def _outcome(result: Retraining) -> Remark:
    """Say what came of the challenger, and the command that changes it."""
    before, after = f"{result.model}@{result.champion}", f"{result.model}@{result.challenger}"
    return {
        "promoted": Remark(
            f"{after} takes the place of {before}. Back: feilun models rollback {result.model}",
            f"{after} 取代了 {before}。退回：feilun models rollback {result.model}",
        ),
        "waiting": Remark(
            f"{after} waits for a person; {before} answers. Promote: feilun models promote {after}",
            f"{after} 等人决定；现由 {before} 回答。上任：feilun models promote {after}",
        ),
        "kept": Remark(
            f"{before} stays. {after} is kept: feilun models promote {after} would choose it all the same.",
            f"{before} 继续担任。{after} 保留着：仍可用 feilun models promote {after} 选它。",
        ),
    }[result.outcome]
