"""A guide as a file: YAML between two lines of ---, then Markdown. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

LONGEST = 100_000
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FENCE = re.compile(r"\A﻿?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_KEYS = {"title", "summary", "system", "subsystem", "function", "audience", "kind", "keywords"}
AUDIENCES = ("users", "technicians")
KINDS = ("guide", "fault", "release")


class GuideError(ValueError):
    """A guide's file cannot be taken; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class GuideFile:
    """system, subsystem, function: codes or names, "" for none. audience: users or technicians. kind: guide, fault,
    release."""

    slug: str
    title: str
    text: str
    summary: str = ""
    system: str = ""
    subsystem: str = ""
    function: str = ""
    audience: str = "users"
    kind: str = "guide"
    keywords: tuple[str, ...] = field(default=())


def parse(name: str, content: str) -> GuideFile:
    """name: the file's name without ending, which becomes the slug."""
    if not SLUG.fullmatch(name):
        raise GuideError(f"文件名“{name}”只能用小写字母、数字和连字符")
    if len(content) > LONGEST:
        raise GuideError(f"太长，最多 {LONGEST // 10_000} 万字")
    found = _FENCE.match(content)
    if not found:
        raise GuideError("开头应有两行 --- 之间的说明（title、system …）")
    head = _head(found[1])
    text = content[found.end() :].strip()
    if not text:
        raise GuideError("没有正文")
    return GuideFile(slug=name, text=text, **head)


def _head(source: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(source)
    except yaml.YAMLError:
        raise GuideError("开头的说明不是正确的 YAML") from None
    if not isinstance(raw, dict):
        raise GuideError("开头的说明应是“键: 内容”")
    if unknown := sorted(set(map(str, raw)) - _KEYS):
        raise GuideError(f"没有“{unknown[0]}”这一项，可写的是：{'、'.join(sorted(_KEYS))}")
    head: dict[str, Any] = {k: "" if v is None else str(v).strip() for k, v in raw.items() if k != "keywords"}
    words = raw.get("keywords") or []
    if not isinstance(words, list):
        raise GuideError("keywords 应是列表")
    head["keywords"] = tuple(str(w).strip() for w in words if str(w).strip())
    if not head.get("title"):
        raise GuideError("缺少 title")
    if head.setdefault("audience", "users") not in AUDIENCES:
        raise GuideError(f"audience 应是 {'、'.join(AUDIENCES)}")
    if head.setdefault("kind", "guide") not in KINDS:
        raise GuideError(f"kind 应是 {'、'.join(KINDS)}")
    return head
