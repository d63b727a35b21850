"""The command `feilun`: one verb a file, and one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

import feilun
from feilun.core.errors import FeilunError, MissingExtra
from feilun.core.places import home
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import (
    adaptations,
    audit,
    bases,
    check,
    compress,
    database,
    doctor,
    evaluate,
    explain,
    init,
    insight,
    models,
    monitor,
    predict,
    pretrain,
    quickstart,
    retrain,
    runs,
    search,
    serve,
    token,
    train,
)
from feilun.interfaces.cli.applications import customer_service, public_opinion, recommendation
from feilun.interfaces.cli.help import Verbs, option
from feilun.interfaces.cli.labelling import label
from feilun.interfaces.cli.output import make_safe, said, tell_error
from feilun.interfaces.cli.wrong_use import tell_wrong_use

VERBS = (
    quickstart,
    init,
    check,
    pretrain,
    train,
    search,
    evaluate,
    compress,
    predict,
    explain,
    insight,
    serve,
    token,
    monitor,
    label,
    retrain,
    customer_service,
    database,
    audit,
    bases,
    adaptations,
    models,
    runs,
    doctor,
    public_opinion,
    recommendation,
)
"""The verbs in the order of a first day; each module has `EXAMPLES` and a function, or an `app`, of its name."""

EXTRA_OF_PACKAGE = {
    "torch": "train", "transformers": "train", "peft": "train", "optuna": "train", "safetensors": "train",
    "gguf": "train", "onnx": "train", "onnxscript": "train", "polars": "data", "fastexcel": "data", "sklearn": "data",
    "scipy": "data", "matplotlib": "data", "rjieba": "data", "charset_normalizer": "data",
    "snownlp": "sample", "tantivy": "knowledge", "usearch": "knowledge", "opencc": "knowledge",
    "ahocorasick_rs": "public-opinion", "apprise": "public-opinion", "feedparser": "public-opinion",
    "trafilatura": "public-opinion", "faststream": "streams",
    "tensorboard": "tensorboard", "wandb": "wandb",
    "lightgbm": "recommendation", "implicit": "recommendation", "threadpoolctl": "recommendation",
}  # fmt: skip
"""Which extra of Feilun brings an importable package."""

app = Verbs(name="feilun", no_args_is_help=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"feilun {feilun.__version__}")
        raise typer.Exit


@app.callback(epilog="Example: feilun quickstart")
def _options(
    version: Annotated[
        bool,
        option("Print the version and exit.", "显示版本号并退出。", "--version", callback=_show_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, option("Show the traceback of an unexpected error.", "遇到意外错误时显示调用栈。", "--debug")
    ] = False,
) -> None:
    """Turn a pretrained language model and your own text into a running business service.

    飞轮：把预训练语言模型和自有文本变成上线运行的业务服务。
    """


def _register() -> None:
    for module in VERBS:
        name = module.__name__.rpartition(".")[2]
        epilog = "\n\n".join(f"Example: {example}" for example in module.EXAMPLES)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name.replace("_", "-"), epilog=epilog)
        else:
            app.command(name, epilog=epilog)(getattr(module, name))


_register()


@cache
def command_line() -> Any:
    """Return the tree of all verbs, built once: a tenth of a second for eighty of them."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line and exit with 0 (done), 1 (failed), 2 (wrong use) or 130 (stopped by the user)."""
    # Read by GNU OpenMP when torch is loaded. By default its threads spin for milliseconds as they wait: two trainings
    # side by side then slow each other down twentyfold. Spinning shortly costs nothing alone (docs/benchmarks.md).
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: What stands after `feilun`.

    Returns:
        The exit code.
    """
    make_safe()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    own, bare, rest = _before_dashes(arguments)
    debug = "--debug" in own
    command = [*(word for word in own if word != "--debug"), *bare, *rest]
    try:
        code = command_line().main(command, prog_name="feilun", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _explain(error)
    if code == 130:
        print(said(Remark("\nStopped.", "\n已停止。")), file=sys.stderr)
    return code if isinstance(code, int) else 0


def _before_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Part the arguments at `--`: what stands after it is text, not options."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]


def _explain(error: Exception) -> int:
    """Print what went wrong, without a traceback, and return the exit code."""
    if hasattr(error, "format_message") and hasattr(error, "show"):  # the command line itself is wrong
        tell_wrong_use(error)
        return int(getattr(error, "exit_code", 2))
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EXTRA_OF_PACKAGE:
        package = str(error.name).partition(".")[0]
        error = MissingExtra(package, EXTRA_OF_PACKAGE[package], Remark("This command", "这个命令"))
    if isinstance(error, FeilunError):
        tell_error(error.message)
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        remedy = _remedy(error)
        tell_error(
            Remark(f"{error.strerror}{place}. {remedy}".strip(), f"{error.strerror}{place}。{said_in('zh', remedy)}")
        )
        return 1
    summary = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    kept = _keep_traceback(error)
    tell_error(Remark(f"unexpected {summary} {kept}", f"意外的 {summary} {said_in('zh', kept)}"))
    return 1


def _remedy(error: OSError) -> str:
    """Say what can be done about an error of the system, as a sentence."""
    if error.errno == errno.ENOSPC:
        return Remark("Free some space and run the command again.", "请腾出一些空间，再运行一次。")
    if error.filename and Path(os.fsdecode(error.filename)).absolute().is_relative_to(home().absolute()):
        return Remark(
            f"Feilun keeps its state in {home()}; set FEILUN_HOME to a folder that can be written.",
            f"飞轮的状态保存在 {home()}；请把 FEILUN_HOME 设为一个可写的文件夹。",
        )
    return ""


def _keep_traceback(error: Exception) -> str:
    """Write the traceback into the logs and say where it is."""
    path = home() / "logs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    except OSError:
        return Remark(
            "This is a fault of Feilun; run it again with --debug for the traceback, and please report it.",
            "这是飞轮自身的错误；加 --debug 再运行一次即可看到调用栈，并请报告给我们。",
        )
    return Remark(
        f"This is a fault of Feilun; its traceback is in {path} (or use --debug): please report it.",
        f"这是飞轮自身的错误，调用栈在 {path}（或使用 --debug）：请报告给我们。",
    )


if __name__ == "__main__":
    main()
