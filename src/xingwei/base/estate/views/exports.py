"""Lists that show some columns and export all of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest

from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Table
from xingwei.base.ui.views import ListPage


class TwoTables(ListPage, abstract=True):
    """table is what the screen shows; sheet, what goes to Excel and CSV, so that it can come back."""

    sheet: ClassVar[type[Table]]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        kind = request.GET.get("format", "")
        if kind in {"csv", "xlsx"}:
            rows = self.filtered().order_by(*self.get_order())
            return export_response(kind, self.export_name, self.sheet, rows)
        return super().get(request, *args, **kwargs)
