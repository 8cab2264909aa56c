"""What triage puts on lower pages: the panel of a case, the served clauses, what people are told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from xingwei.base.notify.kinds import Kind, register
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import NavItem, Panel, Served, registry
from xingwei.service.desk.models import Case

from .models import Verdict

register(Kind("watch.verdict", "定责", "监测", "请责任方排查（条款 1.9b）"))

registry.nav.append(NavItem("运行", 22, "定责", "stethoscope", "watch:verdicts", "watch.verdict:view"))


def panel(request: HttpRequest, case: Case) -> dict[str, Any] | None:
    """On a case of trouble: the last verdict, and the button that asks."""
    if case.kind != "incident":
        return None
    verdict = Verdict.objects.filter(case=case).order_by("-pk").first()
    first: dict[str, Any] = next(iter(verdict.document.get("suspects", [])), {}) if verdict else {}
    return {
        "case": case, "verdict": verdict, "why": first.get("why", ""), "may_ask": may(request.actor, "watch.verdict:ask"),  # type: ignore[attr-defined]
        "percent": f"{100 * verdict.confidence:.0f}" if verdict else "",
    }  # fmt: skip


registry.panels.append(Panel("case-verdict", 10, "watch.verdict:view", "watch/triage/case_panel.html", panel))
registry.served_by += [
    Served("1.9a", "定责：嫌疑排序、依据、置信、下一步；由人确认", "watch:verdicts", "xingwei triage judge"),
    Served("1.9b", "告知责任方，三方协调记录由判定填好", "watch:verdicts"),
    Served("8.2", "常见症状的检查指引：一次并行查完，一个答案", "watch:verdicts"),
    Served("1.9a", "故障责任清单：双方确认的版本", "watch:responsibility", "xingwei triage import"),
]
