"""What kind of file this is, seen by its first bytes and lines: encoding, separator, where the header stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..outcome import BadInput

HEAD = 1 << 18  # bytes that are looked at
DELIMITERS = ("\t", ",", "|", ";")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NUMBER = re.compile(r"^[\s`¥￥+\-－]*[0-9０-９][0-9０-９,，.．:/\-\s]*$")
# 3202: what a line of so many columns is (upload 7, with extension 8; result 10, with extension 11)
_UPLOAD = ("setl_id", "mdtrt_id", "psn_no", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag")
_RESULT = (
    "psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo", "medfee_sumamt", "fund_pay_sumamt",
    "acct_pay",
)  # fmt: skip
STATEMENT = {
    7: _UPLOAD,
    8: (*_UPLOAD, "exp_content"),
    10: _RESULT,
    11: (*_RESULT, "exp_content"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """A text file. first: the line of the first row of data, counted from 1. tidy: nothing in it needs a second look
    line by line (no marks before values, no lines after the rows). notes: what was passed over, in Chinese."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    first: int
    tidy: bool = True
    tick: bool = False
    comment: str = ""
    footer: bool = False
    nulls: bool = False
    notes: tuple[str, ...] = ()


def encoding_of(path: Path) -> str:
    """utf-8, utf-8-sig, utf-16 or gb18030, proved on the whole file. Raises BadInput with the line of a byte that is
    none of these."""
    with path.open("rb") as file:
        start = file.read(4)
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name
    for name in ("utf-8", "gb18030"):
        if _decodes(path, name) is None:
            return name
    line = _decodes(path, "gb18030")
    raise BadInput(f"{path.name} 第 {line} 行有既不是 UTF-8 也不是 GBK 的字节，文件可能损坏，请重新导出。")


def _decodes(path: Path, name: str) -> int | None:
    """None, or the line of the first byte that is not of this encoding."""
    decoder = codecs.getincrementaldecoder(name)()
    line = 1
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return line + chunk[: error.start].count(b"\n")
            line += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return line
    return None


def look(path: Path, form: str = "") -> Look:
    """Raises BadInput where no header can be found."""
    encoding = encoding_of(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    whole = len(head) < HEAD
    text = codecs.getincrementaldecoder(encoding)().decode(head, final=False)
    lines = text.splitlines()
    if not whole:
        lines = lines[:-1]
    if b"\x00" in head and encoding != "utf-16":
        raise BadInput(f"{path.name} 不是文本文件，请给 CSV、TXT、Excel、Parquet 或 3202 的压缩包。")
    if not any(line.strip() for line in lines):
        raise BadInput(f"{path.name} 是空的，没有一行内容。")
    comment = "#" if sum(line.startswith("#") for line in lines[:10]) else ""
    delimiter = _delimiter([n for n in lines if not (comment and n.startswith(comment))])
    if form == "3202" or (not form and _is_statement(lines, delimiter)):
        return _statement(path, encoding, lines)
    return _table(path, encoding, delimiter, comment, lines)


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts most lines into the same number of parts, at least two."""
    best, score = ",", 0
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in _rows(lines[:200], delimiter) if len(row) > 1)
        if widths:
            width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
            if count * min(width, 20) > score:
                best, score = delimiter, count * min(width, 20)
    return best


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)


def _is_statement(lines: Sequence[str], delimiter: str) -> bool:
    """TAB, no header, 7, 8, 10 or 11 columns, the amounts where 3202 has them."""
    rows = [line.split("\t") for line in lines[:20] if line.strip()]
    if delimiter != "\t" or not rows or len(rows[0]) not in STATEMENT:
        return False
    names = STATEMENT[len(rows[0])]
    amounts = [names.index(n) for n in ("medfee_sumamt", "fund_pay_sumamt")]
    first = [cell.strip() for cell in rows[0]]
    return first == list(names) or all(
        first[i] == "null" or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", first[i]) for i in amounts
    )


def _statement(path: Path, encoding: str, lines: Sequence[str]) -> Look:
    cells = lines[0].split("\t")
    if len(cells) not in STATEMENT:
        raise BadInput(
            f"{path.name} 第 1 行有 {len(cells)} 列；3202 的文件是 7 列（上传）或 10 列（结果），以 TAB 分隔。"
        )
    headed = cells[0].strip() in {"setl_id", "psn_no"}
    return Look(encoding, "\t", STATEMENT[len(cells)], 2 if headed else 1, nulls=True)


def _table(path: Path, encoding: str, delimiter: str, comment: str, lines: Sequence[str]) -> Look:
    rows = [[cell.strip() for cell in row] for row in _rows(lines[:500], delimiter)]
    live = [i for i, row in enumerate(rows) if any(row) and not (comment and row[0].startswith(comment))]
    widths = Counter(len(rows[i]) for i in live if len(rows[i]) > 1)
    if not widths:
        raise BadInput(f"{path.name} 看不出列：没有用逗号、TAB、竖线或分号分开的行。")
    width = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    header = next(i for i in live if len(rows[i]) == width)
    if any(_NUMBER.match(cell) for cell in rows[header]):
        raise BadInput(
            f"{path.name} 第 {header + 1} 行应是表头，却有数字“{_first_number(rows[header])}”。请加上一行列名。"
        )
    notes, first = [], header + 1
    if header:
        notes.append(f"{path.name} 前 {header} 行不是表头，没有当作数据。")
    if first < len(rows) and _second_header(rows, first, width):
        notes.append(f"{path.name} 第 {first + 1} 行也是表头，没有当作数据。")
        first += 1
    tick = any(cell.startswith("`") for i in live if i >= first for cell in rows[i][:1])
    padded = any(cell != cell.strip() for row in _rows(lines[first : first + 3], delimiter) for cell in row)
    footer = tick or bool(comment)
    return Look(
        encoding, delimiter, _names(path, rows[header], header), first + 1,
        tidy=not (tick or comment or padded), tick=tick, comment=comment, footer=footer, notes=tuple(notes),
    )  # fmt: skip


def _first_number(row: Sequence[str]) -> str:
    return next(cell for cell in row if _NUMBER.match(cell))


def _second_header(rows: Sequence[list[str]], at: int, width: int) -> bool:
    """A line without any number above lines that have numbers."""
    below = [row for row in rows[at + 1 : at + 21] if len(row) == width]
    return (
        len(rows[at]) == width
        and not any(_NUMBER.match(cell) for cell in rows[at])
        and bool(below)
        and all(any(_NUMBER.match(cell) for cell in row) for row in below)
    )


def _names(path: Path, cells: Sequence[str], at: int) -> tuple[str, ...]:
    """An empty name at the end of a header (a separator too many) is taken as a column without a name."""
    names = [cell.strip().lstrip("﻿`").strip() or f"第{i + 1}列" for i, cell in enumerate(cells)]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise BadInput(
            f"{path.name} 第 {at + 1} 行表头里“{twice[0]}”出现了 {names.count(twice[0])} 次，请改成不同的列名。"
        )
    return tuple(names)
