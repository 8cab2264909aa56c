"""The reporters' pages, made for a phone held in one hand: report, my cases, one case, notices."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import Department, User
from xingwei.base.policy.engine import Actor, Scope
from xingwei.base.policy.registry import policy
from xingwei.base.site import queries as site
from xingwei.base.ui import keyset
from xingwei.base.ui.views import Act, Page, ServiceRefused, succeed

from ..forms.portal import IMPACTS, NotYetForm, RateForm, ReportForm, WordsForm
from ..models import Case
from ..queries.guess import guess
from ..queries.inside import attachments_for, events_for
from ..services import acts, intake, moves
from .common import OfCase, is_portal_person
from .guides import count_offered
from .notices import notices
from .tiles import Tile, asker_moves
from .timeline import lines

TILES = 20
LINES = 60
_ASKING = frozenset({"consultation", "requirement", "data_request", "complaint"})


class PortalPage(Page, abstract=True):
    tab: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "tab": self.tab,
            "hotline": site.value("desk.hotline"),
            "portal_only": is_portal_person(self.actor),
        }


class Report(PortalPage):
    """Report in three answers; system, kind and level are guessed from them."""

    permission = "desk.case:create"
    template_name = "desk/portal/report.html"
    title = "信息系统报修"
    tab = "report"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = _person(self.request)
        kwargs.setdefault("form", ReportForm(initial={"phone": person.phone, "key": uuid.uuid4().hex}))
        return super().get_context_data(**kwargs) | {
            "impacts": IMPACTS,
            "notices": notices(current_only=True)[:3],
            "department": person.department,
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = ReportForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                case = intake.open_case(self.actor, _new_case(self.actor, _person(request), form.cleaned_data))
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                count_offered(self.actor, case)
                succeed(request, f"已收到，编号 {case.number}，半小时内有人回您")
                return HttpResponseRedirect(reverse("desk:portal-mine"))
        return self.render_to_response(self.get_context_data(form=form), status=422)


def _person(request: HttpRequest) -> User:
    return User.objects.select_related("department").get(pk=request.user.pk or 0)


def _new_case(actor: Actor, person: User, said: dict[str, Any]) -> intake.NewCase:
    """What the reporter said, completed by the guess. "能干" is level 3 by the contract's own words (9.2b)."""
    found = guess(actor, said["description"], department=person.department)
    kind, severity = "incident", found.severity or 3
    if said["impact"] == "ask":
        kind, severity = (found.kind if found.kind in _ASKING else "consultation"), 0
    elif said["impact"] == "slow":
        severity = 3
    elif severity == 3 and person.department and person.department.kind == Department.Kind.WINDOW:
        severity = 2
    return intake.NewCase(
        kind=kind,
        description=said["description"],
        channel=Case.Channel.PORTAL,
        severity=severity,
        system=found.system,
        subsystem=found.subsystem,
        function=found.function,
        interface=found.interface,
        department=person.department,
        reporter=person,
        phone=said["phone"],
        key=said["key"],
        files=said["files"],
        it_first=severity == 3,
    )


