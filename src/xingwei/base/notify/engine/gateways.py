"""The generic gateway: a template filled for one format, and the rule by which its answer means yes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from .wire import Answer, at_path

NAMES = ("mobile", "text", "title", "secret", "time")
_PLACE = re.compile(r"\{(" + "|".join(NAMES) + r")\}")
_UNKNOWN = re.compile(r"\{([a-z_]{1,20})\}")
MOBILE = re.compile(r"1[3-9]\d{9}")
JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "text/xml"


def fill(template: str, values: Mapping[str, str], kind: str, charset: str = "utf-8") -> str:
    """The template with its places filled, each value escaped as the format asks.

    kind: a media type (JSON, FORM, XML), "url" or "header". Raises UnicodeEncodeError never: what the charset
    lacks becomes "?".
    """
    return _PLACE.sub(lambda m: _escaped(values.get(m[1], ""), kind, charset), template)


def unknown_places(template: str) -> list[str]:
    """Names in braces that are no places: most likely typing errors. Bare JSON braces are no names."""
    return sorted({m[1] for m in _UNKNOWN.finditer(template)} - set(NAMES))


def succeeded(answer: Answer, path: str, value: str) -> bool:
    """Whether the answer says yes: the value at path of its JSON, or without a path how its text begins.

    The number 0 and the text "0" are the same, and so are true and "true".
    """
    if not path:
        return answer.body.strip().startswith(value)
    found = at_path(answer.data(), path)
    if found is None or isinstance(found, (dict, list)):
        return False
    said = json.dumps(found) if isinstance(found, bool) else str(found)
    return said == value


def is_mobile(number: str) -> bool:
    return MOBILE.fullmatch(number) is not None


def _escaped(value: str, kind: str, charset: str) -> str:
    if kind == JSON:
        return json.dumps(value, ensure_ascii=False)[1:-1]
    if kind == FORM:
        return quote_plus(value.encode(charset, "replace"))
    if kind == "url":
        return quote(value.encode(charset, "replace"), safe="")
    if kind == XML:
        return escape(value, {'"': "&quot;", "'": "&apos;"})
    return " ".join(value.split())  # a header holds no line break
