"""One shift, adding shifts, one's own shifts with swaps and leave."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import PUBLIC, Act, FormPage, Guarded, Page

from .. import forms, queries, services
from ..engine import ical
from ..engine.patterns import DutyKind
from ..models import CalendarFeed, Leave, Shift, Swap
from ..services.feeds import digest

_AHEAD = dt.timedelta(days=20)


class ShiftPage(Page):
    """A shift with what can be done about it: stand in, cancel (manager), swap (its person)."""

    permission = "rota.shift:view"
    template_name = "rota/shift.html"

    @property
    def shift(self) -> Shift:
        rows = Shift.objects.restrict(self.actor, "rota.shift:view").select_related("person", "instead_of", "rule")
        row: Shift = get_object_or_404(rows, pk=self.kwargs["pk"])
        return row

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.shift
        over = row.ends_at <= timezone.now() or row.cancelled_at is not None
        own = row.person_id == self.actor.id and may(self.actor, "rota.swap:propose")
        change = may(self.actor, "rota.shift:override") and not over
        initial = {"start": timezone.localtime(row.starts_at), "end": timezone.localtime(row.ends_at)}
        context = super().get_context_data(**kwargs)
        context.setdefault("override_form", forms.OverrideForm(initial=initial) if change else None)
        context.setdefault("cancel_form", forms.CancelForm() if change else None)
        can_swap = own and row.starts_at > timezone.now() and row.cancelled_at is None
        context.setdefault("swap_form", forms.SwapForm(row) if can_swap else None)
        return context | {
            "title": str(row),
            "shift": row,
            "over": over,
            "swaps": row.swaps.select_related("proposer", "other", "in_return"),
            "week_url": f"{reverse('rota:week')}?week={timezone.localdate(row.starts_at):%Y-%m-%d}",
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Which of the forms it is stands in its button."""
        row = self.shift
        for name, make, act in (
            ("override", forms.OverrideForm, self._override),
            ("cancel", forms.CancelForm, self._cancel),
            ("swap", lambda data: forms.SwapForm(row, data), self._swap),
        ):
            if name not in request.POST:
                continue
            form: Any = make(request.POST)
            if form.is_valid():
                try:
                    said = act(row, form.cleaned_data)
                    messages.success(request, said)
                    return HttpResponseRedirect(self._back(row))
                except services.Refused as refusal:
                    form.add_error(None, str(refusal))
            return self.render_to_response(self.get_context_data(**{f"{name}_form": form}), status=422)
        return self.render_to_response(self.get_context_data(), status=422)

    def _override(self, row: Shift, data: dict[str, Any]) -> str:
        services.override(self.actor, row, data["person"], start=data["start"], end=data["end"], reason=data["reason"])
        return f"已安排 {data['person']} 替班，并通知双方"

    def _cancel(self, row: Shift, data: dict[str, Any]) -> str:
        services.cancel_shift(self.actor, row, reason=data["reason"])
        return "已撤销班次，并通知本人"

    def _swap(self, row: Shift, data: dict[str, Any]) -> str:
        back = get_object_or_404(Shift, pk=data["in_return"]) if data["in_return"] else None
        services.propose_swap(self.actor, row, data["other"], in_return=back, reason=data["reason"])
        return f"已请 {data['other']} 换班，对方同意后由服务经理批准"

    @staticmethod
    def _back(row: Shift) -> str:
        return f"{reverse('rota:week')}?week={timezone.localdate(row.starts_at):%Y-%m-%d}"


class AddShift(FormPage):
    permission = "rota.shift:override"
    title = "加班次"
    form_class = forms.AddShiftForm
    submit_label = "加上并通知本人"
    lead = "补上缺岗，或为迎检、升级安排全天值守"

    def get_initial(self) -> dict[str, Any]:
        wanted = self.request.GET
        kind = wanted.get("kind", "")
        return {
            "kind": kind if kind in set(DutyKind) else DutyKind.ON_CALL.value,
            "start": wanted.get("start", "")[:16],
            "end": wanted.get("end", "")[:16],
        }

    def get_back_url(self) -> str:
        return reverse("rota:week")

    def act(self, form: Any) -> HttpResponseBase:
        data = form.cleaned_data
        row = services.add_shift(self.actor, **(data | {"kind": DutyKind(data["kind"])}))
        return self.done(f"已加班次：{row.person}，{row}", ShiftPage._back(row))


