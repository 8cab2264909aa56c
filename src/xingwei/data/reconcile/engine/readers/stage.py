"""A file as it comes → a Parquet file that DuckDB reads, every column text, every row with its line. All or nothing:
a file that is wrong anywhere leaves nothing behind, and the answer names line and column."""

from __future__ import annotations

import csv
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
from pyarrow import parquet

from .. import sql
from ..outcome import BadInput
from .excel import sheet
from .look import Look, look

BATCH = 50_000
LARGEST_MEMBER = 64 << 30  # bytes of one unpacked file
MOST_RATIO = 2000  # unpacked to packed; text compresses less
FIRST = "__first"  # line of the first row, where lines and rows go together
LINE = "__line"


@dataclass(frozen=True, slots=True)
class Staged:
    """paths: Parquet. notes: what was passed over, for the user."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def stage(paths: Sequence[Path], workdir: Path, form: str = "") -> Staged:
    """Parquet files as they are, all others staged under workdir. Raises BadInput."""
    made: list[Path] = []
    notes: list[str] = []
    for number, path in enumerate(paths):
        if not path.is_file():
            raise BadInput(f"没有文件 {path.name}。")
        if path.stat().st_size == 0:
            raise BadInput(f"{path.name} 是空的，没有一个字节。")
        with path.open("rb") as file:
            magic = file.read(8)
        if magic[:4] == b"PAR1":
            made.append(path)
            continue
        workdir.mkdir(parents=True, exist_ok=True)
        target = workdir / f"{number:04}~{path.name}.parquet"
        try:
            if magic[:2] == b"PK":
                notes += _zipped(path, target, form)
            elif magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
                _excel(path, target)
            else:
                notes += _text(path, path.name, target, form)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        made.append(target)
    return Staged(tuple(made), tuple(notes))


def _zipped(path: Path, target: Path, form: str) -> list[str]:
    """An Excel book, or the TXT of 3202."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                _excel(path, target)
                return []
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
            if len(members) != 1:
                raise BadInput(f"{path.name} 里有 {len(members)} 个文件，应只有一个 TXT 或 CSV。")
            member = members[0]
            if member.flag_bits & 1:
                raise BadInput(f"{path.name} 有密码，打不开。请给没有密码的文件。")
            if member.file_size > min(LARGEST_MEMBER, max(member.compress_size, 1) * MOST_RATIO):
                raise BadInput(f"{path.name} 解开后大得不正常，没有载入。")
            unpacked = target.with_suffix(".txt")
            try:
                with archive.open(member) as packed, unpacked.open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
                return _text(unpacked, path.name, target, form)
            finally:
                unpacked.unlink(missing_ok=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise BadInput(f"{path.name} 不是完整的压缩包，可能只收到一半。请重新下载；没有载入任何一行。") from error


def _text(path: Path, shown: str, target: Path, form: str) -> list[str]:
    try:
        seen = look(path, form)
        if seen.tidy and seen.encoding in {"utf-8", "utf-8-sig", "gb18030"} and _fast(path, seen, target):
            return [note.replace(path.name, shown) for note in seen.notes]
        _slow(path, seen, target)
        return [note.replace(path.name, shown) for note in seen.notes]
    except BadInput as bad:
        raise BadInput(str(bad).replace(path.name, shown)) from bad


def _fast(path: Path, seen: Look, target: Path) -> bool:
    """By DuckDB, strictly. False where it found anything to object to: then the line-by-line way says where."""
    source = path
    if seen.encoding == "gb18030":
        source = target.with_suffix(".utf8")
        with path.open(encoding="gb18030", newline="") as old, source.open("w", encoding="utf-8", newline="") as new:
            shutil.copyfileobj(old, new, 1 << 20)
    names = ", ".join(f"{sql.text(name)}: 'VARCHAR'" for name in seen.columns)
    picked = ", ".join(_null(name) for name in seen.columns) if seen.nulls else "*"
    quote = "''" if seen.nulls else "'\"'"
    try:
        with duckdb.connect() as con:
            con.execute("SET threads = 2; SET enable_progress_bar = false")
            con.execute(
                f"COPY (SELECT {picked}, {seen.first}::BIGINT AS {FIRST} FROM read_csv({sql.text(str(source))}, header = false,"
                f" skip = {seen.first - 1}, columns = {{{names}}}, delim = {sql.text(seen.delimiter)}, quote = {quote},"
                f" escape = {quote}, auto_detect = false, strict_mode = true, null_padding = false, nullstr = ''))"
                f" TO {sql.text(str(target))} (FORMAT parquet, COMPRESSION lz4_raw)"
            )
    except duckdb.Error:
        return False
    finally:
        if source is not path:
            source.unlink(missing_ok=True)
    return True


def _null(name: str) -> str:
    """In the TXT of 3202 an empty value is the word null."""
    return f"nullif({sql.name(name)}, 'null') AS {sql.name(name)}"


def _slow(path: Path, seen: Look, target: Path) -> None:
    schema = pa.schema([*((name, pa.string()) for name in seen.columns), (LINE, pa.int64())])
    with parquet.ParquetWriter(target, schema) as writer:
        rows: list[list[str | None]] = []
        lines: list[int] = []
        for line, row in _checked(path, seen):
            rows.append(row)
            lines.append(line)
            if len(rows) >= BATCH:
                writer.write_batch(_batch(rows, lines, schema))
                rows, lines = [], []
        writer.write_batch(_batch(rows, lines, schema))


def _batch(rows: list[list[str | None]], lines: list[int], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema) - 1)
    return pa.record_batch([pa.array(c, pa.string()) for c in columns] + [pa.array(lines, pa.int64())], schema=schema)


