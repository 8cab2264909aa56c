"""Is the database there, new enough, and ours to use? Each trouble as one Chinese sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from . import embedded
from .config import Config
from .trouble import Trouble

VERSION_MIN = 15
_TIMEOUT_S = 8

# libpq gives no code for a failed connection, only the server's words, which may be Chinese.
_CAUSES = (
    (("refused", "拒绝"), "没有程序在那里监听：请检查地址、端口和 PostgreSQL 是否已启动"),
    (("password authentication failed", "no password supplied", "认证失败"), "用户名或密码不对"),
    (("does not exist", "不存在"), "那里没有这个数据库或用户：请先建立（CREATE DATABASE xingwei OWNER xingwei）"),
    (("translate host name", "resolve host", "getaddrinfo", "not known"), "主机名查不到：请检查拼写或 DNS"),
    (("timeout", "timed out"), f"{_TIMEOUT_S} 秒内没有回答：请检查网络和防火墙"),
    (("pg_hba.conf",), "服务器不许这台机器用这个用户连接：请在它的 pg_hba.conf 里加一行"),
    (("ssl", "certificate"), "TLS 没有谈成：请检查 sslmode 和证书"),
    (("too many", "remaining connection"), "服务器的连接数用完了：请调大 max_connections"),
    (("starting up", "shutting down", "recovery"), "服务器正在启动或停止：请稍候再试"),
    (("no such file", "没有那个文件"), "套接字目录里没有 PostgreSQL：请检查 host"),
)


@contextmanager
def available(config: Config) -> Iterator[str]:
    """The database's URI: the external one after a check, or the embedded one, running while the block does."""
    if config.database_url is None:
        with embedded.session(config.pgdata) as uri:
            yield uri
    else:
        check(config.database_url)
        yield config.database_url


def uri(config: Config) -> str:
    """The database's URI, whether it runs or not."""
    return config.database_url or embedded.uri(config.pgdata)


def where(url: str) -> str:
    """The address without the password, for people to read."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('user', '')}@{parts.get('host', '本机')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def check(url: str) -> None:
    """Raise Trouble unless the database can be used: reachable, PostgreSQL 15 or newer, UTF-8, writable."""
    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT_S, application_name="xingwei check") as db:
            version = db.info.server_version // 10_000
            row = db.execute(
                "SELECT current_setting('server_encoding'), pg_is_in_recovery(),"
                " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise Trouble(f"连不上 DATABASE_URL 指定的数据库 {where(url)}：{_cause(str(error))}。") from error
    except psycopg.ProgrammingError as error:
        raise Trouble("DATABASE_URL 读不懂：请检查地址里的参数，密码里的特殊字符要写成 %XX。") from error
    assert row is not None
    encoding, standby, may_create = row
    if version < VERSION_MIN:
        raise Trouble(f"数据库 {where(url)} 是 PostgreSQL {version}，太旧：需要 {VERSION_MIN} 或更新的版本。")
    if encoding != "UTF8":
        raise Trouble(f"数据库 {where(url)} 的编码是 {encoding}：请用 ENCODING 'UTF8' 重新建立。")
    if standby:
        raise Trouble(f"数据库 {where(url)} 是只读的备库：请连主库。")
    if not may_create:
        raise Trouble(
            f"用户在数据库 {where(url)} 里不能建表：请让它成为数据库的所有者（ALTER DATABASE … OWNER TO …）。"
        )


def _cause(words: str) -> str:
    lower = words.lower()
    for patterns, sentence in _CAUSES:
        if any(pattern in lower for pattern in patterns):
            return sentence
    return words.strip().splitlines()[-1] if words.strip() else "没有说明原因"
