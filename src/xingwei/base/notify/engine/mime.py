"""Reading mails as Chinese mailers really write them: GBK without saying so, wrong charsets, broken MIME.

Nothing here raises for what a mail contains; what cannot be read is left out or replaced.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import hashlib
import html.parser
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parseaddr
from itertools import islice

from .texts import clean, one_line

MAX_PARTS = 300
MAX_FILES = 20
MAX_TEXT = 20_000
_CHINESE = {"gb2312", "gbk", "cp936", "x-gbk", "gb_2312-80", "csgb2312", "chinese", "gb18030", "ansi", "ms936"}
_SILENT = {"", "us-ascii", "ascii", "unknown-8bit", "default", "8bit", "unknown", "x-unknown", "iso-8859-1", "latin1"}
_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_QUOTE = re.compile(
    r"^\s*(?:-{2,}\s*(?:原始邮件|原邮件|回复的原邮件|转发邮件信息|Original Message|Forwarded [Mm]essage)"
    r"|(?:发件人|From)\s*[:：]\s*\S+.*(?:@|＠)"
    r"|(?:在|于)\s*\d{4}\s*[-年/].{0,80}写道\s*[:：]\s*$"
    r"|On\s.{5,120}\swrote:\s*$)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class MailFile:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """automatic: why no machine should answer it, "" for a mail that a person wrote. dropped: files left out."""

    message_id: str
    sender: str
    sender_name: str
    subject: str
    text: str
    files: tuple[MailFile, ...] = ()
    automatic: str = ""
    dropped: int = 0
    references: str = field(default="", repr=False)


def parse(raw: bytes) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = _headers(message)
    name, address = parseaddr(headers.get("from", ""))
    plain, marked, files, dropped = _parts(message)
    text = plain or text_of_html(marked)
    return Mail(
        message_id=one_line(headers.get("message-id", ""))[:250] or fingerprint(raw),
        sender=clean(address.strip().lower(), 254),
        sender_name=clean(name, 80),
        subject=clean(one_line(headers.get("subject", "")), 300),
        text=clean(unquoted(text), MAX_TEXT),
        files=tuple(files),
        automatic=_automatic(headers, address),
        dropped=dropped,
        references=one_line(headers.get("references", ""))[-800:],
    )


def fingerprint(raw: bytes) -> str:
    """A number for a message that has none of its own."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def decode(raw: bytes, charset: str = "") -> str:
    """The text of bytes whose charset is said, or said wrongly, or not at all."""
    said = charset.strip().strip("\"'").lower()
    first = "gb18030" if said in _CHINESE else said
    for candidate in ([] if said in _SILENT else [first]) + ["utf-8", "gb18030"]:
        try:
            return raw.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("gb18030" if first == "gb18030" else "utf-8", "replace")


def unquoted(text: str) -> str:
    """What was written now, without the older mails below it; all of it where nothing else would be left."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    found = _QUOTE.search(text)
    own = text[: found.start()] if found else text
    kept = "\n".join(line for line in own.split("\n") if not line.startswith(">")).strip()
    return kept or text.strip()


class _Text(html.parser.HTMLParser):
    """Words and line breaks of HTML."""

    _BREAKS = {"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "hr"}
    _HIDDEN = {"script", "style", "head", "title"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._HIDDEN:
            self.hidden += 1
        elif tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(re.sub(r"[ \t\r\n]+", " ", data))


def text_of_html(marked: str) -> str:
    parser = _Text()
    parser.feed(marked)
    parser.close()
    text = "".join(parser.pieces).replace("\xa0", " ")
    return re.sub(r"\n\s*\n+", "\n", text).strip()


def _headers(message: Message) -> dict[str, str]:
    """The first value of each header, decoded, by its name in lower case."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), words(str(value)))
    return found


