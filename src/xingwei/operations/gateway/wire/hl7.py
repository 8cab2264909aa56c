"""HL7 v2 by bytes: what the gateway must know of every message, without parsing it. Pure.

Fields are cut out where they stand; nothing else is touched, so a message of two kilobytes costs some microseconds.
Only GB18030 needs care: the second byte of a character may be `|`, `^`, `~` or `\\`, so a segment with such bytes is
decoded before it is cut. Segments can always be cut by bytes, in every character set that is met here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_TIME = re.compile(rb"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6})\d*)?([+-]\d{4})?")

# MSH-18 as senders write it (table 0211 and habits of Chinese instruments), without spaces, in upper case.
CHARSETS = {
    "ASCII": "ascii",
    "UNICODEUTF-8": "utf-8",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "GB18030-2000": "gb18030",
    "GB18030-2005": "gb18030",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "GB2312-80": "gb18030",
    "8859/1": "iso8859-1",
    "ISO8859-1": "iso8859-1",
    "ISO_8859-1": "iso8859-1",
    "8859/15": "iso8859-15",
    "BIG-5": "big5",
    "BIG5": "big5",
}
_UNSAFE = frozenset({"gb18030", "gbk", "gb2312", "big5"})  # a character's second byte may be a delimiter


class Hl7Error(ValueError):
    """It cannot be read as HL7 v2. The message is Chinese."""


@dataclass(slots=True)
class Head:
    """The MSH of a message. fields[n] is MSH-n by bytes (fields[1] is the field separator itself)."""

    fields: list[bytes]
    separator: bytes
    encoding: bytes

    def get(self, n: int) -> bytes:
        return self.fields[n] if n < len(self.fields) else b""

    @property
    def type(self) -> str:
        """ORU^R01; the structure (third component) is left out."""
        parts = self.get(9).split(self.encoding[:1] or b"^")
        return "^".join(_text(p) for p in parts[:2] if p)

    @property
    def control_id(self) -> str:
        return _text(self.get(10))

    @property
    def version(self) -> str:
        return _text(self.get(12).split(self.encoding[:1] or b"^")[0])

    @property
    def enhanced(self) -> bool:
        """MSH-15 or MSH-16 is valued: the sender asks for the enhanced acknowledgement mode."""
        return bool(self.get(15) or self.get(16))


def head(raw: bytes) -> Head:
    """The MSH of a message. Raises Hl7Error."""
    start = 0 if raw[:3] == b"MSH" else len(raw) - len(raw.lstrip(b"\r\n \t\xef\xbb\xbf"))
    if raw[start : start + 3] != b"MSH":
        raise Hl7Error("报文不以 MSH 段开头")
    end = raw.find(b"\r", start)
    if end < 0:
        end = raw.find(b"\n", start)
    line = raw[start:end] if end >= 0 else raw[start:]
    separator = line[3:4]
    if len(line) < 9 or separator.isalnum() or not b"!" <= separator <= b"~":
        raise Hl7Error("MSH 段不完整：没有分隔符")
    cut = line.split(separator) if line.isascii() else _split_wide(line, separator)
    return Head([b"MSH", separator, *cut[1:]], separator, cut[1])


def _split_wide(line: bytes, separator: bytes) -> list[bytes]:
    """An MSH with Chinese in it: UTF-8 can be cut by bytes, what is not UTF-8 is cut as GB18030."""
    try:
        line.decode()
    except UnicodeDecodeError:
        text = line.decode("gb18030", "surrogateescape")
        return [part.encode("gb18030", "surrogateescape") for part in text.split(separator.decode("latin-1"))]
    return line.split(separator)


def charset(declared: bytes | str, default: str = "utf-8") -> str:
    """The Python codec of an MSH-18 (its first repetition); the default where it is empty or unknown."""
    if not declared:
        return default
    text = declared if isinstance(declared, str) else _text(declared)
    return _codec(text, default)


@lru_cache(256)
def _codec(declared: str, default: str) -> str:
    return CHARSETS.get(declared.split("~", maxsplit=1)[0].replace(" ", "").upper(), default)


def segment(raw: bytes, name: bytes, after: int = 0) -> bytes:
    """The first segment of that name, without its end; empty where there is none. after: search from there."""
    end_of_line = b"\r" if b"\r" in raw else b"\n"
    if after == 0 and raw.startswith(name):
        start = 0
    else:
        start = raw.find(end_of_line + name, after)
        if start < 0:
            found = raw.find(b"\n" + name, after) if end_of_line == b"\r" else -1  # CR LF
            if found < 0:
                return b""
            start = found
        start += 1
    end = raw.find(end_of_line, start)
    return raw[start:end] if end >= 0 else raw[start:].rstrip(b"\r\n")


def field(line: bytes, n: int, separator: bytes = b"|", codec: str = "utf-8") -> bytes:
    """Field n of a segment (from 1) by bytes; empty where there is none. Not for MSH."""
    if codec in _UNSAFE and not line.isascii():
        parts = line.decode(codec, "surrogateescape").split(separator.decode("latin-1"), n + 1)
        return parts[n].encode(codec, "surrogateescape") if n < len(parts) else b""
    cut = line.split(separator, n + 1)
    return cut[n] if n < len(cut) else b""


def component(value: bytes, n: int, head: Head, codec: str = "utf-8") -> bytes:
    """Component n (from 1) of the first repetition of a field."""
    by = head.encoding[:1] or b"^"
    repeat = head.encoding[1:2] or b"~"
    if codec in _UNSAFE and not value.isascii():
        text = value.decode(codec, "surrogateescape").split(repeat.decode("latin-1"))[0]
        parts = text.split(by.decode("latin-1"))
        return parts[n - 1].encode(codec, "surrogateescape") if n <= len(parts) else b""
    cut = value.split(repeat, 1)[0].split(by)
    return cut[n - 1] if n <= len(cut) else b""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gateway stores beside a message. key: patient, else reference, else the sending application."""

    patient: str
    reference: str
    key: str
    event_at: datetime | None
    codec: str


