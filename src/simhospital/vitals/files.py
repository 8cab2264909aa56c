"""Files that a monitor looks at: nightly backups with checksums, certificates with an end, logs of the programs."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from simhospital.tls import certificate

from .measures import Measure, document

_LOG_MOST = 4_000_000  # bytes, then it is turned over


def certificates(place: Path) -> None:
    """Make the certificates that are not there yet: `certs/*.pem`, each with its own end."""
    for row in document()["certificates"]:
        certificate(place / "certs", row["file"].removesuffix(".pem"), ended_ago=timedelta(days=-row["days"]))


def backup(url: str, place: Path, code: str, at: datetime) -> Path:
    """Copy the tables of a backup, compressed, with a list of rows and checksums; older copies go. Raises psycopg.Error.

    The file's time is that of the backup, so that its age shows. An interrupted copy leaves nothing.
    """
    what = next(r for r in document()["backups"] if r["code"] == code)
    folder = place / "backups" / code
    folder.mkdir(parents=True, exist_ok=True)
    final, fresh = folder / f"{code}-{at:%Y%m%d}.copy.gz", folder / ".part"
    counts: dict[str, int] = {}
    with psycopg.connect(url) as connection, gzip.open(fresh, "wb", compresslevel=6) as out:
        for name in what["tables"]:
            table = sql.Identifier(*name.split("."))
            out.write(f"-- {name}\n".encode())
            with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} TO STDOUT").format(table)) as rows:
                for block in rows:
                    out.write(bytes(block))
                    counts[name] = counts.get(name, 0) + bytes(block).count(b"\n")
    digest = hashlib.sha256(fresh.read_bytes()).hexdigest()
    fresh.replace(final)
    facts = {"at": f"{at:%Y-%m-%dT%H:%M:%S}", "rows": counts, "sha256": digest, "bytes": final.stat().st_size}
    final.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False), "utf-8")
    for old in sorted(folder.glob("*.copy.gz"))[: -what["keep"]]:
        old.unlink()
        old.with_suffix(".json").unlink(missing_ok=True)
    return final


def due(place: Path, at: datetime) -> list[str]:
    """The backups whose hour has come and that have no file of the day."""
    return [
        r["code"]
        for r in document()["backups"]
        if at.hour >= r["hour"] and not (place / "backups" / r["code"] / f"{r['code']}-{at:%Y%m%d}.copy.gz").exists()
    ]


def log(place: Path, program: str, at: datetime, level: str, text: str) -> None:
    """A line of a program's log, `logs/PROGRAM.log`; a long log is turned over once."""
    path = place / "logs" / f"{program}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_MOST:
        path.replace(path.with_suffix(".log.1"))
    line = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {level:<5} [{program}] {text}\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


_ERRORS = {
    "HIS-APP": "his-app", "CIS-APP": "cis-app", "LIS-APP": "lis-app", "EMR-APP": "emr-app", "OPD-APP": "opd-app", "ESB-APP": "esb-app",
}  # fmt: skip


def chatter(place: Path, at: datetime, figures: Iterable[Measure], words: Mapping[str, str]) -> None:
    """What the programs log in a minute: one line of life each, and errors where their figures say so."""
    for m in figures:
        if m.series != "app.err" or m.node not in _ERRORS:
            continue
        program = _ERRORS[m.node]
        log(
            place,
            program,
            at,
            "INFO",
            f"requests ok, active threads normal, errors in the last minute: {round(m.value)}",
        )
        for _ in range(min(5, int(m.value / 5))):
            log(place, program, at, "ERROR", words.get(m.node, "业务处理失败：服务内部错误"))


def read_pid(place: Path, name: str) -> int:
    """The process of that name as it announced itself; 0 where there is none."""
    try:
        return int((place / "run" / f"{name}.pid").read_text())
    except (OSError, ValueError):
        return 0


def facts(path: Path) -> dict[str, Any]:
    """What is known of a backup file."""
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return found
