"""The connections: how each is reached, whether it is proved read only, what may run over it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.templatetags.xw import state
from xingwei.base.ui.views import Act, FormPage, ListPage, Page

from . import services
from .drivers import driver_of
from .engine import throttle
from .forms import ConnectionForm, KindForm, initial_of
from .models import Connection, Statement

PROOF_STATES = {"unknown": "unknown", "account": "ok", "session": "warn", "failed": "late"}


def proof_state(row: Connection) -> Any:
    if not row.enabled:
        return state("pause", "停用")
    if row.problem:
        return state("late", "读不了")
    return state(PROOF_STATES[row.proof], row.get_proof_display())


class ConnectionTable(Table):
    caption = "业务库连接"
    columns = (
        Column("name", "名称", kind="title"),
        Column("proof", "只读", lambda c: c.problem or c.get_proof_display(), proof_state),
        Column("kind", "种类", lambda c: c.get_kind_display(), drop=True),
        Column("system", "系统", "system.short_name"),
        Column("windows", "读取时段", lambda c: throttle.said(throttle.windows(c.windows)), label_on_phone=True),
        Column("rows_per_second", "每秒至多", lambda c: f"{c.rows_per_second:,} 行" if c.rows_per_second else "不限", kind="num"),
        Column("statements", "登记的语句", "n_statements", kind="num", drop=True),
        Column("rows", "累计读取行", lambda c: f"{c.n_rows or 0:,}", kind="num", drop=True),
        Column("proved_at", "最近验证", kind="time"),
    )  # fmt: skip


class Connections(ListPage):
    permission = "connections.connection:view"
    template_name = "connections/list.html"
    title = "业务库连接"
    table = ConnectionTable
    filters = (Filter("kind", "种类", "kind", "database", choices=Connection.Kind.choices),)
    order = ("code",)
    export_name = "业务库连接"
    empty = ("还没有连接", "新建一个，或导入医院的配置。")

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = Connection.objects.restrict(self.actor, self.permission).select_related("system")
        found: models.QuerySet[Any] = rows.annotate(n_statements=Count("statements"), n_rows=Sum("statements__rows"))
        return found


class ConnectionPage(Page):
    permission = "connections.connection:view"
    template_name = "connections/connection.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.row = get_object_or_404(Connection.objects.restrict(self.actor, self.permission), code=self.kwargs["code"])
        row = self.row
        fields = driver_of(row.kind).fields
        address = [(fields[k][0] if k in fields else k, v) for k, v in row.settings.items()]
        return super().get_context_data(**kwargs) | {
            "row": row,
            "proof": proof_state(row),
            "address": address,
            "windows": throttle.said(throttle.windows(row.windows)),
            "statements": list(row.statements.all()[:200]),
            "may_change": may(self.actor, "connections.connection:change"),
            "may_prove": may(self.actor, "connections.connection:prove"),
            "may_show": may(self.actor, "connections.statement:show"),
        }

    def get_title(self) -> str:
        return str(self.row.name)


class NewConnection(FormPage):
    """Step one: the kind. Step two, with it in the URL: everything else."""

    permission = "connections.connection:change"
    title = "新建连接"
    lead = "口令加密存放；保存后先验证只能读，再用"

    @property
    def kind(self) -> str:
        kind = self.request.GET.get("kind", "")
        return kind if kind in Connection.Kind.values else ""

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return ConnectionForm(data, kind=self.kind) if self.kind else KindForm(data)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"submit_label": "保存" if self.kind else "下一步"}

    def act(self, form: Any) -> HttpResponseBase:
        if not self.kind:
            return HttpResponseRedirect(f"{reverse('connections:new')}?kind={form.cleaned_data['kind']}")
        code = form.cleaned_data["code"]
        if Connection.objects.filter(code=code).exists():
            raise services.ConnectionRefused(f"代码“{code}”已经有了，请换一个。")
        values, password = form.values()
        row = services.save(self.actor, code, values, password=password)
        return self.done(f"已保存“{row.name}”，请验证只能读", row.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("connections:connections")


class EditConnection(FormPage):
    permission = "connections.connection:change"
    lead = "改了地址、用户或口令，要重新验证只能读"

    @property
    def row(self) -> Connection:
        found: Connection = get_object_or_404(
            Connection.objects.restrict(self.actor, self.permission), code=self.kwargs["code"]
        )
        return found

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return ConnectionForm(data, kind=self.row.kind, row=self.row, initial=initial_of(self.row))

    def act(self, form: Any) -> HttpResponseBase:
        values, password = form.values()
        row = services.save(self.actor, self.row.code, values, password=password)
        return self.done(f"已保存“{row.name}”", row.get_absolute_url())

    def get_title(self) -> str:
        return f"修改：{self.row.name}"

    def get_back_url(self) -> str:
        return self.row.get_absolute_url()


class _OfConnection(Act, abstract=True):
    def connection(self) -> Connection:
        found: Connection = get_object_or_404(
            Connection.objects.restrict(self.actor, self.permission), code=self.kwargs["code"]
        )
        return found


class Prove(_OfConnection):
    permission = "connections.connection:prove"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        tried = services.prove(self.actor, self.connection())
        return f"已验证：{Connection.Proof(tried.level).label}"


class Switch(_OfConnection):
    permission = "connections.connection:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = self.connection()
        services.switch(self.actor, row, on=not row.enabled)
        return f"已{'停用' if row.enabled else '恢复'}“{row.name}”"


class Show(_OfConnection):
    """Registers a statement that somebody typed."""

    permission = "connections.statement:show"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        purpose = " ".join(request.POST.get("purpose", "").split())[:200]
        if len(purpose) < 2:
            raise services.ConnectionRefused("请写明用途。")
        row = services.show(self.actor, self.connection(), request.POST.get("text", "")[:20_000], purpose)
        return f"已登记：{row.purpose}"


class Withdraw(_OfConnection):
    permission = "connections.statement:show"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(
            Statement.objects.select_related("connection"), pk=self.kwargs["pk"], connection=self.connection()
        )
        services.withdraw(self.actor, row)
        return f"已收回：{row.purpose}，从现在起不再执行"
