"""Books made by hand, and reconciliations over them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.utils import timezone

from xingwei.base.policy.engine import system_actor
from xingwei.data.reconcile import kept
from xingwei.data.reconcile.models import Reconciliation, Run
from xingwei.data.reconcile.services import definitions, runs

HEAD = "单号,人员编号,结算时间,金额"
SPEC: dict[str, Any] = {
    "code": "two",
    "title": "两本账",
    "sides": [{"name": "his", "title": "HIS"}, {"name": "bank", "title": "银行"}],
    "fields": {
        "no": {"title": "单号", "type": "text"},
        "psn_no": {"title": "人员编号", "type": "text"},
        "at": {"title": "结算时间", "type": "time"},
        "amount": {"title": "金额", "type": "money"},
    },
    "keys": [{"fields": ["no"]}],
    "amount": "amount",
    "day": "at",
    "show": ["psn_no"],
    "causes": [
        {
            "code": "timeout_one_sided", "title": "超时单边", "rule": "T01", "detail": "银行已收，HIS 没有",
            "why": "银行有这笔收款，HIS 没有", "when": [{"kind": ["only_right"]}],
            "remedy": {"act": "refund_channel", "title": "渠道退款", "precondition": "渠道账单有这笔收款"},
        }
    ],
}  # fmt: skip
for _side in SPEC["sides"]:
    _side["fields"] = {"no": "单号", "psn_no": "人员编号", "at": "结算时间", "amount": "金额"}
UPLOADS = {"his": {"upload": True}, "bank": {"upload": True}}


def document(**sources: Any) -> dict[str, Any]:
    return {"sources": sources or UPLOADS, "spec": SPEC}


def made(code: str = "two", **sources: Any) -> Reconciliation:
    """A reconciliation of two files; without sources they are uploaded."""
    settings = {"name": "两本账", "owner_role": "finance_office", "due_hours": 8}
    return definitions.save(system_actor("test"), code, document(**sources), settings)


def book(place: Path, name: str, rows: list[tuple[str, str, str, str]]) -> kept.Kept:
    path = place / name
    path.write_text("\n".join([HEAD, *(",".join(r) for r in rows)]) + "\n", "utf-8")
    return kept.keep(path)


def rows(day: dt.date, n: int = 5) -> list[tuple[str, str, str, str]]:
    return [(f"N{i:04d}", f"4405000000{i:04d}", f"{day} 09:{i % 60:02d}:00", f"{100 + i}.50") for i in range(n)]


def yesterday() -> dt.date:
    return timezone.localdate() - dt.timedelta(days=1)


def reconciled(row: Reconciliation, left: kept.Kept, right: kept.Kept, day: dt.date | None = None) -> Run:
    """Asked for and carried out at once."""
    at = day or yesterday()
    asked = runs.ask(system_actor("test"), row, at, at, uploads={"his": left, "bank": right})
    return runs.perform_now(asked)
