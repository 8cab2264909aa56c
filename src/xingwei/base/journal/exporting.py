"""Signed heads leave the database: to a directory beside it always, and to where the installation says.

A directory holds heads-YEAR.jsonl, one line a head (engine/heads.py), only ever appended to. A URL is sent
the same lines by POST as application/x-ndjson; any 2xx answer means that they are kept.
What has left is never written anew: where the last head out there is unknown in here, rows were cut off or
restored from an older state, and the export says so instead of going on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import httpx
from django.utils import timezone

from . import options
from .engine.heads import Head, HeadError, parse
from .models import HeadExport, SignedHead

_PORTION = 500
_TAIL = 64 * 1024  # longer than any line: a head's marks are at most 5.4 KB
_TIMEOUT_S = 20.0
_CUT = "日志可能被截断，或从旧备份恢复过。"


class ExportError(Exception):
    """Heads could not be handed over; the message is Chinese and says what to do."""


def export_heads() -> list[HeadExport]:
    """Bring every destination up to date. A failure is kept with its destination and stops no other one."""
    chosen = options.current()
    places: list[tuple[str, Callable[[HeadExport], None]]] = []
    for directory in filter(None, (str(options.local_heads()), chosen.export_directory)):
        places.append((directory, _to_directory))
    if chosen.export_url:
        places.append((chosen.export_url, _to_url))
    done = []
    for destination, deliver in places:
        state, _ = HeadExport.objects.get_or_create(destination=destination)
        try:
            deliver(state)
            state.error = ""
        except (ExportError, OSError, httpx.HTTPError) as error:
            state.failed_at, state.error = timezone.now(), _words(error)[:500]
        state.save()
        done.append(state)
    return done


def read_heads(path: Path) -> list[Head]:
    """The heads of an exported file, or of all heads-*.jsonl of a directory, in order.

    Raises ExportError, naming file and line, where a line is no head; OSError where nothing can be read.
    """
    files = sorted(path.glob("heads-*.jsonl")) if path.is_dir() else [path]
    heads = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if line.strip():
                try:
                    heads.append(parse(line))
                except HeadError as error:
                    raise ExportError(f"{file} 第 {number} 行：{error}") from error
    return heads


def _to_directory(state: HeadExport) -> None:
    directory = Path(state.destination)
    directory.mkdir(parents=True, exist_ok=True)
    last = _last_in(directory)
    after = _known(last) if last else 0
    for portion in _portions(after):
        years: dict[int, list[str]] = {}
        for row in portion:
            years.setdefault(row.at.year, []).append(row.engine().line())
        for year, lines in sorted(years.items()):
            _append(directory / f"heads-{year}.jsonl", lines)
        _reached(state, portion[-1])
    _up_to_date(state, last)


def _to_url(state: HeadExport) -> None:
    newest = SignedHead.objects.order_by("-id").first()
    if state.head_id and (newest is None or newest.id < state.head_id):
        raise ExportError(f"已送出的链头（序号 {state.seq}）在数据库里找不到：{_CUT}")
    with httpx.Client(timeout=_TIMEOUT_S) as client:
        for portion in _portions(state.head_id):
            body = "".join(row.engine().line() + "\n" for row in portion)
            answer = client.post(
                state.destination, content=body.encode(), headers={"Content-Type": "application/x-ndjson"}
            )
            if not answer.is_success:
                raise ExportError(f"接收方没有收下（HTTP {answer.status_code}）。")
            _reached(state, portion[-1])
            state.save()
    _up_to_date(state, None)


def _portions(after: int) -> Iterator[list[SignedHead]]:
    while portion := list(SignedHead.objects.filter(id__gt=after).order_by("id")[:_PORTION]):
        yield portion
        after = portion[-1].id


def _reached(state: HeadExport, row: SignedHead) -> None:
    state.head_id, state.seq, state.exported_at = row.id, row.seq, timezone.now()


def _up_to_date(state: HeadExport, last: Head | None) -> None:
    state.exported_at = timezone.now()
    if last and not state.seq:
        state.seq = last.seq


def _known(last: Head) -> int:
    """The id of the last head out there; ExportError when the database no longer has it."""
    for row in SignedHead.objects.filter(seq=last.seq):
        if row.engine().digest() == last.digest():
            return row.id
    raise ExportError(
        f"已导出的最后一个链头（序号 {last.seq}）在数据库里找不到：{_CUT}"
        "请先用 xingwei journal verify 校验；确认是恢复备份后，把原来的导出文件改名保存，再重新导出。"
    )


def _last_in(directory: Path) -> Head | None:
    for file in sorted(directory.glob("heads-*.jsonl"), reverse=True):
        if line := _last_line(file):
            try:
                return parse(line)
            except HeadError as error:
                raise ExportError(f"{file} 的最后一行不完整：{error}请删去这半行后再导出。") from error
    return None


def _last_line(file: Path) -> str:
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL))
        lines = [line for line in stream.read().split(b"\n") if line.strip()]
    return lines[-1].decode("utf-8", errors="replace") if lines else ""


def _append(file: Path, lines: Iterable[str]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()
        os.fsync(stream.fileno())


def _words(error: Exception) -> str:
    if isinstance(error, ExportError):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return "接收方没有在 20 秒内回答。"
    if isinstance(error, (httpx.HTTPError, httpx.InvalidURL)):
        return f"连不上接收方：{error}"
    if isinstance(error, OSError):
        return f"导出目录不能写：{error.strerror or error}"
    return str(error)


def write_file(path: Path, heads: Sequence[Head]) -> None:
    """All heads as one new file, for `xingwei journal export-heads`; refuses to overwrite."""
    with path.open("x", encoding="utf-8") as stream:
        stream.writelines(f"{head.line()}\n" for head in heads)
