"""What databases say when they cannot be reached or refuse, in Chinese where we know the words. Pure."""

from __future__ import annotations

import re

_KNOWN = (
    (r'role "([^"]+)" does not exist', "数据库里没有账号 {0}"),
    (r'database "([^"]+)" does not exist', "没有数据库 {0}"),
    (r"password authentication failed|Access denied for user|Login failed|ORA-01017", "账号或口令不对"),
    (r"no pg_hba\.conf entry", "数据库不允许从这台机器用这个账号连接"),
    (r"Connection refused|No such file or directory|Can't connect to|ORA-12541", "没有数据库在这个地址上应答"),
    (r"could not translate host name|Name or service not known|Unknown MySQL server host", "找不到这个主机名"),
    (r"timeout expired|timed out", "在时限内没有应答"),
    (r"the database system is (starting up|shutting down|in recovery)", "数据库正在启动或停止"),
    (r"too many (clients|connections)", "数据库的连接已满"),
    (r"No route to host|Network is unreachable", "网络不通"),
    (r"server closed the connection|Lost connection", "连接断了"),
    (r"permission denied for (?:table|sequence|schema) (\S+)", "账号没有读 {0} 的权限"),
)


def reason(said: str) -> str:
    """The sentence in Chinese; what is not known stays as the database said it."""
    for pattern, words in _KNOWN:
        if (found := re.search(pattern, said, re.IGNORECASE)) is not None:
            return words.format(*found.groups())
    return said
