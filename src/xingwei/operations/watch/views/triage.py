"""Whose fault: asking, the verdict's page, what people do with it, the agreed list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import Act, FormPage, ListPage, Page
from xingwei.service.desk.models import Case

from ..engine.triage import Layer, Party
from ..models import ResponsibilityList, Verdict
from ..models.triage import LAYERS
from ..queries import triage as queries
from ..queries.graph import graph
from ..services import responsibility
from ..services import triage as services
from ..triage_forms import AskForm, CoordinateForm, CorrectForm, TellForm
from ..triage_picture import picture
from . import triage_parts as parts
from .common import tabs


def verdict_of(view: Any, permission: str = "watch.verdict:view") -> Verdict:
    """The verdict of the address, if the actor may see it; 404 otherwise."""
    rows = Verdict.objects.restrict(view.actor, permission)
    rows = rows.select_related("case", "system", "agreed", "asked_by", "reviewed_by")
    found: Verdict = get_object_or_404(rows, pk=view.kwargs["pk"])
    return found


class _Table(Table):
    columns = (
        Column("symptom", "现象", kind="title"),
        Column("suspect", "判定", value=lambda v: v.suspect or "未知"),
        Column("layer", "层", value=lambda v: v.layer or "—"),
        Column("owner", "责任方", value=lambda v: v.get_owner_display() or "—"),
        Column("confidence", "置信", value=lambda v: f"{100 * v.confidence:.0f}%" if not v.unknown else "—", kind="num"),
        Column("review", "确认", value="get_review_display"),
        Column("case", "问题单", value=lambda v: v.case.number if v.case else "—"),
        Column("created_at", "时间", kind="time", label_on_phone=True),
    )  # fmt: skip

    @staticmethod
    def url(row: Any) -> str:
        return str(row.get_absolute_url())


class Verdicts(ListPage):
    """What was asked, the newest first; the guided paths and the line for a user's words above it."""

    permission = "watch.verdict:view"
    template_name = "watch/triage/list.html"
    title = "定责"
    table = _Table
    order = ("-pk",)
    export_name = "定责"
    empty = ("还没有判定过", "写下用户的原话，或点一个常见症状，几秒内得到嫌疑排序和依据。")
    filters = (
        Filter("review", "确认", "review", icon="progress", choices=Verdict.Review.choices),
        Filter("layer", "层", "layer", icon="stack-2", choices=LAYERS),
    )

    def get_queryset(self) -> Any:
        return Verdict.objects.restrict(self.actor, self.permission).select_related("case").defer("document")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rates = queries.hit_rates()
        return super().get_context_data(**kwargs) | {
            "tabs": tabs(self.actor, "triage"), "paths": queries.paths(), "form": AskForm(), "total_rate": rates[0], "rates": rates[1:],
            "days": queries.DAYS, "may_ask": may(self.actor, "watch.verdict:ask"), "agreed": queries.rules_in_force()[0],
        }  # fmt: skip


