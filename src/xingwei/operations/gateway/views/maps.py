"""Code maps: the list, one of them with its versions, the draft as a table, Excel in and out."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from xingwei.base.ui.export import export_response
from xingwei.base.ui.sheet_import import Plan, SheetImport, compare
from xingwei.base.ui.sheets import Field, Sheet
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import FormPage

from ..forms.versions import MapDraftForm, NewMapForm
from ..models import CodeMap, RouteVersion
from ..queries import tryout
from ..services import owners
from ..services import versions as services
from .common import GatewayPage, map_or_404, tabs
from .routes import _count, _looked
from .versions import OwnerPage

EDITABLE = 400  # pairs; above it the table is changed in Excel


class Maps(GatewayPage):
    permission = "gateway.code_map:view"
    template_name = "gateway/maps.html"
    title = "编码对照"
    tab = "maps"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = CodeMap.objects.restrict(self.actor, self.permission).select_related("system")
        using = _users()
        lines = []
        for row in rows.prefetch_related("versions"):
            versions = list(row.versions.all())
            current = next((v for v in versions if v.state == "released"), None)
            lines.append(
                {
                    "map": row,
                    "current": current,
                    "draft": next((v for v in versions if v.state == "draft"), None),
                    "pairs": len(current.document.get("pairs") or {}) if current else 0,
                    "routes": using.get(row.code, []),
                }
            )
        return super().get_context_data(**kwargs) | {"lines": lines}


class PairsTable(Table):
    columns = (Column("from", "原编码", value=lambda r: r[0]), Column("into", "对照为", value=lambda r: r[1]))


class MapPage(OwnerPage):
    permission = "gateway.code_map:view"
    template_name = "gateway/map.html"
    tab = "maps"
    kind = "code_map"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("format") in {"csv", "xlsx"}:
            owner = map_or_404(self.actor, str(self.kwargs["code"]))
            current = services.versions(owner).filter(state="released").first()
            pairs = list((current.document.get("pairs") or {}).items() if current else ())
            return export_response(request.GET["format"], owner.name, PairsTable, pairs)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown = context["current"] or context["draft"]
        asked = self.request.GET.get("version", "")
        shown = next((v for v in context["versions"] if str(v.number) == asked), shown)
        pairs = sorted((shown.document.get("pairs") or {}).items()) if shown else []
        return context | {
            "shown": shown,
            "pairs": pairs[:1000],
            "total": len(pairs),
            "routes": _users().get(context["owner"].code, []),
            "export_urls": {k: f"?format={k}" for k in ("xlsx", "csv")},
        }


class NewMap(FormPage):
    permission = "gateway.code_map:draft"
    template_name = "gateway/form.html"
    title = "新建编码对照"
    form_class = NewMapForm
    submit_label = "建立，接着填编码"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "maps")}

    def get_back_url(self) -> str:
        return reverse("gateway:maps")

    def act(self, form: Any) -> HttpResponseBase:
        values = form.cleaned_data
        row = owners.add_map(self.actor, values["code"], values["name"], values["system"])
        return self.done("已建立，填好编码并由另一个人发布后才生效", reverse("gateway:map-draft", args=[row.code]))


class MapDraft(FormPage):
    permission = "gateway.code_map:draft"
    template_name = "gateway/map_draft.html"
    submit_label = "保存草稿"

    @property
    def map(self) -> CodeMap:
        return map_or_404(self.actor, str(self.kwargs["code"]), self.permission)

    def _base(self) -> tuple[Any, Any]:
        rows = services.versions(self.map)
        draft = rows.filter(state="draft").first()
        return draft, draft or rows.filter(state="released").first()

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        if data is not None:
            return MapDraftForm(data)
        draft, base = self._base()
        document = base.document if base else {}
        return MapDraftForm(
            initial={
                "missing": document.get("missing", "keep"),
                "default": document.get("default", ""),
                "note": draft.note if draft else "",
                "seen": services.fingerprint(draft.document) if draft else "",
            }
        )

    def get_title(self) -> str:
        return f"草稿：{self.map.name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data = self.request.POST if self.request.method == "POST" else None
        if data is not None:
            pairs = list(zip(data.getlist("from"), data.getlist("into"), strict=False))
        else:
            base = self._base()[1]
            pairs = sorted((base.document.get("pairs") or {}).items()) if base else []
        return super().get_context_data(**kwargs) | {
            "tabs": tabs(self.actor, "maps"),
            "owner": self.map,
            "pairs": pairs,
            "too_many": len(pairs) > EDITABLE,
        }

    def get_back_url(self) -> str:
        return str(self.map.get_absolute_url())

    def act(self, form: Any) -> HttpResponseBase:
        values = form.cleaned_data
        row = services.save_draft(self.actor, self.map, values["document"], values["note"], seen=values["seen"])
        return self.done(f"第 {row.number} 版草稿已保存，请另一个人复核", self.get_back_url())


class ImportMap(SheetImport):
    """A whole table from Excel: pairs in it are added or changed in the draft, others stay."""

    permission = "gateway.code_map:draft"
    template_title = "编码对照"
    fields = (
        Field("from", "原编码", required=True, aliases=("来源编码", "仪器编码", "编码")),
        Field("into", "对照为", required=True, aliases=("目标编码", "院内编码", "LIS 编码")),
    )

    @property
    def map(self) -> CodeMap:
        return map_or_404(self.actor, str(self.kwargs["code"]), self.permission)

    def get_title(self) -> str:
        return f"导入 {self.map.name}"

    def get_done_url(self) -> str:
        return str(self.map.get_absolute_url())

    def plan(self, sheet: Sheet) -> Plan:
        pairs = self._document().get("pairs") or {}
        plan = Plan()
        seen: set[str] = set()
        for row in sheet.rows:
            code = str(row.values.get("from") or "")
            if not code:
                continue
            if code in seen:
                sheet.error(row, self.fields[0], "同一个原编码写了两遍")
            seen.add(code)
            before = {"from": code, "into": pairs[code]} if code in pairs else None
            plan.rows.append(compare(row.number, code, before, row.values, self.fields))
        plan.notes.append("导入后成为草稿，另一个人复核发布后才生效；文件里没有的编码不动。")
        return plan

    def apply(self, sheet: Sheet) -> str:
        document = dict(self._document())
        pairs = dict(document.get("pairs") or {})
        for row in sheet.rows:
            pairs[str(row.values["from"])] = str(row.values["into"])
        document |= {"pairs": pairs}
        document.setdefault("missing", "keep")
        draft = services.save_draft(self.actor, self.map, document, f"从表格导入 {len(sheet.rows)} 行")
        return f"第 {draft.number} 版草稿已保存，共 {len(pairs)} 对，请另一个人复核"

    def _document(self) -> dict[str, Any]:
        rows = services.versions(self.map)
        base = rows.filter(state="draft").first() or rows.filter(state="released").first()
        return dict(base.document) if base else {}


class TryMap(GatewayPage):
    permission = "gateway.code_map:draft"
    template_name = "gateway/tryout.html"
    tab = "maps"

    def get_title(self) -> str:
        return f"试算：{self.map.name}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.map = map_or_404(self.actor, str(self.kwargs["code"]), self.permission)
        draft = services.versions(self.map).filter(state="draft").select_related("author").first()
        count = _count(self.request)
        made = None
        if draft is not None:
            draft.map = self.map
            made = tryout.of_map(draft, count=count)
            _looked(self.request, self.actor, self.map, draft.number, made.looked)
        return super().get_context_data(**kwargs) | {
            "owner": self.map,
            "kind": "code_map",
            "draft": draft,
            "made": made,
            "summary": tryout.summary(made) if made else [],
            "count": count,
            "number": "",
            "back_url": self.map.get_absolute_url(),
        }


def _users() -> dict[str, list[str]]:
    """Code map → the routes in force that use it."""
    found: dict[str, list[str]] = {}
    for version in RouteVersion.objects.filter(state="released").select_related("route"):
        for rule in version.document.get("rules") or []:
            for code in filter(None, [rule.get("map"), *(rule.get("tables") or {}).values()]):
                names = found.setdefault(str(code), [])
                if version.route.code not in names:
                    names.append(version.route.code)
    return found
