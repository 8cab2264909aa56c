"""What goes wrong before anything starts is said in one sentence that tells what to do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from xingwei.base.runtime import checks, config, database, embedded
from xingwei.base.runtime.trouble import Trouble


def test_a_taken_port_names_who_has_it_and_another() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Trouble) as trouble:
            checks.free_port("127.0.0.1", port)
    assert f"端口 {port} 已被" in str(trouble.value)
    assert f"进程 {os.getpid()}" in str(trouble.value)
    assert f"--port {port + 1}" in str(trouble.value)
    checks.free_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Trouble, match=r"不能在 192\.0\.2\.1 上监听"):
        checks.free_port("192.0.2.1", 8000)


def test_a_full_disk_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"磁盘快满了.*需要至少 1,000,000,000 MB.*XINGWEI_HOME"):
        checks.room(tmp_path / "not" / "there" / "yet", least=10**9 * 2**20)
    checks.room(tmp_path, least=1)


@pytest.mark.parametrize("raw", ["0", "65536", "http", "-1", "²"])
def test_a_wrong_port(raw: str) -> None:
    with pytest.raises(config.ConfigError, match="XINGWEI_PORT"):
        config.from_environment({"XINGWEI_PORT": raw})


def test_full_width_digits_are_digits() -> None:
    assert config.from_environment({"XINGWEI_PORT": "８０８０"}).public_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://a@b/c", "应以 postgresql:// 开头"),
        ("postgresql://a@b", "没有写数据库名"),
        ("postgresql://a@b:port/c", "端口或方括号写错了"),
    ],
)
def test_a_database_url_that_cannot_be_one(url: str, sentence: str) -> None:
    with pytest.raises(config.ConfigError, match=sentence):
        config.from_environment({"DATABASE_URL": url})


def test_a_database_that_is_not_there_keeps_its_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(Trouble) as trouble:
            database.check(f"postgresql://xw:geheim@127.0.0.1:{port}/xw")
    assert f"xw@127.0.0.1:{port}/xw" in str(trouble.value)
    assert "没有程序在那里监听" in str(trouble.value)
    assert "geheim" not in str(trouble.value)


def test_a_missing_database_and_a_good_one() -> None:
    url = os.environ["DATABASE_URL"]
    database.check(url)
    with pytest.raises(Trouble, match="那里没有这个数据库"):
        database.check(url.replace("/xingwei?", "/nothing_here?"))


def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "VERSION_MIN", 99)
    with pytest.raises(Trouble, match="太旧：需要 99 或更新"):
        database.check(os.environ["DATABASE_URL"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('FATAL:  password authentication failed for user "xw"', "用户名或密码不对"),
        ("致命错误:  用户 xw Password 认证失败", "用户名或密码不对"),
        ('致命错误:  数据库 "xw" 不存在', "没有这个数据库"),
        ("could not translate host name “db”: Name or service not known", "主机名查不到"),
        ("connection timeout expired", "没有回答"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9"', "pg_hba.conf"),
        ("FATAL:  sorry, too many clients already", "连接数用完了"),
        ("FATAL:  the database system is starting up", "正在启动"),
        ("something new", "something new"),
    ],
)
def test_the_servers_words_become_ours(words: str, sentence: str) -> None:
    assert sentence in database._cause(words)


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    settings = config.from_environment({"XINGWEI_HOME": str(tmp_path / "file" / "home")})
    with pytest.raises(Trouble, match="不能写"), embedded.session(settings.pgdata):
        pass
    with pytest.raises(Trouble, match="不能写"):
        config.secret_key(settings)