def _checked(path: Path, seen: Look) -> Iterator[tuple[int, list[str | None]]]:
    """Line and row; raises BadInput at the first line that is not as wide as the header."""
    width = len(seen.columns)
    with path.open(encoding=seen.encoding, newline="") as file:
        quoting: Literal[0, 3] = csv.QUOTE_NONE if seen.nulls else csv.QUOTE_MINIMAL
        reader = csv.reader(file, delimiter=seen.delimiter, quoting=quoting, strict=True)
        line = 0
        try:
            for row in reader:
                line, began = reader.line_num, line + 1
                if began < seen.first or not any(cell.strip() for cell in row):
                    continue
                if seen.comment and row[0].startswith(seen.comment):
                    continue
                if seen.tick and not row[0].startswith("`"):
                    _rest_is_summary(path, seen, began, row, reader)
                    return
                if len(row) != width:
                    raise BadInput(_wrong_width(path, seen, began, row))
                yield began, [_cell(cell, seen) for cell in row]
        except csv.Error as error:
            raise BadInput(
                f"{path.name} 第 {line + 1} 行的引号没有配对，文件可能只收到一半。没有载入任何一行。"
            ) from error


def _cell(cell: str, seen: Look) -> str | None:
    value = cell.strip()
    if seen.tick:
        value = value.removeprefix("`").strip()
    return None if not value or (seen.nulls and value == "null") else value


def _rest_is_summary(path: Path, seen: Look, at: int, row: Sequence[str], rest: Iterator[list[str]]) -> None:
    """A bill of WeChat ends with a summary of its own: title line and value line. Anything else is not the end."""
    more = [r for r in rest if any(cell.strip() for cell in r)]
    if len(row) == len(seen.columns) or len(more) > 1:
        raise BadInput(f"{path.name} 第 {at} 行不像账单的行：前面的行每个值都以 ` 开头，这一行没有。没有载入任何一行。")


def _wrong_width(path: Path, seen: Look, line: int, row: Sequence[str]) -> str:
    width = len(seen.columns)
    what = f"{path.name} 第 {line} 行有 {len(row)} 列，应为 {width} 列"
    if len(row) > width:
        hint = "可能是金额里有逗号而没有加引号" if seen.delimiter == "," else "可能是某个值里有分隔符"
        at = next(
            (i for i, c in enumerate(row[:-1]) if c.strip().lstrip("-").isdigit() and row[i + 1][:3].isdigit()), width
        )
        named = seen.columns[min(at, width - 1)]
        return f"{what}：从“{named}”起多出来，{hint}。没有载入任何一行。"
    missing = seen.columns[len(row)]
    return f"{what}：缺少“{missing}”，文件可能被截断，或是合计行没有删去。没有载入任何一行。"


def _excel(path: Path, target: Path) -> None:
    columns, rows = sheet(path)
    schema = pa.schema([*((name, pa.string()) for name in columns), (LINE, pa.int64())])
    with parquet.ParquetWriter(target, schema) as writer:
        for at in range(0, max(len(rows), 1), BATCH):
            part = rows[at : at + BATCH]
            writer.write_batch(_batch([row for _line, row in part], [line for line, _row in part], schema))
