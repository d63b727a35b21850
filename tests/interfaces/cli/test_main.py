import json
import os
import shlex
import subprocess
import sys

import pytest
from rich.table import Table

from feilun.core.errors import DataError, Interrupted, RecipeError, nearest
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import main, output

VERBS = [module.__name__.rpartition(".")[2].replace("_", "-") for module in main.VERBS]
HEAVY = (
    "numpy",
    "torch",
    "transformers",
    "peft",
    "optuna",
    "polars",
    "sklearn",
    "scipy",
    "matplotlib",
    "onnxruntime",
    "sqlalchemy",
    "fastapi",
)


def feilun(*arguments, **more):
    command = [sys.executable, "-m", "feilun", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, **more)


def loaded_by(code):
    script = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[-1]


@pytest.fixture
def fails(monkeypatch):
    """Let `feilun doctor` raise an error."""

    def fails(error):
        def verb():
            raise error

        monkeypatch.setattr("feilun.workflow.getting_started.doctor.examine", verb)

    return fails


def test_importing_feilun_loads_nothing_heavy():
    assert loaded_by("import feilun") == "[]"


def test_no_help_loads_anything_heavy():
    """In one process for all, since each start costs a second: the first verb that loads something is named."""
    helps = [["--help"], *([verb, "--help"] for verb in VERBS)]
    script = f"""import sys
from feilun.interfaces.cli import main
for arguments in {helps!r}:
    main.run(arguments)
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    assert not heavy, f"{{arguments}} loads {{heavy}}"
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("Usage:") == len(helps)


def test_a_recipe_is_begun_without_torch(tmp_path):
    rows = "".join(f"some words {i},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "table.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    arguments = ["init", "--data", str(tmp_path / "table.csv"), "--out", str(tmp_path / "table.toml")]
    assert "torch" not in loaded_by(f"from feilun.interfaces.cli import main\nassert main.run({arguments!r}) == 0")


@pytest.mark.parametrize("module", main.VERBS, ids=VERBS)
def test_every_verb_has_help_with_examples_that_parse(module, capsys):
    verb = module.__name__.rpartition(".")[2].replace("_", "-")
    assert main.run([verb, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    command = main.command_line()
    for example in module.EXAMPLES:
        assert example in shown
        words = shlex.split(example.partition(" < ")[0])
        assert words[:2] == ["feilun", verb]
        context = command.make_context("feilun", words[1:2])
        own = command.get_command(context, verb)
        assert own is not None
        if not hasattr(own, "commands"):
            own.make_context(verb, words[2:], parent=context)


def test_the_help_of_feilun_names_every_verb_with_a_whole_sentence(capsys):
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert f"\n  {verb} " in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_the_version_is_printed(capsys):
    import feilun as package

    assert main.run(["--version"]) == 0
    assert package.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["trian", "x"], ["train"], ["train", "x.toml", "--epochs", "3"], ["serve", "x", "--port", "many"]]
)
def test_wrong_use_is_exit_code_2_without_a_traceback(arguments, capsys):
    assert main.run(arguments) == 2
    shown = capsys.readouterr().err
    assert "Error" in shown
    assert "Traceback" not in shown


def test_a_misspelt_verb_is_answered_with_the_nearest(capsys):
    main.run(["trian"])
    assert "train" in capsys.readouterr().err


def test_an_error_for_the_user_is_a_message_and_its_exit_code(fails, capsys):
    fails(DataError("news.csv has no column 'text'.", "Name it with --text."))
    assert main.run(["doctor"]) == 1
    shown = capsys.readouterr()
    assert shown.err == "error: news.csv has no column 'text'. Name it with --text.\n"
    assert shown.out == ""


def test_an_error_is_told_in_the_language_of_the_system(fails, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    wrong = nearest("epoch", ["epochs"])
    fails(
        RecipeError([Remark(f"no key 'epoch'. {wrong}", f"没有 'epoch' 这个键。{said_in('zh', wrong)}")], "recipe.toml")
    )
    assert main.run(["doctor"]) == 2
    assert capsys.readouterr().err == "错误：recipe.toml 有 1 处错误：\n  - 没有 'epoch' 这个键。是不是 'epochs'？\n"


def test_an_interrupted_run_is_exit_code_130(fails, capsys):
    fails(Interrupted("Stopped at step 7.", "Go on with --resume."))
    assert main.run(["doctor"]) == 130
    assert "--resume" in capsys.readouterr().err


def test_ctrl_c_before_the_verb_begins_is_exit_code_130(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "command_line", interrupted)
    assert main.run(["doctor"]) == 130
    assert capsys.readouterr().err.strip() == main.said(Remark("Stopped.", "已停止。"))


def test_ctrl_c_is_exit_code_130(fails, capsys):
    fails(KeyboardInterrupt())
    assert main.run(["doctor"]) == 130
    assert "Stopped" in capsys.readouterr().err


def test_brackets_and_colons_in_a_label_are_printed_as_they_are(capsys):
    table = Table("label")
    table.add_row("[/b] :smile: [red]")
    output.result_console().print(table)
    assert "[/b] :smile: [red]" in capsys.readouterr().out


def test_an_unexpected_error_is_one_line_and_its_traceback_is_kept(fails, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path))
    fails(RuntimeError("boom\nand more"))
    assert main.run(["doctor"]) == 1
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "RuntimeError: boom and more" in shown
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in shown
    assert "Traceback" in log.read_text()


def test_debug_shows_the_traceback_wherever_it_stands(fails, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FEILUN_HOME", str(tmp_path))
    fails(RuntimeError("boom"))
    for arguments in (["--debug", "doctor"], ["doctor", "--debug"]):
        assert main.run(arguments) == 1
        assert "Traceback" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_does_not_hide_the_error(fails, capsys, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("FEILUN_HOME", str(blocked))
    fails(RuntimeError("boom"))
    assert main.run(["doctor"]) == 1
    assert "boom" in capsys.readouterr().err


def test_a_missing_package_names_the_extra(fails, capsys):
    fails(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert main.run(["doctor"]) == 1
    assert "pip install 'feilun[train]'" in capsys.readouterr().err


def test_an_error_of_the_system_names_the_file(fails, capsys):
    fails(PermissionError(13, "Permission denied", "/secret/rows.csv"))
    assert main.run(["doctor"]) == 1
    assert "/secret/rows.csv" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_named_with_its_remedy(fails, capsys, own_home):
    fails(PermissionError(13, "Permission denied", str(own_home / "runs")))
    assert main.run(["doctor"]) == 1
    assert "set FEILUN_HOME" in capsys.readouterr().err


def test_every_package_of_an_extra_is_declared():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    names = {"sklearn": "scikit-learn", "charset_normalizer": "charset-normalizer", "ahocorasick_rs": "ahocorasick-rs"}
    for package, extra in main.EXTRA_OF_PACKAGE.items():
        declared = project["optional-dependencies"][extra]
        assert any(line.startswith(names.get(package, package)) for line in declared), package


def test_doctor_prints_one_json_object_a_line_and_nothing_else():
    found = feilun("doctor", "--json")
    assert found.returncode == 0, found.stderr
    findings = [json.loads(line) for line in found.stdout.splitlines()]
    assert {finding["name"] for finding in findings} >= {"processor", "memory", "disk", "onnxruntime", "torch"}
    assert all(finding["remedy"] for finding in findings if finding["state"] == "missing")


def test_a_closed_pipe_is_no_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "feilun.interfaces.cli.main", "doctor", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait(60)


def test_chinese_goes_through_a_pipe_whatever_the_locale(tmp_path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    found = feilun("check", "没有.toml", env=environment, cwd=tmp_path)
    assert found.returncode == 2
    assert "没有.toml" in found.stderr
