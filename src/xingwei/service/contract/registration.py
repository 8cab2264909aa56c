"""What the contract puts on the pages of lower rooms: navigation, home card, search, banner, footer, served clauses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.registry import Banner, HomeCard, NavItem, SearchHit, Served, registry

from . import obligations, queries, questions
from .engine.periods import Term, contract_quarters, current

VIEW = "contract.version:view"
DUE_ON_HOME = 5
HITS = 8
SHORTEST_QUERY = 2
SERVED = (
    Served("9.10", "服务考核表、付费档与付费试算", "contract:home", "xingwei contract check"),
    Served("9.10", "合同文本的问题与双方确认", "contract:questions", "xingwei contract check"),
    Served("9.2a", "响应与到场时限", "contract:home"),
    Served("9.2b", "各级故障的到场时限", "contract:home"),
    Served("9.4", "巡检到期提醒与履约登记", "contract:obligations"),
    Served("6.2b", "节前巡检到期提醒与履约登记", "contract:calendar"),
    Served("6.8", "每年升级与培训的到期提醒与履约登记", "contract:obligations"),
    Served("6.9", "回访与年度报告的到期提醒与履约登记", "contract:obligations"),
    Served("9.9", "保密协议的到期提醒与履约登记", "contract:obligations"),
)


def register() -> None:
    registry.nav.append(NavItem("服务", 80, "合同", "file-certificate", "contract:home", VIEW))
    registry.banners.append(warn)
    registry.footer.append(day_of_quarter)
    registry.search.append(search)
    registry.served_by.extend(SERVED)
    roles = frozenset({"service_manager", "it_head"})
    registry.home_cards.append(HomeCard(70, VIEW, "contract/cards/due.html", card, roles=roles))


def warn(actor: Actor) -> Banner | None:
    """No contract in force: every clock runs on sufferance."""
    if not may(actor, VIEW) or queries.in_force() is not None:
        return None
    version = queries.shown_version()
    if version is None:
        return Banner("warn", "还没有导入合同，时限无从计算。", reverse("contract:home"), "看合同")
    state = "合同已经到期" if version.ends_on and version.ends_on < timezone.localdate() else "还没有启用合同"
    said = "时限仍按原合同计算" if queries.latest() else "时限无从计算"
    return Banner("warn", f"{state}，{said}。", reverse("contract:version", args=[version.number]), "看合同")


def day_of_quarter(actor: Actor) -> str:
    """合同第 2 季度 第 63/90 天"""
    if not may(actor, VIEW) or (found := queries.in_force()) is None:
        return ""
    today = timezone.localdate()
    quarter = current(contract_quarters(Term(found.starts_on, found.ends_on)), today)
    return f"合同{quarter.label} 第 {(today - quarter.first).days + 1}/{quarter.days} 天" if quarter else ""


def card(request: HttpRequest) -> dict[str, Any] | None:
    """Obligations due next; nothing where no contract is in force."""
    shown = queries.shown()
    if shown is None or shown.term is None:
        return None
    due = obligations.pending(obligations.kept(shown, dated=True))
    if not due:
        return None
    return {
        "due": due[:DUE_ON_HOME],
        "late": sum(1 for s in due if s.state == "late"),
        "open": questions.open_count(shown),
        "today": timezone.localdate(),
    }


def search(actor: Actor, q: str) -> Iterator[SearchHit]:
    """Clauses by number, title or words; then passages that belong to none of these."""
    shown = queries.shown() if may(actor, VIEW) and (len(q) >= SHORTEST_QUERY) else None
    if shown is None:
        return
    contract, low = shown.contract, q.lower()
    named = [c for c in contract.clauses if c.id == q or low in c.title.lower()]
    words = [p for p in contract.walk() if low in p.words.lower()]
    in_words = dict.fromkeys(c for p in words for c in p.clauses)
    rest = [contract.clause_by_id[c] for c in in_words if contract.clause_by_id[c] not in named]
    for clause in [*named, *rest][:HITS]:
        url = reverse("contract:clause", args=[clause.id])
        yield SearchHit("合同条款", f"{clause.id} {clause.title}", url, icon="file-certificate")
    for passage in [p for p in words if not p.clauses][:HITS]:
        url = f"{reverse('contract:text')}#p-{passage.id}"
        yield SearchHit("合同原文", contract.citation(passage.id), url, passage.words[:60], "file-text")
