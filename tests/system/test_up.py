"""`xingwei up` from outside: a real installation without demonstration data, from the first start to the last."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from xingwei.web import cli

START_S = 240
ADMIN = {
    "XINGWEI_ADMIN_USER": "A001",
    "XINGWEI_ADMIN_NAME": "程谨",
    "XINGWEI_ADMIN_PASSWORD": "Tumbling-Apricot-27",
}
COMMAND = [sys.executable, "-m", "xingwei.web.cli"]


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("XINGWEI_") and k != "DATABASE_URL"}
    inherited.pop("DJANGO_SETTINGS_MODULE", None)
    return inherited | {"XINGWEI_HOME": str(home), "XINGWEI_PORT": str(port)} | more


@pytest.fixture
def home() -> Iterator[Path]:
    """Not under pytest's own directory: as root PostgreSQL runs as another user, and may not go in there."""
    directory = Path(tempfile.mkdtemp(prefix="xingwei-home-"))
    yield directory / "home"
    shutil.rmtree(directory)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(home: Path, port: int, *options: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    log = home.with_suffix(".log")
    with log.open("w") as out:
        up = subprocess.Popen([*COMMAND, "up", *options], env=environment(home, port, **env), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_S
        while "已就绪" not in log.read_text():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield up
    finally:
        if up.poll() is None:
            up.send_signal(signal.SIGINT)
        up.wait(60)


def run(home: Path, port: int, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(home, port, **env),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def users_of(home: Path) -> list[str]:
    """Processes that have to do with this home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if str(home) in line or process.environ().get("XINGWEI_HOME") == str(home):
                found.append(line)
    return found


def test_a_real_installation_lives_through_its_first_days(home: Path, port: int) -> None:
    refused = run(home, port, "up", "--empty")
    assert refused.returncode == 1
    assert "还没有任何账号" in refused.stderr
    assert "XINGWEI_ADMIN_PASSWORD" in refused.stderr

    weak = run(home, port, "up", "--empty", **ADMIN | {"XINGWEI_ADMIN_PASSWORD": "123456"})
    assert weak.returncode == 1
    assert "密码" in weak.stderr
    assert "Traceback" not in weak.stderr

    with running(home, port, "--empty", **ADMIN) as up:
        assert sign_in(port) != "/sign-in/"
        again = run(home, port, "up")
        assert again.returncode == 1
        assert f"已经在运行：http://127.0.0.1:{port} （进程 {up.pid}）" in again.stderr
        kill_the_web_server(up, port)
        doctor = run(home, port, "doctor", "--json")
        assert '"label": "后台任务"' in doctor.stdout
        up.send_signal(signal.SIGTERM)
        up.wait(30)
    assert up.returncode == 0
    assert users_of(home) == []

    with running(home, port):  # what was decided at the first start holds: no demonstration, the same account
        assert sign_in(port) != "/sign-in/"

    demo = run(home, port, "up", "--fresh", "--empty")
    assert "原有数据" in demo.stdout
    assert "还没有任何账号" in demo.stderr
    assert list((home / "old").glob("*/pg/PG_VERSION"))


def sign_in(port: int) -> str:
    """Where the administrator comes to after the sign-in page."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as client:
        form = client.get("/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert token is not None
        fields = {"csrfmiddlewaretoken": token[1], "username": ADMIN["XINGWEI_ADMIN_USER"]}
        answer = client.post("/sign-in/", data=fields | {"password": ADMIN["XINGWEI_ADMIN_PASSWORD"]})
        assert answer.status_code == 200
        return str(answer.url.path)


def kill_the_web_server(up: subprocess.Popen[bytes], port: int) -> None:
    """All its processes at once; it comes back by itself."""
    old = [p for p in psutil.Process(up.pid).children(recursive=True) if p.cmdline()[-1:] == ["web"]]
    assert old
    for process in old:
        process.kill()
    psutil.wait_procs(old, timeout=10)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail("the web server did not come back")


def test_a_command_starts_the_database_for_itself(home: Path, port: int) -> None:
    done = run(home, port, "manage", "showmigrations", "runtime")
    assert done.returncode == 0, done.stderr
    assert "[ ] 0001_initial" in done.stdout
    assert users_of(home) == []


@pytest.mark.parametrize(
    ("env", "options", "sentence"),
    [
        ({"XINGWEI_PORT": "99999"}, (), "端口“99999”不对"),
        ({"DATABASE_URL": "mysql://a@b/c"}, (), "应以 postgresql:// 开头"),
        ({"DATABASE_URL": "postgresql://a:pw@127.0.0.1:1/c"}, (), "没有程序在那里监听"),
        ({"DATABASE_URL": "postgresql://a:pw@127.0.0.1:1/c"}, ("--fresh",), "--fresh 不会清空它"),
        ({}, ("--bind", "192.0.2.7"), "这台机器没有这个地址"),
    ],
)
def test_what_hinders_a_start_is_one_sentence(
    env: dict[str, str], options: tuple[str, ...], sentence: str, home: Path, port: int
) -> None:
    done = run(home, port, "up", *options, **env)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "pw" not in done.stderr


def test_a_taken_port_is_one_sentence(home: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        done = run(home, port, "up")
    assert done.returncode == 1
    assert f"端口 {port} 已被" in done.stderr
    assert f"--port {port + 1}" in done.stderr


def test_help_needs_no_database(home: Path, port: int) -> None:
    done = run(home, port, "journal", "--help")
    assert done.returncode == 0
    assert not home.joinpath("pg").exists()


def test_every_command_explains_itself_in_chinese() -> None:
    cli._speak_chinese()
    listed = invoke("--help")
    names = [m[1] for m in re.finditer(r"^│ ([a-z]+) ", listed, re.MULTILINE)]
    assert {"up", "web", "worker", "manage", "backup", "restore", "doctor", "journal", "contract"} <= set(names)
    for name in set(names) - {"manage"}:  # Django's own
        said = invoke(name, "--help")
        assert re.search(r"[\u4e00-\u9fff]{6}", said), name
        for english in ("Options", "Commands", "Arguments", "Show this message"):
            assert english not in said, (name, english)


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, list(arguments))
    assert done.exit_code == 0, done.output
    return str(done.output)
