"""Office files are ZIP archives, and a small archive can hold more than the memory does: it is asked before it is read.

Nothing is ever unpacked onto the disk, so a member's name, wherever it points, reaches no file.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import shown

LARGEST = 1024**3
"""Bytes that an archive may hold unpacked."""

MOST_MEMBERS = 10_000


def check_archive(path: Path) -> None:
    """Refuse an archive that holds more than is read; one that is damaged is left to its reader.

    What an archive says of its members' sizes is what Python's reader unpacks at most.

    Args:
        path: A DOCX or XLSX file.

    Raises:
        DataError: If it holds too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        return
    size = sum(member.file_size for member in members)
    if size > LARGEST or len(members) > MOST_MEMBERS:
        raise DataError(
            Remark(
                f"{shown(path)} unpacks to {size:,} bytes in {len(members):,} parts, from {path.stat().st_size:,}; "
                f"at most {LARGEST:,} bytes in {MOST_MEMBERS:,} parts are read.",
                f"{shown(path)}（{path.stat().st_size:,} 字节）解压后有 {size:,} 字节、{len(members):,} 个部分；"
                f"最多读取 {LARGEST:,} 字节、{MOST_MEMBERS:,} 个部分。",
            ),
            Remark(
                "If it is no attack: export its text as CSV or plain text.",
                "若不是恶意文件：请把其中的文字导出为 CSV 或纯文本。",
            ),
        )
