"""Excel in: components, interfaces, parameters. Out is the lists' own export, in the same columns."""

from __future__ import annotations

from typing import ClassVar

from django.urls import reverse

from xingwei.base.ui.sheet_import import Plan, SheetImport
from xingwei.base.ui.sheets import Sheet

from .. import excel


class _Import(SheetImport, abstract=True):
    kind: ClassVar[excel.Kind]

    def plan(self, sheet: Sheet) -> Plan:
        return excel.plan(self.kind, sheet)

    def apply(self, sheet: Sheet) -> str:
        count = excel.apply(self.kind, self.actor, sheet)
        return f"已导入 {count} 行{self.kind.label}"

    def get_done_url(self) -> str:
        return reverse(self.kind.url_name)


class ImportComponents(_Import):
    permission = "estate.system:change"
    title = "导入部件"
    template_title = "部件导入模板"
    kind = excel.COMPONENTS
    fields = excel.COMPONENTS.fields


class ImportInterfaces(_Import):
    permission = "estate.system:change"
    title = "导入接口"
    template_title = "接口导入模板"
    kind = excel.INTERFACES
    fields = excel.INTERFACES.fields


class ImportParameters(_Import):
    permission = "estate.parameter:change"
    title = "导入参数字典"
    template_title = "参数字典导入模板"
    kind = excel.PARAMETERS
    fields = excel.PARAMETERS.fields
