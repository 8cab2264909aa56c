"""The checked document → Spec: defaults, inheritance of pairs, names that must exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from .rules import COMMON
from .spec import (
    Cause,
    Column,
    Combine,
    Compare,
    Evidence,
    Field,
    Key,
    Pair,
    Refund,
    Remedy,
    Side,
    Spec,
    SpecProblem,
    Type,
    Window,
    minor,
    partners,
)

_INHERITED = (
    "keys", "amount", "compare", "day", "groups", "refund", "combine", "net", "window", "show", "causes",
)  # fmt: skip


def build(document: Mapping[str, Any]) -> Spec:
    """Raises SpecProblem."""
    scale = int(document.get("scale", 2))
    fields = {name: Field(name, f["title"], f["type"]) for name, f in document["fields"].items()}
    sides = tuple(_side(side, fields) for side in document["sides"])
    names = [side.name for side in sides]
    if len(set(names)) != len(names):
        raise SpecProblem("各方的名字不能相同。")
    evidence = {name: _evidence(name, body) for name, body in document.get("evidence", {}).items()}
    own = document.get("pairs") or [{"left": names[0], "right": other} for other in names[1:]]
    pairs = tuple(_pair({**{k: document[k] for k in _INHERITED if k in document}, **pair}, scale) for pair in own)
    spec = Spec(
        code=document["code"],
        title=document["title"],
        sides=sides,
        fields=fields,
        pairs=pairs,
        evidence=evidence,
        scale=scale,
        timezone_hours=float(document.get("timezone_hours", 8)),
        profile=document.get("profile", ""),
        schedule=document.get("schedule", ""),
        note=document.get("note", ""),
    )
    if problems := [problem for pair in pairs for problem in _check(spec, pair)]:
        raise SpecProblem("\n".join(dict.fromkeys(problems)))
    return spec


def _column(body: str | Mapping[str, Any]) -> Column:
    if isinstance(body, str):
        return Column(body)
    return Column(
        column=body.get("column", ""),
        unit=body.get("unit", "yuan"),
        negate=bool(body.get("negate", False)),
        codes=body.get("codes"),
        constant=body.get("constant"),
    )


def _where(body: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in (body or {}).items()}


def _side(body: Mapping[str, Any], fields: Mapping[str, Field]) -> Side:
    """A field that the side does not map has the column of its own name."""
    mapped = {name: _column(column) for name, column in body.get("fields", {}).items()}
    columns = {name: mapped.get(name, Column(name)) for name in fields}
    return Side(
        name=body["name"],
        title=body["title"],
        fields=columns,
        where=_where(body.get("where")),
        dataset=body.get("dataset", ""),
        format=body.get("format", ""),
    )


def _evidence(name: str, body: Mapping[str, Any]) -> Evidence:
    types = {field: cast(Type, body.get("types", {}).get(field, "text")) for field in body["fields"]}
    fields = {field: _column(column) for field, column in body["fields"].items()}
    return Evidence(name, body["title"], fields, types, body.get("dataset", ""))


def _pair(body: Mapping[str, Any], scale: int) -> Pair:
    if missing := [title for name, title in (("keys", "keys"), ("amount", "amount")) if name not in body]:
        raise SpecProblem(f"{body['left']} 与 {body['right']} 之间缺少 {'、'.join(missing)}。")
    keys = tuple(
        Key(k.get("name") or "+".join(k["fields"]), tuple(k["fields"]), k.get("sign", False)) for k in body["keys"]
    )
    compare = tuple(_compare(c, scale) for c in body.get("compare", ()))
    if body["amount"] not in {c.field for c in compare}:
        compare = (Compare(body["amount"]), *compare)
    window = body.get("window")
    return Pair(
        left=body["left"],
        right=body["right"],
        title=body.get("title", ""),
        keys=keys,
        amount=body["amount"],
        compare=compare,
        day=body.get("day", ""),
        groups=tuple(body.get("groups", ())),
        refund=Refund(**{**body["refund"], "values": tuple(body["refund"].get("values", ("1",)))})
        if "refund" in body
        else Refund(),
        combine=tuple(Combine(tuple(c["fields"]), c.get("most", 50)) for c in body.get("combine", ())),
        net=tuple(tuple(fields) for fields in body.get("net", ())),
        window=Window(
            window["seconds"],
            window.get("time") or body.get("day", ""),
            dict(window.get("fields", {})),
            window.get("accept", 0.75),
            window.get("margin", 0.2),
        )
        if window
        else None,
        show=tuple(body.get("show", ())),
        causes=tuple(_cause(c) for c in [*body.get("causes", ()), *COMMON]),
        left_where=_where(body.get("left_where")),
        right_where=_where(body.get("right_where")),
    )


def _compare(body: str | Mapping[str, Any], scale: int) -> Compare:
    if isinstance(body, str):
        return Compare(body)
    cap = minor(body["cap"], scale) if "cap" in body else None
    return Compare(body["field"], minor(body.get("tolerance", "0"), scale), cap, body.get("line", "抹零"))


def _cause(body: Mapping[str, Any]) -> Cause:
    remedy = body.get("remedy")
    rest = {k: v for k, v in body.items() if k not in {"when", "remedy"}}
    made = (
        Remedy(remedy["act"], remedy["title"], remedy.get("precondition", ""), tuple(remedy.get("requires", ())))
        if remedy
        else None
    )
    return Cause(**rest, when=tuple(body["when"]), remedy=made)


def _check(spec: Spec, pair: Pair) -> list[str]:
    """What a schema cannot see."""
    names = {side.name for side in spec.sides}
    problems = [f"没有叫 {side} 的一方。" for side in (pair.left, pair.right) if side not in names]
    if pair.left == pair.right:
        problems.append(f"{pair.left} 不能与自己对账。")
    places = {"left", "right", "same", "other", *spec.evidence}
    for cause in pair.causes:
        asked = [*partners(cause.when), *(partners(cause.remedy.requires) if cause.remedy else ())]
        problems += [f"规则 {cause.rule}：没有叫 {p['where']} 的证据。" for p in asked if p["where"] not in places]
        for p in asked:
            if p["where"] in spec.evidence:
                known = set(spec.evidence[p["where"]].fields)
                wanted = {*p["on"].values(), *p.get("filter", {})}
                problems += [f"规则 {cause.rule}：证据 {p['where']} 没有字段 {name}。" for name in wanted - known]
    known_fields = set(spec.fields)
    problems += [f"没有叫 {name} 的字段。" for name in pair.used() if name not in known_fields]
    if problems:
        return problems
    if spec.fields[pair.amount].type != "money":
        problems.append(f"{pair.amount} 要是金额（money）。")
    if pair.day and spec.fields[pair.day].type not in {"date", "time"}:
        problems.append(f"{pair.day} 要是日期或时间。")
    if pair.window and (not pair.window.time or spec.fields[pair.window.time].type != "time"):
        problems.append("按时间窗匹配要有一个时间（time）字段。")
    problems += [
        f"{c.field} 不是金额，不能有容差。"
        for c in pair.compare
        if c.tolerance and spec.fields[c.field].type != "money"
    ]
    return problems
