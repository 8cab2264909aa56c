"""Bills of channels, each in the channel's own form, as rows of one form. The forms are data: data/bills.yaml.

A file that is wrong anywhere gives a sentence with its line and column, and nothing of it is taken.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from .base import ReconcileRefused

LARGEST = 200 * 2**20
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M")
MONEY = pa.decimal128(18, 2)
SHAPES: dict[str, pa.Schema] = {
    "trades": pa.schema([
        ("channel", pa.string()), ("bill_day", pa.date32()), ("order_no", pa.string()), ("channel_no", pa.string()),
        ("amount", MONEY), ("traded_at", pa.timestamp("us")), ("goods", pa.string()), ("bill", pa.string()), ("bill_line", pa.int32()),
    ]),
    "drawer": pa.schema([
        ("day", pa.date32()), ("cashier", pa.string()), ("counted", MONEY), ("bill", pa.string()), ("bill_line", pa.int32()),
    ]),
}  # fmt: skip
_WIDE = str.maketrans("０１２３４５６７８９．－，", "0123456789.-,")


@cache
def forms() -> dict[str, dict[str, Any]]:
    text = files("xingwei.data.reconcile").joinpath("data/bills.yaml").read_text("utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found


def read_days(root: Path, names: Sequence[str], days: Sequence[dt.date], target: Path) -> list[Path]:
    """Write the rows of these bills over these days as Parquet; returns the files read. Raises ReconcileRefused, with
    the days that are missing or the place that is wrong."""
    shape = forms()[names[0]].get("shape", "trades")
    rows: list[dict[str, Any]] = []
    read: list[Path] = []
    for name in names:
        form = forms()[name]
        missing = []
        for day in days:
            paths = sorted(root.glob(_pattern(form, day)))
            if not paths:
                missing.append(f"{day:%m-%d}")
            for path in paths:
                rows += read_one(form, path, day)
                read.append(path)
        if missing:
            raise ReconcileRefused(
                f"还没有{form['title']} {'、'.join(missing[:5])} 的账单（{form['glob']}），到了再核。"
            )
    pq.write_table(pa.Table.from_pylist(rows, schema=SHAPES[shape]), target)
    return read


def there(root: Path, names: Sequence[str], day: dt.date) -> bool:
    """Whether every one of these bills of the day has come."""
    return all(list(root.glob(_pattern(forms()[name], day))) for name in names)


def _pattern(form: Mapping[str, Any], day: dt.date) -> str:
    return str(form["glob"]).replace("{day}", f"{day:%Y%m%d}").replace("{date}", f"{day:%Y-%m-%d}")


def read_one(form: Mapping[str, Any], path: Path, day: dt.date) -> list[dict[str, Any]]:
    """The rows of one bill."""
    try:
        text = _content(form, path).decode(form["encoding"])
    except UnicodeDecodeError as error:
        raise ReconcileRefused(
            f"{form['title']}的“{path.name}”不是 {form['encoding']} 编码，第 {error.start} 个字节读不出。"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.get("delimiter", ","))
    return [_row(form, path, day, line, cells) for line, cells in _lines(form, path, reader)]


def _content(form: Mapping[str, Any], path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ReconcileRefused(f"{form['title']}的“{path.name}”超过 200 MB，请分日下载。")
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    try:
        with zipfile.ZipFile(path, metadata_encoding="gbk") as archive:
            members = [
                m for m in archive.infolist()
                if form.get("inside", "") in m.filename and not (form.get("but") and form["but"] in m.filename)
            ]  # fmt: skip
            if len(members) != 1:
                raise ReconcileRefused(f"“{path.name}”里没有找到唯一的“{form.get('inside', '')}”，请重新下载账单。")
            if members[0].file_size > LARGEST:
                raise ReconcileRefused(f"“{path.name}”解开超过 200 MB，请分日下载。")
            return archive.read(members[0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        raise ReconcileRefused(f"“{path.name}”打不开，可能没有下载完整，请重新下载。") from None


def _lines(form: Mapping[str, Any], path: Path, reader: Any) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, column → value) of the rows that are data."""
    strip = form.get("strip", "") + " \t"
    columns: list[str] | None = form.get("columns")
    seen_head = columns is not None
    for raw in reader:
        cells = [c.strip(strip) for c in raw]
        if not any(cells):
            continue
        if not seen_head:
            if cells[0] == form["start"]:
                columns, seen_head = cells, True
            continue
        assert columns is not None
        if form.get("end") and cells[0].startswith(form["end"]):
            return
        if form.get("marks") and cells[0] != form["marks"]:
            continue
        if len(cells) != len(columns):
            raise ReconcileRefused(
                f"{form['title']}的“{path.name}”第 {reader.line_num} 行有 {len(cells)} 列，应是 {len(columns)} 列。"
            )
        yield reader.line_num, dict(zip(columns, cells, strict=True))
    if not seen_head:
        raise ReconcileRefused(f"{form['title']}的“{path.name}”里没有找到表头“{form['start']}”，可能不是这种账单。")


def _row(form: Mapping[str, Any], path: Path, day: dt.date, line: int, cells: Mapping[str, str]) -> dict[str, Any]:
    def cell(column: str) -> str:
        if column not in cells:
            raise ReconcileRefused(f"{form['title']}的“{path.name}”没有“{column}”这一列，格式可能变了。")
        return cells[column]

    amount = _amount(form, path, line, cell)
    place = {"bill": path.name, "bill_line": line}
    if form.get("shape") == "drawer":
        return place | {"day": day, "cashier": cell(form["fields"]["cashier"]), "counted": amount}
    values: dict[str, Any] = {name: cell(column) or None for name, column in form["fields"].items()}
    for name, column in form.get("instead", {}).items():
        if cell(column) not in {"", "0"}:
            values[name] = cell(column)
    order = str(values.get("order_no") or "")
    values.setdefault("goods", "住院预交金" if order.startswith("YJ") else "门诊缴费")
    return place | values | dict(form["constants"]) | {
        "bill_day": day, "amount": amount, "traded_at": _time(form, path, line, " ".join(cell(c) for c in form["when"])),
    }  # fmt: skip


def _amount(form: Mapping[str, Any], path: Path, line: int, cell: Any) -> Decimal:
    rule = form["amount"]
    total = Decimal(0)
    for sign, columns in ((1, rule["plus"]), (-1, rule.get("minus", ()))):
        for column in columns:
            text = cell(column).translate(_WIDE).replace(",", "")
            try:
                total += sign * Decimal(text or "0")
            except InvalidOperation:
                raise ReconcileRefused(
                    f"{form['title']}的“{path.name}”第 {line} 行“{column}”写的是“{text[:20]}”，不是金额。"
                ) from None
    if rule.get("fen"):
        total /= 100
    turned = rule.get("sign")
    if turned and cell(turned["column"]) in turned["values"]:
        total = -total
    if total != round(total, 2):
        raise ReconcileRefused(f"{form['title']}的“{path.name}”第 {line} 行的金额多于两位小数。")
    return round(total, 2)


def _time(form: Mapping[str, Any], path: Path, line: int, text: str) -> dt.datetime:
    for pattern in TIMES:
        try:
            return dt.datetime.strptime(text if "-" in text or "/" in text else text.replace(" ", ""), pattern)  # noqa: DTZ007 - wall clock, as the bill has it
        except ValueError:
            continue
    raise ReconcileRefused(f"{form['title']}的“{path.name}”第 {line} 行的时间“{text[:30]}”读不懂。")