def facts(raw: bytes, head: Head, default_charset: str = "utf-8") -> Facts:
    """Patient (PID-3.1, else PID-2.1), business number (OBR-3.1, else OBR-2.1, ORC-2.1, PV1-19.1), event time (MSH-7)."""
    codec = charset(head.get(18), default_charset)
    by = head.separator
    patient = reference = b""
    if line := segment(raw, b"PID" + by):
        patient = component(field(line, 3, by, codec), 1, head, codec)
        patient = patient or component(field(line, 2, by, codec), 1, head, codec)
    for name, positions in ((b"OBR", (3, 2)), (b"ORC", (3, 2)), (b"SPM", (2,)), (b"PV1", (19,))):
        if reference:
            break
        if line := segment(raw, name + by):
            for n in positions:
                reference = reference or component(field(line, n, by, codec), 1, head, codec)
    who, what = _decode(patient, codec), _decode(reference, codec)
    key = who or what or _decode(head.get(3), codec)
    return Facts(who, what, key, moment(head.get(7)), codec)


@lru_cache(1024)
def moment(value: bytes) -> datetime | None:
    """An HL7 time (YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]); without an offset it is Shanghai's. None for nonsense."""
    found = _TIME.match(value)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    zone: ZoneInfo | timezone = _SHANGHAI
    try:
        if offset:
            minutes = int(offset[1:3]) * 60 + int(offset[3:5])
            zone = timezone(timedelta(minutes=minutes if offset[:1] == b"+" else -minutes))
        return datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or b"0").ljust(6, b"0")), zone,
        )  # fmt: skip
    except ValueError:
        return None


# Acknowledgements


