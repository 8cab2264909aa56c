"""Character sets as messages name them, and as bytes show them.

Names: HL7 table 0211 (MSH-18), the vendor spellings of hospital-domain.md section 5 ("UNICODE" for UTF-8, GB2312 that
holds GBK characters). Chinese double bytes may hold 0x5C, 0x5E, 0x7C and 0x7E as second byte, which are delimiters of
HL7 and ASTM: bytes must be decoded before they are split.
"""

from __future__ import annotations

import codecs

_NAMES = {
    "": "",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ASCII": "ascii",
    "8859/1": "latin-1",
    "GB 18030-2000": "gb18030",
    "GB18030-2000": "gb18030",
    "GB 18030": "gb18030",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "GB2312": "gbk",
    "GB 2312": "gbk",
    "GB2312-80": "gbk",
    "CP936": "gbk",
    "BIG-5": "big5",
    "BIG5": "big5",
    "ISO_IR 192": "utf-8",
    "ISO_IR 100": "latin-1",
}
LABELS = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000", "gbk": "GBK", "ascii": "ASCII", "latin-1": "8859/1"}
"""What MSH-18 says of a codec."""


def codec_of(name: str) -> str:
    """The Python codec of a name found in a message or a setting; empty where nobody knows it."""
    first = name.split("~", 1)[0].strip()
    if (known := _NAMES.get(first.upper())) is not None:
        return known
    try:
        found = codecs.lookup(first).name
    except (LookupError, UnicodeError, ValueError):
        return ""
    try:
        b"".decode(found)
    except LookupError:  # a codec that is none of text: "hex", "zlib"
        return ""
    return found


def choose(raw: bytes, *declared: str) -> str:
    """The codec that reads all the bytes: what is declared, else UTF-8, else GB 18030, else UTF-8 with lone bytes
    kept (surrogateescape). A message that says UTF-8 and is GBK is common; what the bytes show wins."""
    for name in (*declared, "utf-8", "gb18030"):
        if not name:
            continue
        try:
            raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return name
    return "utf-8"
