"""Files of a case: sniffed, bounded, stripped of where a photo was taken, stored under their digest."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import filetype
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

from xingwei.base.policy.engine import Actor
from xingwei.base.site import queries as site

from ..models import Attachment, Case, CaseEvent
from .base import Refused

# What browsers show or offices open; nothing that a double click would run.
ALLOWED = {
    "image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf", "application/zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "video/mp4", "audio/mpeg", "audio/x-wav", "audio/m4a", "audio/amr", "text/plain",
}  # fmt: skip
_REENCODED = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_MAX_PIXELS = 50_000_000
FILES_AT_ONCE = 9


def attach(
    actor: Actor,
    row: Case,
    files: Iterable[UploadedFile[Any]],
    *,
    event: CaseEvent | None = None,
    internal: bool = False,
) -> list[Attachment]:
    """Keep the files with the case, in the caller's transaction; all or none. Raises Refused, naming the file."""
    chosen = list(files)
    if len(chosen) > FILES_AT_ONCE:
        raise Refused(f"一次最多 {FILES_AT_ONCE} 个文件，现在是 {len(chosen)} 个，请分次上传。")
    return [_attach(actor, row, f, event, internal) for f in chosen]


def path_of(attachment: Attachment) -> Path:
    return _root() / attachment.digest[:2] / attachment.digest


def _root() -> Path:
    return Path(settings.CONFIG.media)


def _attach(actor: Actor, row: Case, file: UploadedFile[Any], event: CaseEvent | None, internal: bool) -> Attachment:
    name = Path((file.name or "文件").replace("\\", "/")).name[-150:]
    limit = int(site.value("desk.attachment.max_mb"))
    size = file.size or 0
    if size > limit * 2**20:
        raise Refused(f"“{name}”有 {size / 2**20:.0f} MB，超过 {limit} MB。请压缩或截取要紧的部分再上传。")
    if size == 0:
        raise Refused(f"“{name}”是空文件，请重新选择。")
    content: Any = file
    media_type = _sniff(file, name)
    if media_type in _REENCODED:
        content = _clean_image(file, name, media_type)
    digest, stored_size = _store(content)
    return Attachment.objects.create(
        case=row, event=event, name=name, digest=digest, media_type=media_type, size=stored_size,
        internal=internal, uploaded_by_id=actor.id,
    )  # fmt: skip


def _sniff(file: UploadedFile[Any], name: str) -> str:
    head = file.read(8192)
    file.seek(0)
    kind = filetype.guess(head)
    media_type = kind.mime if kind else ""
    if not media_type and b"\x00" not in head:
        media_type = "text/plain"
    if media_type not in ALLOWED:
        raise Refused(f"“{name}”不是可以上传的类型。可以传图片、PDF、Word、Excel、压缩包、录音、短视频和文本日志。")
    return media_type


def _clean_image(file: UploadedFile[Any], name: str, media_type: str) -> io.BytesIO:
    """Re-encoded: the place and camera in EXIF go, and so does whatever else hides in the file."""
    try:
        with Image.open(file) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise Refused(f"“{name}”有 {image.width}×{image.height} 像素，太大了，请缩小后再传。")
            upright = ImageOps.exif_transpose(image)
            out = io.BytesIO()
            if media_type == "image/jpeg" and upright.mode not in {"RGB", "L"}:
                upright = upright.convert("RGB")
            upright.save(out, _REENCODED[media_type], quality=88)
    except Refused:
        raise
    except Exception as error:  # the decoder's errors are many; every one means the same to the user
        raise Refused(f"“{name}”打不开，可能没有拍完整或已损坏，请重新拍一张。") from error
    out.seek(0)
    return out


def _store(content: Any) -> tuple[str, int]:
    """Write once under the digest; a crash leaves at most a scratch file."""
    digest = hashlib.sha256()
    size = 0
    chunks = content.chunks() if hasattr(content, "chunks") else iter(lambda: content.read(65536), b"")
    root = _root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = root / f".incoming-{os.getpid()}-{secrets.token_hex(6)}"
    with scratch.open("wb") as out:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    name = digest.hexdigest()
    target = root / name[:2] / name
    target.parent.mkdir(exist_ok=True, mode=0o700)
    scratch.replace(target)
    return name, size
