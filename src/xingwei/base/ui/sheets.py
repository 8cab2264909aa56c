"""Excel and CSV in: what hospitals really send, read cell by cell.

    FIELDS = (Field("username", "工号", kind="code", required=True), Field("name", "姓名", required=True))
    sheet = read(upload.name, upload.read(), FIELDS)     # SheetError where it is no table at all
    sheet.rows[0].values["username"]; sheet.errors       # each error names its row and column

Merged cells count for every cell that they cover; a formula counts with the value that Excel last computed;
CSV may be UTF-8, GBK or UTF-16; full-width digits and letters are plain ones. A column that the file lacks is
absent from `values`, which is not the same as an empty cell.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .grids import HEADER_ROWS, MAX_COLUMNS, NO_FORMULA_VALUE, SheetError, load

__all__ = ["CellError", "Field", "Sheet", "SheetError", "SheetRow", "letter", "plain", "read"]

_EXCEL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}
_YES, _NO = {"是", "有", "y", "yes", "true", "1", "√"}, {"否", "无", "n", "no", "false", "0", "×"}
_WIDE = (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))  # digits, capitals, small letters
_PLAIN = {0x3000: " ", **{c: chr(c - 0xFEE0) for c in _WIDE}}


@dataclass(frozen=True, slots=True)
class Field:
    """A column that the table may have.

    kind: text, code (no spaces, half-width), date, int, bool, choice, list (、 or , between). choices: what may
    stand in the cell → the value it means. aliases: other headings for the same thing.
    """

    key: str
    label: str
    kind: str = "text"
    required: bool = False
    max_length: int = 200
    choices: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    hint: str = ""

    def parse(self, raw: Any) -> Any:
        """The cell's value; raises ValueError with a Chinese sentence."""
        if raw == NO_FORMULA_VALUE:
            raise ValueError("公式还没有算出值，请在 Excel 里打开、保存后再导入，或改成数值")
        text = plain(raw)
        if text in _EXCEL_ERRORS:
            raise ValueError(f"公式出错（{text}），请改正或改成数值")
        if not text:
            if self.required:
                raise ValueError("不能为空")
            return [] if self.kind == "list" else None if self.kind in {"date", "int", "bool"} else ""
        if len(text) > self.max_length:
            raise ValueError(f"太长，最多 {self.max_length} 个字")
        return _PARSERS[self.kind](self, raw, text)


@dataclass(frozen=True, slots=True)
class CellError:
    """row: as numbered in Excel. column: its letter, "" where the column is missing."""

    row: int
    column: str
    label: str
    value: str
    message: str

    def __str__(self) -> str:
        place = f"第 {self.row} 行" + (f" {self.column} 列" if self.column else "")
        shown = f"“{self.value[:30]}”" if self.value else ""
        return f"{place}（{self.label}）：{shown}{self.message}"


@dataclass(frozen=True, slots=True)
class SheetRow:
    number: int
    values: dict[str, Any]


@dataclass(slots=True)
class Sheet:
    """columns: key → letter of the columns found. unknown: headings that no field knows; they are ignored."""

    name: str
    rows: list[SheetRow] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def error(self, row: SheetRow, wanted: Field, message: str) -> None:
        """Note what is wrong with a cell that only its room could judge."""
        shown = plain(row.values.get(wanted.key, ""))
        self.errors.append(CellError(row.number, self.columns.get(wanted.key, ""), wanted.label, shown, message))


def plain(value: Any) -> str:
    """The cell as text: 12.0 is "12", dates are ISO, full-width digits and letters are plain, no outer space."""
    if value is None or isinstance(value, bool):
        return "" if value is None else "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, (list, tuple)):
        return "、".join(map(str, value))
    return str(value).translate(_PLAIN).replace("\x00", "").strip()


def read(name: str, content: bytes, fields: Sequence[Field], *, sheet: str = "") -> Sheet:
    """The table in the file: the sheet of that name where there is one, else the first. Raises SheetError."""
    title, grid = load(name, content, sheet)
    return _table(title, grid, fields)


