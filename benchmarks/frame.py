"""What every benchmark stands on: its own PostgreSQL with the product's settings, data kept between runs, timing,
the table on the screen and the JSON object in the last line.

Import nothing of the product's rooms at the top of a benchmark: Django is set up only once the database is known.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from xingwei.base.runtime import embedded

REPO = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("XINGWEI_BENCH_HOME") or REPO / "var" / "bench").resolve()
READY = "ready"


@dataclass(frozen=True, slots=True)
class Options:
    """quick: in under a minute. json: nothing but the last line. rows: another size than the usual one. alone: without
    the product that it is compared with."""

    quick: bool = False
    json: bool = False
    rows: int = 0
    alone: bool = False


@dataclass(slots=True)
class Outcome:
    """What a benchmark hands back. numbers: the JSON object; notes: what one should know to read the figures."""

    numbers: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def quantile(seconds: list[float], share: float) -> float:
    """In milliseconds, by nearest rank; 0 for nothing."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class Timings:
    """Seconds of one thing done many times; cpu: what of it a processor worked on it, where that was measured."""

    name: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        return quantile(self.seconds, share)

    @property
    def p50(self) -> float:
        return self.at(0.5)

    @property
    def p95(self) -> float:
        return self.at(0.95)

    @property
    def cpu_p95(self) -> float:
        return quantile(self.cpu, 0.95)

    @property
    def worst(self) -> float:
        return self.at(1.0)


class Bench:
    """One run: its cluster, its console, its databases."""

    def __init__(self, options: Options, *, cluster: bool = True) -> None:
        self.options = options
        self.console = Console(stderr=True, quiet=options.json)
        HOME.mkdir(parents=True, exist_ok=True)
        self._lock = (HOME / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit("另一个性能测试正在运行。一次只跑一个，数字才可信。") from None
        self.pgdata = HOME / "pg"
        self._started = cluster and not embedded.running(self.pgdata)
        if cluster:
            embedded.start(self.pgdata)

    def close(self) -> None:
        if self._started:
            from django.conf import settings
            from django.db import connections

            try:
                if settings.configured:  # some benchmarks measure what needs no Django
                    connections.close_all()
            finally:
                embedded.stop(self.pgdata)

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def database(self, prefix: str, size: int, *, made_by: str) -> Database:
        """The database that holds this data; made_by is what the data depend on, besides the tables' history."""
        key = hashlib.sha256((made_by + _tables_of_the_desk()).encode()).hexdigest()[:10]
        return Database(self, f"{prefix}_{size}_{key}")

    def prepare(self, database: Database, fill: Callable[[], None]) -> None:
        """Make the data unless they are there; Django looks at this database from now on."""
        if not database.ready():
            self.say(f"数据库 {database.name} 还没有，现在生成（只做一次）。")
            database.create()
            use(database)
            migrate()
            fill()
            database.mark_ready()
        use(database)
        migrate()  # of rooms whose tables changed since, without a need to make the data anew

    def drop_others(self, prefix: str, keep: str) -> None:
        """Databases of other sizes stay, those of older tables or texts go."""
        key = keep.rsplit("_", 1)[1]
        with self.admin() as db:
            rows = db.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{prefix}\\_%"]).fetchall()
            for (name,) in rows:
                if name.rsplit("_", 1)[1] != key:
                    db.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def admin(self) -> psycopg.Connection[Any]:
        return psycopg.connect(embedded.uri(self.pgdata, "postgres"), autocommit=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; call it with how many are done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self.console, disable=self.options.json) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    @contextmanager
    def timed(self, what: str) -> Iterator[Timer]:
        """Say what is being done, then how long it took."""
        self.say(f"· {what} …")
        timer = Timer()
        yield timer
        timer.stop()
        self.say(f"  {timer.seconds:,.1f} s")


class Timer:
    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.seconds = 0.0

    def stop(self) -> None:
        self.seconds = time.perf_counter() - self._start


@dataclass(slots=True)
class Database:
    """One database of the cluster. It is ready when its comment says so: a run that broke off starts over."""

    bench: Bench
    name: str

    @property
    def uri(self) -> str:
        return embedded.uri(self.bench.pgdata, self.name)

    def ready(self) -> bool:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        with self.bench.admin() as db:
            row = db.execute(query, [self.name]).fetchone()
        return row is not None and row[0] == READY

    def create(self) -> None:
        self.bench.drop_others(self.name.split("_", 1)[0], self.name)
        with self.bench.admin() as db:
            db.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            db.execute(f'CREATE DATABASE "{self.name}"')

    def copy_of(self, other: Database) -> None:
        """Make this database a file copy of another one, which nobody may use meanwhile."""
        with self.bench.admin() as db:
            db.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            db.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{other.name}" STRATEGY file_copy')

    def drop(self) -> None:
        with self.bench.admin() as db:
            db.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def mark_ready(self) -> None:
        with self.bench.admin() as db:
            db.execute(f"COMMENT ON DATABASE \"{self.name}\" IS '{READY}'")

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.uri, autocommit=True)

    def size(self) -> int:
        """Bytes on disk."""
        with self.bench.admin() as db:
            row = db.execute("SELECT pg_database_size(%s)", [self.name]).fetchone()
        return int(row[0]) if row else 0


