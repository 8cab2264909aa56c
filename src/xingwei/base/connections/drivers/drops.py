"""Directories into which others drop Parquet, CSV and Excel files; each table is all files of one name.

`bills.csv`, `bills-20260318.csv` and `bills_2026.xlsx` are three pieces of the table `bills`. They are read by DuckDB,
which sees this directory only and may not write.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from .base import Driver, Evidence, Failed, Row, Tried, first_line, in_batches

_ENDINGS = {".parquet", ".csv", ".tsv", ".txt", ".xlsx", ".xls"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*?(?=[-_.]?\d|$)|[A-Za-z_][A-Za-z0-9_]*")
LARGEST = 2_000_000_000


class Drops(Driver):
    kind = "files"
    has_password = False
    fields = {
        "path": ("目录", "完整路径；文件名去掉日期就是表名", True),
        "encoding": ("文字编码", "UTF-8 或 GBK，默认 UTF-8", False),
    }

    def connect(self) -> None:
        self.place = Path(self.address.text("path"))
        if not self.place.is_absolute() or not self.place.is_dir():
            raise Failed(f"没有这个目录：{self.place}")
        self.db = duckdb.connect(config={"memory_limit": "512MB", "threads": 1})
        try:
            self._open()
        except Failed:
            raise
        except (duckdb.Error, OSError, UnicodeDecodeError, ValueError) as error:
            raise Failed(f"文件读不了：{first_line(error)}") from None

    def _open(self) -> None:
        groups: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(self.place.iterdir()):
            found = _NAME.match(path.stem)
            if path.is_file() and path.suffix.lower() in _ENDINGS and found and not path.name.startswith((".", "~")):
                if path.stat().st_size > LARGEST:
                    raise Failed(f"{path.name} 超过 2 GB，请拆开或改用 Parquet。")
                groups[found[0].rstrip("_").lower()].append(path)
        for name, paths in groups.items():
            self._table(name, paths)
        self.db.execute("SET enable_external_access = false")
        self.db.execute("SET lock_configuration = true")

    def _table(self, name: str, paths: list[Path]) -> None:
        self.db.execute(f'CREATE TABLE "{name}" AS {self._select(paths[0])}')
        for path in paths[1:]:
            self.db.execute(f'INSERT INTO "{name}" BY NAME {self._select(path)}')

    def _select(self, path: Path) -> str:
        quoted = "'" + str(path).replace("'", "''") + "'"
        if path.suffix.lower() == ".parquet":
            return f"SELECT * FROM read_parquet({quoted})"  # noqa: S608 - quoted
        if path.suffix.lower() in {".xlsx", ".xls"}:
            self.db.register("sheet", _sheet(path))
            return "SELECT * FROM sheet"
        self.db.register("lines", _csv(path, self.address.text("encoding", "utf-8")))
        return "SELECT * FROM lines"

    def prove(self) -> Tried:
        if not self.tables():
            raise Failed("目录里没有 Parquet、CSV 或 Excel 文件。")
        target = str(self.place / "xingwei-write-trial.csv").replace("'", "''")
        try:
            self.db.execute(f"COPY (SELECT 1) TO '{target}'")
        except duckdb.Error as error:
            return Tried("account", (Evidence("试在目录里写一个文件", True, f"被拒绝：{first_line(error)}"),))
        return Tried("failed", (Evidence("试在目录里写一个文件", False, "没有被拒绝"),))

    def begin(self) -> None:
        """The files were read when it was opened."""

    def rows(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[Row]]:
        timer = threading.Timer(self.address.timeout_s, self.db.interrupt)
        timer.start()
        try:
            cursor = self.db.execute(sql, dict(params) or None)
            yield from in_batches(cursor.fetchmany, batch)
        except duckdb.InterruptException:
            raise Failed(f"语句超过 {self.address.timeout_s} 秒，已停止") from None
        except duckdb.Error as error:
            raise Failed(f"语句没有执行成：{first_line(error)}") from None
        finally:
            timer.cancel()

    def close(self) -> None:
        self.db.close()

    def tables(self) -> list[str]:
        return [str(row[0]) for row in self.db.execute("SHOW TABLES").fetchall()]


def _sheet(path: Path) -> Any:
    """The first sheet of an Excel file, its first row as names, all cells as text."""
    import pyarrow as pa
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise Failed(f"{path.name} 不是能读的 Excel 文件：{first_line(error)}") from None
    if not rows:
        raise Failed(f"{path.name} 是空的。")
    names = [str(n).strip() or f"column{i}" for i, n in enumerate(rows[0], 1)]
    columns = [[_cell(row[i]) if i < len(row) else None for row in rows[1:]] for i in range(len(names))]
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})


def _cell(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None if value is not None else None


def _csv(path: Path, encoding: str) -> Any:
    """All columns as text: what a column means is for the mapping to say. A BOM is taken off."""
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as file:
        head = file.readline().decode(encoding, "replace")
    separator = "\t" if head.count("\t") >= max(1, head.count(",")) else ","
    names = [n.strip().strip('"').lstrip("\ufeff") for n in head.strip().split(separator)]
    convert = csv.ConvertOptions(
        column_types={n: pa.string() for n in names}, strings_can_be_null=True, null_values=["", "null", "NULL"]
    )
    read = csv.ReadOptions(encoding="utf-8" if encoding.lower() in {"utf-8", "utf8"} else encoding)
    try:
        return csv.read_csv(path, read, csv.ParseOptions(delimiter=separator), convert)
    except pa.ArrowInvalid as error:
        raise Failed(f"{path.name} 读不了：{first_line(error)}") from None


DRIVER = Drops
