"""The numbers by which a message's text is found: pairs of Chinese characters, whole words of letters and digits. Pure.

Interface messages are full of digits: pairs of digits would stand in all of them and find nothing. So a run of letters
and digits counts as one word (a hash of it), while Chinese text is cut into characters and pairs as everywhere else
(base.ui.grams). What the index finds is checked against the text itself by `holds`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

from xingwei.base.ui import grams

LONGEST_WORD, MOST_NUMBERS, MOST_CHARACTERS = 64, 2_000, 200_000
_WORD = re.compile(r"[a-z0-9]+")
_LONE = re.compile("[\udc80-\udcff]")
_CODECS = {
    "UNICODE": "utf-8", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "8859/1": "latin-1",
    "GB 18030-2000": "gb18030", "GB18030": "gb18030", "GBK": "gb18030", "GB2312": "gb18030", "ASCII": "utf-8",
}  # fmt: skip


def decoded(raw: bytes, charset: str = "") -> str:
    """A message's text as well as it can be read: by what it says of itself, else UTF-8, else GB18030; bytes that are
    in none of them as \\xb7."""
    named = _CODECS.get(charset.strip().upper(), charset.strip())
    for codec in dict.fromkeys((named, "utf-8", "gb18030")):
        try:
            return raw.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    try:
        return raw.decode(named or "utf-8", "backslashreplace")
    except LookupError:
        return raw.decode("utf-8", "backslashreplace")


def readable(value: str) -> str:
    """A value whose undecodable bytes were kept as lone surrogates, with these as \\xB7: it can be shown and stored."""
    return _LONE.sub(lambda m: f"\\x{ord(m[0]) - 0xDC00:02x}", value) if _LONE.search(value) else value


def numbers(text: str, *facets: str) -> list[int]:
    """What is stored with a message. facets: further facts to find it by, such as "type:ORU^R01"."""
    words, runs = _split(text[:MOST_CHARACTERS])
    found = {_hash(facet) for facet in facets}
    found.update(_hash(word) for word in words)
    for run in runs:
        found.update(grams.grams(run))
    return sorted(found)[:MOST_NUMBERS]


def query_numbers(query: str, *facets: str) -> list[int]:
    """What a message must hold, all of it."""
    words, runs = _split(query)
    wanted = {_hash(facet) for facet in facets}
    wanted.update(_hash(word) for word in words)
    for run in runs:
        wanted.update(grams.query_grams(run))
    return sorted(wanted)


def terms(query: str) -> list[str]:
    words, runs = _split(query)
    return [*dict.fromkeys(words), *dict.fromkeys(runs)][: grams.MAX_TERMS]


def holds(text: str, query: str) -> bool:
    """Every word of the query stands in the text: letters and digits as whole words, Chinese anywhere."""
    words, runs = _split(query)
    there, chinese = _split(text)
    have = set(there)
    return all(word in have for word in words) and all(any(run in c for c in chinese) for run in runs)


def _split(text: str) -> tuple[list[str], list[str]]:
    """Words of letters and digits, runs of everything else that is written."""
    plain = grams.normal(text)
    words = [w for w in _WORD.findall(plain) if len(w) <= LONGEST_WORD]
    rest = (run for run in re.split(r"[\W_a-z0-9]+", plain) if run)
    return words, list(rest)


def _hash(word: str) -> int:
    value = zlib.crc32(word.encode())
    return value - (1 << 32) if value >= 1 << 31 else value


def facets(type_: str, channel_id: int) -> Iterable[str]:
    """The facts that every message is found by."""
    return (f"\0type:{type_}", f"\0channel:{channel_id}")
