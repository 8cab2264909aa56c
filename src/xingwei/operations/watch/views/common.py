"""What the pages of the watch share: the tabs, and finding a row that the reader may see."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import ListPage, Page

from ..models import Job, Probe

# key, words, url name, permission
TABS: list[tuple[str, str, str, str]] = [
    ("status", "运行状态", "watch:status", "watch.status:view"),
    ("functions", "业务功能", "watch:functions", "watch.status:view"),
    ("troubles", "发现的故障", "watch:troubles", "watch.trouble:view"),
    ("triage", "定责", "watch:verdicts", "watch.verdict:view"),
    ("probes", "拨测", "watch:probes", "watch.probe:view"),
    ("jobs", "心跳任务", "watch:jobs", "watch.job:view"),
    ("windows", "维护窗口", "watch:windows", "watch.window:view"),
    ("screens", "大屏", "watch:screens", "watch.screen:view"),
]


def tabs(actor: Actor, current: str) -> list[dict[str, Any]]:
    """The tabs that the actor may open."""
    shown = []
    for key, label, name, permission in TABS:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        if may(actor, permission):
            shown.append({"label": label, "url": url, "current": key == current})
    return shown


class WatchPage(Page, abstract=True):
    tab: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, self.tab)}


class WatchList(ListPage, abstract=True):
    template_name = "watch/list.html"
    tab: ClassVar[str] = ""
    lead: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, self.tab), "lead": self.lead}


def clean(text: str) -> str:
    return text.replace("\x00", "")[:60]


def probe_or_404(actor: Actor, code: str, permission: str = "watch.probe:view") -> Probe:
    rows = Probe.objects.restrict(actor, permission).select_related("now", "system", "function")
    found: Probe | None = rows.filter(code=clean(code)).first()
    if found is None:
        raise Http404("没有这个拨测，或您不能看它")
    return found


def job_or_404(actor: Actor, code: str, permission: str = "watch.job:view") -> Job:
    found: Job | None = (
        Job.objects.restrict(actor, permission).select_related("system").filter(code=clean(code)).first()
    )
    if found is None:
        raise Http404("没有这个任务，或您不能看它")
    return found


def shown_once(
    request: HttpRequest, title: str, text: str, back: str, uses: list[tuple[str, str]]
) -> HttpResponse:  # fmt: skip
    """A token's text on a page of its own; it is in no message and no address of ours, and not kept."""
    context = {"title": title, "text": text, "back": back, "uses": uses}
    response = render(request, "watch/token.html", context)
    response["Cache-Control"] = "no-store"
    return response
