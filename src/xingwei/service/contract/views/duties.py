"""The obligations: what is late, what is due next, what shows that it was done; and recording that it was."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import FormPage

from .. import obligations, services
from ..engine.model import PARTIES, PERIODS, Obligation
from ..forms import RecordForm, StrikeForm
from ..models import ContractVersion, Performance
from ..obligations import Kept
from ..wording import STANDINGS
from .base import ContractPage
from .exporting import Exported

GROUPS = (
    ("late", "已逾期"),
    ("soon", "两周内到期"),
    ("dated", "有期限"),
    ("undated", "每次、每日与持续"),
)


def group_of(kept: Kept) -> str:
    now = kept.now
    if now is None:
        return "undated"
    return now.state if now.state in {"late", "soon"} else "dated"


def _by_day(rows: list[Kept]) -> list[Kept]:
    """First due first; what has no day keeps the contract's order."""
    return sorted(rows, key=lambda k: k.now.due.due if k.now else dt.date.max)


class Obligations(Exported, ContractPage):
    template_name = "contract/obligations.html"
    title = "履约义务"
    tab = "obligations"
    export_name = "履约义务"

    class ExportTable(Table):
        columns = (
            Column("what", "义务", "obligation.what", kind="title"),
            Column("clause", "条款", "obligation.clause"),
            Column("period", "周期", "obligation.period_label"),
            Column("party", "责任方", lambda k: PARTIES[k.obligation.party]),
            Column("systems", "系统", lambda k: "、".join(k.obligation.systems) or "全院"),
            Column("due", "本次到期", lambda k: k.now.due.due if k.now else ""),
            Column("state", "状态", lambda k: STANDINGS[k.now.state][2] if k.now else ""),
            Column("evidence", "佐证件数", "total", kind="num"),
        )

    def rows(self) -> list[Kept]:
        party = self.request.GET.get("party", "")
        period = self.request.GET.get("period", "")
        return [
            k
            for k in obligations.kept(self.shown)
            if (party not in PARTIES or k.obligation.party == party)
            and (period not in PERIODS or k.obligation.period == period)
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = self.rows()
        used = {o.period for o in self.shown.contract.obligations}
        return super().get_context_data(**kwargs) | {
            "groups": [(key, label, _by_day([k for k in rows if group_of(k) == key])) for key, label in GROUPS],
            "rows": rows,
            "quarter": obligations.quarter_on(self.shown, timezone.localdate()),
            "periods": [(key, label) for key, label in PERIODS.items() if key in used],
            "parties": PARTIES.items(),
            "period": self.request.GET.get("period", ""),
            "party": self.request.GET.get("party", ""),
            "can_record": may(self.actor, "contract.obligation:record"),
        }


class Calendar(ContractPage):
    """Every due day of the term, month by month."""

    template_name = "contract/calendar.html"
    title = "履约日程"
    tab = "obligations"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = [s for k in obligations.kept(self.shown, dated=True) for s in k.standings]
        found.sort(key=lambda s: (s.due.due, s.due.obligation.id))
        months = [(first, list(rows)) for first, rows in groupby(found, key=lambda s: s.due.due.replace(day=1))]
        return super().get_context_data(**kwargs) | {"months": months}


class ObligationPage(ContractPage):
    template_name = "contract/obligation.html"
    tab = "obligations"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = _kept(self, kwargs["obligation"])
        return super().get_context_data(**kwargs) | {
            "title": kept.obligation.what,
            "kept": kept,
            "obligation": kept.obligation,
            "party": PARTIES[kept.obligation.party],
            "can_record": may(self.actor, "contract.obligation:record"),
        }


class Record(FormPage, ContractPage):
    permission = "contract.obligation:record"
    form_class = RecordForm
    template_name = "ui/form.html"
    tab = "obligations"
    submit_label = "登记"

    def get_title(self) -> str:
        return f"登记：{self._obligation().what}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"lead": f"条款 {self._obligation().clause}"}

    def get_form(self, data: Any = None, files: Any = None) -> RecordForm:
        kept = _kept(self, self.kwargs["obligation"])
        own = kept.obligation.systems
        systems = [(s.code, s.name) for s in self.shown.contract.systems if s.code in own] if len(own) > 1 else []
        dues = [(s.due.due.isoformat(), f"{s.due.label}（{s.due.due} 到期）") for s in kept.standings]
        return RecordForm(data, initial=self.get_initial(), dues=dues, systems=systems)

    def get_initial(self) -> dict[str, Any]:
        return {"done_on": timezone.localdate(), "due_on": self.request.GET.get("due", "")[:10]}

    def act(self, form: RecordForm) -> HttpResponseBase:
        obligation, data = self._obligation(), form.cleaned_data
        due_on: dt.date | None = data.get("due_on")
        services.record_obligation(
            self.actor,
            obligation.id,
            done_on=data["done_on"],
            due_on=due_on,
            note=data["note"],
            reference=data["reference"],
            system=data.get("system", ""),
            version=ContractVersion.objects.defer("document").get(number=self.shown.number),
        )
        return self.done(f"已登记“{obligation.what}”", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("contract:obligation", args=[self.kwargs["obligation"]])

    def _obligation(self) -> Obligation:
        return _obligation(self, self.kwargs["obligation"])


class Strike(FormPage):
    """Strike a wrong record out."""

    permission = "contract.obligation:record"
    form_class = StrikeForm
    title = "作废履约登记"
    submit_label = "作废"
    lead = "登记仍可查看，但不再算作佐证"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self._row()
        return super().get_context_data(**kwargs)

    def act(self, form: StrikeForm) -> HttpResponseBase:
        services.strike_obligation(self.actor, self._row(), form.cleaned_data["why"])
        return self.done("已作废这条登记", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("contract:obligation", args=[self._row().obligation])

    def _row(self) -> Performance:
        return get_object_or_404(Performance, pk=self.kwargs["pk"])


def _obligation(page: ContractPage, ident: str) -> Obligation:
    if page.has_contract():
        for obligation in page.shown.contract.obligations:
            if obligation.id == ident:
                return obligation
    raise Http404("合同没有这项义务")


def _kept(page: ContractPage, ident: str) -> Kept:
    return obligations.kept(page.shown, only={_obligation(page, ident).id})[0]