def letter(index: int) -> str:
    """0 → A, 26 → AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def _table(title: str, grid: list[list[Any]], fields: Sequence[Field]) -> Sheet:
    known = {_heading(label): f for f in fields for label in (f.label, *f.aliases)}
    at, found = _header(grid, known)
    missing = [f.label for f in fields if f.required and f not in found.values()]
    if not found or missing:
        expected = "、".join(missing or [f.label for f in fields if f.required] or [f.label for f in fields])
        raise SheetError(f"没有找到表头：前 {HEADER_ROWS} 行里应有“{expected}”这样的列名。请对照模板检查。")
    columns = {f.key: letter(i) for i, f in found.items()}
    headings = [plain(c) for i, c in enumerate(grid[at]) if i not in found]
    sheet = Sheet(title, columns=columns, unknown=[h for h in headings if h][:MAX_COLUMNS])
    for number, cells in enumerate(grid[at + 1 :], start=at + 2):
        if not any(plain(cells[i]) for i in found if i < len(cells)):
            continue
        values: dict[str, Any] = {}
        for i, wanted in found.items():
            raw = cells[i] if i < len(cells) else ""
            try:
                values[wanted.key] = wanted.parse(raw)
            except ValueError as error:
                shown = "" if raw == NO_FORMULA_VALUE else plain(raw)
                sheet.errors.append(CellError(number, letter(i), wanted.label, shown, str(error)))
        sheet.rows.append(SheetRow(number, values))
    return sheet


def _header(grid: list[list[Any]], known: dict[str, Field]) -> tuple[int, dict[int, Field]]:
    """The row with the most headings among the first, and which column is which field."""
    best: tuple[int, dict[int, Field]] = (0, {})
    for at, cells in enumerate(grid[:HEADER_ROWS]):
        found: dict[int, Field] = {}
        for i, cell in enumerate(cells[:MAX_COLUMNS]):
            wanted = known.get(_heading(plain(cell)))
            if wanted and wanted not in found.values():
                found[i] = wanted
        if len(found) > len(best[1]):
            best = (at, found)
    return best


def _heading(text: str) -> str:
    return re.sub(r"[*＊（(].*$", "", re.sub(r"[\s:：]", "", text)).lower()


def _code(wanted: Field, raw: Any, text: str) -> str:
    code = unicodedata.normalize("NFKC", text)
    if re.search(r"\s", code):
        raise ValueError("中间不能有空格")
    return code


def _date(wanted: Field, raw: Any, text: str) -> dt.date:
    if isinstance(raw, dt.datetime):
        return raw.date()
    if isinstance(raw, dt.date):
        return raw
    match = re.fullmatch(
        r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: .*)?|(\d{4})(\d{2})(\d{2})", unicodedata.normalize("NFKC", text)
    )
    try:
        return dt.date(*(int(g) for g in match.groups() if g)) if match else _no_date()
    except ValueError:
        return _no_date()


def _no_date() -> dt.date:
    raise ValueError("不是日期，请写成 2026-03-18 这样")


def _int(wanted: Field, raw: Any, text: str) -> int:
    try:
        return int(unicodedata.normalize("NFKC", text).replace(",", ""))
    except ValueError:
        raise ValueError("不是整数") from None


def _bool(wanted: Field, raw: Any, text: str) -> bool:
    word = text.lower()
    if word not in _YES | _NO:
        raise ValueError("请写“是”或“否”")
    return word in _YES


def _choice(wanted: Field, raw: Any, text: str) -> Any:
    if text not in wanted.choices:
        raise ValueError(f"应是{'、'.join(list(wanted.choices)[:12])}之一")
    return wanted.choices[text]


def _list(wanted: Field, raw: Any, text: str) -> list[Any]:
    words = [w for w in re.split(r"[、,，;；\s]+", text) if w]
    unknown = [w for w in words if wanted.choices and w not in wanted.choices]
    if unknown:
        raise ValueError(f"没有“{unknown[0]}”，应是{'、'.join(list(wanted.choices)[:30])}")
    return [wanted.choices[w] for w in words] if wanted.choices else words


def _text(wanted: Field, raw: Any, text: str) -> str:
    return text


_PARSERS = {
    "text": _text,
    "code": _code,
    "date": _date,
    "int": _int,
    "bool": _bool,
    "choice": _choice,
    "list": _list,
}
