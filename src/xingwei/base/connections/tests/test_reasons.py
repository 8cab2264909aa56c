"""What databases say, in Chinese."""

import pytest

from ..engine.reasons import reason


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('connection failed: FATAL: role "data_reader" does not exist', "数据库里没有账号 data_reader"),
        ('connection failed: FATAL:  database "his" does not exist', "没有数据库 his"),
        (
            "connection failed: connection to server at 127.0.0.1, port 1 failed: Connection refused",
            "没有数据库在这个地址上应答",
        ),
        ("Access denied for user 'x'@'localhost' (using password: YES)", "账号或口令不对"),
        ("ERROR: permission denied for sequence xh", "账号没有读 xh 的权限"),
        ("something else", "something else"),
    ],
)
def test_reasons(said, words):
    assert reason(said) == words
