"""The versions of the text: what each changed, when it holds, under which readings; and putting one in force."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import FormPage, ListPage, Page

from .. import queries, services
from ..engine.diff import compare
from ..forms import PublishForm
from ..models import ContractVersion, Terms
from .base import TABS


class VersionTable(Table):
    caption = "合同的版本"
    columns = (
        Column("number", "版本", str, kind="title"),
        Column("name", "合同", lambda row: row.code, label_on_phone=True),
        Column("in_force_from", "生效日", lambda row: row.in_force_from or "尚未启用", label_on_phone=True),
        Column("ends_on", "终止日", lambda row: row.ends_on or "", label_on_phone=True),
        Column("imported_at", "导入时间", kind="time", label_on_phone=True),
        Column("imported_by", "导入人", lambda row: row.imported_by.name if row.imported_by else "系统"),
    )


class Versions(ListPage):
    permission = "contract.version:view"
    template_name = "contract/versions.html"
    title = "合同的版本"
    table = VersionTable
    order = ("-number",)
    export_name = "合同版本"
    empty = ("还没有导入合同", "在服务器上运行 xingwei contract import 导入合同目录。")

    def get_queryset(self) -> Any:
        return ContractVersion.objects.defer("document").select_related("imported_by")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": TABS, "tab": "versions"}


class _OneVersion(Page, abstract=True):
    permission = "contract.version:view"

    def version(self, number: int) -> ContractVersion:
        if number >= 2**31:
            raise Http404("没有这个版本")
        return get_object_or_404(ContractVersion.objects.defer("document"), number=number)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "tabs": TABS,
            "tab": "versions",
            "sees_money": may(self.actor, "contract.fee:view"),
        }


class VersionPage(_OneVersion):
    template_name = "contract/version.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = self.version(kwargs["number"])
        contract = queries.contract_of(version)
        questions = {q.id: q for q in contract.questions}
        before = ContractVersion.objects.filter(code=version.code, number__lt=version.number).order_by("-number")
        return super().get_context_data(**kwargs) | {
            "title": f"合同{version}",
            "version": version,
            "contract": contract,
            "before": before.defer("document").first(),
            "terms": _changes(list(version.terms.order_by("revision")), questions),
            "can_publish": may(self.actor, "contract.version:publish"),
        }


class DiffPage(_OneVersion):
    template_name = "contract/diff.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        old, new = self.version(kwargs["old"]), self.version(kwargs["new"])
        found = compare(queries.contract_of(old), queries.contract_of(new))
        parts: dict[str, list[Any]] = {}
        for difference in found:
            parts.setdefault(difference.part, []).append(difference)
        return super().get_context_data(**kwargs) | {
            "title": f"{old}与{new}的差别",
            "old": old,
            "new": new,
            "parts": parts,
            "count": len(found),
        }


class Publish(FormPage):
    permission = "contract.version:publish"
    form_class = PublishForm
    submit_label = "启用"

    def get_title(self) -> str:
        return f"启用合同{self._version()}"

    lead = "启用后，时限、义务和付费都按这一版计算；日期写错了可以再改"

    def get_initial(self) -> dict[str, Any]:
        row = self._version()
        source = (
            row if row.starts_on else ContractVersion.objects.filter(code=row.code, starts_on__isnull=False).first()
        )
        if source is None:
            return {}
        names = ["starts_on", "ends_on", "contract_number", "total"]
        initial = {name: getattr(source, name) for name in names}
        return initial | {"in_force_from": row.in_force_from}

    def act(self, form: PublishForm) -> HttpResponseBase:
        version = services.put_in_force(self.actor, self._version(), **form.cleaned_data)
        return self.done(f"已启用合同{version}", self.get_back_url())

    def get_back_url(self) -> str:
        return reverse("contract:version", args=[self.kwargs["number"]])

    def _version(self) -> ContractVersion:
        if self.kwargs["number"] >= 2**31:
            raise Http404("没有这个版本")
        return get_object_or_404(ContractVersion.objects.defer("document"), number=self.kwargs["number"])


def _changes(terms: list[Terms], questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Each set of readings with what it changed against the one before, newest first."""
    out = []
    for before, now in zip([None, *terms], terms, strict=False):
        said = []
        for ident, reading in now.chosen.items():
            was = before.chosen.get(ident) if before else None
            newly = ident in now.agreed and (before is None or ident not in before.agreed)
            if before and (was != reading or newly) and ident in questions:
                label = next((r.label for r in questions[ident].readings if r.id == reading), reading)
                said.append((questions[ident].title, label, ident in now.agreed))
        out.append({"terms": now, "changes": said})
    return out[::-1]
