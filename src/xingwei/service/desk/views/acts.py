"""What people do with a case besides its moves: one address per act, each with its form on the case's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import Act, ServiceRefused

from ..models import Case
from ..services import acts, papers
from ..services.base import Refused
from .case import CaseForm
from .common import NoSuchCase, OfCase, case_of
from .sheets import Sheet, act_sheets, form_for

Doer = Callable[[Actor, Case, dict[str, Any]], str]


def _assign(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    acts.assign(actor, case, said["assignee"], note=said["note"], version=said["version"])
    return f"{case.number} 已转派给{said['assignee']}"


def _grade(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    acts.grade(actor, case, said["severity"], reason=said["reason"], version=said["version"])
    return f"{case.number} 已定为{'一二三'[said['severity'] - 1]}级"


def _ask_third(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    acts.ask_third_party(actor, case, said["person"], said["text"])
    return f"已告知 {said['person'].organisation.short_name} {said['person']}"


def _merge(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    target = _other(actor, said["number"])
    if target.pk == case.pk:
        raise Refused("这就是它自己，请写另一件的编号。")
    acts.merge(actor, target, [case], said["reason"])
    return f"{case.number} 已并入 {target.number}"


def _split(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    child = acts.split(actor, case, said["title"], said["description"])
    return f"已拆出 {child.number} {child.title}"


def _link(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    other = _other(actor, said["number"])
    acts.link(actor, case, other, said["kind"])
    return f"已关联 {other.number}"


def _tag(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    acts.tag(actor, case, said["tags"])
    return "已加标签"


def _rate(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    acts.rate(actor, case, said["score"], said["note"])
    return "谢谢您的评价"


def _feedback(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    paper = papers.issue_feedback(actor, case, found=said["found"], conclusion=said["conclusion"], plan=said["plan"])
    return f"已签发 {paper.number}，待医院签收"


def _coordinate(actor: Actor, case: Case, said: dict[str, Any]) -> str:
    papers.coordinate(actor, case, **said)
    return "三方协商已记录"


_DOERS: dict[str, Doer] = {
    "assign": _assign,
    "grade": _grade,
    "ask-third": _ask_third,
    "merge": _merge,
    "split": _split,
    "link": _link,
    "tag": _tag,
    "rate": _rate,
    "feedback": _feedback,
    "coordinate": _coordinate,
}


def _other(actor: Actor, number: str) -> Case:
    try:
        return case_of(actor, number)
    except NoSuchCase:
        raise Refused(f"没有“{number}”这件问题，或者您看不到它，请核对编号。") from None


class CaseAct(CaseForm):
    """The service asks for the right to do this very act; the page shows only what one may do."""

    permission = "desk.case:view"

    def post(self, request: HttpRequest, number: str, key: str, **kwargs: Any) -> HttpResponseBase:
        case, doer = self.case, _DOERS.get(key)
        if doer is None:
            raise Http404
        form: forms.Form = form_for(key, case, request.POST)
        shown = next((s for s in act_sheets(self.actor, case) if s.key == key), None)
        sheet = Sheet(key, *((shown.label, shown.icon) if shown else ("提交", "send")), request.path, form)
        if not form.is_valid():
            return self.invalid(sheet)
        try:
            return self.done(doer(self.actor, case, form.cleaned_data))
        except (ServiceRefused, Denied) as refusal:
            return self.refused(sheet, refusal)


class Watch(OfCase, Act):
    """Follow a case, or stop following it."""

    permission = "desk.case:view"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        if self.case.watchers.filter(person_id=self.actor.id).exists():
            acts.unwatch(self.actor, self.case)
            return "已取消关注"
        acts.watch(self.actor, self.case)
        return "已关注，有新情况会告诉您"


class Unlink(OfCase, Act):
    permission = "desk.case:edit"

    def act(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> str:
        acts.unlink(self.actor, self.case, pk)
        return "已取消关联"


class Receive(OfCase, Act):
    """The hospital signs for the written feedback."""

    permission = "desk.feedback:receive"

    def act(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> str:
        paper = self.case.feedback.filter(pk=pk).first()
        if paper is None:
            raise Refused("没有这份书面反馈。")
        papers.receive_feedback(self.actor, paper)
        return f"已签收 {paper.number}"
