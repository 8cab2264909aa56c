"""Segments of fields of repetitions of components: what HL7 v2 and ASTM E1394 have in common. Lazy: a message is cut
into segments only, and a segment into fields when one of them is touched.

Paths: `PID-3`, `PID-3.1`, `PID-3.4.2`, `OBX[2]-5`, `OBX[*]-5`, `PID-3[*].1`, `PID-3[2]`, `OBX[*]`. A field without a
component is the text as it stands on the wire, with repetitions and escapes; a component is read and written without
escapes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import ClassVar, NamedTuple

from .base import Document, DocumentProblem, encode

_PATH = re.compile(
    r"([A-Z][A-Z0-9]{0,2})(?:\[(\d{1,4}|\*)\])?(?:-(\d{1,3})(?:\[(\d{1,3}|\*)\])?(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?)?"
)
_BREAK = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
ALL = 0
WHOLE = -1


class Path(NamedTuple):
    """occurrence: 1…, ALL; field: 0 is the whole segment; repetition: 1…, ALL, WHOLE; component, sub: 0 is none."""

    segment: bytes
    occurrence: int
    field: int
    repetition: int
    component: int
    sub: int


Place = tuple[int, int, int, int, int]
"""line, field, repetition (WHOLE), component, subcomponent"""


@lru_cache(4096)
def parse(path: str) -> Path:
    if (found := _PATH.fullmatch(path)) is None:
        raise DocumentProblem(f"“{path}”不是字段路径，应形如 PID-3.1、OBX[2]-5 或 OBX[*]-5。")
    segment, occurrence, field, repetition, component, sub = found.groups()
    numbers = [int(number) for number in (occurrence, field, repetition, component, sub) if number and number != "*"]
    if 0 in numbers:
        raise DocumentProblem(f"“{path}”里的序号从 1 数起。")
    return Path(
        segment.encode(),
        1 if occurrence is None else ALL if occurrence == "*" else int(occurrence),
        int(field or 0),
        (1 if component else WHOLE) if repetition is None else ALL if repetition == "*" else int(repetition),
        int(component or 0),
        int(sub or 0),
    )


class Delimited(Document):
    """Subclasses read the delimiters from the header and say how fields are numbered."""

    _WIDTH: ClassVar[int]
    """How many bytes name a segment."""
    _SHIFT: ClassVar[int]
    """Field number minus index in the split segment; in a header always 1."""
    _HEADERS: ClassVar[tuple[bytes, ...]]
    """The segments whose first two fields define the delimiters."""

    def __init__(self, raw: bytes, prefix: bytes, lines: list[bytes], seps: bytes | list[bytes], tail: bytes) -> None:
        self._raw: bytes | None = raw
        self._prefix = prefix
        self._lines = lines
        self._seps = seps
        self._tail = tail
        self._codec = ""
        self._split: dict[int, list[str]] = {}
        self._dirty: set[int] = set()
        self._names: dict[bytes, list[int]] | None = None
        self._ascii = raw.isascii()
        self._heads: set[int] = set()
        self.field_sep, self.component_sep, self.repetition_sep, self.escape, self.sub_sep = "|^~\\&"

    # what differs

    def _shift(self, line: int) -> int:
        return 1 if line in self._heads else self._SHIFT

    def _literal(self, line: int, field: int) -> bool:
        """A field that defines the delimiters: never cut, never changed."""
        return field <= 2 and line in self._heads

    def _unescape(self, text: str) -> str:
        raise NotImplementedError

    def _escape(self, text: str, *, sub: bool) -> str:
        raise NotImplementedError

    def _break(self) -> str:
        """What stands for a line break inside a value."""
        raise NotImplementedError

    def _declared(self) -> str:
        """The codec that the message itself names; empty: none."""
        return ""

    # text

    @property
    def charset(self) -> str:
        if not self._codec:
            from .charsets import choose

            self._codec = choose(self._raw or b"", self._declared())
        return self._codec

    def _text(self, line: int) -> str:
        raw = self._lines[line]
        return raw.decode() if self._ascii else raw.decode(self.charset, "surrogateescape")

    def parts(self, line: int) -> list[str]:
        """The fields of one segment, first its name. The list is the document's own."""
        try:
            return self._split[line]
        except KeyError:
            fields = self._split[line] = self._text(line).split(self.field_sep)
            return fields

    def names(self) -> dict[bytes, list[int]]:
        """Where each segment stands."""
        if self._names is None:
            names: dict[bytes, list[int]] = {}
            width = self._WIDTH
            for at, line in enumerate(self._lines):
                name = line[:width]
                if name in names:
                    names[name].append(at)
                else:
                    names[name] = [at]
            self._names = names
            self._heads = {at for header in self._HEADERS for at in names.get(header, ())}
        return self._names

    # reading and writing

    def spots(self, path: str) -> Sequence[Place]:
        wanted = parse(path)
        lines = self.names().get(wanted.segment)
        if not lines:
            return ()
        if wanted.occurrence != ALL:
            if wanted.occurrence > len(lines):
                return ()
            lines = [lines[wanted.occurrence - 1]]
        _, _, field, repetition, component, sub = wanted
        if repetition != ALL:
            return [(line, field, repetition, component, sub) for line in lines]
        return [
            (line, field, number, component, sub)
            for line in lines
            for number in range(1, self._repetitions(line, field) + 1)
        ]

    def bound(self, path: str, spot: Place) -> Place | None:
        wanted = parse(path)
        if wanted.occurrence != ALL or self._lines[spot[0]][: self._WIDTH] != wanted.segment:
            return None
        repetition = wanted.repetition
        if repetition == ALL:
            repetition = spot[2] if spot[1] == wanted.field and spot[2] > 0 else 1
        return spot[0], wanted.field, repetition, wanted.component, wanted.sub

    def lacks(self, spot: Place, needle: bytes) -> bool:
        return spot[0] not in self._dirty and needle not in self._lines[spot[0]]

    def _repetitions(self, line: int, field: int) -> int:
        text = self.read((line, field, WHOLE, 0, 0))
        return text.count(self.repetition_sep) + 1 if text and not self._literal(line, field) else min(1, len(text))

    def read(self, spot: Place) -> str:
        line, field, repetition, component, sub = spot
        fields = self.parts(line)
        if not field:
            return self.field_sep.join(fields)
        if line in self._heads:
            at = field - 1
            if field <= 2:
                return self.field_sep if field == 1 and not self._SHIFT else fields[at] if at < len(fields) else ""
        else:
            at = field - self._SHIFT
        if at >= len(fields):
            return ""
        text = fields[at]
        if not text or repetition == WHOLE:
            return text
        if repetition > 1 or self.repetition_sep in text:
            text = _piece(text, self.repetition_sep, repetition)
        if component:
            if component > 1 or self.component_sep in text:
                text = _piece(text, self.component_sep, component)
            if sub:
                text = _piece(text, self.sub_sep, sub)
            if self.escape in text:
                text = self._unescape(text)
        return text

    def write(self, spot: Place, value: str) -> None:
        line, field, repetition, component, sub = spot
        if not field or self._literal(line, field):
            raise DocumentProblem(f"{self.name(spot)} 不能改写。")
        if not value.isprintable():
            value = self._clean(spot, value)
        fields = self.parts(line)
        at = field - self._shift(line)
        if len(fields) <= at:
            fields.extend([""] * (at + 1 - len(fields)))
        if component:
            if not value.isalnum():
                value = self._escape(value, sub=bool(sub))
        elif self.field_sep in value:
            value = value.replace(self.field_sep, f"{self.escape}F{self.escape}")
        if repetition != WHOLE:
            repetitions = fields[at].split(self.repetition_sep)
            _grow(repetitions, repetition)
            if component:
                components = repetitions[repetition - 1].split(self.component_sep)
                _grow(components, component)
                if sub:
                    subs = components[component - 1].split(self.sub_sep)
                    _grow(subs, sub)
                    subs[sub - 1] = value
                    value = self.sub_sep.join(subs)
                components[component - 1] = value
                value = self.component_sep.join(components)
            repetitions[repetition - 1] = value
            value = self.repetition_sep.join(repetitions)
        fields[at] = value
        self._dirty.add(line)

    def _clean(self, spot: Place, value: str) -> str:
        """Line breaks as the format writes them. Raises DocumentProblem for control characters."""
        if _CONTROL.search(value):
            raise DocumentProblem(f"要写入 {self.name(spot)} 的值含有控制字符。")
        return _BREAK.sub(lambda _: self._break(), value)

    def delete(self, spot: Place) -> None:
        """A field or component becomes empty; a repetition goes; a whole segment goes."""
        line, field, repetition, component, _ = spot
        if not field:
            self.drop([line])
        elif repetition > 0 and not component:
            at = field - self._shift(line)
            repetitions = self.parts(line)[at].split(self.repetition_sep)
            del repetitions[repetition - 1 : repetition]
            self.parts(line)[at] = self.repetition_sep.join(repetitions)
            self._dirty.add(line)
        elif self.read(spot):
            self.write(spot, "")

    def name(self, spot: Place) -> str:
        line, field, repetition, component, sub = spot
        segment = self._lines[line][: self._WIDTH]
        peers = self.names()[segment]
        text = segment.decode("ascii", "replace")
        if len(peers) > 1:
            text += f"[{bisect_left(peers, line) + 1}]"
        if field:
            text += f"-{field}"
            if repetition > 1 or (repetition == 1 and self._repetitions(line, field) > 1):
                text += f"[{repetition}]"
            if component:
                text += f".{component}" + (f".{sub}" if sub else "")
        return text

    def fields(self) -> Iterator[tuple[str, str]]:
        for line in range(len(self._lines)):
            if not _PATH.fullmatch(self._lines[line][: self._WIDTH].decode("ascii", "replace")):
                continue
            head = self.name((line, 0, WHOLE, 0, 0))
            shift = self._shift(line)
            if not self._SHIFT and line in self._heads:
                yield f"{head}-1", self.field_sep
            for at, text in enumerate(self.parts(line)):
                if at and text:
                    yield f"{head}-{at + shift}", text

    # segments

    def where(self, segment: str) -> list[int]:
        """Where the segments of one name stand."""
        return list(self.names().get(segment.encode(), ()))

    def __len__(self) -> int:
        return len(self._lines)

    def segment(self, line: int) -> str:
        return self._lines[line][: self._WIDTH].decode("ascii", "replace")

    def drop(self, lines: Iterable[int]) -> None:
        gone = set(lines)
        self._settle()
        if not isinstance(self._seps, bytes):
            ends = [*self._seps, self._tail]
            ends = [end for at, end in enumerate(ends) if at not in gone]
            self._seps, self._tail = ends[:-1], ends[-1] if ends else b""
        self._lines = [line for at, line in enumerate(self._lines) if at not in gone]

    def rearrange(self, order: Sequence[int]) -> None:
        """order: every line once, in its new place. Line ends stay where they are."""
        self._settle()
        self._lines = [self._lines[at] for at in order]

    def insert(self, at: int, text: str) -> None:
        """A new segment before line `at`; text as on the wire."""
        if _CONTROL.search(text) or "\r" in text or "\n" in text:
            raise DocumentProblem("要插入的段含有控制字符或换行。")
        self._settle()
        self._lines.insert(at, encode(text, self.charset))
        if not isinstance(self._seps, bytes):
            self._seps.insert(min(at, len(self._seps)), self._seps[0] if self._seps else b"\r")
        self._ascii = self._ascii and text.isascii()

    def cut(self, lines: Sequence[int]) -> bytes:
        """The bytes of some segments, as a message of their own."""
        self._store()
        sep = self._seps if isinstance(self._seps, bytes) else b"\r"
        return self._prefix + sep.join(self._lines[at] for at in lines) + (self._tail or sep)

    def _store(self) -> None:
        """Writes what is changed back to the lines."""
        for line in self._dirty:
            text = self.field_sep.join(self._split[line])
            if text.isascii():
                self._lines[line] = text.encode()
            else:
                codec = self.charset
                self._lines[line] = encode(text, codec)
                self._ascii = False
        if self._dirty:
            self._raw = None
        self._dirty.clear()

    def _settle(self) -> None:
        """Before segments move: nothing may refer to lines by number."""
        _ = self.charset
        self._store()
        self._raw = None
        self._split.clear()
        self._names = None

    def to_bytes(self) -> bytes:
        if self._dirty:
            self._store()
        if self._raw is None:
            if isinstance(self._seps, bytes):
                body = self._seps.join(self._lines)
            else:
                body = b"".join(part for pair in zip(self._lines, [*self._seps, b""], strict=True) for part in pair)
            self._raw = self._prefix + body + self._tail
        return self._raw

    def recode(self, codec: str) -> None:
        texts = [self._text(line) if line not in self._dirty else self.field_sep.join(self._split[line])
                 for line in range(len(self._lines))]  # fmt: skip
        self._lines = [encode(text, codec) for text in texts]
        self._dirty.clear()
        self._raw = None
        self._codec = codec
        self._ascii = all(line.isascii() for line in self._lines)


@lru_cache(64)
def escapes(escape: str, letters: str) -> re.Pattern[str]:
    """An escape sequence for one of the delimiters."""
    return re.compile(f"{re.escape(escape)}([{letters}]){re.escape(escape)}")


def _piece(text: str, sep: str, number: int) -> str:
    if number == 1:
        return text.split(sep, 1)[0] if sep in text else text
    pieces = text.split(sep, number)
    return pieces[number - 1] if len(pieces) >= number else ""


def _grow(pieces: list[str], number: int) -> None:
    if len(pieces) < number:
        pieces.extend([""] * (number - len(pieces)))
