"""The page that takes an Excel or CSV file: upload, preview of what would change, then the change itself.

A room gives `fields`, `plan` (what would happen, with every cell that is wrong) and `apply`. Between preview
and confirmation the file waits in the installation's own storage, found again through the session; it is
read and planned anew when it is confirmed, so that what others changed meanwhile counts.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast
from urllib.parse import quote

from django.contrib import messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponseBase, HttpResponseRedirect

from .grids import MAX_BYTES
from .sheets import CellError, Field, Sheet, SheetError, plain, read
from .views import Page, ServiceRefused

SHOWN = 200  # rows and errors on the preview; the counts are of all
_DIRECTORY = "imports"


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What happens with one row. what: new, change or same."""

    number: int
    what: str
    label: str
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Plan:
    """notes: sentences above the preview, e.g. on columns that are ignored."""

    rows: list[RowPlan] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, what: str) -> int:
        return sum(1 for r in self.rows if r.what == what)

    @property
    def new(self) -> int:
        return self.count("new")

    @property
    def changed(self) -> int:
        return self.count("change")

    @property
    def same(self) -> int:
        return self.count("same")

    @property
    def shown(self) -> list[RowPlan]:
        """The rows that change something, the first of them."""
        return [r for r in self.rows if r.what != "same"][:SHOWN]

    @property
    def shown_errors(self) -> list[CellError]:
        return self.errors[:SHOWN]


def compare(
    number: int, label: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], fields: Sequence[Field]
) -> RowPlan:
    """The row's plan; before is None for a row that does not exist yet. Only keys that the file has count."""
    changes = tuple(
        Change(f.label, plain((before or {}).get(f.key)), plain(after[f.key]))
        for f in fields
        if f.key in after and plain((before or {}).get(f.key)) != plain(after[f.key])
    )
    what = "new" if before is None else "change" if changes else "same"
    return RowPlan(number, what, label, changes)


class SheetImport(Page, abstract=True):
    """GET: the form. POST with `file`: the preview. POST with `kept`: the change. GET ?template: a blank file."""

    template_name = "ui/sheet_import.html"
    fields: ClassVar[tuple[Field, ...]]
    template_title: ClassVar[str] = "导入模板"
    done_url: ClassVar[str] = "/"

    def plan(self, sheet: Sheet) -> Plan:
        raise NotImplementedError

    def apply(self, sheet: Sheet) -> str | HttpResponseBase:
        """Do it in one transaction; returns the sentence for the toast, or a page. Raises ServiceRefused."""
        raise NotImplementedError

    def get_done_url(self) -> str:
        return self.done_url

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if "template" in request.GET:
            return blank(self.template_title, self.fields)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if token := request.POST.get("kept"):
                return self._confirm(request, token)
            return self._preview(request)
        except ServiceRefused as refusal:
            return self.render_to_response(self.get_context_data(refusal=str(refusal), **kwargs), status=422)

    def _preview(self, request: HttpRequest) -> HttpResponseBase:
        upload = request.FILES.get("file")
        if upload is None or upload.size is None:
            raise SheetError("请先选择一个 Excel 或 CSV 文件。")
        if upload.size > MAX_BYTES:
            raise SheetError(f"文件超过 {MAX_BYTES // 2**20} MB，请分成几个文件导入。")
        content = upload.read()
        sheet = read(upload.name or "", content, self.fields)
        plan = self._whole_plan(sheet)
        token = ""
        if not plan.errors:
            token = secrets.token_urlsafe(24)
            default_storage.save(f"{_DIRECTORY}/{token}", ContentFile(content))
            request.session[self._key()] = [token, upload.name]
        context = self.get_context_data(plan=plan, sheet=sheet, file_name=upload.name, token=token)
        return self.render_to_response(context, status=422 if plan.errors else 200)

    def _confirm(self, request: HttpRequest, token: str) -> HttpResponseBase:
        kept, name = request.session.get(self._key(), ["", ""])
        path = f"{_DIRECTORY}/{kept}"
        if not kept or not secrets.compare_digest(kept, token) or not default_storage.exists(path):
            raise SheetError("这次预览已经过期或已经导入过，请重新选择文件。没有改动任何内容。")
        with default_storage.open(path) as stream:
            sheet = read(cast(str, name), stream.read(), self.fields)
        plan = self._whole_plan(sheet)
        if plan.errors:
            context = self.get_context_data(plan=plan, sheet=sheet, file_name=name, token="")
            return self.render_to_response(context, status=422)
        said = self.apply(sheet)
        del request.session[self._key()]
        default_storage.delete(path)
        if isinstance(said, HttpResponseBase):
            return said
        messages.success(request, said)
        return HttpResponseRedirect(self.get_done_url())

    def _whole_plan(self, sheet: Sheet) -> Plan:
        plan = self.plan(sheet)
        plan.errors = sorted({*sheet.errors, *plan.errors}, key=lambda e: (e.row, e.column))
        if sheet.unknown:
            plan.notes.append(f"不认识的列没有导入：{'、'.join(sheet.unknown[:10])}。")
        if not sheet.rows:
            raise SheetError("表头下面没有内容。")
        return plan

    def _key(self) -> str:
        return f"import:{type(self).__module__}.{type(self).__qualname__}"


def blank(title: str, fields: Sequence[Field]) -> FileResponse:
    """An empty workbook with the headings, what each wants, and lists to choose from."""
    import xlsxwriter

    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    with xlsxwriter.Workbook(target) as book:
        page = book.add_worksheet(title[:31])
        head = book.add_format({"bold": True, "bg_color": "#EEF2F4"})
        page.freeze_panes(1, 0)
        for i, wanted in enumerate(fields):
            page.set_column(i, i, 18, book.add_format({"num_format": "@"}))
            page.write_string(0, i, wanted.label + ("*" if wanted.required else ""), head)
            if wanted.hint:
                page.write_comment(0, i, wanted.hint)
            options = ["是", "否"] if wanted.kind == "bool" else list(wanted.choices)
            if wanted.kind in {"bool", "choice"} and options and len(",".join(options)) < 255:
                page.data_validation(1, i, 5_000, i, {"validate": "list", "source": options})
    target.seek(0)
    response = FileResponse(target, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(title)}.xlsx"
    return response
