"""Texts that fit: cut by bytes, many lines made into one summary, words that no channel takes for commands."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

_CHINA = dt.timezone(dt.timedelta(hours=8))
_MARKUP = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "*": "＊", "`": "｀", "#": "＃"})


@dataclass(frozen=True, slots=True)
class Line:
    """One message as a line of a summary."""

    at: dt.datetime
    title: str
    urgent: bool = False


def cut(text: str, limit: int, *, mark: str = "…") -> str:
    """text in at most limit bytes of UTF-8, cut between characters, with mark where something is missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode("utf-8")
    room = limit - len(mark.encode())
    if room <= 0:
        return raw[:limit].decode("utf-8", "ignore")
    return raw[:room].decode("utf-8", "ignore") + mark


def clean(text: str, length: int) -> str:
    """What a database and a wire can hold: no NUL, no half characters, at most length characters."""
    plain = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def one_line(text: str) -> str:
    return " ".join(text.split())


def unmarked(text: str) -> str:
    """The text with characters that Markdown, @-mentions and tags are made of in their full-width form.

    A case's title is typed by anybody; it must not be able to call everyone in a group or to hide a link.
    """
    return re.sub(r"@(?=\S)", "＠", text.translate(_MARKUP))


def summary(lines: Sequence[Line], limit: int) -> tuple[str, str]:
    """(title, text) of one message that stands for many: urgent ones first, then by time; at most limit bytes."""
    ordered = sorted(lines, key=lambda line: (not line.urgent, line.at))
    title = f"{len(ordered)} 条通知汇总"
    urgent = sum(line.urgent for line in ordered)
    if urgent:
        title += f"，其中 {urgent} 条紧急"
    shown: list[str] = []
    size = 0
    for n, line in enumerate(ordered):
        left = len(ordered) - n
        rest = f"另有 {left} 条，请到站内查看。"
        text = f"{line.at.astimezone(_CHINA):%H:%M} {'【紧急】' if line.urgent else ''}{cut(one_line(line.title), 150)}"
        spare = 0 if left == 1 else len(rest.encode()) + 1
        if size + len(text.encode()) + 1 + spare > limit:
            shown.append(rest)
            break
        shown.append(text)
        size += len(text.encode()) + 1
    return title, "\n".join(shown)
