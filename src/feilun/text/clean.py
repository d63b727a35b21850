"""Texts as a model reads them: one cleaning, stored in the bundle, the same before training and in the service.

What is safe is on by default, and what could change a meaning is not: NFKC would turn ① into 1, ㎡ into m2, ½ into 1⁄2
and the Chinese comma into the English one, so `unicode = "safe"` composes (NFC) and maps only characters whose
compatible form is the same letter (ligatures, half-width kana, radicals, mathematical alphabets). Full-width letters
and digits become half-width; Chinese punctuation stays.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import ftfy

from feilun.core.remark import Remark
from feilun.core.settings import setting
from feilun.text.redact import ORDER, Kind, redact_kind

PASSES = 16
"""Steps are repeated until nothing changes (an entity may hide a tag, a tag a blank); three passes are common."""


@dataclass(frozen=True)
class Cleaning:
    """Which cleaning steps are on; the table `[data.clean]` without its duplicates."""

    mojibake: bool = setting(
        True,
        Remark(
            "repair text that was decoded in the wrong encoding (schÃ¶n → schön)",
            "修复用错误编码解码的文本（schÃ¶n → schön）",
        ),
    )
    html: bool = setting(
        True,
        Remark(
            "remove tags and comments, resolve entities (&lt;br&gt; and the like)",
            "去掉标签和注释，还原实体（&lt;br&gt; 之类）",
        ),
    )
    unicode: Literal["safe", "nfc", "nfkc", "none"] = setting(
        "safe",
        Remark(
            "safe: NFC, and compatible forms of the same letter; nfkc also rewrites ①, ㎡, ½ and Chinese punctuation",
            "safe：NFC，并统一同一字母的兼容写法；nfkc 还会改写 ①、㎡、½ 和中文标点",
        ),
    )
    full_width: bool = setting(
        True,
        Remark(
            "make full-width letters and digits half-width; Chinese punctuation stays",
            "全角字母和数字改为半角；中文标点不变",
        ),
    )
    control: bool = setting(
        True, Remark("remove control, zero-width and direction characters", "去掉控制字符、零宽字符和方向字符")
    )
    whitespace: bool = setting(
        True,
        Remark(
            "make runs of blanks one blank, runs of line breaks one line break; trim the ends",
            "连续空白合为一个空格，连续换行合为一个；去掉首尾空白",
        ),
    )
    redact: tuple[Kind, ...] = setting(
        (), Remark("personal data to replace by placeholders such as [PHONE]", "用 [PHONE] 之类的占位符替换的个人信息")
    )

    def apply(self, text: str) -> str:
        """Return the cleaned text; cleaning it again changes nothing."""
        return self.apply_counted(text)[0]

    def apply_counted(self, text: str) -> tuple[str, set[str]]:
        """Clean a text and say which steps changed it.

        Args:
            text: Any text, lone surrogates included.

        Returns:
            The cleaned text and the names of the steps, keys of `STEPS`.
        """
        changed: set[str] = set()
        if PLAIN.fullmatch(text) and not (self.redact and PERSONAL.search(text)):
            return text, changed
        for _ in range(PASSES):
            before = text
            for name, step in self._steps:
                after = step(text)
                if after != text:
                    changed.add(name)
                    text = after
            if text == before:
                break
        return text, changed

    @cached_property
    def _steps(self) -> tuple[tuple[str, Callable[[str], str]], ...]:
        unicode_step = {"safe": compose_safely, "nfc": _nfc, "nfkc": _nfkc}.get(self.unicode)
        steps: list[tuple[str, Callable[[str], str] | None]] = [
            ("surrogates", join_surrogates),
            ("mojibake", repair_mojibake if self.mojibake else None),
            ("html", remove_html if self.html else None),
            ("control", remove_control if self.control else None),
            ("unicode", unicode_step),
            ("full_width", narrow if self.full_width else None),
            ("whitespace", collapse_blanks if self.whitespace else None),
        ]
        steps += [(f"redact_{kind}", partial(redact_kind, kind=kind)) for kind in ORDER if kind in self.redact]
        return tuple((name, step) for name, step in steps if step is not None)


STEPS = {
    "surrogates": Remark("lone surrogates joined, or replaced by U+FFFD", "拼合孤立的代理项，或换成 U+FFFD"),
    "mojibake": Remark("wrongly decoded text repaired", "修复乱码"),
    "html": Remark("HTML leftovers removed", "去除 HTML 残留"),
    "control": Remark("control and invisible characters removed", "去除控制字符和不可见字符"),
    "unicode": Remark("Unicode forms unified", "统一 Unicode 形式"),
    "full_width": Remark("full-width letters and digits made half-width", "全角字母和数字改为半角"),
    "whitespace": Remark("blanks and line breaks tidied", "整理空格和换行"),
    **{f"redact_{kind}": Remark(f"personal data replaced: {kind}", f"替换个人信息：{kind}") for kind in ORDER},
}
"""What each step does, in a few words."""

GBK_SIGN = "".join(bytes([lead, trail]).decode("gb18030") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0))
"""What the first two bytes of a Chinese character in UTF-8 look like when read as GBK: rare characters all."""

PLAIN = re.compile(rf"(?!\s)(?:[ ]?(?![{GBK_SIGN}])[!-%'-;=?-~\u4e00-\u9fa5，。！？、：；（）《》“”‘’…—])*")
"""Texts that no step but redaction changes: most texts, told apart in one look."""

PERSONAL = re.compile(r"@|\d[\d ()+.-]{5}")


def join_surrogates(text: str) -> str:
    """Join pairs of surrogates to their character and replace lone ones: no encoder accepts them."""
    if not SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repair_mojibake(text: str) -> str:
    """Repair UTF-8 that was read as a single-byte encoding (ftfy) or as GBK."""
    if text.isascii():
        return text
    repaired = ftfy.fix_encoding(text) if SINGLE_BYTE.search(text) else text
    return _utf8_from_gbk(repaired)


def remove_html(text: str) -> str:
    """Remove comments, scripts and the tags of HTML (not `<公司>` or `a<b`), and resolve entities that end in `;`."""
    if "<" in text:
        for opening, closing in HIDDEN:
            text = _without(text, opening, closing)
        text = TAG.sub(_gap, text)
    if "&" in text:
        text = ENTITY.sub(lambda found: html.unescape(found[0]), NESTED_AMPERSAND.sub("&", text))
    return text


def remove_control(text: str) -> str:
    """Remove control, zero-width and direction characters; joiners stay inside emoji and scripts that need them."""
    return JOINERS.sub(_joiner, INVISIBLE.sub("", text)) if UNSEEN.search(text) else text


def compose_safely(text: str) -> str:
    """Compose to NFC and map compatibility characters that are the same letter in another form."""
    if COMPATIBLE.search(text):
        text = COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return _nfc(text)


def narrow(text: str) -> str:
    """Make full-width letters, digits and signs half-width, but for Chinese punctuation."""
    return FULL_STOP.sub(".", text.translate(HALF_WIDTH)) if WIDE.search(text) else text


def collapse_blanks(text: str) -> str:
    """Make a run of blanks one blank, or one line break where it holds any, and trim the ends."""
    return BLANKS.sub(lambda found: "\n" if BREAK.search(found[0]) else " ", text).strip()


SURROGATE = re.compile("[\ud800-\udfff]")
SINGLE_BYTE = re.compile("[\u0080-\u024f\u02c6\u02dc\u0393-\u03c6\u2018-\u203a\u20ac\u2122\u2202-\u25a0\ufb01\ufb02]")
HIDDEN = (
    (re.compile("<!--"), re.compile("-->")),
    (re.compile(r"<script\b[^<>]{0,2000}>", re.IGNORECASE), re.compile(r"</script\s{0,9}>", re.IGNORECASE)),
    (re.compile(r"<style\b[^<>]{0,2000}>", re.IGNORECASE), re.compile(r"</style\s{0,9}>", re.IGNORECASE)),
)
"""What a page does not show: comments, scripts, styles."""

TAG = re.compile(
    r"<(?:/\s*)?(?:a|abbr|article|b|big|blockquote|body|br|button|center|code|dd|del|div|dl|dt|em|figure|font|footer|"
    r"form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|meta|nav|ol|option|p|pre|s|script|"
    r"section|select|small|span|strike|strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|u|ul|"
    r"video|audio|source|wbr)"
    r"(?:\s+[\w:.-]{1,64}\s*=\s*(?:\"[^\"<>]{0,4000}\"|'[^'<>]{0,4000}'|[^\s\"'<>]{1,4000}))*\s*/?>",
    re.IGNORECASE,
)
ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
NESTED_AMPERSAND = re.compile(r"&(?:amp;)+")
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1b\x7f\x80-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
JOINERS = re.compile("[\u200c\u200d]+")
UNSEEN = re.compile(f"{INVISIBLE.pattern}|{JOINERS.pattern}")
COMPATIBLE = re.compile("[\u2e80-\u2fdf\ufb00-\ufb17\ufe70-\ufefc\uff61-\uffdc\U0001d400-\U0001d7ff]+")
KEPT_WIDE = "！（），：；？～．"
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in KEPT_WIDE}
FULL_STOP = re.compile("(?<=[0-9A-Za-z])．(?=[0-9A-Za-z])")
WIDE = re.compile("[\uff01-\uff5e]")
BLANKS = re.compile(r"\s+")
BREAK = re.compile("[\n\r\x85\u2028\u2029]")
HAN = re.compile("[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


def _nfc(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _nfkc(text: str) -> str:
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Replace all that stands from an opening to the next closing by a blank; one without a closing stays."""
    parts = []
    position = 0
    while (start := opening.search(text, position)) and (end := closing.search(text, start.end())):
        parts += [text[position : start.start()], " "]
        position = end.end()
    return "".join([*parts, text[position:]])


def _gap(tag: re.Match[str]) -> str:
    """Leave a blank where a tag stood, but not between Chinese characters, which need none."""
    before, after = tag.string[tag.start() - 1 : tag.start()], tag.string[tag.end() : tag.end() + 1]
    return "" if HAN.match(before) and HAN.match(after) else " "


def _joiner(run: re.Match[str]) -> str:
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    needed = all(side and not side.isascii() and not side.isspace() and not HAN.match(side) for side in (before, after))
    return run[0][0] if needed else ""


def _utf8_from_gbk(text: str) -> str:
    """Undo reading UTF-8 as GBK (浣犲ソ for 你好), only where all of the text decodes and becomes common Chinese.

    Real Chinese hardly ever passes: each of its characters would have to be two bytes of a valid UTF-8 sequence.
    """
    if not GBK_SIGNS.search(text):
        return text
    try:
        decoded = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return text
    foreign = [character for character in decoded if not character.isascii()]
    common = sum(bool(COMMON.match(character)) for character in foreign)
    return decoded if len(foreign) >= 2 and common == len(foreign) else text


GBK_SIGNS = re.compile(f"[{GBK_SIGN}]")
COMMON = re.compile("[\u4e00-\u9fa5，。！？、：；（）《》“”‘’…—]")
