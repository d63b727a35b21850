"""Tables made for the tests of this folder."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

WORDS = (
    ["loan", "card", "rate", "bank", "fee", "branch", "teller", "refund", "app", "login", "queue", "transfer", "limit"]
    + ["银行", "贷款", "利率", "手续费", "网点", "柜员", "退款", "登录", "排队", "转账", "额度", "服务", "态度", "客服"]
    + [f"w{i}" for i in range(200)]
)


def texts(rows: int, seed: int = 0) -> list[str]:
    """Make texts that are no near duplicates of each other."""
    source = random.Random(seed)
    return [" ".join(source.choices(WORDS, k=source.randint(8, 14))) for _ in range(rows)]


def labelled(rows: int, labels: Sequence[str] = ("good", "bad"), seed: int = 0) -> list[tuple[str, str]]:
    return [(text, labels[i % len(labels)]) for i, text in enumerate(texts(rows, seed))]


def write_csv(path: Path, rows: Sequence[Sequence[str]], header: str = "text,label", encoding: str = "utf-8") -> str:
    """Write rows as CSV, quoted where needed."""
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_bytes(("\n".join([header, *quoted]) + "\n").encode(encoding))
    return str(path)


def write_xlsx(path: Path, rows: Sequence[Sequence[str | float | None]], more_sheets: Sequence[str] = ()) -> str:
    """Write a workbook by hand: a zip of a few XML files."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{chr(65 + i)}{number}", value) for i, value in enumerate(row) if value is not None)
        lines.append(f'<row r="{number}">{cells}</row>')
    names = ["Sheet1", *more_sheets]
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbered = list(enumerate(names, 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>'
            for i, _ in numbered
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">'
        + "".join(
            f'<Relationship Id="rId{i}" Type="{relations}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i, _ in numbered
        )
        + "</Relationships>",
    }
    for i, _ in numbered:
        data = "".join(lines) if i == 1 else ""
        parts[f"xl/worksheets/sheet{i}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return str(path)


def _cell(place: str, value: str | float) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'
