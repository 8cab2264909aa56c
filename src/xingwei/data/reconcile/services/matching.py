"""The engine as this room uses it: documents checked, sides handed over, its outcome in the room's own terms."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from xingwei.data.lake.engine.datasets import code_lists

from .. import engine, kept
from ..engine import BadInput, Period, Source, Spec, SpecProblem
from ..engine.propose import Match, Proposal
from ..kept import Kept
from ..words import plain, yuan
from .base import ReconcileRefused

MEMORY_MB = 1536
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Found:
    """One difference: the engine's row in the terms of models.Difference. hours: its own time limit, 0 for none."""

    key: str
    pair: str
    kind: str
    cause: str
    title: str
    rule: str
    confidence: float
    left: Decimal | None
    right: Decimal | None
    gap: Decimal
    day: dt.date | None
    reference: str
    expected: bool
    hours: float
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """bridge (one for each pair), facts: as models.Run keeps them. differences: the engine's file. digest: of all that it says."""

    verdict: str
    gap: Decimal
    residual: Decimal
    rows: int
    bridge: list[dict[str, Any]]
    facts: dict[str, Any]
    differences: Path | None
    digest: str
    spec: Any = None

    def found(self, most: int) -> list[Found]:
        """The differences, largest first."""
        return [_found(self.spec, row) for row in _rows(self.differences, most)] if self.differences else []


def problems_of(document: Mapping[str, Any]) -> list[str]:
    """What the engine objects to in a specification, in Chinese."""
    try:
        Spec.read(document)
    except SpecProblem as problem:
        return str(problem).splitlines()
    return []


def side_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """side → how it is called, in the order of the sides."""
    return {s["name"]: s.get("title") or s["name"] for s in document.get("sides") or ()}


def field_titles(document: Mapping[str, Any]) -> dict[str, str]:
    """field → how it is called."""
    return {name: body.get("title", name) for name, body in (document["spec"].get("fields") or {}).items()}


def run(document: Mapping[str, Any], files: Mapping[str, Sequence[Kept]], place: Path,
        days: tuple[dt.date, dt.date] | None = None, now: dt.datetime | None = None) -> Result:  # fmt: skip
    """Hold the sides against each other. now: by what the age of a row is told. Raises ReconcileRefused where an input
    cannot be read, with its place."""
    spec = Spec.read(document["spec"])
    given = {name: _source(name, found, place) for name, found in files.items()}
    sides = {s.name: given[s.name] for s in spec.sides}
    evidence = {name: source for name, source in given.items() if name in spec.evidence}
    period = Period(*days) if days is not None else None
    try:
        outcome = engine.run(
            spec, sides, place / "engine", evidence=evidence, period=period, now=now, memory_mb=MEMORY_MB, threads=2
        )
    except BadInput as bad:
        raise ReconcileRefused(str(bad)[:1000]) from None
    bridge = [pair_of(spec, result) for result in outcome.results]
    gap = sum((r.bridge.total_gap for r in outcome.results), Decimal("0.00"))
    residual = sum((abs(r.bridge.residual) for r in outcome.results), Decimal("0.00"))
    said = plain(outcome.as_document())
    return Result(
        outcome.verdict, gap, residual, outcome.count, bridge, {"rows": dict(outcome.rows)}, outcome.differences,
        digest_of(said, outcome.differences), spec,
    )  # fmt: skip


def _source(name: str, found: Sequence[Kept], place: Path) -> Source:
    """The files under the names that people know, so that what is said about them can be found."""
    paths = {kept.shown_as(f, place / "sides" / name / str(n)): f.digest for n, f in enumerate(found)}
    return Source(paths=tuple(paths), hash={str(path): digest for path, digest in paths.items()})


