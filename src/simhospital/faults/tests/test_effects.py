"""Every effect that acts: applied, seen from another connection or from the system, taken back."""

import errno
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from simhospital.faults.catalogue import definitions
from simhospital.faults.effects import Context, EffectError, kinds

ACTING = [
    (code, effect) for code, one in definitions().items() for effect in one.rendered(one.values({})) if "kind" in effect
]
FAULT = uuid.uuid4().hex[:12]
ROOT = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("tc"), reason="takes root, ip and tc")


def of(*names):
    return pytest.mark.parametrize(
        ("code", "spec"),
        [(c, e) for c, e in ACTING if e["kind"] in names],
        ids=[c for c, e in ACTING if e["kind"] in names],
    )


def made(spec, hospital, database=""):
    return kinds()[spec["kind"]](spec, Context(FAULT, hospital, database))


def name(table):
    return sql.SQL("{}.{}").format(*map(sql.Identifier, table.split(".")))


def digest(address, table):
    with psycopg.connect(address) as connection:
        return connection.execute(
            sql.SQL("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)), count(*) FROM {} t").format(name(table))
        ).fetchone()


def insert_again(address, table):
    """Insert a copy of a row whose key is new; returns how many rows there are more. Rolled back."""
    with psycopg.connect(address) as connection:
        before = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name(table))).fetchone()[0]
        columns = [
            d.name for d in connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(name(table))).description
        ]
        row = list(connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(name(table))).fetchone())
        row[0] = 990_000 + before
        if "yznr" in columns:
            row[columns.index("yznr")] = "一" * 30
        connection.execute(
            sql.SQL("INSERT INTO {} VALUES ({})").format(name(table), sql.SQL(", ").join(map(sql.Literal, row)))
        )
        after = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name(table))).fetchone()[0]
        connection.rollback()
        return after - before


@of("rows")
def test_rows(code, spec, hospital, database):
    table = spec["table"]
    before = digest(database, table)
    effect = made(spec, hospital, database)
    plan = effect.plan()
    really = effect.apply(plan)
    assert really["rows"] >= 1
    assert digest(database, table) != before
    made(spec, hospital, database).undo(plan)  # another process would
    assert digest(database, table) == before
    effect.undo(plan)
    assert digest(database, table) == before


@of("trigger")
def test_triggers(code, spec, hospital, database):
    effect = made(spec, hospital, database)
    table, inserts = spec["tables"][0], "INSERT" in spec.get("events", ["INSERT"])
    assert not inserts or insert_again(database, table) == 1
    plan = effect.plan()
    effect.apply(plan)
    if spec.get("how") == "swallow":
        assert insert_again(database, table) == 0
    elif inserts:
        with pytest.raises(psycopg.Error) as caught:
            insert_again(database, table)
        assert caught.value.diag.message_primary == spec["text"]
        assert caught.value.sqlstate == spec["state"]
    else:
        with psycopg.connect(database) as connection, pytest.raises(psycopg.Error, match="被锁定"):
            connection.execute("UPDATE emr.bl_index SET bt = bt")
    made(spec, hospital, database).undo(plan)
    effect.undo(plan)
    assert not inserts or insert_again(database, table) == 1


@of("row-lock", "batch-lock")
def test_locks(code, spec, hospital, database):
    effect = made(spec, hospital, database)
    query = sql.SQL("SELECT 1 FROM {} WHERE {} FOR UPDATE NOWAIT").format(
        name(spec["table"]), sql.SQL(spec.get("where", "true"))
    )
    really = effect.apply(effect.plan())
    with psycopg.connect(database) as connection:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute(query)
        connection.rollback()
        connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name(spec["table"])))  # reading goes on
        state = connection.execute(
            "SELECT state, application_name FROM pg_stat_activity WHERE pid = %s", (really["pid"],)
        ).fetchone()
        assert state == ("idle in transaction", spec["application"])
        connection.rollback()
        effect.undo({})
        connection.execute(query)


@of("counter-lock")
def test_counter(code, spec, hospital, database):
    effect = made({**spec, "hold_s": 0.2}, hospital, database)
    really = effect.apply({})
    heads = set()
    end = time.monotonic() + 5
    with psycopg.connect(database, autocommit=True) as connection:
        while len(heads) < 2 and time.monotonic() < end:
            for row in connection.execute(
                "SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE pid = ANY (%s)", (really["pids"],)
            ):
                heads.add(row[0])
        assert len(heads) >= 2  # the head of the chain changes
        effect.undo({})
        connection.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE NOWAIT").format(name(spec["table"])))


