"""The contract over HTTP: what holds, its clauses, what is due, what the text leaves open."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from xingwei.base.policy.registry import may
from xingwei.base.ui.api import permission
from xingwei.base.ui.registry import registry

from . import obligations, queries, questions, report
from .engine.model import PARTIES, Arrival
from .engine.service import service_policy
from .queries import Shown
from .wording import STANDINGS

router = Router(tags=["合同"])
VIEW = "contract.version:view"


class QuoteOut(Schema):
    at: str
    citation: str
    words: str


class ContractOut(Schema):
    """version: text and readings, e.g. "1.3". total: yuan; null for those who may not see the amount."""

    version: str
    code: str
    hospital: str
    title: str
    holds: bool
    contract_number: str
    starts_on: dt.date | None
    ends_on: dt.date | None
    total: Decimal | None


class ArrivalOut(Schema):
    """hours or workdays."""

    severity: int
    hours: float | None
    workdays: int | None
    or_by_agreement: bool


class PolicyOut(Schema):
    version: str
    response_minutes: int
    response_around_the_clock: bool
    arrive: list[ArrivalOut]
    arrival_clock: str
    workday: str


class ServedOut(Schema):
    label: str
    page: str
    command: str


class ClauseOut(Schema):
    number: str
    title: str
    systems: list[str]


class ClauseDetail(ClauseOut):
    words: list[QuoteOut]
    obligations: list[str]
    served_by: list[ServedOut]


class ObligationOut(Schema):
    """due: the due day to look at now. missing: systems without evidence. evidence: how many pieces."""

    id: str
    clause: str
    what: str
    period: str
    party: str
    systems: list[str]
    quote: QuoteOut
    due: dt.date | None
    state: str | None
    state_label: str
    missing: list[str]
    evidence: int


@router.get("/", response=ContractOut, summary="现用的合同")
@permission(VIEW)
def contract(request: HttpRequest) -> ContractOut:
    shown = _shown()
    sees = may(request.actor, "contract.fee:view")  # type: ignore[attr-defined]
    return ContractOut(
        version=shown.label,
        code=shown.contract.code,
        hospital=shown.contract.hospital,
        title=shown.contract.title,
        holds=shown.holds,
        contract_number=shown.contract_number,
        starts_on=shown.term.starts_on if shown.term else None,
        ends_on=shown.term.ends_on if shown.term else None,
        total=shown.total if sees else None,
    )


@router.get("/service-policy", response=PolicyOut, summary="响应与到场时限，按现用读法")
@permission(VIEW)
def policy(request: HttpRequest) -> PolicyOut:
    shown = _shown()
    found = service_policy(shown.contract, shown.readings, shown.label)
    return PolicyOut(
        version=found.version,
        response_minutes=int(found.response.total_seconds() // 60),
        response_around_the_clock=found.response_around_the_clock,
        arrive=[_arrival(severity, arrival) for severity, arrival in found.arrive.items()],
        arrival_clock=found.arrival_clock,
        workday=found.workday,
    )


@router.get("/clauses", response=list[ClauseOut], summary="条款")
@permission(VIEW)
def clauses(request: HttpRequest) -> list[ClauseOut]:
    return [ClauseOut(number=c.id, title=c.title, systems=list(c.systems)) for c in _shown().contract.clauses]


@router.get("/clauses/{number}", response=ClauseDetail, summary="一条条款：原文、义务、产品中的位置")
@permission(VIEW)
def clause(request: HttpRequest, number: str) -> ClauseDetail:
    contract = _shown().contract
    found = contract.clause_by_id.get(number)
    if found is None:
        raise Http404("没有这个条款")
    return ClauseDetail(
        number=found.id,
        title=found.title,
        systems=list(found.systems),
        words=[_quote(contract, p.id, p.words) for p in contract.walk() if found.id in p.clauses],
        obligations=[o.id for o in contract.obligations if o.clause == found.id],
        served_by=[
            ServedOut(label=s.label, page=s.url_name, command=s.command)
            for s in registry.served_by
            if s.clause == found.id
        ],
    )


@router.get("/obligations", response=list[ObligationOut], summary="履约义务与到期")
@permission(VIEW)
def due(request: HttpRequest) -> list[ObligationOut]:
    shown = _shown()
    return [
        ObligationOut(
            id=k.obligation.id,
            clause=k.obligation.clause,
            what=k.obligation.what,
            period=k.obligation.period_label,
            party=PARTIES[k.obligation.party],
            systems=list(k.obligation.systems),
            quote=_quote(shown.contract, k.obligation.quote.at, k.obligation.quote.words),
            due=k.now.due.due if k.now else None,
            state=k.now.state if k.now else None,
            state_label=STANDINGS[k.now.state][2] if k.now else "",
            missing=list(k.now.missing) if k.now else [],
            evidence=k.total,
        )
        for k in obligations.kept(shown)
    ]


@router.get("/questions", response=list[dict[str, Any]], summary="文本的问题：发现、读法、算例、双方的确认")
@permission(VIEW)
def asked(request: HttpRequest) -> list[dict[str, Any]]:
    shown = _shown()
    rows = questions.asked(request.actor, shown)  # type: ignore[attr-defined]
    plain = report.as_json(shown.contract, [r.finding for r in rows])
    return [
        one
        | {"state": row.state[2], "hospital": row.standing.signed("hospital"), "vendor": row.standing.signed("vendor")}
        for one, row in zip(plain, rows, strict=True)
    ]


def _shown() -> Shown:
    found = queries.shown()
    if found is None:
        raise Http404("还没有导入合同")
    return found


def _quote(contract: Any, at: str, words: str) -> QuoteOut:
    return QuoteOut(at=at, citation=contract.citation(at), words=words)


def _arrival(severity: int, arrival: Arrival) -> ArrivalOut:
    hours = arrival.hours.total_seconds() / 3600 if arrival.hours else None
    return ArrivalOut(
        severity=severity, hours=hours, workdays=arrival.workdays, or_by_agreement=arrival.or_by_agreement
    )