def propose(left: Kept, right: Kept, titles: tuple[str, str], place: Path) -> dict[str, Any]:
    """How two files nobody has described could be reconciled: `spec`, and what may be chosen instead (pairs for a form's
    choices, by the field's name). Raises ReconcileRefused with the place where a file cannot be read."""
    from ..engine.propose import propose as look

    try:
        found = look(_source("left", [left], place), _source("right", [right], place), place, titles)
        document = found.document(title=f"{titles[0]}与{titles[1]}")
    except BadInput as bad:
        raise ReconcileRefused(str(bad)[:1000]) from None
    keys, amounts = [k["fields"][0] for k in document["keys"]], [document["amount"]]
    known = document["fields"]
    texts = [m for m in (*found.keys, *found.groups, *found.others) if m.type != "money" and m.field in known]
    return {
        "spec": document, "keys": keys, "amounts": amounts, "why": _why(found),
        "pairs": _choices(texts), "money": _choices([*found.amounts, *(m for m in found.others if m.type == "money")]),
        "days": _choices(found.times), "day": document.get("day", ""),
    }  # fmt: skip


def _choices(matches: Sequence[Match]) -> list[tuple[str, str]]:
    seen = {m.field: f"{m.title}（{m.share:.0%} 的行两边都有）" for m in matches}
    return list(seen.items())


def _why(found: Proposal) -> str:
    said = f"左边 {found.left_rows:,} 行，右边 {found.right_rows:,} 行；按列里的内容认出，名字只作参考。"
    return said + "".join(f"{n}。" for n in found.notes[:3])


def chosen(document: Mapping[str, Any], keys: Sequence[str], amounts: Sequence[str], day: str) -> dict[str, Any]:
    """The same specification with other keys, amounts and day; the first amount is the one of the bridge."""
    made = {k: v for k, v in document.items() if k not in {"day", "groups"}}
    groups = [g for g in document.get("groups") or () if g not in keys]
    made["fields"] = dict(document["fields"])
    for name in amounts:
        made["fields"][name] = document["fields"][name] | {"type": "money"}
    return made | {
        "keys": [{"fields": [k]} for k in keys], "amount": amounts[0], "compare": list(amounts), "net": [[keys[0]]],
    } | ({"day": day} if day else {}) | ({"groups": groups} if groups else {})  # fmt: skip


def digest_of(said: Mapping[str, Any], differences: Path | None) -> str:
    """Of all that a run says: the document without timings, and every difference in order."""
    made = hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode())
    if differences is not None:
        for row in _rows(differences, None):
            made.update(json.dumps(plain(row), sort_keys=True, ensure_ascii=False, default=str).encode())
    return made.hexdigest()


def pair_of(spec: Any, result: Any) -> dict[str, Any]:
    """One pair's bridge and groups as JSON, amounts as text: what models.Run keeps and the page shows."""
    pair = next(p for p in spec.pairs if p.name == result.pair)
    bridge = result.bridge
    groups = [
        {
            "title": " · ".join(_word(n, v) for n, v in zip(pair.groups, g.values, strict=False)) or "全部", "left": str(g.left_total),
            "right": str(g.right_total), "left_count": g.left_count, "right_count": g.right_count, "gap": str(g.gap),
            "offset": g.offset_with is not None,
        }
        for g in result.groups
    ]  # fmt: skip
    return {
        "pair": result.pair, "title": pair.title, "amount": spec.fields[pair.amount].title,
        "left": _end(spec.side(pair.left).title, bridge.left_total, bridge.left_count),
        "right": _end(spec.side(pair.right).title, bridge.right_total, bridge.right_count),
        "lines": [
            {"cause": n.cause, "title": n.title, "count": n.count, "amount": str(n.gap), "expected": n.expected}
            for n in bridge.lines
        ],
        "gap": str(bridge.total_gap), "residual": str(bridge.residual), "groups": groups if pair.groups else [],
        "refund": _refund_words(result), "problems": list(result.problems),
    }  # fmt: skip


def _word(name: str, value: str) -> str:
    """A group's value as people call it: 职工基本医疗保险 for 310."""
    known = code_lists().get(name)
    word = known.values.get(value) if known else None
    return word or value or "（空）"


def _end(title: str, total: Decimal, count: int) -> dict[str, Any]:
    return {"title": title, "total": str(total), "count": count, "words": yuan(total)}


