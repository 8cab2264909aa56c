"""Verbs that work on a message as a whole or on its segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..documents import Document
from ..documents.charsets import LABELS, codec_of
from ..documents.delimited import Delimited
from .model import Context, Refused, Structure, number_of, text_of

_LAST = 1 << 30


def _delimited(context: Context) -> None:
    if context.kind not in ("hl7", "astm"):
        raise Refused("这个动作只用于 HL7 和 ASTM 消息。")


def _segments_of(document: Document) -> Delimited:
    assert isinstance(document, Delimited)
    return document


def _name(spec: Mapping[str, Any], key: str, default: str | None = None) -> str:
    name = text_of(spec, key, default)
    if not (1 <= len(name) <= 3 and name[0].isalpha() and name.isalnum() and name.isupper() and name.isascii()):
        raise Refused(f"“{key}”应是段名，如 OBX。")
    return name


def charset(spec: Mapping[str, Any], context: Context) -> Structure:
    """The message in another character set; MSH-18 says so unless `declare` is false."""
    codec = codec_of(text_of(spec, "to"))
    if codec not in ("utf-8", "gb18030", "gbk", "big5", "ascii"):
        raise Refused("“to”应是 UTF-8、GB18030、GBK、BIG5 或 ASCII。")
    declare = spec.get("declare", True) is not False
    label = text_of(spec, "label", LABELS.get(codec, codec.upper()))

    def apply(document: Document) -> Iterator[tuple[str, str, str]]:
        before = document.charset
        document.recode(codec)
        if before != codec:
            yield "字符集", before.upper(), codec.upper()
        if declare and document.kind == "hl7" and (told := document.get("MSH-18")) != label:
            document.set("MSH-18", label)
            yield "MSH-18", told, label

    return apply


def first_repetition(spec: Mapping[str, Any], context: Context) -> Structure:
    """Keeps the first `keep` repetitions of a field: receivers that know of one identifier only."""
    _delimited(context)
    path = text_of(spec, "path")
    keep = number_of(spec, "keep", 1, most=100) or 1

    def apply(document: Document) -> Iterator[tuple[str, str, str]]:
        sep = _segments_of(document).repetition_sep
        for spot in document.spots(path):
            before = document.read(spot)
            after = sep.join(before.split(sep)[:keep])
            if after != before:
                document.write(spot, after)
                yield document.name(spot), before, after

    return apply


def reorder(spec: Mapping[str, Any], context: Context) -> Structure:
    """Segments of one name in the order of a number field, within their group; the Erba ELite 580 sends its last OBX
    first now and then. Groups end where another segment than `with` comes between. renumber: counts anew from 1."""
    _delimited(context)
    segment = _name(spec, "segment", "OBX")
    field = number_of(spec, "by", 2 if context.kind == "astm" else 1, most=500)
    renumber = spec.get("renumber") is True
    companions = spec.get("with", ["NTE"])
    if not isinstance(companions, list) or not all(isinstance(name, str) for name in companions):
        raise Refused("“with”应是段名的列表。")

    def apply(document: Document) -> Iterator[tuple[str, str, str]]:
        lines = _segments_of(document)
        order, moved = _sorted(lines, segment, frozenset(companions), f"{segment}[*]-{field}")
        if moved:
            before = [lines.read(spot) for spot in lines.spots(f"{segment}[*]-{field}")]
            lines.rearrange(order)
            after = [lines.read(spot) for spot in lines.spots(f"{segment}[*]-{field}")]
            yield f"{segment}[*]", ",".join(before), ",".join(after)
        if renumber:
            yield from _renumber(lines, segment, frozenset(companions), field)

    return apply


def _groups(lines: Delimited, segment: str, companions: frozenset[str]) -> Iterator[list[list[int]]]:
    """Runs of the segment, each member with what belongs to it."""
    run: list[list[int]] = []
    for at in range(len(lines)):
        name = lines.segment(at)
        if name == segment:
            run.append([at])
        elif name in companions and run:
            run[-1].append(at)
        else:
            if run:
                yield run
            run = []
    if run:
        yield run


def _sorted(lines: Delimited, segment: str, companions: frozenset[str], path: str) -> tuple[list[int], bool]:
    numbers = {spot[0]: lines.read(spot) for spot in lines.spots(path)}
    order = list(range(len(lines)))
    moved = False
    for run in _groups(lines, segment, companions):
        better = sorted(run, key=lambda member: int(n) if (n := numbers[member[0]]).isdecimal() else _LAST)
        if better != run:
            moved = True
            start, end = run[0][0], run[-1][-1] + 1
            order[start:end] = [at for member in better for at in member]
    return order, moved


def _renumber(lines: Delimited, segment: str, companions: frozenset[str], field: int) -> Iterator[tuple[str, str, str]]:
    spots = {spot[0]: spot for spot in lines.spots(f"{segment}[*]-{field}")}
    for run in list(_groups(lines, segment, companions)):
        for number, member in enumerate(run, 1):
            spot = spots[member[0]]
            before = lines.read(spot)
            if before != str(number):
                lines.write(spot, str(number))
                yield lines.name(spot), before, str(number)


def insert(spec: Mapping[str, Any], context: Context) -> Structure:
    """A new segment, after the last segment of a name or at the end."""
    _delimited(context)
    text = text_of(spec, "text")
    after = _name(spec, "after") if "after" in spec else ""
    _name({"text": text[: 1 if context.kind == "astm" else 3]}, "text")

    def apply(document: Document) -> Iterator[tuple[str, str, str]]:
        lines = _segments_of(document)
        found = lines.where(after) if after else [len(lines) - 1]
        if not found:
            raise Refused(f"消息里没有 {after} 段，不知道插在哪里。")
        lines.insert(found[-1] + 1, text)
        yield text[:3].strip("|"), "", text

    return apply


def require(spec: Mapping[str, Any], context: Context) -> Structure:
    """Refuses a message without a value here: better aside with a reason than a result with no specimen number."""
    path = text_of(spec, "path")
    say = text_of(spec, "say", "")

    def apply(document: Document) -> Iterator[tuple[str, str, str]]:
        values = document.all(path)
        if not values or not all(values):
            raise Refused(say or f"{path} 是空的。")
        return
        yield

    return apply


def split(spec: Mapping[str, Any], context: Context) -> Callable[[Document], list[Document]]:
    """One message for each order (by: OBR, an ORC right before goes with it), each observation (OBX), each message of
    a batch (MSH); in ASTM each order (O) or patient (P). What stands before the first goes with every part, in ASTM
    the closing L too. Part n's control id is the message's with "-n"."""
    _delimited(context)
    by = _name(spec, "by", "O" if context.kind == "astm" else "OBR")

    def apply(document: Document) -> list[Document]:
        lines = _segments_of(document)
        starts = _starts(lines, by)
        if len(starts) < 2:
            return [document]
        end = len(lines)
        closing: list[int] = []
        if document.kind == "astm" and lines.segment(end - 1) == "L":
            end, closing = end - 1, [end - 1]
        head = [] if by == "MSH" else list(range(starts[0]))
        parts: list[Document] = []
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True), 1):
            body = [at for at in range(start, stop) if lines.segment(at) not in ("BTS", "FTS")]
            part = type(lines)(lines.cut([*head, *body, *closing]), lines.charset)  # type: ignore[call-arg, arg-type]
            _renamed(part, number, by)
            parts.append(part)
        return parts

    return apply


def _renamed(part: Document, number: int, by: str) -> None:
    path = "MSH-10" if part.kind == "hl7" else "H-3"
    if by != "MSH" and (control := part.get(path)):
        part.set(path, f"{control}-{number}")


def _starts(lines: Delimited, by: str) -> Sequence[int]:
    starts = lines.where(by)
    if by == "OBR":
        starts = [at - 1 if at and lines.segment(at - 1) == "ORC" else at for at in starts]
    return starts


STRUCTURES: dict[str, Callable[[Mapping[str, Any], Context], Structure]] = {
    "charset": charset,
    "first_repetition": first_repetition,
    "reorder": reorder,
    "insert": insert,
    "require": require,
}
