from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xingwei.base.notify.inbound.fetching import _folder_name, fetch
from xingwei.base.notify.models import InboundMessage, MailServer
from xingwei.base.notify.sealing import seal
from xingwei.base.notify.tests import mailboxes

pytestmark = pytest.mark.django_db


def mail(number: int, body: str = "收费处打不了票", size: int = 0) -> bytes:
    head = f"From: li@hospital.example\r\nSubject: =?gbk?B?{'票'.encode('gbk').hex()}?=\r\nMessage-ID: <m{number}@x>\r\n\r\n"
    return head.encode() + body.encode("gbk") + b"\r\n.dot\r\n" + b"x" * size


@pytest.fixture(params=["imap", "pop3"])
def box(request: Any, db: None) -> Iterator[mailboxes.Mailbox]:
    """A mailbox on this machine, and Xingwei set up to read it."""
    running, server = mailboxes.start(request.param)
    MailServer.objects.create(
        protocol=request.param, in_host="127.0.0.1", in_port=running.port, in_security="none",
        in_username="xingwei@hospital.example", in_password=seal("auth-code", "mail.in_password"),
    )  # fmt: skip
    yield running
    server.shutdown()
    server.server_close()


@pytest.fixture
def imap(db: None) -> Iterator[Callable[..., mailboxes.Mailbox]]:
    running, server = mailboxes.start("imap")

    def configure(**kwargs: Any) -> mailboxes.Mailbox:
        usual = {
            "protocol": "imap", "in_host": "127.0.0.1", "in_port": running.port, "in_security": "none",
            "in_username": "xingwei", "in_password": seal("auth-code", "mail.in_password"),
        }  # fmt: skip
        MailServer.objects.create(**usual | kwargs)
        return running

    yield configure
    server.shutdown()
    server.server_close()


def test_new_mail_comes_in_once_byte_for_byte(box: mailboxes.Mailbox) -> None:
    box.mails += [mail(1), mail(2)]
    assert fetch() == 2
    box.mails.append(mail(3))
    assert fetch() == 1
    assert fetch() == 0
    assert box.fetched() == 3
    rows = list(InboundMessage.objects.order_by("id"))
    assert [r.message_id for r in rows] == ["<m1@x>", "<m2@x>", "<m3@x>"]
    assert bytes(rows[0].raw).rstrip() == mail(1).rstrip()
    assert {r.state for r in rows} == {"received"}
    assert not box.deleted
    server = MailServer.objects.get()
    assert server.in_error == ""
    assert server.in_checked_at is not None


def test_taken_mail_is_deleted_where_that_is_wished(box: mailboxes.Mailbox) -> None:
    MailServer.objects.update(in_delete=True)
    box.mails.append(mail(1))
    assert fetch() == 1
    assert box.deleted == {1}


def test_what_comes_twice_is_kept_once(box: mailboxes.Mailbox) -> None:
    box.mails += [mail(1), mail(1)]
    box.uidl = False
    assert fetch() == 1
    assert fetch() == 0
    assert InboundMessage.objects.count() == 1


def test_a_huge_mail_is_set_aside_and_stays_where_it_is(box: mailboxes.Mailbox, monkeypatch: Any) -> None:
    monkeypatch.setattr("xingwei.base.notify.inbound.store.max_bytes", lambda: 1000)
    MailServer.objects.update(in_delete=True)
    box.mails.append(mail(1, size=5000))
    assert fetch() == 1
    row = InboundMessage.objects.get()
    assert (row.state, row.sender) == ("quarantined", "li@hospital.example")
    assert "只登记了信头" in row.reason
    assert row.size > 5000 > len(bytes(row.raw))
    assert not box.deleted
    assert box.fetched() == 0
    assert fetch() == 0


def test_a_refused_account_is_said_on_the_settings(box: mailboxes.Mailbox) -> None:
    box.password = "changed"
    assert fetch() == 0
    assert "请核对账号、授权码" in MailServer.objects.get().in_error


def test_nobody_at_the_other_end(box: mailboxes.Mailbox) -> None:
    MailServer.objects.update(in_port=9)
    assert fetch() == 0
    assert "连不上收信服务器" in MailServer.objects.get().in_error


def test_netease_wants_to_know_who_we_are(imap: Any) -> None:
    box = imap()
    box.strict = True
    box.mails.append(mail(1))
    assert fetch() == 1
    assert any(c.startswith('ID ("name" "xingwei"') for c in box.commands)


def test_folders_may_have_chinese_names(imap: Any) -> None:
    assert _folder_name("报修&其他") == '"&YqVP7g-&-&UXZO1g-"'  # as Thunderbird writes it
    box = imap(in_folder="报修")
    box.folder = "&YqVP7g-"
    box.mails.append(mail(1))
    assert fetch() == 1
    MailServer.objects.update(in_folder="没有")
    fetch()
    assert "没有文件夹“没有”" in MailServer.objects.get().in_error


def test_no_mailbox_is_no_work(db: None) -> None:
    assert fetch() == 0
    MailServer.objects.create(on=True, host="x")
    assert fetch() == 0
