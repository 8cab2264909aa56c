"""People from Excel."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from xingwei.base.ui.sheet_import import Plan, SheetImport
from xingwei.base.ui.sheets import Sheet

from ..models import User
from ..services import sheets


class ImportPeople(SheetImport):
    permission = "accounts.person:change"
    title = "导入人员"
    fields = sheets.FIELDS
    template_title = "人员导入模板"

    def plan(self, sheet: Sheet) -> Plan:
        return sheets.plan_people(sheet)

    def apply(self, sheet: Sheet) -> str | HttpResponseBase:
        first, changed = sheets.import_sheet(self.actor, sheet)
        if not first:
            return f"已导入：更改 {changed} 个账号。"
        people = User.objects.filter(username__in=first).select_related("department").order_by("username")
        rows = [{"person": p, "first": first[p.username]} for p in people]
        return render(
            self.request, "accounts/first_passwords.html", {"title": "初始密码", "rows": rows, "changed": changed}
        )

    def get_done_url(self) -> str:
        return reverse("accounts:people")