def use(database: Database) -> None:
    """Have the product work on this database, with the settings that it has in production."""
    os.environ["DATABASE_URL"] = database.uri
    set_up_django()
    from django.db import connections

    connections.close_all()
    connections["default"].settings_dict["NAME"] = database.name


def set_up_django() -> None:
    """Once in a process; DATABASE_URL says where."""
    os.environ["XINGWEI_HOME"] = str(HOME / "home")
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    (HOME / "home" / "static").mkdir(parents=True, exist_ok=True)
    import django

    django.setup()


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def measured(timings: Timings, act: Callable[[], Any]) -> Any:
    """Do it, and note how long it took."""
    start = time.perf_counter()
    found = act()
    timings.seconds.append(time.perf_counter() - start)
    return found


def timing_table(title: str, timings: list[Timings], *, goal: float | None = None) -> Table:
    """p50, p95 and the worst of each, in milliseconds; those beyond the goal are marked."""
    table = Table(title=title, title_justify="left")
    table.add_column("测量")
    with_cpu = any(t.cpu for t in timings)
    for name in ("次数", "p50 ms", "p95 ms", "最慢 ms", *(["处理器 p95 ms"] if with_cpu else [])):
        table.add_column(name, justify="right")
    for t in timings:
        over = goal is not None and t.p95 > goal
        mark = "[red]超过目标[/red] " if over else ""
        cpu = [f"{t.cpu_p95:,.1f}"] if with_cpu else []
        table.add_row(t.name, f"{len(t.seconds)}", f"{t.p50:,.1f}", f"{mark}{t.p95:,.1f}", f"{t.worst:,.1f}", *cpu)
    return table


def pooled(timings: list[Timings]) -> Timings:
    """All of them as one: every kind of page counts alike, as all are drawn equally often."""
    return Timings("全部", [s for t in timings for s in t.seconds], [s for t in timings for s in t.cpu])


class Processor:
    """How long processors have worked for this process and for the database's process that serves it, in seconds.

    On a machine that is shared with other work the time on the wall says more about the others; this does not.
    """

    def __init__(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._backend = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def seconds(self) -> float:
        try:
            backend = int(self._backend.read_text().split()[0]) / 1e9
        except OSError:  # not Linux, or a database elsewhere
            backend = 0.0
        return time.process_time() + backend


class AllProcessors:
    """The same for this process and every process of the database together, for what takes seconds."""

    def __init__(self, bench: Bench) -> None:
        self._postmaster = psutil.Process(int((bench.pgdata / "postmaster.pid").read_text().split()[0]))

    def seconds(self) -> float:
        server = self._postmaster.cpu_times()  # with those of its children that have ended
        worked = server.user + server.system + server.children_user + server.children_system
        for child in self._postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:  # it ended just now
                continue
            worked += times.user + times.system
        return time.process_time() + worked


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30),
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def finish(bench: Bench, outcome: Outcome) -> None:
    """The tables and notes for people, the last line for programs."""
    for table in outcome.tables:
        bench.console.print(table)
    for note in outcome.notes:
        bench.say(f"· {note}")
    sys.stdout.write(json.dumps(outcome.numbers, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tables_of_the_desk() -> str:
    """The history of the tables that the benchmarks fill themselves, as one digest."""
    digest = hashlib.sha256()
    for path in sorted((REPO / "src" / "xingwei" / "service" / "desk" / "migrations").glob("0*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
