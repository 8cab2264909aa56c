"""Files of a case: sniffed, bounded, stripped of where a photo was taken, stored under their digest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from xingwei.base.policy.engine import Actor
from xingwei.base.site import queries as site
from xingwei.base.ui import files as uploads

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
_KINDS = "图片、PDF、Word、Excel、压缩包、录音、短视频和文本日志"
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
    return uploads.path_of(attachment.digest)


def _attach(actor: Actor, row: Case, file: UploadedFile[Any], event: CaseEvent | None, internal: bool) -> Attachment:
    name = Path((file.name or "文件").replace("\\", "/")).name[-150:]
    limit = int(site.value("desk.attachment.max_mb"))
    try:
        kept = uploads.keep(file, name, allowed=ALLOWED, kinds=_KINDS, max_mb=limit)
    except uploads.FileRefused as refusal:
        raise Refused(str(refusal)) from None
    return Attachment.objects.create(
        case=row, event=event, name=name, digest=kept.digest, media_type=kept.media_type, size=kept.size,
        internal=internal, uploaded_by_id=actor.id,
    )  # fmt: skip