class Ask(FormPage):
    """Ask with words, a path, or a part; a case asks by its own button."""

    permission = "watch.verdict:ask"
    title = "判定是谁的问题"
    lead = "写下用户的原话；知道大概时刻的也写上。几秒内给出嫌疑、依据和下一步。"
    form_class = AskForm
    submit_label = "判定"

    def get_initial(self) -> dict[str, Any]:
        return {k: self.request.GET.get(k, "")[:60] for k in ("path", "node")}

    def act(self, form: Any) -> HttpResponseBase:
        data = form.cleaned_data
        row = services.judge(self.actor, said=data["said"], path=data["path"], node=data["node"], at=data["at"])
        return HttpResponseRedirect(row.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("watch:verdicts")


class AskForCase(Act):
    """The button on a case."""

    permission = "watch.verdict:ask"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        case = get_object_or_404(Case.objects.restrict(self.actor, "desk.case:view"), number=kwargs["number"])
        return HttpResponseRedirect(services.judge(self.actor, case=case).get_absolute_url())


class Again(Act):
    """The same question with the data of now."""

    permission = "watch.verdict:ask"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        old = verdict_of(self)
        row = services.judge(self.actor, case=old.case, said=old.said, node=old.node, path=old.path)
        return HttpResponseRedirect(row.get_absolute_url())


class VerdictPage(Page):
    permission = "watch.verdict:view"
    template_name = "watch/triage/verdict.html"

    def get_title(self) -> str:
        return f"{self.row.symptom}：是谁的问题"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.row = verdict_of(self)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row
        context = super().get_context_data(**kwargs)
        return context | parts.shown(row, self.actor) | {
            "verdict": row, "picture": picture(graph(), row.document), "rate": queries.hit_rates()[0],
            "days": queries.DAYS, "may_review": may(self.actor, "watch.verdict:review"),
            "may_ask": may(self.actor, "watch.verdict:ask"),
        }  # fmt: skip


class Paper(VerdictPage):
    """判定书: the same on paper, for both sides to sign."""

    permission = "watch.verdict:view"
    template_name = "watch/triage/paper.html"

    def get_title(self) -> str:
        return f"判定书：{self.row.symptom}"


class Confirm(Act):
    permission = "watch.verdict:review"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        row = services.confirm(self.actor, verdict_of(self, self.permission), request.POST.get("note", ""))
        return f"已确认归属：{row.actual_node}（{row.actual_layer}，{row.get_actual_owner_display()}）。"


class _VerdictForm(FormPage, abstract=True):
    def get_back_url(self) -> str:
        return verdict_of(self, self.permission).get_absolute_url()


class Correct(_VerdictForm):
    permission = "watch.verdict:review"
    title = "改判"
    lead = "实际是谁的问题。改判会成为回归案例，以后的引擎都要判对它。"
    form_class = CorrectForm
    submit_label = "改判"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        row = verdict_of(self, self.permission)
        suspects = row.document.get("suspects", [])
        second = suspects[1] if len(suspects) > 1 else {}
        nodes = [(n.key, n.label) for n in sorted(graph().nodes.values(), key=lambda n: (n.kind, n.label))]
        initial = {
            "layer": row.actual_layer or second.get("layer") or row.layer,
            "owner": row.actual_owner or second.get("owner") or row.owner, "node": second.get("node", ""),
        }  # fmt: skip
        return CorrectForm(data, nodes=nodes, initial=initial)

    def act(self, form: Any) -> HttpResponseBase:
        row = services.correct(self.actor, verdict_of(self, self.permission), **form.cleaned_data)
        return self.done(
            f"{row.get_review_display()}：{row.actual_layer}，{row.get_actual_owner_display()}。",
            row.get_absolute_url(),
        )


class Tell(_VerdictForm):
    permission = "watch.verdict:tell"
    title = "告知责任方"
    lead = "对方在本系统里的联系人会收到；第三方同时看得到问题单（条款 1.9b）。"
    form_class = TellForm
    submit_label = "告知"

    def get_initial(self) -> dict[str, Any]:
        row = verdict_of(self, self.permission)
        first: dict[str, Any] = next(iter(row.document.get("suspects", [])), {})
        asks = "；".join(first.get("next_checks", []))
        return {"text": f"{row.symptom}，判定指向{row.suspect or '未知'}。请{asks or '排查'}，并回复结果。"}

    def act(self, form: Any) -> HttpResponseBase:
        row = verdict_of(self, self.permission)
        names = services.tell_owner(self.actor, row, form.cleaned_data["text"])
        return self.done(f"已告知 {names}。", row.get_absolute_url())


class Coordinate(_VerdictForm):
    permission = "watch.verdict:tell"
    title = "三方协调记录"
    lead = "已按判定填好，改成当时说的；保存后记在问题单上（条款 1.9b）。"
    form_class = CoordinateForm
    submit_label = "记录"

    def get_initial(self) -> dict[str, Any]:
        return {**services.prepared(verdict_of(self, self.permission)), "held_at": timezone.localtime()}

    def act(self, form: Any) -> HttpResponseBase:
        row = verdict_of(self, self.permission)
        services.coordinate(self.actor, row, **form.cleaned_data)
        return self.done("三方协调已记在问题单上。", row.get_absolute_url())


class Responsibility(Page):
    """The list as agreed, and the draft that waits for a side."""

    permission = "watch.responsibility:view"
    template_name = "watch/triage/responsibility.html"
    title = "故障责任清单"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row, rules = queries.rules_in_force()
        draft = ResponsibilityList.objects.filter(state=ResponsibilityList.State.DRAFT).order_by("-number").first()
        return super().get_context_data(**kwargs) | {
            "list": row, "draft": draft, "rules": [parts.rule(r) for r in rules],
            "may_agree": may(self.actor, "watch.responsibility:agree"),
            "layers": [layer.value for layer in Layer], "parties": [p.label for p in Party],
        }  # fmt: skip


class Agree(Act):
    permission = "watch.responsibility:agree"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        row = responsibility.agree(self.actor, get_object_or_404(ResponsibilityList, number=kwargs["number"]))
        return f"{row}已生效。" if row.state == ResponsibilityList.State.AGREED else f"已确认{row}，等另一方确认。"