@of("deadlock")
def test_deadlocks(code, spec, hospital, database):
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with psycopg.connect(database, autocommit=True) as connection:
        before = connection.execute(counted).fetchone()[0]
        effect = made(spec, hospital, database)
        effect.apply({})
        end = time.monotonic() + 8
        while connection.execute(counted).fetchone()[0] == before and time.monotonic() < end:
            time.sleep(0.1)
        assert connection.execute(counted).fetchone()[0] > before
        effect.undo({})
        connection.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE NOWAIT").format(name(spec["table"])))


@of("drop-indexes")
def test_indexes(code, spec, hospital, database):
    def indexes():
        with psycopg.connect(database) as connection:
            return set(connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'his'").fetchall())

    before = indexes()
    effect = made(spec, hospital, database)
    plan = effect.plan()
    effect.apply(plan)
    assert indexes() < before
    made(spec, hospital, database).undo(plan)
    effect.undo(plan)
    assert indexes() == before


@of("database-settings")
def test_settings(code, spec, hospital, database):
    def show():
        with psycopg.connect(database) as connection:
            return {
                key: connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(key))).fetchone()[0]
                for key in spec["set"]
            }

    before = show()
    effect = made(spec, hospital, database)
    plan = effect.plan()
    effect.apply(plan)
    assert all(show()[key] != before[key] for key in spec["set"] if key != "commit_siblings")
    made(spec, hospital, database).undo(plan)
    effect.undo(plan)
    assert show() == before


@of("writes-hang")
def test_writes_hang_and_reads_go_on(code, spec, hospital, database):
    effect = made(spec, hospital, database)
    really = effect.apply({})
    assert really["tables"] > 50
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET lock_timeout = 200")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("UPDATE finance.cw_js SET zje = zje")
        connection.execute("SELECT count(*) FROM finance.cw_js")
        effect.undo({})
        connection.execute("UPDATE finance.cw_js SET zje = zje")


@of("sessions-exhausted")
def test_sessions(code, spec, hospital, database):
    effect = made({**spec, "sessions": 5}, hospital, database)
    assert effect.apply({})["sessions"] == 5
    address = make_conninfo(database, user="simh_window", password="simh_window")
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(address)
    effect.undo({})
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            psycopg.connect(address).close()
            break
        except psycopg.OperationalError:
            time.sleep(0.05)
    else:
        raise AssertionError


@of("role-locked")
def test_account(code, spec, hospital, database):
    effect = made(spec, hospital, database)
    effect.apply({})
    address = make_conninfo(database, user=effect.role, password=effect.role)
    with pytest.raises(psycopg.OperationalError, match="not permitted"):
        psycopg.connect(address)
    effect.undo({})
    psycopg.connect(address).close()


@of("report-load")
def test_report(code, spec, hospital, database):
    effect = made(spec, hospital, database)
    really = effect.apply({})
    with psycopg.connect(database, autocommit=True) as connection:
        seen = "SELECT application_name FROM pg_stat_activity WHERE pid = ANY (%s)"
        assert connection.execute(seen, (really["pids"],)).fetchall() == [("RPT_STAT.EXE",)]
        effect.undo({})
        end = time.monotonic() + 5
        while connection.execute(seen, (really["pids"],)).fetchall() and time.monotonic() < end:
            time.sleep(0.05)
        assert connection.execute(seen, (really["pids"],)).fetchall() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
@of("disk-full", "inodes-gone")
def test_volumes(code, spec, hospital):
    effect = made(spec, hospital)
    plan = effect.plan()
    effect.apply(plan)
    with pytest.raises(OSError, match="No space left") as caught:
        (effect.place / "one-more").write_bytes(b"x" * 4096)
    assert caught.value.errno == errno.ENOSPC
    if code == "OS02":
        assert shutil.disk_usage(effect.place).free > 2**20
    with pytest.raises(EffectError, match="已经装"):
        effect.apply(plan)
    made(spec, hospital).undo(plan)
    effect.undo(plan)
    assert not os.path.ismount(effect.place)