class Mine(PortalPage):
    """My cases and my department's, the ones that wait for me on top."""

    permission = "desk.case:view"
    template_name = "desk/portal/mine.html"
    title = "我的问题"
    tab = "mine"
    tabs: ClassVar[tuple[tuple[str, str], ...]] = (("open", "没办完"), ("done", "办完了"), ("department", "本科室"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = self.request.GET.get("tab", "open")
        current = wanted if wanted in dict(self.tabs) else "open"
        page = keyset.page(
            self._rows(current).select_related("timing", "assignee", "department", "system"),
            ("-id",),
            after=self.request.GET.get("after", ""),
            size=TILES,
        )
        now = timezone.now()
        tiles = [Tile(case, self.actor, now) for case in page.rows]
        tiles.sort(key=lambda t: not t.to_confirm)
        address = reverse("desk:portal-mine")
        return super().get_context_data(**kwargs) | {
            "tiles": tiles,
            "views": [
                {
                    "label": label,
                    "url": f"{address}?tab={key}",
                    "current": key == current,
                    "count": keyset.capped_count(self._rows(key), 999)[1],
                }
                for key, label in self.tabs
                if key != "department" or self._sees_department()
            ],
            "empty": _EMPTY[current],
            "next_url": f"{address}?tab={current}&after={page.next}" if page.next else "",
        }

    def _sees_department(self) -> bool:
        """Head nurses and the like; whoever only reports sees what is his own."""
        scope = policy().scope(self.actor, "desk.case:view")
        return bool(self.actor.departments) and scope is not None and scope >= Scope.DEPARTMENT

    def _rows(self, tab: str) -> Any:
        rows = Case.objects.restrict(self.actor, "desk.case:view").filter(merged_into=None)
        if tab == "department":
            return (
                rows.filter(department__in=self.actor.departments)
                .exclude(category="closed")
                .exclude(reporter_id=self.actor.id)
            )
        rows = rows.filter(reporter_id=self.actor.id)
        return rows.filter(category="closed") if tab == "done" else rows.exclude(category="closed")


_EMPTY = {
    "open": ("没有没办完的", "哪里不好用，点下面“报问题”。"),
    "done": ("还没有办完的", "办完的会一直留在这里，可以再打开。"),
    "department": ("本科室没有没办完的", "同事报的问题会出现在这里，免得报两遍。"),
}


class PortalCase(OfCase, PortalPage):
    """One case as its reporter sees it."""

    permission = "desk.case:view"
    template_name = "desk/portal/case.html"
    tab = "mine"
    related = ("timing", "system", "department", "assignee", "reporter", "merged_into")

    def get_title(self) -> str:
        return self.case.number

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, actor = self.case, self.actor
        offered = asker_moves(case, actor)
        opened = self.request.GET.get("open", "")
        context = {
            "case": case,
            "tile": Tile(case, actor, timezone.now()),
            "offered": offered,
            "not_yet": next((m for m in offered if m.key in {"not_yet", "object"}), None),
            "confirm": next((m for m in offered if m.key == "confirm"), None),
            "not_yet_form": NotYetForm(),
            "not_yet_open": opened == "not-yet",
            "words_form": WordsForm(),
            "rate_form": RateForm() if case.category == "closed" and case.satisfaction is None else None,
            "answers": list(case.answers.select_related("by")),
            "attachments": list(attachments_for(actor, case)),
            "lines": lines(case, list(events_for(actor, case).select_related("actor")[:LINES])),
            "mine": case.reporter_id == actor.id,
        }
        return super().get_context_data(**kwargs) | context | kwargs


class PortalAct(PortalCase, abstract=True):
    """A form of the phone page: done, or the page again with what was typed and what is wrong."""

    form_class: ClassVar[type[forms.Form]]
    form_name: ClassVar[str]
    http_method_names = ["post"]

    def act(self, data: dict[str, Any]) -> str:
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = self.form_class(request.POST, request.FILES)
        if form.is_valid():
            try:
                succeed(request, self.act(form.cleaned_data))
                return HttpResponseRedirect(reverse("desk:portal-case", args=[self.case.number]))
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
        shown = {self.form_name: form, "not_yet_open": self.form_name == "not_yet_form"}
        return self.render_to_response(self.get_context_data(**shown), status=422)


class PortalWords(PortalAct):
    permission = "desk.case:note"
    form_class, form_name = WordsForm, "words_form"

    def act(self, data: dict[str, Any]) -> str:
        acts.note(self.actor, self.case, data["text"], attachments=data["files"])
        return "已补充，办理人会看到"


class PortalNotYet(PortalAct):
    permission = "desk.case:move"
    form_class, form_name = NotYetForm, "not_yet_form"

    def act(self, data: dict[str, Any]) -> str:
        keys = {m.key for m in asker_moves(self.case, self.actor)}
        key = next((k for k in ("not_yet", "object", "reopen") if k in keys), "not_yet")
        moves.move(self.actor, self.case, key, {"reason": data["reason"]})
        return "已告诉办理人，接着办"


class PortalRate(PortalAct):
    permission = "desk.case:rate"
    form_class, form_name = RateForm, "rate_form"

    def act(self, data: dict[str, Any]) -> str:
        acts.rate(self.actor, self.case, data["score"], data["note"])
        return "谢谢您的评价"


class Confirm(OfCase, Act):
    """ "好了": the one touch with which a reporter closes a case."""

    permission = "desk.case:move"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        moves.move(self.actor, self.case, "confirm", {})
        return f"{self.case.number} 已确认解决，请评价一下"

    def get_next(self, request: HttpRequest) -> str:
        """To the case, where the rating is asked; back to where it was pressed when it was refused."""
        self.case.refresh_from_db(fields=["category"])
        done = self.case.category == "closed"
        return reverse("desk:portal-case", args=[self.case.number]) if done else super().get_next(request)


class Notices(PortalPage):
    """What is being told about faults that touch the windows."""

    permission = "desk.case:create"
    template_name = "desk/portal/notices.html"
    title = "公告"
    tab = "notices"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"notices": notices()}
