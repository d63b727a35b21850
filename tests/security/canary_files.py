"""Recipes, documents and archives made to do harm."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from canary import Canary, Trap

from feilun.data.readers.documents import read_document
from feilun.data.readers.sources import open_source
from feilun.workflow.recipe import load

RECIPE = 'task = "classify"\n[data]\ntrain = "a.csv"\ntarget = "label"\n'
GROWING = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
LAUGHS = f'<!DOCTYPE l [<!ENTITY a "{"x" * 1000}">{GROWING}]>'
DOCUMENT = (
    '{}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    "<w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>"
)


def recipe(text: str) -> Callable[[Path], Any]:
    """Return what reads a recipe."""

    def read(folder: Path) -> Any:
        (folder / "r.toml").write_text(text, encoding="utf-8")
        return load(folder / "r.toml")

    return read


def docx(document: str, others: dict[str, str] | None = None) -> Callable[[Path], Any]:
    """Return what reads a Word file with a document of that XML."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
        'document.main+xml"/></Types>'
    )
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )

    def read(folder: Path) -> Any:
        files = {"[Content_Types].xml": types, "_rels/.rels": relation, "word/document.xml": document, **(others or {})}
        with zipfile.ZipFile(folder / "d.docx", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return read_document(folder / "d.docx")

    return read


def unpacking(name: str, reader: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Return what reads an archive of a few bytes that says that it unpacks to two gigabytes."""

    def read(folder: Path) -> Any:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("word/document.xml", bytes(1000))
        content = bytearray((folder / name).read_bytes())
        struct.pack_into("<I", content, content.index(b"PK\1\2") + 24, 2**31)  # the size in the archive's directory
        (folder / name).write_bytes(content)
        return reader(folder / name)

    return read


def pickled(folder: Path) -> Any:
    """Open a pickle as if it were a table."""
    (folder / "a.pkl").write_bytes(pickle.dumps(Trap()))
    return open_source(str(folder / "a.pkl"))


FILES = (
    Canary("recipe: deep arrays", "nests", recipe(RECIPE + "x = " + "[" * 20_000 + "]" * 20_000)),
    Canary("recipe: a little deep", "nests", recipe(RECIPE + "x = " + "[" * 900 + "]" * 900)),
    Canary("recipe: deep tables", "r.toml", recipe(RECIPE + "x = " + "{a=" * 5000 + "1" + "}" * 5000)),
    Canary("recipe: deep key", "parts", recipe(RECIPE + "a." * 20_000 + "b = 1")),
    Canary("recipe: deep header", "parts", recipe("[" + "a." * 20_000 + "b]\nx = 1")),
    Canary("recipe: very many keys", "keys", recipe("\n".join(f"k{i} = 1" for i in range(6000)))),
    Canary("recipe: very large", "characters", recipe('name = "' + "x" * 10**7 + '"')),
    Canary("recipe: number of many digits", "digits", recipe("x = " + "9" * 5000)),
    Canary("recipe: a tag of YAML", "r.toml", recipe('!!python/object/apply:os.system ["id"]')),
    Canary("recipe: a pickle as data", "a.pkl", pickled),
    Canary("docx: entities that grow", "DOCX", docx(DOCUMENT.format(LAUGHS, "&j;"))),
    Canary("docx: unpacks to 2 GB", "unpacks to", unpacking("d.docx", read_document)),
    Canary("xlsx: unpacks to 2 GB", "unpacks to", unpacking("d.xlsx", lambda path: open_source(str(path)))),
)  # fmt: skip
