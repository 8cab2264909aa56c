"""Jobs that must run, and the address at which their heartbeats come in."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.views import PUBLIC, Act, FormPage, Guarded

from ..forms import JobForm
from ..models import Beat, Job, Probe, Token
from ..services import base, jobs, pushed, tokens
from .common import WatchList, WatchPage, job_or_404, shown_once, tabs

KIND = {"new": "unknown", "ok": "ok", "running": "doing", "late": "late", "failed": "late"}
LARGEST = 64 * 1024


def _when(row: Job) -> str:
    if row.every_minutes:
        return f"每 {row.every_minutes} 分"
    days = "" if row.weekdays == "1234567" else f"（周{'、'.join('一二三四五六日'[int(d) - 1] for d in row.weekdays)}）"
    return f"每天 {row.daily_at:%H:%M}{days}"


class _Table(Table):
    columns = (
        Column("name", "任务", kind="title"),
        Column("state", "状态", value="get_state_display", cell="watch/parts/job_state.html"),
        Column("kind", "类别", value="get_kind_display", drop=True),
        Column("when", "应当", value=_when, label_on_phone=True),
        Column("last_ok_at", "最近一次成功", kind="time", label_on_phone=True),
        Column("said", "说了什么", drop=True),
    )

    def body(self) -> Any:
        for row in self.rows:
            row.state_kind = KIND[row.state]
        return super().body()


class Jobs(WatchList):
    tab = "jobs"
    permission = "watch.job:view"
    title = "心跳任务"
    lead = "备份、日结这类必须按时运行的任务，跑完自己来报到；没有来的，登记一件问题"
    template_name = "watch/jobs.html"
    table = _Table
    order = ("code",)
    export_name = "心跳任务"
    empty = ("还没有登记任务", "登记之后得到一个地址，任务跑完访问它一次即可。")
    filters = (
        Filter("state", "状态", "state", icon="progress", choices=Job.State.choices),
        Filter("kind", "类别", "kind", icon="category", choices=Job.Kind.choices),
    )

    def get_queryset(self) -> Any:
        return Job.objects.restrict(self.actor, "watch.job:view").select_related("system")


class JobPage(WatchPage):
    permission = "watch.job:view"
    template_name = "watch/job.html"
    tab = "jobs"

    def get_title(self) -> str:
        return str(job_or_404(self.actor, str(self.kwargs["code"])).name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        job, now = job_or_404(self.actor, str(self.kwargs["code"])), timezone.now()
        return super().get_context_data(**kwargs) | {
            "job": job, "kind": KIND[job.state], "when": _when(job), "beats": job.beats.all()[:50],
            "due": jobs.due(job, now) + dt.timedelta(minutes=job.grace_minutes),
            "token": Token.objects.filter(purpose="job", subject=job.code, revoked_at=None).first(),
            "can_change": may(self.actor, "watch.job:change"),
        }  # fmt: skip


class EditJob(FormPage):
    permission = "watch.job:change"
    template_name = "watch/form.html"
    refusals = (base.WatchRefused,)

    @property
    def job(self) -> Job | None:
        code = self.kwargs.get("code")
        return job_or_404(self.actor, str(code), "watch.job:change") if code else None

    def get_title(self) -> str:
        return f"修改 {self.job.name}" if self.job else "登记任务"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        job = self.job
        names = (
            "name",
            "kind",
            "node",
            "every_minutes",
            "daily_at",
            "weekdays",
            "grace_minutes",
            "severity",
            "active",
            "note",
        )
        return JobForm(data, job=job, initial={n: getattr(job, n) for n in names} if job else None)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "jobs")}

    def get_back_url(self) -> str:
        return self.job.get_absolute_url() if self.job else reverse("watch:jobs")

    def act(self, form: Any) -> HttpResponseBase:
        job, data = self.job, dict(form.cleaned_data)
        code = job.code if job else data.pop("code")
        if job is None and Job.objects.filter(code=code).exists():
            raise base.WatchRefused(f"代码“{code}”已经有了，请换一个。")
        row = jobs.save(self.actor, code, data)
        return self.done(f"{row.name} 已保存", row.get_absolute_url())


class JobToken(Act):
    permission = "watch.job:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        job = job_or_404(self.actor, str(kwargs["code"]), "watch.job:change")
        _, text = tokens.issue(self.actor, "job", job.code)
        ok, start, fail = (
            request.build_absolute_uri(reverse("watch:beat", args=[text, k])) for k in ("ok", "start", "fail")
        )
        return shown_once(request, f"{job.name}：心跳地址", text, job.get_absolute_url(), [
            ("跑完并成功，访问一次：", f'curl -fsS -m 10 "{ok}"'),
            ("开始时也可以说一声，能看出跑了多久：", f'curl -fsS -m 10 "{start}"'),
            ("失败了说明原因：", f'curl -fsS -m 10 --data-urlencode "said=空间不足" "{fail}"'),
        ])  # fmt: skip


@method_decorator(csrf_exempt, name="dispatch")
class HeartBeat(Guarded):
    """GET or POST /watch/beat/TOKEN/ok|start|fail/, with `said` in words; nobody needs an account for it."""

    permission = PUBLIC
    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, token: str, kind: str = "ok") -> HttpResponse:
        return self._beat(request, token, kind, request.GET.get("said", ""))

    def post(self, request: HttpRequest, token: str, kind: str = "ok") -> HttpResponse:
        return self._beat(request, token, kind, request.POST.get("said", ""))

    def _beat(self, request: HttpRequest, token: str, kind: str, said: str) -> HttpResponse:
        if kind not in Beat.Kind.values:
            return _plain("地址末尾应是 ok、start 或 fail。", 404)
        found = tokens.find("job", token)
        job = Job.objects.filter(code=found.subject).first() if found else None
        if job is None:
            return _plain("口令不对，或已停用。请在“心跳任务”页重新发放。", 403)
        if not job.active:
            return _plain("这个任务停用着，没有记录。", 409)
        jobs.beat(job, kind, said=said.replace("\x00", ""), address=request.META.get("REMOTE_ADDR") or None)
        return _plain(f"已记录：{job.name} {Beat.Kind(kind).label}", 200)


@method_decorator(csrf_exempt, name="dispatch")
class Push(Guarded):
    """POST /watch/push/: a host's agent brings its numbers; the token stands in the header Authorization."""

    permission = PUBLIC
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        found = tokens.find("agent", text)
        probe = Probe.objects.filter(code=found.subject, kind="agent", active=True).first() if found else None
        if probe is None:
            return JsonResponse({"detail": "口令不对，或这个代理停用着。"}, status=403)
        if int(request.headers.get("Content-Length") or 0) > LARGEST:
            return JsonResponse({"detail": "内容太大，最多 64 KB。"}, status=413)
        try:
            document = json.loads(request.body[:LARGEST])
            taken = pushed.take(probe, document)
        except (LookupError, ValueError, TypeError, AttributeError):
            return JsonResponse({"detail": "内容应是 JSON，含 proc（文字）与 time（秒）。"}, status=422)
        except base.WatchRefused as refused:
            return JsonResponse({"detail": str(refused)}, status=422)
        return JsonResponse({"detail": "已收到", "signals": taken})


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
