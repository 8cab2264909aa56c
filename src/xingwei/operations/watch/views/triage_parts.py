"""What the verdict's page shows of its document."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may

from ..engine.triage import Party, Rule
from ..models import Verdict
from ..queries.triage import paths

PARTS = (
    ("baseline", "基线", "c1"),
    ("position", "位置", "c3"),
    ("rule", "清单", "c4"),
    ("case", "案例", "c2"),
    ("change", "变更", "c5"),
)
ICONS = {
    "probe": ("activity-heartbeat", "测量"), "gateway": ("plug-connected", "网关"), "database": ("database", "数据库"),
    "change": ("git-pull-request", "变更"), "case": ("history", "案例"), "graph": ("sitemap", "依赖"),
    "report": ("phone", "来电"), "audit": ("clipboard-text", "操作"), "notice": ("speakerphone", "公告"),
    "breaker": ("plug-off", "熔断"), "check": ("checklist", "核对"),
}  # fmt: skip
LAYER_ICONS = {
    "用户操作": "user-question", "客户端": "device-desktop", "网络": "network", "操作系统": "server", "数据库": "database",
    "应用": "app-window", "接口": "plug-connected", "设备": "microscope", "第三方": "building-bank",
}  # fmt: skip
SPEAKS = {"for": "支持", "against": "反对", "beside": "已排除"}


def shown(row: Verdict, actor: Actor) -> dict[str, Any]:
    document = row.document
    suspects = [_suspect(s) for s in document.get("suspects", [])][:5]
    guided = next((p for p in paths() if p.code == row.path), None)
    cleared = [c["title"] for c in document.get("checks", []) if c["state"] == "ok"][-2:]
    return {
        "suspects": suspects, "first": suspects[0] if suspects and not row.unknown else None, "parts": PARTS,
        "unknown_percent": _percent(document.get("unknown_score", 0.0)), "checks": document.get("checks", []),
        "evidence": _evidence(document), "blind": document.get("blind", []), "path": guided,
        "affected": sum(1 for s in document.get("states", {}).values() if s == "affected"),
        "causes": document.get("causes", 1), "quiet": document.get("quiet", False), "cleared": cleared,
        "icon": LAYER_ICONS.get(row.layer, "help-circle"), "next": _next(row, actor),
        "onset": _when(document.get("onset")), "took": f"{row.took_ms / 1000:.1f}",
    }  # fmt: skip


def rule(r: Rule) -> dict[str, Any]:
    party = {"owner": "部件约定的责任方", "changer": "谁改的归谁"}.get(r.party) or Party(r.party).label
    return {"rule": r, "party": party, "strength": {1: "决定性", 2: "较强", 3: "排除法"}[r.priority]}


def _suspect(s: dict[str, Any]) -> dict[str, Any]:
    bars = [
        {
            "name": name,
            "colour": colour,
            "width": f"{100 * s['parts'].get(key, 0):.1f}",
            "figure": _percent(s["parts"].get(key, 0)),
        }
        for key, name, colour in PARTS
        if s["parts"].get(key, 0) >= 0.005
    ]
    owner = s["owner_name"] or Party(s["owner"]).label
    return s | {"percent": _percent(s["score"]), "bars": bars, "owner_label": owner, "party": Party(s["owner"]).label}


def _percent(share: float) -> str:
    return "<1" if share < 0.01 else f"{100 * share:.0f}"


def _when(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _evidence(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the first suspect for and against, of the next ones against, then what was excluded and what was alike."""
    suspects = document.get("suspects", [])
    rows = list(suspects[0]["evidence"]) if suspects else []
    for s in suspects[1:3]:
        rows += [e | {"text": f"{s['label']}：{e['text']}"} for e in s["evidence"] if e["speaks"] == "against"][:1]
    rows += document.get("told", []) + document.get("excluded", [])[:3]
    out, seen = [], set()
    for e in rows:
        if (e["kind"], e["text"]) in seen:
            continue
        seen.add((e["kind"], e["text"]))
        icon, label = ICONS.get(e["kind"], ICONS["probe"])
        out.append(
            e | {"icon": icon, "label": label, "word": SPEAKS[e["speaks"]], "when": _when(e["at"]), "url": _url(e)}
        )
    return out[:16]


def _url(e: dict[str, Any]) -> str:
    """What the evidence stands on: its own page, else the part's."""
    if e["ref"]:
        return str(e["ref"])
    kind, _, code = e["node"].partition(":")
    name = {"component": "estate:component", "interface": "estate:interface", "function": "estate:function"}.get(kind)
    return reverse(name, args=[code]) if name and code else ""


def _next(row: Verdict, actor: Actor) -> list[dict[str, Any]]:
    """What follows, done and to be done."""
    first = next(iter(row.document.get("suspects", [])), None)
    steps: list[dict[str, Any]] = []
    can = may(actor, "watch.verdict:tell")
    if first and first["remedy"] and not row.unknown:
        steps.append({"text": first["remedy"], "more": "先恢复业务，再查到底"})
    told = row.notified_at
    steps.append({
        "text": f"告知责任方 {first['owner_name'] or Party(first['owner']).label}" if first else "告知责任方",
        "done": bool(told), "at": told, "url": reverse("watch:verdict-tell", args=[row.pk]) if can else "", "act": "告知",
    })  # fmt: skip
    if row.case_id:
        steps.append({
            "text": "三方协调记录", "more": "已按本判定填好", "done": bool(row.coordinated_at), "at": row.coordinated_at,
            "url": reverse("watch:verdict-coordinate", args=[row.pk]) if can else "", "act": "填写",
        })  # fmt: skip
    steps += [{"text": text, "more": "可再排除一项"} for text in (first or {}).get("next_checks", [])[:3]]
    return steps
