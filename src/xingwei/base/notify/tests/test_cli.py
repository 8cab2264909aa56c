from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from xingwei.base.notify import services as notify
from xingwei.base.notify.cli import app
from xingwei.base.notify.models import InboundMessage, MailServer, Outbox
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
MAIL = "From: li@hospital.example\r\nSubject: 票\r\nMessage-ID: <1@x>\r\n\r\n打不了".encode("gbk")


def run(*words: str, **kwargs: Any) -> Any:
    return CliRunner().invoke(app, list(words), **kwargs)


def test_a_mail_from_the_pipe_of_a_mail_server() -> None:
    assert "已收下" in run("receive", input=MAIL).output
    assert "以前收过" in run("receive", input=MAIL).output
    assert bytes(InboundMessage.objects.get().raw) == MAIL
    empty = run("receive", input=b"")
    assert (empty.exit_code, "是空的" in empty.output) == (1, True)


def test_fetching_says_what_is_missing_or_wrong() -> None:
    nothing = run("fetch")
    assert (nothing.exit_code, "没有配置收信" in nothing.output) == (1, True)
    MailServer.objects.create(protocol="imap", in_host="127.0.0.1", in_port=9, in_security="none", in_username="x")
    wrong = run("fetch")
    assert (wrong.exit_code, "连不上收信服务器" in wrong.output) == (1, True)


def test_one_round_of_delivery(robot: Any, services: Any) -> None:
    robot("wecom")
    notify.broadcast(system_actor(), topic="t", title="x")
    assert "处理了 1 条" in run("deliver").output
    assert Outbox.objects.get().state == Outbox.State.SENT