def words(value: str) -> str:
    """A header's value: encoded words (RFC 2047) and bare bytes alike, also mixed.

    The bytes of words that follow each other are joined before they are decoded: old mailers cut a character
    in two.
    """
    text = decode(value.encode("utf-8", "surrogateescape"))
    out: list[str] = []
    open_bytes, open_charset, end = b"", "", 0
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        charset = match[1].partition("*")[0].lower()
        if open_charset and (between.strip() or charset != open_charset):
            out.append(decode(open_bytes, open_charset))
            open_bytes = b""
        if between.strip() or not open_charset:
            out.append(between)
        open_bytes += _word_bytes(match[2], match[3])
        open_charset, end = charset, match.end()
    if open_charset:
        out.append(decode(open_bytes, open_charset))
    return "".join(out) + text[end:]


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    try:
        if encoding in "qQ":
            return binascii.a2b_qp(raw, header=True)
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return raw


def _parts(message: Message) -> tuple[str, str, list[MailFile], int]:
    """(plain text, HTML, files, how many files were left out)."""
    plain: list[str] = []
    marked: list[str] = []
    files: list[MailFile] = []
    dropped = 0
    for part in islice(_walk(message), MAX_PARTS):
        kind = part.get_content_type()
        name = _param(part, "content-disposition", "filename") or _param(part, "content-type", "name")
        raw = _content(part)
        disposition = str(part.get("Content-Disposition", "")).strip().lower()
        if name or disposition.startswith("attachment") or not kind.startswith("text/"):
            if not raw:
                continue
            if len(files) >= MAX_FILES:
                dropped += 1
            else:
                files.append(MailFile(clean(one_line(name or _unnamed(kind)), 150), raw))
            continue
        text = decode(raw, _param(part, "content-type", "charset"))
        (marked if kind == "text/html" else plain).append(text)
    return "\n".join(plain).strip(), "\n".join(marked), files, dropped


def _walk(message: Message) -> Iterator[Message]:
    """The parts that hold content; a mail inside the mail is one of them, not its parts."""
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting[:0] = [p for p in payload if isinstance(p, Message)]
        else:
            yield part


def _content(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # message/rfc822
        try:
            return b"".join(p.as_bytes() for p in payload if isinstance(p, Message))
        except (UnicodeError, LookupError, ValueError, AttributeError):  # it cannot be written down again
            return b""
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""


def _param(part: Message, header: str, name: str) -> str:
    """A parameter of a header, in any of the ways in which they are encoded: RFC 2231, RFC 2047, bare bytes."""
    found = [value for key, value in part.raw_items() if key.lower() == header]
    if not found:
        return ""
    plain = Message()
    plain[header] = decode(str(found[0]).encode("utf-8", "surrogateescape")).replace("\r", "").replace("\n", " ")
    try:
        value = plain.get_param(name, None, header)
    except (ValueError, IndexError):
        return ""
    if isinstance(value, tuple):
        charset, _, text = value
        return decode(text.encode("latin-1", "replace"), charset or "")
    return words(value) if value else ""


def _unnamed(kind: str) -> str:
    if kind == "message/rfc822":
        return "mail.eml"
    return f"附件.{kind.rpartition('/')[2][:10] or 'bin'}"


def _automatic(headers: dict[str, str], address: str) -> str:
    if "xingwei" in headers.get("x-loop", "").lower():
        return "本系统自己发出的邮件"
    if headers.get("auto-submitted", "no").split(";")[0].strip().lower() not in {"no", ""}:
        return "自动回复或自动生成的邮件"
    if headers.get("precedence", "").strip().lower() in {"bulk", "junk", "auto_reply"}:
        return "群发或自动回复的邮件"
    if headers.keys() & {"x-autoreply", "x-autorespond"}:
        return "自动回复的邮件"
    local = address.partition("@")[0].lower()
    if headers.get("return-path", "").strip() == "<>" or local in {"mailer-daemon", "postmaster"}:
        return "退信"
    return ""
