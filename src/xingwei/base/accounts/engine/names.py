"""Names as they are typed in a hurry: 王工 is found by 王, wanggong and wg. Pure."""

from __future__ import annotations

from functools import lru_cache

PINYIN_LENGTH = 120


@lru_cache(maxsize=4096)
def pinyin_of(*names: str) -> str:
    """Every name in full and by initials, e.g. "wanglei wl wanggong wg"; at most PINYIN_LENGTH characters."""
    from pypinyin import Style, lazy_pinyin  # its dictionaries take a quarter of a second to load

    words: list[str] = []
    for name in filter(None, names):
        full = "".join(lazy_pinyin(name)).lower()
        initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
        words += [w for w in (full, initials) if w not in words]
    return " ".join(words)[:PINYIN_LENGTH]
