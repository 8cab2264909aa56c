from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Iterator
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from xingwei.base.notify import services as notify
from xingwei.base.notify.models import MailServer, Outbox
from xingwei.base.notify.sealing import seal
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


class Post:
    """Takes mail; refuses who is not in the house, and everything while `closed` says so."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.closed = ""
        self.accounts: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user 查无此人"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.closed:
            return self.closed
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.accounts.append((data.login, data.password))
        return AuthResult(success=data.password == b"auth-code", handled=False)


@pytest.fixture
def post(db: None) -> Iterator[Post]:
    """A mail server on this machine, and Xingwei set up to use it."""
    handler = Post()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, authenticator=handler.login, auth_require_tls=False
    )
    controller.start()
    MailServer.objects.create(
        on=True, host="127.0.0.1", port=port, security="none",
        sender="xingwei@hospital.example", sender_name="信息科（杏维）",
    )  # fmt: skip
    yield handler
    controller.stop()


@pytest.fixture
def told(person: Any, post: Post) -> Any:
    def tell(address: str = "tang@hospital.example", **kwargs: Any) -> Outbox:
        user = person("it_staff")
        user.email = address
        user.save()
        notify.tell(system_actor(), [user], **{"kind": "k", "title": "指派给您：门诊收费"} | kwargs)
        return Outbox.objects.get(person=user)

    return tell


def test_a_mail_arrives_whole_and_says_that_a_machine_wrote_it(told: Any, post: Post, deliver: Any) -> None:
    row = told(text="第一行\n第二行 <b>", url="/desk/1/", urgent=True)
    deliver()
    row.refresh_from_db()
    assert (row.state, row.said) == (Outbox.State.SENT, "发信服务器已收下")
    mail = post.mails[0]
    assert mail["Subject"] == "【杏维】【紧急】指派给您：门诊收费"
    assert (mail["Auto-Submitted"], mail["X-Loop"], mail["Importance"]) == ("auto-generated", "xingwei", "high")
    assert mail["From"] == "信息科（杏维） <xingwei@hospital.example>"
    assert mail["Message-ID"].startswith(f"<xingwei-{row.pk}-")
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "https://xw.hospital.example/desk/1/" in text
    assert "第二行 <b>" in text
    assert "第二行 &lt;b&gt;" in html


def test_the_account_is_used_and_its_password_is_sealed(told: Any, post: Post, deliver: Any) -> None:
    MailServer.objects.update(username="xingwei", password=seal("auth-code", "mail.password"))
    assert "auth-code" not in MailServer.objects.get().password
    told()
    deliver()
    assert post.accounts == [(b"xingwei", b"auth-code")]
    assert len(post.mails) == 1


def test_a_refused_account_can_be_put_right_later(told: Any, post: Post, deliver: Any) -> None:
    MailServer.objects.update(username="xingwei", password=seal("wrong", "mail.password"))
    row = told()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.FAILED
    assert "不认账号或授权码" in row.said


def test_who_does_not_exist_is_given_up(told: Any, post: Post, deliver: Any) -> None:
    row = told("nobody@hospital.example")
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.DEAD
    assert "no such user" in row.answer


@pytest.mark.parametrize(("answer", "state"), [("452 full", Outbox.State.FAILED), ("554 spam", Outbox.State.DEAD)])
def test_later_is_not_never(told: Any, post: Post, deliver: Any, answer: str, state: str) -> None:
    post.closed = answer
    row = told()
    deliver()
    row.refresh_from_db()
    assert row.state == state


def test_an_address_that_is_none_is_said(told: Any, deliver: Any) -> None:
    row = told("不是邮箱")
    deliver()
    row.refresh_from_db()
    assert (row.state, row.said) == (Outbox.State.DEAD, "邮箱地址不对。")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port": 9}, "连不上发信服务器"),
        ({"security": "starttls"}, "不支持所选的加密方式"),
        ({"security": "tls"}, "端口与加密方式不相配"),
    ],
)
def test_a_server_that_cannot_be_talked_to(told: Any, deliver: Any, change: dict[str, Any], said: str) -> None:
    MailServer.objects.update(**change)
    row = told()
    deliver()
    row.refresh_from_db()
    assert row.state == Outbox.State.FAILED
    assert said in row.said


def test_an_untrusted_certificate_is_refused_unless_the_page_allows_it() -> None:
    from xingwei.base.notify.channels.carry import tls_context

    assert tls_context(True).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(False).verify_mode is ssl.CERT_NONE


def test_many_to_one_become_a_summary(told: Any, post: Post, person: Any, deliver: Any) -> None:
    user = told().person
    for i in range(24):
        notify.tell(system_actor(), [user], kind="k", title=f"第 {i} 件")
    deliver()
    assert len(post.mails) == 10
    assert post.mails[-1]["Subject"] == "【杏维】16 条通知汇总"
