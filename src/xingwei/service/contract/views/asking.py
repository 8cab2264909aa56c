"""The open questions: what was found, what hangs on each reading, and the two sides' signatures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import Act, ServiceRefused

from .. import questions, services
from ..engine.agreement import SIDES
from ..engine.model import AFFECTS
from ..forms import AgreeForm
from ..models import ContractVersion
from ..questions import Asked
from .base import ContractPage
from .exporting import Exported

STATES = (("", "全部"), ("open", "待确认"), ("one", "一方已确认"), ("agreed", "双方已确认"))
SIDE_NAMES = {"hospital": "医院", "vendor": "运维服务商"}


def _choose(rows: list[Asked], affects: str, state: str) -> list[Asked]:
    tests: dict[str, Callable[[Asked], bool]] = {
        "open": lambda a: not a.settled,
        "one": lambda a: a.standing.pending,
        "agreed": lambda a: a.finding.agreed,
    }
    test = tests.get(state)
    return [a for a in rows if (test is None or test(a)) and (affects not in AFFECTS or a.finding.affects == affects)]


class Questions(Exported, ContractPage):
    template_name = "contract/questions.html"
    title = "合同文本的问题"
    tab = "questions"
    export_name = "合同文本的问题"

    class ExportTable(Table):
        columns = (
            Column("affects", "影响"),
            Column("title", "问题", "finding.title", kind="title"),
            Column("facts", "发现", lambda a: "\n".join(f.what for f in a.finding.facts)),
            Column("chosen", "现用读法", "finding.chosen_label"),
            Column("because", "理由", "finding.because"),
            Column("state", "状态", lambda a: a.state[2]),
        )

    @cached_property
    def everything(self) -> list[Asked]:
        return questions.asked(self.actor, self.shown)

    def rows(self) -> list[Asked]:
        get = self.request.GET.get
        return _choose(self.everything, get("affects", ""), get("state", ""))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        get = self.request.GET.get
        everything, rows = self.everything, self.rows()
        counts = [(key, label, len(_choose(everything, key, ""))) for key, label in AFFECTS.items()]
        return super().get_context_data(**kwargs) | {
            "groups": [(label, [a for a in rows if a.finding.affects == key]) for key, label in AFFECTS.items()],
            "rows": rows,
            "total": len(everything),
            "open": sum(not a.settled for a in everything),
            "counts": [c for c in counts if c[2]],
            "states": [(k, label, len(_choose(everything, "", k))) for k, label in STATES],
            "affects": get("affects", ""),
            "state": get("state", ""),
        }


class QuestionPage(ContractPage):
    template_name = "contract/question.html"
    tab = "questions"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = questions.one(self.actor, self.shown, kwargs["question"])
        if row is None:
            raise Http404("没有这个问题")
        outcomes = {o.reading: o for o in row.finding.example.outcomes} if row.finding.example else {}
        signs = may(self.actor, "contract.question:agree") and self.actor.side in SIDES
        readings = [
            {
                "reading": reading,
                "outcome": outcomes.get(reading.id),
                "chosen": reading.id == row.finding.chosen,
                "signed_by": [SIDE_NAMES[s] for s in SIDES if row.standing.signed(s) == reading.id],
            }
            for reading in row.finding.readings
        ]
        return super().get_context_data(**kwargs) | {
            "title": row.finding.title,
            "row": row,
            "finding": row.finding,
            "readings": readings,
            "signs": signs,
            "side": SIDE_NAMES.get(self.actor.side, ""),
            "mine": row.standing.signed(self.actor.side),
            "setting": questions.setting_for(self.actor, self.shown),
        }


class Memorandum(ContractPage):
    """All questions on paper, for the two sides to sign by hand."""

    template_name = "contract/memorandum.html"
    title = "合同文本确认书"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"rows": questions.asked(self.actor, self.shown)}


class _Sign(Act, abstract=True):
    permission = "contract.question:agree"

    def version(self, request: HttpRequest) -> ContractVersion | None:
        raw = request.POST.get("version", "")
        number = int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 9 else 0
        return get_object_or_404(ContractVersion.objects.defer("document"), number=number)

    def get_next(self, request: HttpRequest) -> str:
        return reverse("contract:question", args=[self.kwargs["question"]])


class Agree(_Sign):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        form = AgreeForm(request.POST)
        if not form.is_valid():
            raise ServiceRefused("；".join(str(e) for errors in form.errors.values() for e in errors))
        note = form.cleaned_data["note"]
        version = self.version(request)
        signed = services.agree(
            self.actor, kwargs["question"], form.cleaned_data["reading"], note=note, version=version
        )
        return f"已代表{signed.get_side_display()}确认：{signed.label}"


class Withdraw(_Sign):
    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.withdraw(self.actor, kwargs["question"], version=self.version(request))
        return "已撤回本方的确认"
