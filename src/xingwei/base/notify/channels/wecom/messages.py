"""Messages of WeCom's callback: XML to text and files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.etree import ElementTree

import httpx

from ...inbound import InboundFile
from ...models import WecomApp
from ..base import Unsendable
from ..carry import client
from .transport import WecomApplication

_MAX_FILE = 20 * 2**20
_FILES = {"image", "voice", "video", "file"}
_WORDS = {"image": "（图片）", "voice": "（语音）", "video": "（视频）", "file": "（文件）"}
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "audio/amr": "amr", "video/mp4": "mp4"}


class Unreadable(ValueError):
    """This is no message of WeCom's."""


class MediaFailed(Exception):
    """A file of a message cannot be fetched now; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class WecomMessage:
    """kind: text, image, voice, video, file, location, link, event. media: the number of its file."""

    sender: str
    kind: str
    text: str
    message_id: str
    media: str = ""
    file_name: str = ""


def element(raw: bytes) -> dict[str, str]:
    """The children of the outermost element; raises Unreadable, also for anything with entities of its own."""
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise Unreadable("XML 里带有实体定义")
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 - no entities, see above
    except ElementTree.ParseError as error:
        raise Unreadable("不是完整的 XML") from error
    return {child.tag: (child.text or "").strip() for child in root}


def parse(raw: bytes) -> WecomMessage:
    e = element(raw)
    sender, kind = e.get("FromUserName", ""), e.get("MsgType", "").lower()
    if not sender or not kind:
        raise Unreadable("缺少 FromUserName 或 MsgType")
    text = e.get("Content", "")
    if kind == "voice":
        text = e.get("Recognition", "")
    elif kind == "location":
        text = f"位置：{e.get('Label', '')}"
    elif kind == "link":
        text = "\n".join(filter(None, (e.get("Title"), e.get("Description"), e.get("Url"))))
    number = e.get("MsgId") or f"{sender}:{e.get('CreateTime', '')}:{kind}:{e.get('Event', '')}"
    return WecomMessage(sender, kind, text or _WORDS.get(kind, ""), number, e.get("MediaId", ""), e.get("FileName", ""))


def download(message: WecomMessage) -> list[InboundFile]:
    """The message's file; raises MediaFailed where it should be there and cannot be had."""
    if message.kind not in _FILES or not message.media:
        return []
    app = WecomApp.objects.filter(on=True).first()
    if app is None:
        raise MediaFailed("企业微信应用没有启用，取不到文件")
    try:
        transport = WecomApplication.of(app)
    except Unsendable as why:
        raise MediaFailed(str(why)) from why
    with client() as http:
        token = transport.renewed(http)
        if not token:
            raise MediaFailed("取不到企业微信的访问令牌")
        return [_media(http, transport.base, token, message)]


def _media(http: httpx.Client, base: str, token: str, message: WecomMessage) -> InboundFile:
    try:
        query = {"access_token": token, "media_id": message.media}
        with http.stream("GET", f"{base}/cgi-bin/media/get", params=query) as answer:
            kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
            raw = b""
            for chunk in answer.iter_bytes():
                raw += chunk
                if len(raw) > _MAX_FILE:
                    raise MediaFailed("文件超过 20 MB")
    except httpx.HTTPError as error:
        raise MediaFailed("连不上企业微信，取不到文件") from error
    if answer.status_code != 200 or (kind in {"application/json", "text/plain"} and _is_error(raw)):
        raise MediaFailed("企业微信没有给出文件")
    return InboundFile(message.file_name or f"{message.kind}.{_SUFFIX.get(kind, 'bin')}", raw)


def _is_error(raw: bytes) -> bool:
    try:
        data = json.loads(raw)
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("errcode", 0) != 0
