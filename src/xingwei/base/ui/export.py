"""CSV and Excel of any table, streamed row by row."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.db import models
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from .table import Table

XLSX_ROWS = 200_000  # a sheet holds 1,048,576; beyond this use CSV
_CHUNK = 2_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_response(
    kind: str, name: str, table: type[Table], rows: models.QuerySet[Any] | Iterable[Any]
) -> HttpResponseBase:
    """All rows as a download named NAME-DATE.KIND."""
    stamp = timezone.localtime().strftime("%Y%m%d-%H%M")
    filename = quote(f"{name}-{stamp}.{kind}")
    body = rows.iterator(chunk_size=_CHUNK) if isinstance(rows, models.QuerySet) else iter(rows)
    if kind == "csv":
        response: HttpResponseBase = StreamingHttpResponse(_csv(table, body), content_type="text/csv; charset=utf-8")
    else:
        response = FileResponse(
            _xlsx(name, table, body),
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{filename}"
    return response


def plain_text(value: Any) -> Any:
    """A cell's value: local time, no formula that a spreadsheet would run (CWE-1236)."""
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (dt.date, int, float, Decimal, bool)):
        return str(value) if isinstance(value, (dt.date, bool)) else value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class _Line:
    def write(self, text: str) -> str:
        return text


def _csv(table: type[Table], rows: Iterator[Any]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # Excel on Chinese Windows takes UTF-8 only with a mark
    yield writer.writerow([c.label for c in table.columns])
    for row in rows:
        yield writer.writerow([plain_text(c.plain(row)) for c in table.columns])


def _xlsx(name: str, table: type[Table], rows: Iterator[Any]) -> Any:
    import xlsxwriter

    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet(name[:31])
        head = book.add_format({"bold": True, "bg_color": "#EEF2F4"})
        sheet.freeze_panes(1, 0)
        for i, column in enumerate(table.columns):
            sheet.set_column(i, i, 40 if column.kind == "title" else 16)
            sheet.write_string(0, i, column.label, head)
        for r, row in enumerate(rows, start=1):
            if r > XLSX_ROWS:
                sheet.write_string(r, 0, f"超过 {XLSX_ROWS:,} 行，其余请用 CSV 导出")
                break
            for i, column in enumerate(table.columns):
                value = plain_text(column.plain(row))
                if isinstance(value, (int, float, Decimal)):
                    sheet.write_number(r, i, value)
                else:
                    sheet.write_string(r, i, value)
    target.seek(0)
    return target
