"""The first sheet of an Excel book → columns and rows of text."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from ..outcome import BadInput

EXACT_UP_TO = 10**15  # Excel keeps 15 digits of a number


def sheet(path: Path) -> tuple[list[str], list[tuple[int, list[str | None]]]]:
    """Columns, and line and values of each row. Raises BadInput."""
    try:
        book = CalamineWorkbook.from_path(str(path))
        raw = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, IndexError) as error:
        raise BadInput(f"{path.name} 不是能打开的 Excel 文件，可能只收到一半或有密码。") from error
    live = [i for i, row in enumerate(raw) if any(cell not in ("", None) for cell in row)]
    if not live:
        raise BadInput(f"{path.name} 的第一张表是空的。")
    filled = Counter(sum(cell not in ("", None) for cell in raw[i]) for i in live[:200])
    width = max(filled.items(), key=lambda item: (item[1], item[0]))[0]
    header = next(
        (i for i in live if sum(isinstance(c, str) and c.strip() != "" for c in raw[i]) >= max(2, width * 0.8)), None
    )
    if header is None:
        raise BadInput(f"{path.name} 看不出表头：没有一行全是列名。")
    last = max(i for i, cell in enumerate(raw[header]) if cell not in ("", None))
    columns = [str(cell).strip() or f"第{i + 1}列" for i, cell in enumerate(raw[header][: last + 1])]
    if twice := [name for name, n in Counter(columns).items() if n > 1]:
        raise BadInput(f"{path.name} 第 {header + 1} 行表头里“{twice[0]}”出现多次，请改成不同的列名。")
    rows = [(i + 1, _row(path, i, raw[i], columns)) for i in live if i > header]
    if rows and all(v is None or not any(c.isdigit() for c in v) for v in rows[0][1]) and len(rows) > 1:
        rows = rows[1:]  # a second line of titles
    return columns, rows


def _row(path: Path, at: int, cells: list[Any], columns: list[str]) -> list[str | None]:
    extra = [i for i, cell in enumerate(cells[len(columns) :], len(columns)) if cell not in ("", None)]
    if extra:
        raise BadInput(f"{path.name} 第 {at + 1} 行在表头以外的第 {extra[0] + 1} 列还有内容。没有载入任何一行。")
    return [_text(path, at, name, cell) for name, cell in zip(columns, cells, strict=False)]


def _text(path: Path, at: int, column: str, cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float | int):
        if abs(cell) >= EXACT_UP_TO:
            raise BadInput(
                f"{path.name} 第 {at + 1} 行，列“{column}”是超过 15 位的数字，Excel 已经丢了末尾几位。"
                "请把这一列设成文本后重新导出。"
            )
        return str(int(cell)) if cell == int(cell) else repr(round(cell, 6))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return str(cell).strip() or None