@of("cpu")
def test_processor(code, spec, hospital):
    import psutil

    effect = made(spec, hospital)
    (pid,) = effect.apply({})["processes"]
    process = psutil.Process(pid)
    process.cpu_percent()
    time.sleep(0.5)
    assert process.cpu_percent() > 5
    effect.undo({})
    assert not psutil.pid_exists(pid)


@of("memory")
def test_memory(code, spec, hospital):
    import psutil

    effect = made({**spec, "mb": 100, **({"grow_s": 0.5} if "grow_s" in spec else {})}, hospital)
    before = psutil.Process().memory_info().rss
    assert effect.apply({})["mb"] == 100
    assert psutil.Process().memory_info().rss - before > 90 * 2**20 or "grow_s" in spec
    wait_for(lambda: psutil.Process().memory_info().rss - before > 90 * 2**20)
    effect.undo({})
    assert psutil.Process().memory_info().rss - before < 50 * 2**20


@of("descriptors")
def test_descriptors(code, spec, hospital):
    with closing(socket.create_server(("127.0.0.1", 0), backlog=600)) as server:
        effect = made({**spec, "port": server.getsockname()[1], "limit": 200}, hospital)
        really = effect.apply({})
        assert really["refused"] == "EMFILE"
        assert really["lines"] > 20
        effect.undo({})
    with pytest.raises(EffectError, match="连不上端口"):
        made({**spec, "port": server.fileno() if server.fileno() > 0 else 1, "limit": 200}, hospital).apply({})


@of("process")
def test_process(code, spec, hospital):
    import psutil

    environment = {**os.environ, "SIMHOSPITAL_HOME": str(hospital)}
    code_ = "from simhospital.home import announce; announce('centre'); import sys, time; print('on', flush=True); time.sleep(60)"
    with pytest.raises(EffectError, match="没有在运行"):
        made(spec, hospital).plan()
    process = subprocess.Popen([sys.executable, "-c", code_], env=environment, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        effect = made(spec, hospital)
        plan = effect.plan()
        effect.apply(plan)
        wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        effect.undo(plan)
        wait_for(lambda: psutil.Process(process.pid).status() != psutil.STATUS_STOPPED)
        made({**spec, "how": "杀掉"}, hospital).apply(plan)
        assert process.wait(5) == -9
        effect.undo(plan)
    finally:
        process.kill()
    (hospital / "run" / "centre.pid").write_text("1")
    with pytest.raises(EffectError):
        made(spec, hospital).plan()


def wait_for(truth, seconds=5):
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.02)


@ROOT
@of("network-line")
def test_a_line_of_our_own(code, spec, hospital):
    effect = made(spec, hospital)
    plan = effect.plan()
    try:
        really = effect.apply(plan)
        if spec.get("down"):
            with pytest.raises(OSError, match=r"unreachable|timed out|No route"):
                socket.create_connection((really["peer"], 7), timeout=0.5)
        else:
            rules = subprocess.run(
                ["tc", "qdisc", "show", "dev", plan["device"]], capture_output=True, text=True, check=False
            ).stdout
            assert "loss 30%" in rules
            assert "delay 50ms" in rules
            wait_for(lambda: echoes(really["peer"]) > 0.05, 20)
    except EffectError as error:
        if "unknown" not in str(error):
            raise
        pytest.skip("this kernel has no netem")
    finally:
        effect.undo(plan)
        effect.undo(plan)
    assert plan["name"] not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout


def echoes(peer):
    """How long an echo takes, seconds; 0 where none comes."""
    try:
        with closing(socket.create_connection((peer, 7), timeout=3)) as line:
            began = time.monotonic()
            line.sendall(b"x")
            line.settimeout(3)
            assert line.recv(1) == b"x"
            return time.monotonic() - began
    except OSError:
        return 0


def test_what_cannot_be_done_says_so(hospital):
    with pytest.raises(EffectError, match="数据库地址"):
        made({"kind": "trigger", "tables": ["his.gy_brda"], "text": "x"}, hospital).apply(
            {"tables": ["his.gy_brda"], "name": "x"}
        )
    with pytest.raises(EffectError, match="不是模拟医院的表"):
        made({"kind": "rows", "table": "public.desk_case"}, hospital, os.environ["DATABASE_URL"]).apply(
            {"keys": ["id"]}
        )
