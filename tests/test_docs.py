"""The docs say what is so: every command parses, every recipe loads, every room and verb is named."""

import importlib.util
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import pytest

from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.interfaces.cli import main
from feilun.workflow.pretraining.settings import PretrainSettings
from feilun.workflow.recipe import load

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "feilun"
ROOMS = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
READMES = ["README.md", "README.zh-CN.md"]
PAGES = [*READMES, "CONTRIBUTING.md", "CHANGELOG.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*.md"))]
GROUP = main.command_line()
VERBS = {module.__name__.rpartition(".")[2].replace("_", "-") for module in main.VERBS}


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def commands_of(text):
    """Return every `feilun -` in code spans and indented lines of a page."""
    spans = re.findall(r"`(feilun [^`\n]*)`", text)
    lines = re.findall(r"^ {4}(?:\.venv/bin/)?(feilun .*)$", text, re.MULTILINE)
    comments = re.findall(r"^# +(feilun .*)$", text, re.MULTILINE)
    return [command.strip() for command in (*spans, *lines, *comments)]


COMMANDS = sorted({(page, command) for page in PAGES for command in commands_of(text_of(page))} | {
    (str(path.relative_to(ROOT)), command)
    for path in ROOT.glob("examples/*.toml")
    for command in commands_of(path.read_text(encoding="utf-8"))
})  # fmt: skip


def test_commands_are_found():
    assert {page for page, _ in COMMANDS} >= set(READMES)
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_in_the_docs_parses(page, command):
    words = shlex.split(command.partition(" < ")[0])[1:]
    group = GROUP
    if words[0].startswith("-"):
        assert words[0] in {"--help", "--version"}
        return
    assert words[0] in VERBS, f"{page}: {command}"
    if len(words) == 1:
        return  # a verb that is spoken of
    context = group.make_context("feilun", list(words))
    verb = group.get_command(context, words[0])
    arguments = words[1:]
    if hasattr(verb, "commands"):
        context = verb.make_context(words[0], list(arguments), parent=context, resilient_parsing=not arguments)
        if not arguments:
            return
        verb, arguments = verb.get_command(context, arguments[0]), arguments[1:]
        assert verb is not None, f"{page}: {command}"
    verb.make_context(words[0], arguments, parent=context)


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_in_the_docs_exists(page):
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^ {4}|`)make ([a-z]+)", text_of(page), re.MULTILINE)
    assert set(named) <= targets


def test_ci_calls_targets_that_exist():
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    called = set(re.findall(r"\bmake ([a-z]+)", text_of(".ci/run")))
    assert {"check", "test"} <= called <= targets


def test_every_script_that_make_runs_exists():
    scripts = re.findall(r"python ([\w/]+\.py)", text_of("Makefile"))
    assert scripts
    assert not [script for script in scripts if not (ROOT / script).is_file()]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page):
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(page))
    missing = [link for link in links if "://" not in link and not (folder / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_key_that_no_file_has(page):
    describe = _generator().describe
    keys = {
        key
        for declared in (_generator().Recipe, RecommendationSettings, PretrainSettings)
        for key, *_ in describe(declared)
    }
    known = keys | {key.rpartition(".")[0] for key in keys} | {f"gate.{m}" for m in _gate_metrics()}
    for key in re.findall(r"--set ([\w.]+)=", text_of(page)):
        assert key in known or key == "k", f"{page}: {key}"


@pytest.mark.parametrize("page", [page for page in PAGES if "```toml" in text_of(page)])
def test_every_recipe_in_the_docs_is_valid(page, tmp_path):
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", text_of(page), re.DOTALL)):
        path = tmp_path / f"{number}.toml"
        if "application" in tomllib.loads(text):
            continue  # an application's own file; its tests read it
        path.write_text(text, encoding="utf-8")
        assert load(path).task == tomllib.loads(text)["task"]


RECIPES = [
    path for path in sorted(ROOT.glob("examples/*.toml")) if "application" not in tomllib.loads(path.read_text())
]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_example_is_valid(path):
    assert load(path).name


@pytest.mark.parametrize("page", READMES)
def test_the_house_lists_every_room_and_no_other(page):
    house = text_of(page).partition("src/feilun/")[2]
    assert set(re.findall(r"^\| `(\w+)/` \| \S", house, re.MULTILINE)) == ROOMS


def test_the_two_readmes_say_the_same():
    english, chinese = (re.findall(r"`(feilun [a-z-]+)", text_of(page)) for page in READMES)
    assert english == chinese
    assert text_of(READMES[0]).count("\n## ") == text_of(READMES[1]).count("\n## ")
    assert commands_of(text_of(READMES[0])) == commands_of(text_of(READMES[1]))


ENGLISH_ALONE = {"bases", "benchmarks", "roadmap"}
"""Pages of `docs/` that are made by the code, or kept by those who work on it."""

GUIDES = sorted({path.name.partition(".")[0] for path in ROOT.glob("docs/*.md")} - ENGLISH_ALONE)


def blocks_of(text):
    """Return what opens each section and block of code: levels of headings, languages of blocks, in order."""
    return re.findall(r"^(?:#+(?= )|```\w+$)", text, re.MULTILINE)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_has_the_same_sections_and_commands_in_both_languages(guide):
    english, chinese = text_of(f"docs/{guide}.md"), text_of(f"docs/{guide}.zh-CN.md")
    assert blocks_of(english) == blocks_of(chinese)
    assert {c.split()[1] for c in commands_of(english)} == {c.split()[1] for c in commands_of(chinese)}
    assert f"]({guide}.zh-CN.md)" in english
    assert f"]({guide}.md)" in chinese


@pytest.mark.parametrize("page", READMES)
def test_every_verb_is_in_the_readme(page):
    named = {command.split()[1] for command in commands_of(text_of(page))}
    assert named - VERBS == {"--help"}
    assert not VERBS - named


def test_the_floors_in_the_docs_are_those_that_the_linter_checks():
    project = tomllib.loads(text_of("pyproject.toml"))
    layers = next(c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    checked = [set(re.findall(r"feilun\.(\w+)", layer)) for layer in layers]
    table = re.findall(r"^\| \d+ \| (.*?) \|", text_of("docs/architecture.md"), re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in table] == checked


def test_every_floor_is_a_room_that_exists():
    table = re.findall(r"^\| \d+ \| (.*?) \|", text_of("docs/architecture.md"), re.MULTILINE)
    assert {room for row in table for room in re.findall(r"`(\w+)`", row)} == ROOMS


@pytest.mark.parametrize("page", PAGES)
def test_every_place_in_the_source_that_a_page_names_is_there(page):
    places = re.findall(r"`(?:src/feilun/)?((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", text_of(page))
    missing = [place for place in places if place.partition("/")[0] in ROOMS and not (SOURCE / place).exists()]
    assert not missing


def test_every_setting_of_a_recipe_is_described_in_chinese():
    page = text_of("docs/recipe.zh-CN.md")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    english = [row[0] for row in rows if not re.search(r"[\u4e00-\u9fff]", row[-1])]
    assert not english, f"write their descriptions as Remark(english, chinese): {english}"


def test_generated_pages_are_up_to_date():
    for path, text in _generator().pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: run `make docs`"


def test_the_public_names_of_the_package_can_be_imported():
    import feilun

    for name in feilun.__all__:
        assert callable(getattr(feilun, name))


def _gate_metrics():
    from feilun.workflow.recipe import GATE_METRICS

    return GATE_METRICS


@cache
def _generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
