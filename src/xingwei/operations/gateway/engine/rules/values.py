"""Verbs that turn one value into another. Each is compiled once and then called for every place of the rule's path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from .model import LARGEST_VALUE, Context, Refused, Transform, choice_of, number_of, text_of
from .patterns import LONGEST_TEXT, compile_pattern

_REFERENCE = re.compile(r"\\(\\|\d+|)")
_DATE_LETTERS = frozenset("YymdHMSfzjT%")


def set_value(spec: Mapping[str, Any], context: Context) -> Transform:
    value = text_of(spec, "value")
    return lambda before: value


def default(spec: Mapping[str, Any], context: Context) -> Transform:
    value = text_of(spec, "value")
    return lambda before: before or value


def map_code(spec: Mapping[str, Any], context: Context) -> Transform:
    """By a code map; an empty value stays empty. `missing` of the rule goes before that of the map."""
    code = text_of(spec, "map")
    if (found := context.maps.get(code)) is None:
        raise Refused(f"没有编码对照“{code}”，或它还没有生效的版本。")
    pairs = found.pairs
    missing = choice_of(spec, "missing", ("keep", "refuse", "default"), found.missing)
    fallback = text_of(spec, "default", found.default)

    def apply(before: str) -> str:
        if not before or (after := pairs.get(before)) is None:
            if not before or missing == "keep":
                return before
            if missing == "default":
                return fallback
            raise Refused(f"编码“{before[:60]}”不在对照“{found.name or code}”里：请补上对照后重放。")
        return after

    return apply


def scale(spec: Mapping[str, Any], context: Context) -> Transform:
    """value × factor + offset, in decimal arithmetic; `<`, `>` and the like before a number stay. What is no number
    (阴性, ++) stays, or is refused where the rule says so."""
    factor = _decimal(spec, "factor", "1")
    offset = _decimal(spec, "offset", "0")
    digits = number_of(spec, "digits", most=12) if "digits" in spec else None
    strict = choice_of(spec, "text", ("keep", "refuse"), "keep") == "refuse"

    def apply(before: str) -> str:
        bare = before.strip()
        sign = bare[: len(bare) - len(bare.lstrip("<>≤≥=~ "))]
        number = bare[len(sign) :]
        try:
            if len(number) > 40 or not number.isascii():
                raise InvalidOperation
            value = Decimal(number)
            if not value.is_finite():
                raise InvalidOperation
        except InvalidOperation:
            if strict and before:
                raise Refused(f"“{before[:40]}”不是数，不能换算。") from None
            return before
        with localcontext() as precise:
            precise.prec = 50
            value = value * factor + offset
            if digits is not None:
                value = value.quantize(Decimal(1).scaleb(-digits))
            elif value == value.to_integral_value():
                value = value.quantize(Decimal(1))
            else:
                value = value.normalize()
        return f"{sign}{value:f}"

    return apply


def _decimal(spec: Mapping[str, Any], name: str, default: str) -> Decimal:
    text = text_of(spec, name, default)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Refused(f'“{name}”应是一个数，写成文字，如 "0.113"。') from None
    if not value.is_finite() or len(text) > 30:
        raise Refused(f"“{name}”应是一个有限的数。")
    return value


def replace(spec: Mapping[str, Any], context: Context) -> Transform:
    pattern = compile_pattern(text_of(spec, "pattern"))
    with_ = text_of(spec, "with", "")
    if any(not ref or (ref != "\\" and int(ref) > pattern.groups) for ref in _REFERENCE.findall(with_)):
        raise Refused("替换成的文字不对：\\1、\\2… 指正则里第几个括号，超出了括号的个数；反斜杠本身写作 \\\\。")

    def apply(before: str) -> str:
        if len(before) > LONGEST_TEXT:
            raise Refused(f"值长 {len(before)} 个字符，超过 {LONGEST_TEXT}，不做替换。")
        after = str(pattern.sub(with_, before))
        if len(after) > LARGEST_VALUE:
            raise Refused("替换后的值太长。")
        return after

    return apply


def pad(spec: Mapping[str, Any], context: Context) -> Transform:
    width = number_of(spec, "width", most=1000)
    fill = text_of(spec, "fill", "0")
    if len(fill) != 1:
        raise Refused("“fill”应是一个字符。")
    right = choice_of(spec, "side", ("left", "right"), "left") == "right"
    return lambda before: (before.ljust(width, fill) if right else before.rjust(width, fill)) if before else before


def strip(spec: Mapping[str, Any], context: Context) -> Transform:
    """Takes characters off the ends: blanks, or those named; all of "0" leaves one."""
    chars = str(spec["chars"]) if spec.get("chars") else None
    side = choice_of(spec, "side", ("both", "left", "right"), "both")

    def apply(before: str) -> str:
        if side == "left":
            after = before.lstrip(chars)
        elif side == "right":
            after = before.rstrip(chars)
        else:
            after = before.strip(chars)
        return "0" if not after and chars == "0" and before else after

    return apply


def cut(spec: Mapping[str, Any], context: Context) -> Transform:
    """Characters `start` (from 1) to start + length."""
    start = number_of(spec, "start", 1) or 1
    length = number_of(spec, "length", 10_000)
    return lambda before: before[start - 1 : start - 1 + length]


def case(spec: Mapping[str, Any], context: Context) -> Transform:
    return str.upper if choice_of(spec, "to", ("upper", "lower")) == "upper" else str.lower


def width(spec: Mapping[str, Any], context: Context) -> Transform:
    """Full-width letters, digits and signs to half-width (NFKC), as input methods leave them."""
    return lambda before: unicodedata.normalize("NFKC", before)


def date(spec: Mapping[str, Any], context: Context) -> Transform:
    """From the first of the formats that fits. Formats are Python's (%Y%m%d%H%M%S)."""
    given = spec.get("from", "%Y%m%d%H%M%S")
    sources = [given] if isinstance(given, str) else given
    if not isinstance(sources, list) or not sources:
        raise Refused("“from”应是日期格式或格式的列表。")
    formats = [_format(source) for source in sources]
    target = _format(spec.get("to"))
    strict = choice_of(spec, "missing", ("keep", "refuse"), "refuse") == "refuse"

    def apply(before: str) -> str:
        if not before:
            return before
        for source in formats:
            try:
                return datetime.strptime(before, source).strftime(target)  # noqa: DTZ007 -- the sender's wall time
            except ValueError:
                continue
        if strict:
            raise Refused(f"“{before[:40]}”不是 {'、'.join(formats)} 形式的时间。")
        return before

    return apply


def _format(value: Any) -> str:
    if not isinstance(value, str) or "%" not in value or len(value) > 60:
        raise Refused("日期格式应形如 %Y%m%d%H%M%S。")
    letters = [value[at + 1 : at + 2] for at, char in enumerate(value) if char == "%" and value[at - 1 : at] != "%"]
    if not set(letters) <= _DATE_LETTERS:
        raise Refused("日期格式只能用 %Y %y %m %d %H %M %S %f %z %j。")
    return value


VALUES: dict[str, Callable[[Mapping[str, Any], Context], Transform]] = {
    "set": set_value,
    "default": default,
    "map": map_code,
    "scale": scale,
    "replace": replace,
    "pad": pad,
    "strip": strip,
    "cut": cut,
    "case": case,
    "width": width,
    "date": date,
}
