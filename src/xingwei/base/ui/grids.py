"""From the bytes of an Excel workbook or a CSV file to rows of cells; used by sheets.py."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from .views import ServiceRefused

MAX_BYTES = 10 * 2**20
MAX_UNPACKED = 200 * 2**20  # what a workbook may unfold to in memory
MAX_ROWS = 20_000
MAX_COLUMNS = 200
HEADER_ROWS = 10  # titles and notes may stand above the headings
NO_FORMULA_VALUE = "\x00formula"


class SheetError(ServiceRefused):
    """The file as a whole cannot be read; the message is Chinese and says what to do."""


def load(name: str, content: bytes, sheet: str = "") -> tuple[str, list[list[Any]]]:
    """(title, rows of cells) of the sheet of that name, or of the first one. Raises SheetError."""
    if len(content) > MAX_BYTES:
        raise SheetError(f"文件有 {len(content) / 2**20:.1f} MB，最大 {MAX_BYTES // 2**20} MB。请分成几个文件导入。")
    if not content.strip():
        raise SheetError("文件是空的。")
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        title, grid = _workbook(content, sheet)
    elif b"\x00" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetError("这不是 Excel 或 CSV 文件。请用 Excel 另存为 .xlsx 后再导入。")
    else:
        title, grid = name, _csv(content)
    if len(grid) > MAX_ROWS + HEADER_ROWS:
        raise SheetError(f"表里超过 {MAX_ROWS:,} 行，请分成几个文件导入。")
    return title, grid


def _workbook(content: bytes, wanted: str) -> tuple[str, list[list[Any]]]:
    if content.startswith(b"PK"):
        _refuse_bombs(content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if not book.sheet_names:
            raise SheetError("这个工作簿里没有工作表。")
        name = wanted if wanted in book.sheet_names else book.sheet_names[0]
        page = book.get_sheet_by_name(name)
        if page.total_width > MAX_COLUMNS * 10 or page.total_height > MAX_ROWS * 10:
            raise SheetError(f"表太大（{page.total_height:,} 行 {page.total_width:,} 列），请删去空行空列再导入。")
        grid: list[list[Any]] = [list(r) for r in page.to_python(skip_empty_area=False)]
        merged = page.merged_cell_ranges or []
    except PasswordError:
        raise SheetError("这个 Excel 文件有打开密码，请去掉密码后再导入。") from None
    except (CalamineError, OSError, ValueError):
        raise SheetError(
            "这个 Excel 文件打不开，可能已损坏或不是真正的 Excel 文件。请另存为 .xlsx 后再导入。"
        ) from None
    for (top, left), (bottom, right) in merged:
        _spread(grid, top, left, bottom, right)
    for row, column, shown in _without_value(content, book.sheet_names.index(name)):
        if row < len(grid) and column < len(grid[row]) and grid[row][column] == "":
            grid[row][column] = shown
    return name, grid


def _spread(grid: list[list[Any]], top: int, left: int, bottom: int, right: int) -> None:
    if top >= len(grid) or left >= len(grid[top]):
        return
    for cells in grid[top : bottom + 1]:
        for i in range(left, min(right + 1, len(cells))):
            cells[i] = grid[top][left]


def _refuse_bombs(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile:
        raise SheetError("这个 Excel 文件打不开，可能已损坏。请另存为 .xlsx 后再导入。") from None
    if unpacked > MAX_UNPACKED:
        raise SheetError("这个 Excel 文件展开后太大。请只保留要导入的工作表，另存后再导入。")


def _without_value(content: bytes, index: int) -> list[tuple[int, int, str]]:
    """Cells of an .xlsx that calamine reads as empty though something stands there: (row, column, what).

    A formula that no program has computed yet, as other programs write them, or one whose result is an error.
    """
    found: list[tuple[int, int, str]] = []
    path = f"xl/worksheets/sheet{index + 1}.xml"
    if not content.startswith(b"PK"):
        return found
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if path not in archive.namelist():
            return found
        with archive.open(path) as stream:
            try:
                for _, element in ElementTree.iterparse(stream):  # noqa: S314 - expat refuses entity bombs
                    if element.tag.endswith("}c"):
                        inner = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
                        if element.get("t") == "e" or ("f" in inner and not inner.get("v")):
                            found.append((*_position(element.get("r", "A1")), inner.get("v") or NO_FORMULA_VALUE))
                        element.clear()
            except ElementTree.ParseError:
                return found
    return found


def _position(reference: str) -> tuple[int, int]:
    letters, digits = re.match(r"([A-Z]+)(\d+)", reference).groups()  # type: ignore[union-attr]
    column = 0
    for one in letters:
        column = column * 26 + ord(one) - 64
    return int(digits) - 1, column - 1


def _csv(content: bytes) -> list[list[Any]]:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SheetError("文件的文字编码认不出。请用 Excel 另存为 .xlsx，或另存为 UTF-8 的 CSV。")
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;，", key=first.count)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error:
        raise SheetError("这个 CSV 文件读不懂：引号没有成对，或单元格太长。") from None
