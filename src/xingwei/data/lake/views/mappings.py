"""The mappings: where each field comes from, the statements, the runs; and the buttons."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from xingwei.base.connections.engine.statements import DIALECTS
from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Filter, Table
from xingwei.base.ui.templatetags.xw import state
from xingwei.base.ui.views import Act, ListPage

from ..engine import mapping as maps
from ..engine.datasets import datasets
from ..models import Extract, Mapping
from ..services import mappings as services
from .common import LakePage, size, tabs

RUN_STATES = {"running": "doing", "done": "ok", "failed": "late", "interrupted": "warn"}


def _dataset_choices(actor: Any) -> list[tuple[str, str]]:
    return [(d.code, d.title) for d in datasets().values()]


def mapping_state(row: Mapping) -> Any:
    if not row.enabled:
        return state("pause", "暂停")
    if row.problem:
        return state("late", "没有完成")
    return state("ok", "正常") if row.checked_at else state("unknown", "还没有抽取")


class MappingTable(Table):
    caption = "映射"
    columns = (
        Column("title", "映射", kind="title"),
        Column("state", "状态", lambda m: m.problem or "正常", mapping_state),
        Column("dataset", "数据集", lambda m: m.canonical.title),
        Column("connection", "来自", "connection.name"),
        Column("rows", "行", lambda m: f"{m.n_rows or 0:,}", kind="num"),
        Column("every", "间隔", lambda m: f"{m.every_minutes} 分", kind="num", drop=True),
        Column("version", "版本", lambda m: f"第 {m.version} 版", drop=True),
        Column("checked_at", "最近完成", kind="time"),
    )


class Mappings(ListPage):
    permission = "lake.mapping:view"
    template_name = "lake/list.html"
    title = "映射"
    table = MappingTable
    filters = (
        Filter("dataset", "数据集", "dataset", "database", choices=_dataset_choices),
        Filter("problem", "只看没有完成的", lambda v, a: ~models.Q(problem=""), "alert-circle", kind="bool"),
    )
    order = ("dataset", "code")
    export_name = "数据湖映射"
    empty = ("还没有映射", "请先导入医院的配置。")

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = Mapping.objects.restrict(self.actor, self.permission).select_related("connection")
        found: models.QuerySet[Any] = rows.annotate(n_rows=models.Sum("parts__rows"))
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "mappings")}


class MappingPage(LakePage):
    permission = "lake.mapping:view"
    template_name = "lake/mapping.html"
    tab = "mappings"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Mapping.objects.restrict(self.actor, self.permission).select_related("connection")
        self.row = row = get_object_or_404(rows, code=self.kwargs["code"])
        document = self.row.document
        spec = maps.parse(document)
        held = row.parts.aggregate(
            r=models.Sum("rows"), b=models.Sum("bytes"), n=models.Count("pk"), first=models.Min("day")
        )
        return super().get_context_data(**kwargs) | {
            "row": row,
            "state": mapping_state(row),
            "spec": spec,
            "fields": [self._field(f, document["fields"].get(f.name)) for f in row.canonical.fields],
            "statements": [
                (maps.purpose_of(n), t) for n, t in maps.statements(spec, DIALECTS[row.connection.kind]).items()
            ],
            "runs": list(row.extracts.all()[:12]),
            "versions": list(row.versions.all()[:10]),
            "held": held,
            "size": size(held["b"] or 0),
            "can_change": may(self.actor, "lake.mapping:change"),
            "can_run": may(self.actor, "lake.mapping:run"),
        }

    def _field(self, f: Any, body: Any) -> dict[str, Any]:
        text = body if isinstance(body, str) else (body or {}).get("column") or (body or {}).get("value") or ""
        codes = {} if isinstance(body, str) else (body or {}).get("codes") or {}
        words = f.code_list.values if f.code_list else {}
        return {
            "field": f,
            "source": text,
            "expression": isinstance(body, dict) and "value" in body,
            "codes": [(k, words.get(v, v)) for k, v in codes.items()],
        }

    def get_title(self) -> str:
        return str(self.row.title)


class _OfMapping(Act, abstract=True):
    def mapping(self) -> Mapping:
        found: Mapping = get_object_or_404(
            Mapping.objects.restrict(self.actor, self.permission), code=self.kwargs["code"]
        )
        return found


class RunNow(_OfMapping):
    permission = "lake.mapping:run"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row, again = self.mapping(), request.POST.get("again") == "1"
        services.ask_now(self.actor, row, again=again)
        return f"已排队：{'重新抽取全部' if again else '立即抽取'}“{row.title}”"


class Switch(_OfMapping):
    permission = "lake.mapping:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = self.mapping()
        services.switch(self.actor, row, on=not row.enabled)
        return f"已{'暂停' if row.enabled else '恢复'}“{row.title}”"


class ExtractTable(Table):
    caption = "抽取记录"
    columns = (
        Column("mapping", "映射", "mapping.title", kind="title"),
        Column("state", "结果", lambda e: e.problem or e.get_state_display(), lambda e: state(RUN_STATES[e.state], e.get_state_display())),
        Column("started_at", "开始", kind="time"),
        Column("rows", "读取行", lambda e: f"{e.rows:,}", kind="num"),
        Column("written", "写入分区", kind="num", drop=True),
        Column("unchanged", "没有变化", kind="num", drop=True),
        Column("bytes", "写入", lambda e: size(e.bytes), kind="num", drop=True),
        Column("source_s", "占用业务库", lambda e: f"{e.source_s:.2f} 秒", kind="num"),
        Column("processor_s", "处理器", lambda e: f"{e.processor_s:.2f} 秒", kind="num", drop=True),
        Column("problem", "说明", drop=True),
    )  # fmt: skip

    @staticmethod
    def url(row: Any) -> str:
        return str(row.mapping.get_absolute_url())


class Extracts(ListPage):
    permission = "lake.mapping:view"
    template_name = "lake/list.html"
    title = "抽取记录"
    table = ExtractTable
    filters = (
        Filter("state", "结果", "state", "list-check", choices=Extract.State.choices),
        Filter("dataset", "数据集", "mapping__dataset", "database", choices=_dataset_choices),
    )
    order = ("-pk",)
    export_name = "抽取记录"
    empty = ("还没有抽取过", "后台任务按各映射的间隔抽取。")

    def get_queryset(self) -> models.QuerySet[Any]:
        return Extract.objects.restrict(self.actor, self.permission).select_related("mapping")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "extracts")}
