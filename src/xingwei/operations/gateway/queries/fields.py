"""A message field by field: as it came, the rule that changed it, as it is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..engine import documents, frames, masking, names, rules, text
from ..engine.documents import Document
from ..models import Message
from . import lookups, released

MOST = 2_000
_FIELD = re.compile(r"^([A-Z][A-Z0-9]{0,2}(?:\[\d+\])?-\d+)")
_OBX = re.compile(r"^(OBX\[\d+\]|OBX|R\[\d+\]|R)-(\d+)")
_RESULT = {"OBX": ("5", "6", "7", "8"), "R": ("4", "5", "6", "7")}


@dataclass(slots=True)
class Value:
    """text: "" for empty. covered: hatched."""

    text: str
    covered: bool = False


@dataclass(slots=True)
class Line:
    """One row of the table. what: same, change, drop (not forwarded), add."""

    path: str
    meaning: str
    before: Value
    after: Value
    what: str = "same"
    rules: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Comparison:
    groups: list[tuple[str, list[Line]]] = field(default_factory=list)
    problem: str = ""
    processed: bytes = b""
    changed: int = 0
    total: int = 0
    dropped: bool = False
    cut: bool = False

    @property
    def shown(self) -> list[tuple[str, list[Line], bool]]:
        """Each group with whether anything in it was changed."""
        return [(title, lines, any(n.what not in {"same", "raw"} for n in lines)) for title, lines in self.groups]


def compare(message: Message, kind: str, charset: str, version_id: int | None, *, whole: bool) -> Comparison:
    """whole: nothing is covered. Without a version, or where the rules refuse, the raw side alone."""
    made = Comparison()
    raw = _records(kind, bytes(message.raw))
    try:
        before = documents.read(kind, raw, message.charset or charset)
        after = documents.read(kind, raw, message.charset or charset)
    except documents.DocumentProblem as problem:
        made.problem = problem.reason
        return made
    changes: list[rules.Change] = []
    sent: Document | None = None
    if version_id is not None:
        try:
            route = released.compiled(version_id)
            if route is not None:
                applied = route.apply(after, released.facts(message), answers=lookups.of(message.id))
                changes, made.dropped = applied.changes, applied.dropped
                sent = applied.document
                made.processed = b"" if applied.dropped else sent.to_bytes()
        except rules.Needs as needs:
            made.problem = f"还没有加工：{needs}"
        except (rules.RuleProblem, documents.DocumentProblem) as problem:
            made.problem = str(problem)
    converted = sent is not None and sent.kind != kind
    _table(
        made, kind, list(before.fields()), [] if converted else changes, forwarded=sent is not None and not converted,
        whole=whole,
    )  # fmt: skip
    if converted and sent is not None and not made.dropped:
        _converted(made, sent, changes, whole=whole)
    return made


def _converted(made: Comparison, sent: Document, changes: list[rules.Change], *, whole: bool) -> None:
    """A message that became one of another kind has no field beside the old one: what is sent stands by itself."""
    by = [(c.rule_id, c.rule_name) for c in changes if c.path == "消息"]
    lines = []
    for path, found in sent.fields():
        plain = text.readable(found)
        shown = plain if whole else masking.masked_value(sent.kind, path, plain)
        value = Value("".join(p.text for p in masking.parts(shown)), masking.OPEN in shown)
        lines.append(Line(path, names.meaning(sent.kind, path), Value(""), value, "add", by))
    made.cut = made.cut or len(lines) > MOST
    made.total += len(lines)
    made.changed += len(lines)
    made.groups.insert(0, ("转换后的资源", lines[:MOST]))


def _records(kind: str, raw: bytes) -> bytes:
    """ASTM that was kept with its frames, as records."""
    return b"".join(f.body for f in frames.frames(raw)) if kind == "astm" and b"\x02" in raw else raw


def _table(
    made: Comparison,
    kind: str,
    fields: list[tuple[str, str]],
    changes: list[rules.Change],
    *,
    forwarded: bool,
    whole: bool,
) -> None:
    made.cut = len(fields) > MOST
    values = dict(fields[:MOST])
    types = {p.rsplit("-", 1)[0]: v for p, v in values.items() if p.startswith("OBX") and p.endswith("-2")}
    lines: dict[str, Line] = {}

    def value(path: str, found: str) -> Value:
        plain = text.readable(found)
        if whole or not plain:
            return Value(plain)
        shown = masking.masked_value(kind, path, plain, types.get(path.rsplit("-", 1)[0], ""))
        covered = masking.OPEN in shown
        return Value("".join(p.text for p in masking.parts(shown)), covered)

    for path, found in values.items():
        shown = value(path, found)
        lines[path] = Line(path, names.meaning(kind, path), shown, Value(shown.text, shown.covered))
    for change in changes:
        if kind in {"hl7", "astm"} and "-" not in change.path and not change.after:
            _dropped(lines, change)
            continue
        path = _whole_field(kind, change.path)
        line = lines.get(path)
        if line is None:
            line = lines[path] = Line(path, names.meaning(kind, path), Value(""), Value(""))
        _change(line, change, path, value)
    if not forwarded:
        for line in lines.values():
            line.after = Value("")
            line.what = "raw"
    kept = _joined(kind, lines)
    made.total, made.changed = len(kept), sum(1 for line in kept if line.what not in {"same", "raw"})
    for line in kept:
        title = names.group(kind, line.path)
        if not made.groups or made.groups[-1][0] != title:
            group = next((g for g in made.groups if g[0] == title), None)
            if group is not None:
                group[1].append(line)
                continue
            made.groups.append((title, []))
        made.groups[-1][1].append(line)


def _dropped(lines: dict[str, Line], change: rules.Change) -> None:
    """A whole segment that is not forwarded."""
    for path, line in lines.items():
        if path.startswith(f"{change.path}-"):
            line.after, line.what = Value(""), "drop"
            line.rules = [(change.rule_id, change.rule_name)]


def _change(line: Line, change: rules.Change, path: str, value: object) -> None:
    assert callable(value)
    rule = (change.rule_id, change.rule_name)
    if rule not in line.rules:
        line.rules.append(rule)
    if change.path != path:  # a part of the field: put the part's new text where the old one stood
        text = line.after.text
        whole = text.replace(change.before, change.after, 1) if change.before and not line.after.covered else ""
        line.after = value(path, whole) if whole else Value(change.after, line.after.covered)
    else:
        line.after = value(path, change.after)
    if line.after.text == line.before.text and not line.after.covered:
        line.what = "same"
    elif not change.after:
        line.what = "drop"
    else:
        line.what = "change" if line.before.text else "add"


def _joined(kind: str, lines: dict[str, Line]) -> list[Line]:
    """Of a result, value, unit, range and flag in one row, as people read it; other fields one by one."""
    if kind not in {"hl7", "astm"}:
        return list(lines.values())
    kept: list[Line] = []
    done: set[str] = set()
    items = {p.rsplit("-", 1)[0]: line for p, line in lines.items() if p.endswith("-3") and _OBX.match(p)}
    for path, line in lines.items():
        found = _OBX.match(path)
        if found is None:
            kept.append(line)
            continue
        segment, number = found[1], found[2]
        wanted = _RESULT["OBX" if segment.startswith("OBX") else "R"]
        if line.what == "drop" and segment not in done:
            done.add(segment)
            parts = [lines.get(f"{segment}-{n}") or Line("", "", Value(""), Value("")) for n in wanted]
            row = _result(segment, items.get(segment), parts)
            row.what, row.rules = "drop", line.rules
            kept.append(row)
        if number not in wanted:
            if line.what not in {"same", "drop"} and number != "1":
                kept.append(line)
            continue
        if segment in done:
            continue
        done.add(segment)
        parts = [lines.get(f"{segment}-{n}") or Line("", "", Value(""), Value("")) for n in wanted]
        kept.append(_result(segment, items.get(segment), parts))
    return kept


def _result(segment: str, item: Line | None, parts: list[Line]) -> Line:
    before = "|".join(p.before.text for p in parts).rstrip("|")
    after = "|".join(p.after.text for p in parts).rstrip("|")
    rows = [rule for p in parts for rule in p.rules]
    name = ""
    if item is not None:
        pieces = [p for p in item.before.text.split("^") if p]
        name = pieces[1] if len(pieces) > 1 else pieces[0] if pieces else ""
    what = "same"
    whats = {p.what for p in parts} - {"same"}
    if "raw" in whats:
        what = "raw"
    elif rows and not after:
        what = "drop"
    elif whats:
        what = "change"
    covered = any(p.before.covered for p in parts), any(p.after.covered for p in parts)
    return Line(segment, name, Value(before, covered[0]), Value(after, covered[1]), what, list(dict.fromkeys(rows)))


def _whole_field(kind: str, path: str) -> str:
    if kind not in {"hl7", "astm"}:
        return path
    found = _FIELD.match(path)
    return found[1] if found else path