def acknowledge(head: Head, code: str, own_id: str, text: str = "", at: datetime | None = None) -> bytes:
    """An ACK for a message in its own delimiters, sender and receiver exchanged; without MLLP.

    code: AA, AE, AR; in the enhanced mode it becomes CA, CE, CR. text: MSA-3, in the message's character set.
    """
    by, joint = head.separator, head.encoding[:1] or b"^"
    if head.enhanced:
        code = "C" + code[1:]
    trigger = head.get(9).split(joint)
    kind = b"ACK" if len(trigger) < 2 or not trigger[1] else b"ACK" + joint + trigger[1] + joint + b"ACK"
    codec = charset(head.get(18))
    stamp = (at or datetime.now(_SHANGHAI)).strftime("%Y%m%d%H%M%S").encode()
    fields = [
        b"MSH", head.encoding, head.get(5), head.get(6), head.get(3), head.get(4), stamp, b"", kind, own_id.encode(),
        head.get(11) or b"P", head.get(12) or b"2.4",
    ]  # fmt: skip
    if head.get(18):
        fields += [b"", b"", b"", b"", b"", head.get(18)]
    msa = [b"MSA", code.encode(), head.get(10)]
    if text:
        msa.append(escape(text, head).encode(codec, "replace"))
    return by.join(fields) + b"\r" + by.join(msa) + b"\r"


def wants_answer(head: Head, good: bool) -> bool:
    """May the sender be answered? Only MSH-15 (and MSH-16 where it stands alone) can forbid it."""
    condition = head.get(15) or (head.get(16) if head.get(16) == b"NE" else b"")
    if condition == b"NE":
        return False
    if condition == b"ER":
        return not good
    if condition == b"SU":
        return good
    return True


@dataclass(frozen=True, slots=True)
class Ack:
    """code: AA, AE, AR, CA, CE, CR. control_id: MSA-2, whose message it answers."""

    code: str
    control_id: str
    text: str


def read_ack(raw: bytes, default_charset: str = "utf-8") -> Ack:
    """Raises Hl7Error where there is no MSA with a code."""
    top = head(raw)
    codec = charset(top.get(18), default_charset)
    line = segment(raw, b"MSA" + top.separator)
    code = _text(field(line, 1, top.separator, codec)).strip().upper()
    if code not in ("AA", "AE", "AR", "CA", "CE", "CR"):
        raise Hl7Error("应答里没有 MSA 段或应答代码不认识")
    text = _decode(field(line, 3, top.separator, codec), codec)
    if not text and (error := segment(raw, b"ERR" + top.separator)):
        text = _decode(field(error, 8, top.separator, codec) or field(error, 1, top.separator, codec), codec)
    return Ack(code, _text(field(line, 2, top.separator, codec)), unescape(text, top))


# Escapes


def escape(text: str, head: Head | None = None) -> str:
    """Delimiters in a value as HL7 writes them (\\F\\, \\S\\, \\T\\, \\R\\, \\E\\); line ends as \\X0D\\."""
    separator, encoding = _delimiters(head)
    names = dict(zip(encoding, "SRET", strict=False))
    mark = encoding[2:3] or "\\"
    names[separator], names["\r"], names["\n"] = "F", "X0D", "X0A"
    if not any(c in names for c in text):
        return text
    return "".join(f"{mark}{names[c]}{mark}" if c in names else c for c in text)


def unescape(text: str, head: Head | None = None) -> str:
    """The inverse; what it does not know (highlighting, local escapes) stays as it is."""
    separator, encoding = _delimiters(head)
    mark = encoding[2:3] or "\\"
    if mark not in text:
        return text
    known = {"F": separator, "S": encoding[0:1], "R": encoding[1:2], "E": mark, "T": encoding[3:4]}

    def plain(found: re.Match[str]) -> str:
        inner = found[1]
        if inner in known:
            return known[inner]
        if inner[:1] == "X" and len(inner) % 2 == 1 and len(inner) > 1:
            try:
                return bytes.fromhex(inner[1:]).decode()
            except ValueError:
                return found[0]
        return found[0]

    quoted = re.escape(mark)
    return re.sub(f"{quoted}([^{quoted}]*){quoted}", plain, text)


def _delimiters(head: Head | None) -> tuple[str, str]:
    if head is None:
        return "|", "^~\\&"
    return head.separator.decode("latin-1"), head.encoding.decode("latin-1")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _decode(value: bytes, codec: str) -> str:
    """For the columns beside the message; NUL, which PostgreSQL does not take, is left out."""
    return value.decode(codec, "replace").replace("\0", "").strip()
