"""Files that people upload: sniffed, bounded, pictures stripped of where they were taken, stored under their digest.

Nothing is served by its own name or as what it claims to be: what was sniffed is what is sent, never executed.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filetype
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404
from PIL import Image, ImageOps

from .views import ServiceRefused

PICTURES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}
_REENCODED = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_MAX_PIXELS = 50_000_000


class FileRefused(ServiceRefused):
    """The file cannot be taken; str() names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    digest: str
    size: int
    media_type: str


def keep(file: UploadedFile[Any], name: str, *, allowed: Collection[str], kinds: str, max_mb: int) -> Stored:
    """Check and store an upload. kinds: what may be uploaded, in words. Raises FileRefused; nothing is kept then."""
    size = file.size or 0
    if size > max_mb * 2**20:
        raise FileRefused(f"“{name}”有 {size / 2**20:.0f} MB，超过 {max_mb} MB。请压缩或截取要紧的部分再上传。")
    if size == 0:
        raise FileRefused(f"“{name}”是空文件，请重新选择。")
    media_type = sniff(file)
    if media_type not in allowed:
        raise FileRefused(f"“{name}”不是可以上传的类型。可以传{kinds}。")
    content: Any = _clean(file, name, media_type) if media_type in _REENCODED else file
    digest, stored = _store(content)
    return Stored(digest, stored, media_type)


def sniff(file: UploadedFile[Any]) -> str:
    """The media type of the content, whatever the name says; "" for what is neither known nor text."""
    head = file.read(8192)
    file.seek(0)
    kind = filetype.guess(head)
    if kind:
        return str(kind.mime)
    return "" if b"\x00" in head else "text/plain"


def path_of(digest: str) -> Path:
    return _root() / digest[:2] / digest


def picture_response(digest: str, media_type: str) -> FileResponse:
    """A stored picture for the browser's cache: its address holds for one content only."""
    path = path_of(digest)
    if not path.is_file():
        raise Http404("文件不在了")
    response = FileResponse(path.open("rb"), content_type=media_type)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _root() -> Path:
    storages: Any = settings.STORAGES
    return Path(storages["default"]["OPTIONS"]["location"])


def _clean(file: UploadedFile[Any], name: str, media_type: str) -> io.BytesIO:
    """Re-encoded: the place and camera in EXIF go, and so does whatever else hides in the file."""
    try:
        with Image.open(file) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise FileRefused(f"“{name}”有 {image.width}×{image.height} 像素，太大了，请缩小后再传。")
            upright = ImageOps.exif_transpose(image)
            out = io.BytesIO()
            if media_type == "image/jpeg" and upright.mode not in {"RGB", "L"}:
                upright = upright.convert("RGB")
            upright.save(out, _REENCODED[media_type], quality=88)
    except FileRefused:
        raise
    except Exception as error:  # the decoder's errors are many; every one means the same to the user
        raise FileRefused(f"“{name}”打不开，可能没有传完整或已损坏，请重新选择。") from error
    out.seek(0)
    return out


def _store(content: Any) -> tuple[str, int]:
    """Write once under the digest; a crash leaves at most a scratch file."""
    digest = hashlib.sha256()
    size = 0
    chunks = content.chunks() if hasattr(content, "chunks") else iter(lambda: content.read(65536), b"")
    root = _root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = root / f".incoming-{secrets.token_hex(8)}"
    try:
        with scratch.open("wb") as out:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
        name = digest.hexdigest()
        target = root / name[:2] / name
        target.parent.mkdir(exist_ok=True, mode=0o700)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
    return name, size
