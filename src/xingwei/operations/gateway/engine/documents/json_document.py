"""JSON: paths `input.data.psn_no`, `items[0].code`, `items[*].code`; keys with a dot in brackets: `a["b.c"]`.

Numbers keep their digits (1.10 stays 1.10), keys their order. A value is read as text: true, false, and empty for
null; what is written over a number is a number where it looks like one. A key that stands twice in an object is
refused: two systems would read it differently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from .base import DEEPEST, LARGEST, Document, DocumentProblem, encode
from .charsets import choose, codec_of

_STEP = re.compile(r'(?:^|\.)([^.\[\]"]+)|\[(\d{1,6}|\*)\]|\["([^"\]]{1,200})"\]')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_EACH = -1

Step = str | int
Place = tuple[Step, ...]


class _Number(Decimal):
    """A number that is written as it was read."""

    text: str

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number


@lru_cache(4096)
def parse(path: str) -> Place:
    steps: list[Step] = []
    at = 0
    for found in _STEP.finditer(path):
        if found.start() != at:
            break
        at = found.end()
        key, index, quoted = found.groups()
        steps.append(key or quoted if index is None else _EACH if index == "*" else int(index))
    if not steps or at != len(path):
        raise DocumentProblem(f"“{path}”不是 JSON 路径，应形如 input.data.psn_no 或 items[*].code。")
    return tuple(steps)


class JsonDocument(Document):
    kind = "json"

    def __init__(self, raw: bytes, charset: str = "") -> None:
        if len(raw) > LARGEST:
            raise DocumentProblem("消息超过 64 MB。")
        self._raw: bytes | None = raw
        self._codec = choose(raw, codec_of(charset) if charset else "")
        self._bom = raw.startswith(b"\xef\xbb\xbf")
        text = raw[3:].decode() if self._bom else raw.decode(self._codec, "surrogateescape")
        self._ascii = "\\u" in text and text.isascii()
        self._spaced = '": ' in text
        try:
            self._root = json.loads(
                text, parse_float=_Number, parse_int=_Number, parse_constant=_constant, object_pairs_hook=_object
            )
        except RecursionError:
            raise DocumentProblem("JSON 嵌套太深。") from None
        except json.JSONDecodeError as error:
            raise DocumentProblem(f"不是 JSON：第 {error.lineno} 行第 {error.colno} 个字符处读不下去。") from None
        _depth(self._root)

    @property
    def charset(self) -> str:
        return self._codec

    @property
    def root(self) -> Any:
        """The parsed value; not to be changed."""
        return self._root

    def spots(self, path: str) -> Sequence[Place]:
        steps = parse(path)
        if _EACH not in steps:
            return (steps,) if self._parent(steps) is not None else ()
        return list(self._expand((), steps))

    def _expand(self, done: Place, rest: Place) -> Iterator[Place]:
        if _EACH not in rest:
            spot = done + rest
            if not rest or self._parent(spot) is not None:
                yield spot
            return
        at = rest.index(_EACH)
        found = self._at(done + rest[:at])
        if isinstance(found, list):
            for number in range(len(found)):
                yield from self._expand((*done, *rest[:at], number), rest[at + 1 :])

    def bound(self, path: str, spot: Place) -> Place | None:
        steps = parse(path)
        if _EACH not in steps:
            return None
        out = list(steps)
        for at, step in enumerate(steps):
            if step == _EACH:
                if at >= len(spot) or not isinstance(spot[at], int):
                    return None
                out[at] = spot[at]
            elif at < len(spot) and step != spot[at] and _EACH in steps[at:]:
                return None
        return tuple(out)

    def _at(self, spot: Place) -> Any:
        value = self._root
        for step in spot:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def _parent(self, spot: Place) -> dict[str, Any] | list[Any] | None:
        parent = self._at(spot[:-1])
        if isinstance(parent, dict) and isinstance(spot[-1], str):
            return parent
        if isinstance(parent, list) and isinstance(spot[-1], int) and spot[-1] < len(parent):
            return parent
        return None

    def read(self, spot: Place) -> str:
        return _text(self._at(spot), spaced=self._spaced)

    def write(self, spot: Place, value: str) -> None:
        parent = self._parent(spot)
        if parent is None:
            raise DocumentProblem(f"JSON 里没有 {self.name(spot)} 的上一级。")
        before = self._at(spot)
        if isinstance(before, (dict, list)):
            raise DocumentProblem(f"{self.name(spot)} 不是单个值，不能改写。")
        new: Any = value
        if isinstance(before, Decimal) and len(value) < 40 and _NUMBER.fullmatch(value):
            new = _Number(value)
        elif isinstance(before, bool) and value in ("true", "false"):
            new = value == "true"
        parent[spot[-1]] = new  # type: ignore[index]
        self._raw = None

    def delete(self, spot: Place) -> None:
        parent = self._parent(spot)
        if isinstance(parent, dict) and spot[-1] in parent:
            del parent[str(spot[-1])]
        elif isinstance(parent, list) and isinstance(spot[-1], int):
            del parent[spot[-1]]
        else:
            return
        self._raw = None

    def name(self, spot: Place) -> str:
        out = ""
        for step in spot:
            if isinstance(step, int):
                out += f"[{step}]"
            elif set(step) & set('.[]"'):
                out += f'["{step}"]'
            else:
                out += f".{step}" if out else step
        return out

    def fields(self) -> Iterator[tuple[str, str]]:
        todo: list[tuple[Place, Any]] = [((), self._root)]
        while todo:
            spot, value = todo.pop()
            if isinstance(value, dict):
                todo.extend((((*spot, key), child)) for key, child in reversed(value.items()))
            elif isinstance(value, list):
                todo.extend((((*spot, at), child)) for at, child in reversed(list(enumerate(value))))
            elif (text := _text(value)) and spot:
                yield self.name(spot), text

    def to_bytes(self) -> bytes:
        if self._raw is None:
            text = _dump(self._root, ascii_only=self._ascii, spaced=self._spaced)
            self._raw = (b"\xef\xbb\xbf" if self._bom else b"") + encode(text, self._codec)
        return self._raw

    def recode(self, codec: str) -> None:
        if codec != self._codec or self._bom:
            encode(_dump(self._root, ascii_only=self._ascii, spaced=self._spaced), codec)
            self._codec, self._bom, self._raw = codec, False, None


def _constant(name: str) -> Any:
    raise DocumentProblem(f"JSON 里有不合规的数 {name}。")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DocumentProblem(f"JSON 的同一个对象里“{twice[:40]}”出现了两次，含义不明。")
    return found


def _depth(root: Any) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise DocumentProblem(f"JSON 嵌套超过 {DEEPEST} 层。")
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
            if isinstance(child, (dict, list))
        ]


def _text(value: Any, *, spaced: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _dump(value, ascii_only=False, spaced=spaced)


def _dump(value: Any, *, ascii_only: bool, spaced: bool) -> str:
    if isinstance(value, dict):
        colon = ": " if spaced else ":"
        inner = (
            json.dumps(key, ensure_ascii=ascii_only) + colon + _dump(child, ascii_only=ascii_only, spaced=spaced)
            for key, child in value.items()
        )
        return "{" + (", " if spaced else ",").join(inner) + "}"
    if isinstance(value, list):
        return "[" + (", " if spaced else ",").join(_dump(v, ascii_only=ascii_only, spaced=spaced) for v in value) + "]"
    if isinstance(value, _Number):
        return value.text
    return json.dumps(value, ensure_ascii=ascii_only)