def _refund_words(result: Any) -> str:
    """Which way of counting refunds balances."""
    by_name = {c.name: c for c in result.conventions}
    if len(by_name) < 2:
        return ""
    words = {
        "both": "两种退费口径都试过：计入与不计都平。", "none": "两种退费口径都试过：都不平。",
        "counted": f"两种退费口径都试过：计入退费时平，不计时残差 {yuan(by_name['excluded'].residual)}。",
        "excluded": f"两种退费口径都试过：不计退费时平，计入时残差 {yuan(by_name['counted'].residual)}。",
    }  # fmt: skip
    return words.get(result.refund_convention, "")


def _rows(path: Path, most: int | None) -> Iterator[dict[str, Any]]:
    """The engine's differences, largest first."""
    with duckdb.connect() as db:
        limit = "" if most is None else f" LIMIT {int(most)}"
        found = db.execute(f"SELECT * FROM read_parquet($path) ORDER BY abs(gap) DESC, id{limit}", {"path": str(path)})  # noqa: S608
        names = [d[0] for d in found.description or ()]
        while rows := found.fetchmany(1_000):
            for row in rows:
                yield dict(zip(names, row, strict=True))


def _found(spec: Spec, row: Mapping[str, Any]) -> Found:
    """The engine's row in the room's terms."""
    pair = next(p for p in spec.pairs if p.name == row["pair"])
    fields = json.loads(row["fields"] or "{}")
    left, right = (_dated(spec, fields.get(side) or {}) for side in ("left", "right"))
    one = {n: right.get(n) if right.get(n) not in (None, "") else left.get(n) for n in pair.used()}
    time = (pair.window.time if pair.window else "") or pair.day
    names = list(dict.fromkeys(f for key in pair.keys for f in key.fields))
    reference = next((str(one[n]) for n in names if one.get(n) not in (None, "")), "")
    changed = list(row["changed"] or ())
    data = {
        "detail": row["detail"], "why": row["why"], "expected": bool(row["expected"]), "act": row["remedy"] or "",
        "act_title": row["remedy_title"] or "", "precondition": row["precondition"] or "", "ready": row["ready"],
        "at": one.get(time) if time else None, "one": one, "left_count": row["left_count"], "right_count": row["right_count"],
        "group": " · ".join(_word(n, str(one[n])) for n in pair.groups if one.get(n)),
        "fields": [{"name": n, "left": left.get(n), "right": right.get(n)} for n in changed] if left and right else [],
        "proof": [_proof(spec, pair, p) for p in json.loads(row["proof"] or "[]")],
        "suggestion": json.loads(row["suggestion"]) if row["suggestion"] else None,
    }  # fmt: skip
    return Found(
        key=row["id"], pair=row["pair"], kind=row["kind"], cause=row["cause"], title=row["title"], rule=row["rule"] or "",
        confidence=float(row["confidence"] or 0), left=row["left_amount"], right=row["right_amount"], gap=row["gap"],
        day=row["day"], reference=reference[:120], expected=bool(row["expected"]), hours=float(row["sla_hours"] or 0),
        data=plain(data),
    )  # fmt: skip


def _dated(spec: Spec, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that are dates as dates: the engine counts days since 1970."""
    return {
        n: (EPOCH + dt.timedelta(days=int(v))).isoformat()
        if v is not None and n in spec.fields and spec.fields[n].type == "date" and str(v).isdigit()
        else v
        for n, v in cells.items()
    }


def _proof(spec: Spec, pair: Any, proof: Mapping[str, Any]) -> dict[str, Any]:
    """A row of proof with its place; own: of the difference itself, else found by a rule."""
    source = str(proof["source"])
    titles = {s.name: s.title for s in spec.sides} | {n: e.title for n, e in spec.evidence.items()}
    cells = proof.get("fields")
    if cells is None:
        names = list(spec.evidence[source].fields) if source in spec.evidence else list(pair.used())
        cells = dict(zip(names, proof.get("values") or (), strict=False))
    else:
        cells = _dated(spec, cells)
    place = {"left": pair.left, "right": pair.right}.get(source, source)
    return {"source": place, "title": titles.get(place, place), "own": "fields" in proof, "cells": cells,
            "file": proof.get("file") or "", "line": proof.get("line")}  # fmt: skip
