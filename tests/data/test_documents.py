"""Documents of every kind keep their text and headings; broken ones are refused by name."""

import pytest

from feilun.core.errors import DataError
from feilun.data.readers.documents import documents_in, read_document


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_markdown_keeps_headings_and_lines(tmp_path):
    found = read_document(
        write(tmp_path, "a.md", "# 章程\n\n一段**话**。\n\n## 节\n- 一项\n- 二项\n```\n# 代码\n```\n")
    )
    assert [(b.text, b.level, b.place) for b in found[:3]] == [
        ("章程", 1, "line 1"), ("一段话。", 0, "line 3"), ("节", 2, "line 5"),
    ]  # fmt: skip
    assert [b.text for b in found if not b.level][1:3] == ["一项", "二项"]
    assert not [b for b in found if b.level and "代码" in b.text]


def test_lines_of_a_paragraph_are_joined_as_each_language_writes_them(tmp_path):
    found = read_document(
        write(tmp_path, "a.txt", "The bank\u2019s fees\nare low.\n\n每笔\n3 元，用 APP\nVIP 免费。\n")
    )
    assert [block.text for block in found] == ["The bank\u2019s fees are low.", "每笔3 元，用 APP VIP 免费。"]


def test_a_row_of_a_table_is_a_paragraph(tmp_path):
    text = "费用如下\n| 项目 | 金额 |\n|:---|---:|\n| 年费 | **100** 元 |\n| 补卡 | 20 元\n以上。\n"
    wanted = ["费用如下", "项目 金额", "年费 100 元", "补卡 20 元", "以上。"]
    assert [block.text for block in read_document(write(tmp_path, "a.md", text))] == wanted
    rows = "<table><tr><th>项目<th>金额</tr><tr>\n<td>年费</td><td><b>100</b> 元</td></tr></table>"
    found = read_document(write(tmp_path, "a.html", rows))
    assert [(block.text, block.place) for block in found] == [("项目 金额", "line 1"), ("年费 100 元", "line 2")]


def test_html_leaves_out_what_is_not_shown(tmp_path):
    page = (
        "<head><title>x</title><style>p{}</style></head><h1>Fees</h1><p>It is <b>free</b>.</p><script>steal()</script>"
    )
    found = read_document(write(tmp_path, "a.html", page))
    assert [(b.text, b.level) for b in found] == [("Fees", 1), ("It is free.", 0)]


def test_docx_is_read_and_a_broken_one_refused(tmp_path):
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_heading("费用", level=2)
    document.add_paragraph("每笔 3 元。")
    document.save(tmp_path / "a.docx")
    assert [(b.text, b.level) for b in read_document(tmp_path / "a.docx")] == [("费用", 2), ("每笔 3 元。", 0)]
    with pytest.raises(DataError, match="cannot be read as DOCX"):
        read_document(write(tmp_path, "b.docx", "no zip"))


def test_a_broken_and_an_encrypted_pdf_are_refused(tmp_path, caplog):
    pypdf = pytest.importorskip("pypdf")
    with pytest.raises(DataError, match="cannot be read as PDF"):
        read_document(write(tmp_path, "a.pdf", "%PDF-1.7 broken"))
    assert not caplog.records  # the error says it, nothing is printed before it
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "b.pdf")
    with pytest.raises(DataError, match="encrypted"):
        read_document(tmp_path / "b.pdf")


def test_a_pdf_of_two_thousand_pages_is_read_to_its_last_page(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import DictionaryObject, NameObject, StreamObject

    writer = pypdf.PdfWriter()
    kinds = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = writer._add_object(DictionaryObject({NameObject(k): NameObject(v) for k, v in kinds.items()}))
    fonts = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
    for number in range(1, 2001):
        page, said = writer.add_blank_page(300, 300), StreamObject()
        said.set_data(f"BT /F1 12 Tf 20 200 Td (Rule {number} of the handbook.) Tj ET".encode())
        page[NameObject("/Contents")], page[NameObject("/Resources")] = writer._add_object(said), fonts
    writer.write(tmp_path / "long.pdf")
    blocks = read_document(tmp_path / "long.pdf")
    assert [block.text for block in blocks] == [f"Rule {number} of the handbook." for number in range(1, 2001)]
    assert blocks[-1].place == "page 2000"


def test_other_endings_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.md is empty .* take it out of the folder"):
        read_document(write(tmp_path, "a.md", ""))
    with pytest.raises(DataError, match="no document that Feilun reads"):
        read_document(write(tmp_path, "a.odt", "x"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no document"):
        documents_in(tmp_path / "empty")
