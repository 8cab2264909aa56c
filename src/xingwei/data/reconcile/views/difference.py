"""One difference: both sides' records with the rule, and all that people did about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act

from .. import causes
from ..models import Difference, ForcedMatch, Remedy
from ..queries import board, lineage
from ..remedies import ACTIONS
from ..services import differences, matching, remedies
from ..services.base import ReconcileRefused
from ..words import signed_yuan, yuan
from .common import RoomPage, difference_or_404

SHOWN = 12
HANDLERS = ("insurance_office", "finance_office", "it_staff", "it_head", "service_manager", "onsite_engineer")


class DifferencePage(RoomPage):
    permission = "reconcile.difference:view"
    template_name = "reconcile/difference.html"

    def get_current(self) -> str:
        return self.row.reconciliation.code

    def get_title(self) -> str:
        return f"{self.row.title} {signed_yuan(self.row.gap)} 元"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.row = row = difference_or_404(self.actor, self.kwargs["pk"])
        board.attach([row])
        document = row.last_run.version.document
        titles, fields = matching.side_titles(document["spec"]), matching.field_titles(document)
        left, _, right = row.pair.partition("-")
        context = super().get_context_data(**kwargs)
        return context | {
            "row": row, "detail": causes.detail(row), "why": causes.why(row),
            "which": causes.which(row), "left": yuan(row.left), "right": yuan(row.right), "gap": signed_yuan(row.gap),
            "left_title": titles.get(left, "左"), "right_title": titles.get(right, "右"),
            "proofs": with_lineage(row, causes.proof_rows(row, fields)), "due": causes.due_words(row),
            "fields": [f | {"title": fields.get(f["name"], f["name"])} for f in row.data.get("fields") or ()],
            "remedies": [remedy_shown(r) for r in row.remedies.prefetch_related("approvals").select_related("proof")],
            "matches": row.forced.select_related("proposer", "decider"), "notes": row.notes.all(),
            "sightings": row.sightings.select_related("run").order_by("-run_id")[:20],
            "choices": [(k, ACTIONS[k]) for k in causes.actions(row)],
            "people": people_with_role(*HANDLERS).distinct()[:100] if may(self.actor, "reconcile.difference:handle") else (),
        } | self._rights(row)  # fmt: skip

    def _rights(self, row: Difference) -> dict[str, bool]:
        opened = any(r.state in remedies.OPEN for r in row.remedies.all())
        return {
            "may_handle": row.is_open and may(self.actor, "reconcile.difference:handle"),
            "may_accept": row.is_open and may(self.actor, "reconcile.difference:accept"),
            "may_decide": may(self.actor, "reconcile.difference:accept"),
            "may_propose": row.is_open and not opened and may(self.actor, "reconcile.remedy:propose"),
            "may_approve": may(self.actor, "reconcile.remedy:approve"),
            "may_execute": may(self.actor, "reconcile.remedy:execute"),
        }


def with_lineage(row: Difference, proofs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row of proof with the rest of its row in the input, and where that came from."""
    for proof in proofs[:SHOWN]:
        proof["lineage"] = lineage.of(row.last_run, proof)
    return proofs


def remedy_shown(remedy: Remedy) -> dict[str, Any]:
    return {"row": remedy, "action": ACTIONS[remedy.action], "approvals": list(remedy.approvals.all())}


class DifferenceAct(Act):
    """POST …/assign, note, case, accept: one service each."""

    permission = "reconcile.difference:handle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        row = difference_or_404(self.actor, kwargs["pk"])
        verbs: Mapping[str, Callable[[Difference, Mapping[str, Any]], str | HttpResponseBase]] = {
            "assign": self._assign, "note": self._note, "case": self._case,
        }  # fmt: skip
        if kwargs["what"] not in verbs:
            raise ReconcileRefused("没有这个操作。")
        return verbs[kwargs["what"]](row, request.POST)

    def _assign(self, row: Difference, given: Mapping[str, Any]) -> str:
        pk = str(given.get("owner") or "")
        owner = get_object_or_404(User, pk=int(pk)) if pk.isdecimal() and len(pk) < 12 else None
        differences.assign(self.actor, row, owner)
        return f"已交给{owner.name if owner else '归口科室'}"

    def _note(self, row: Difference, given: Mapping[str, Any]) -> str:
        differences.note(self.actor, row, str(given.get("text") or ""))
        return "已记下"

    def _case(self, row: Difference, given: Mapping[str, Any]) -> HttpResponseBase:
        return HttpResponseRedirect(differences.open_case(self.actor, row).get_absolute_url())


class MatchAct(Act):
    """人工认可: proposed by one, agreed to or sent back by another."""

    permission = "reconcile.difference:accept"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        row = difference_or_404(self.actor, kwargs["pk"])
        if kwargs["what"] == "propose":
            differences.propose_match(self.actor, row, request.POST.get("reason", ""))
            return "已提出，等另一位复核"
        match = row.forced.filter(state=ForcedMatch.State.PROPOSED).first()
        if match is None:
            raise ReconcileRefused("没有等待复核的认可。")
        if kwargs["what"] not in {"agree", "refuse"}:
            raise ReconcileRefused("没有这个操作。")
        agreed = kwargs["what"] == "agree"
        differences.decide_match(self.actor, match, agreed, request.POST.get("note", ""))
        return "已认可这笔差异" if agreed else "已退回"


class ProposeAct(Act):
    """One difference with a chosen action, or several each with its first."""

    permission = "reconcile.remedy:propose"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        keys = [int(k) for k in request.POST.getlist("difference") if k.isdecimal() and len(k) < 12][:200]
        rows = list(
            Difference.objects.restrict(self.actor, "reconcile.difference:view")
            .filter(pk__in=keys).select_related("reconciliation")
        )  # fmt: skip
        if not rows:
            raise ReconcileRefused("没有选中差异。")
        if len(rows) == 1:
            made = remedies.propose(self.actor, rows[0], request.POST.get("action", ""), request.POST.get("reason", ""))
            return f"已提出{ACTIONS[made.action].title}，待双人批准"
        done, refused = remedies.propose_all(self.actor, rows)
        if not done:
            raise ReconcileRefused(f"都没有提出：{refused[0]}" if refused else "没有可提的处理。")
        return f"已提出 {len(done)} 笔，待双人批准" + (f"；{len(refused)} 笔没有提：{refused[0]}" if refused else "")


class RemedyAct(Act):
    """approve, refuse, execute."""

    permission = "reconcile.difference:view"  # each verb requires its own right

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        remedy = get_object_or_404(Remedy.objects.select_related("difference__reconciliation"), pk=kwargs["pk"])
        what, given = kwargs["what"], request.POST
        if what == "approve":
            row = remedies.approve(self.actor, remedy, given.get("note", ""))
            return "双方已批准，可以办理" if row.state == Remedy.State.APPROVED else "已批准，还差另一方"
        if what == "refuse":
            remedies.refuse(self.actor, remedy, given.get("note", ""))
            return "已退回"
        if what == "execute":
            row = remedies.execute(self.actor, remedy, given.get("said", ""))
            if row.state == Remedy.State.FAILED:
                raise ReconcileRefused(row.result)
            return f"{ACTIONS[row.action].title}已办，正在再核证明"
        raise ReconcileRefused("没有这个操作。")
