"""9101 and 9102: files go up and come down as a ZIP of one TXT, UTF-8, tabs between columns, `null` for nothing."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

from ..refused import Refused
from .call import Call, transaction

KEPT = timedelta(days=7)
LARGEST = 50_000_000


def pack(name: str, text: str) -> bytes:
    """A ZIP with one text in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text.encode())
    return buffer.getvalue()


def unpack(content: bytes) -> str:
    """The text of such a ZIP, or Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > LARGEST:
                raise Refused("FSI-文件过大")
            return archive.read(entry).decode("utf-8-sig")
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError):
        raise Refused("FSI-文件解析失败：应为单个TXT文件的ZIP压缩包，UTF-8编码") from None


def keep(call: Call, name: str, text: str, owner: str = "") -> tuple[str, str, str]:
    """Keep a text for download; returns its number, the archive's name, and until when it may be fetched."""
    number = call.number("file")
    until = (call.now + KEPT).strftime("%Y-%m-%d %H:%M:%S")
    archive = name.replace(".txt", ".zip")
    call.store.insert(
        "file",
        number=number,
        filename=archive,
        fixmedins=owner or call.fixmedins,
        content=pack(name, text),
        until=until,
    )
    return number, archive, until


def fetch(call: Call, number: str) -> bytes:
    """The bytes of a file of this hospital (or of the catalogue), or Refused."""
    row = call.store.one("select * from file where number = ?", number)
    if row is None or row["fixmedins"] not in (call.fixmedins, "plc"):
        raise Refused(f"FSI-文件查询号[{number}]不存在")
    if row["until"] < call.stamp:
        raise Refused("FSI-文件已超过下载截止时间")
    return bytes(row["content"])


@transaction("9101")
def upload(call: Call) -> dict[str, Any]:
    """9101: the content arrives as `in`: bytes of a multipart, or a list of numbers in JSON."""
    given = call.input["fsUploadIn"]
    raw = given["in"]
    content = raw if isinstance(raw, bytes) else bytes(int(b) % 256 for b in raw)
    unpack(content)
    number = call.number("file")
    until = (call.now + KEPT).strftime("%Y-%m-%d %H:%M:%S")
    call.store.insert(
        "file",
        number=number,
        filename=given["filename"],
        fixmedins=given["fixmedins_code"],
        content=content,
        until=until,
    )
    return {
        "file_qury_no": number,
        "filename": given["filename"],
        "fixmedins_code": given["fixmedins_code"],
        "dld_endtime": until,
    }
