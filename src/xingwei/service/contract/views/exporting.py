"""Export of tables whose rows are computed, not queried."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.http import HttpRequest

from xingwei.base.ui.export import export_response
from xingwei.base.ui.table import Table


class Exported:
    """Mixin: ?format=csv|xlsx exports `rows()` by `ExportTable`, under the filters of the URL."""

    export_name: ClassVar[str] = ""
    ExportTable: ClassVar[type[Table]]

    def rows(self) -> list[Any]:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        page = cast(Any, self)
        if request.GET.get("format") in {"csv", "xlsx"} and page.has_contract():
            kind = request.GET["format"]
            return export_response(kind, self.export_name, self.ExportTable, self.rows())
        return cast(Any, super()).get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = cast(Any, self).request.GET.copy()
        urls = {}
        for kind in ("xlsx", "csv"):
            query["format"] = kind
            urls[kind] = f"?{query.urlencode()}"
        context: dict[str, Any] = cast(Any, super()).get_context_data(**kwargs)
        return context | {"export_urls": urls}