class Mine(Page):
    """What lies before me: my shifts, requests to me, my leave; for the manager what waits for approval."""

    permission = "rota.swap:propose"
    template_name = "rota/mine.html"
    title = "我的班次"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        me, today = self.actor.id or 0, timezone.localdate()
        now = timezone.now()
        swaps = Swap.objects.select_related("shift", "in_return", "proposer", "other", "decided_by")
        mine = swaps.restrict(self.actor, "rota.swap:propose")
        decides = may(self.actor, "rota.swap:decide")
        leaves = Leave.objects.select_related("person").filter(cancelled_at=None, last__gte=today)
        if not may(self.actor, "rota.leave:manage"):
            leaves = leaves.restrict(self.actor, "rota.leave:enter")
        return super().get_context_data(**kwargs) | {
            "tab": "mine",
            "shifts": [d for d in queries.my_shifts(me, today, today + _AHEAD) if d.until > now],
            "to_me": mine.filter(other_id=me, state=Swap.State.PROPOSED),
            "by_me": mine.filter(proposer_id=me)[:10],
            "to_decide": swaps.filter(state=Swap.State.ACCEPTED) if decides else [],
            "leaves": leaves[:50],
            "presence": queries.presence_now([me]).get(me),
            "can_sign": may(self.actor, "rota.attendance:sign"),
            "feed": CalendarFeed.objects.filter(person_id=me).first(),
        }


class EnterLeave(FormPage):
    permission = "rota.leave:enter"
    title = "登记请假"
    form_class = forms.LeaveForm
    submit_label = "登记"
    lead = "已发布的班次会标为待替班，并告知服务经理；未发布的周会自动绕开"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        all_ = may(self.actor, "rota.leave:manage")
        people = forms.team() if all_ else User.objects.filter(pk=self.actor.id or 0)
        return forms.LeaveForm(people, data, initial={"person": self.actor.id})

    def get_back_url(self) -> str:
        return reverse("rota:mine")

    def act(self, form: Any) -> HttpResponseBase:
        d = form.cleaned_data
        row = services.enter_leave(self.actor, d["person"], d["first"], d["last"], reason=d["reason"])
        return self.done(f"已登记：{row}", reverse("rota:mine"))


class CancelLeave(Act):
    permission = "rota.leave:enter"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = services.cancel_leave(
            self.actor, get_object_or_404(Leave.objects.select_related("person"), pk=kwargs["pk"])
        )
        return f"已撤销：{row}"


class _SwapAct(Act, abstract=True):
    permission = "rota.swap:propose"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        swap = get_object_or_404(Swap, pk=kwargs["pk"])
        return self.decide(swap, request.POST.get("note", ""))

    def decide(self, swap: Swap, note: str) -> str:
        raise NotImplementedError


class AcceptSwap(_SwapAct):
    def decide(self, swap: Swap, note: str) -> str:
        services.accept_swap(self.actor, swap)
        return "已同意，等服务经理批准"


class DeclineSwap(_SwapAct):
    def decide(self, swap: Swap, note: str) -> str:
        services.decline_swap(self.actor, swap, note=note)
        return "已回复不同意"


class WithdrawSwap(_SwapAct):
    def decide(self, swap: Swap, note: str) -> str:
        services.withdraw_swap(self.actor, swap)
        return "已撤回换班"


class ApproveSwap(_SwapAct):
    permission = "rota.swap:decide"

    def decide(self, swap: Swap, note: str) -> str:
        services.approve_swap(self.actor, swap, note=note)
        return "已批准，班次已换，双方都已通知"


class RejectSwap(_SwapAct):
    permission = "rota.swap:decide"

    def decide(self, swap: Swap, note: str) -> str:
        services.reject_swap(self.actor, swap, note=note)
        return "已退回换班"


class MakeFeed(Act):
    permission = "rota.swap:propose"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        token = services.make_feed(self.actor)
        address = request.build_absolute_uri(reverse("rota:feed", args=[token]))
        messages.success(request, f"订阅地址（只显示这一次）：{address}")
        return HttpResponseRedirect(reverse("rota:mine"))


class ForgetFeed(Act):
    permission = "rota.swap:propose"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.forget_feed(self.actor)
        return "已停用，原来的地址不再有效"


class Feed(Guarded):
    """The feed itself: whoever has the address reads it, as phones' calendars cannot sign in."""

    permission = PUBLIC

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        feed = get_object_or_404(CalendarFeed.objects.select_related("person"), digest=digest(token[:100]))
        if not feed.person.in_force():
            return HttpResponse(status=404)
        today = timezone.localdate()
        events = [
            ical.Event(
                uid=f"{d.kind}-{d.since:%Y%m%dT%H%M}-{feed.person_id}@xingwei",
                start=d.since,
                end=d.until,
                summary=f"值班：{d.label}",
                location=d.place,
            )
            for d in queries.my_shifts(feed.person_id, today - dt.timedelta(days=31), today + dt.timedelta(days=90))
            if not d.absent
        ]
        text = ical.calendar(f"{feed.person} 的值班", events, timezone.now())
        return HttpResponse(text, content_type="text/calendar; charset=utf-8")
