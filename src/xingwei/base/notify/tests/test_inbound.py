from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from xingwei.base.journal.models import Entry
from xingwei.base.notify import inbound
from xingwei.base.notify.inbound import processing
from xingwei.base.notify.models import InboundMessage, MailServer, Outbox
from xingwei.base.notify.services import inbound as services
from xingwei.base.notify.services.base import Refused
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.6")]
State = InboundMessage.State
MAIL = "From: 李敏 <li@hospital.example>\r\nSubject: 打不了票\r\nMessage-ID: <m1@x>\r\n\r\n收费处打不了票".encode()


@pytest.fixture
def handled() -> Iterator[list[inbound.Inbound]]:
    """Messages that a higher room was handed; it answers, or raises what `answer` holds."""
    got: list[inbound.Inbound] = []
    before = dict(inbound._handlers)

    def handle(message: inbound.Inbound) -> str:
        got.append(message)
        if isinstance(answer["now"], Exception):
            raise answer["now"]
        return str(answer["now"])

    answer["now"] = "已登记为 2603-187\n我们尽快处理。"
    inbound.handler("mail")(handle)
    inbound.handler("wecom")(handle)
    yield got
    inbound._handlers.clear()
    inbound._handlers.update(before)


answer: dict[str, Any] = {}


@pytest.fixture
def come() -> Callable[..., InboundMessage]:
    return lambda raw=MAIL: services.deliver_mail(system_actor("email"), raw)[0]


def test_kept_first_then_handled_and_answered(
    handled: list[Any], come: Any, django_capture_on_commit_callbacks: Any
) -> None:
    MailServer.objects.create(on=True, host="mail.hospital.example", sender="xw@hospital.example")
    with django_capture_on_commit_callbacks() as callbacks:
        row = come()
    assert callbacks  # the task is woken after commit, not before
    assert (row.state, bytes(row.raw)) == (State.RECEIVED, MAIL)
    processing.process_due()
    (message,) = handled
    assert (message.channel, message.address, message.subject, message.text, message.sender_id) == (
        "mail", "li@hospital.example", "打不了票", "收费处打不了票", None,
    )  # fmt: skip
    row.refresh_from_db()
    assert (row.state, row.attempts, row.reply) == (State.DONE, 1, "已登记为 2603-187\n我们尽快处理。")
    reply = Outbox.objects.get()
    assert (reply.address, reply.payload["title"]) == ("li@hospital.example", "回复：打不了票")
    assert reply.payload["reply"] == {"In-Reply-To": "<m1@x>", "References": "<m1@x>"}
    processing.process_due()
    assert len(handled) == 1
    summaries = " ".join(Entry.objects.values_list("summary", flat=True))
    assert "打不了票" not in summaries
    assert "li@hospital" not in summaries


def test_the_same_mail_comes_in_once(handled: list[Any], come: Any) -> None:
    assert come().pk == come().pk
    processing.process_due()
    come()
    processing.process_due()
    assert len(handled) == 1


def test_what_is_refused_is_set_aside_with_the_reason_and_can_be_replayed(
    handled: list[Any], come: Any, actor: Any
) -> None:
    answer["now"] = Refused("没有登记这个邮箱：请先在“人员”里填上。")
    row = come()
    processing.process_due()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.QUARANTINED, "没有登记这个邮箱：请先在“人员”里填上。")
    assert not Outbox.objects.exists()  # the sender of a mail may be forged: nobody is told
    answer["now"] = "已登记"
    services.replay(actor("service_manager"), row)
    processing.process_due()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.DONE, "")
    assert Entry.objects.filter(act="notify.inbound.replay").count() == 1


def test_what_was_begun_is_undone_when_it_fails(handled: list[Any], come: Any, person: Any) -> None:
    from xingwei.base.notify.models import Notification

    @inbound.handler("mail")
    def half(message: inbound.Inbound) -> str:
        Notification.objects.create(person=person(), kind="k", title="半途")
        raise ZeroDivisionError

    row = come()
    with time_machine.travel(row.next_try_at, tick=False) as clock:
        for _ in range(10):
            processing.process_due()
            row.refresh_from_db()
            if row.state != State.RECEIVED:
                break
            assert "ZeroDivisionError" in row.reason
            clock.move_to(row.next_try_at)
    assert (row.state, row.attempts) == (State.QUARANTINED, 4)
    assert "试了 4 次" in row.reason
    assert not Notification.objects.exists()


def test_denied_is_a_reason_too(handled: list[Any], come: Any) -> None:
    answer["now"] = Denied("您的角色不能登记问题")
    row = come()
    processing.process_due()
    row.refresh_from_db()
    assert row.reason == "您的角色不能登记问题"


def test_without_anybody_to_handle_it_nothing_is_lost(come: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(inbound, "_handlers", {})
    row = come()
    processing.process_due()
    row.refresh_from_db()
    assert row.state == State.QUARANTINED
    assert "没有登记处理" in row.reason


def test_machines_are_not_listened_to(handled: list[Any], come: Any) -> None:
    row = come(b"Auto-Submitted: auto-replied\r\n" + MAIL)
    assert (row.state, row.reason) == (State.IGNORED, "自动回复或自动生成的邮件")
    processing.process_due()
    assert handled == []


def test_files_and_their_limits_are_told(handled: list[Any], come: Any) -> None:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"] = "li@hospital.example"
    mail.set_content("见图")
    for i in range(22):
        mail.add_attachment(b"png", maintype="image", subtype="png", filename=f"{i}.png")
    come(mail.as_bytes())
    processing.process_due()
    assert len(handled[0].files) == 20
    assert handled[0].text == "见图\n（另有 2 个附件没有登记）"


@pytest.mark.parametrize(
    ("raw", "said"), [(b"", "是空的"), (b"  \r\n", "是空的"), (b"x" * (20 * 2**20 + 1), "超过 20 MB")]
)
def test_no_mail_at_all_is_refused(come: Any, raw: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        come(raw)


def test_who_may_handle_and_who_may_read(as_role: Any, handled: list[Any], come: Any) -> None:
    answer["now"] = Refused("原因在此")
    row = come()
    processing.process_due()
    manager, admin = as_role("service_manager"), as_role("system_admin")
    page = manager.get(f"/notify/messages/{row.pk}/").content.decode()
    assert "收费处打不了票" in page
    assert "原因在此" in page
    assert Entry.objects.filter(act="notify.inbound.read", actor_id=manager.actor.id).count() == 1
    page = admin.get(f"/notify/messages/{row.pk}/").content.decode()
    assert "收费处打不了票" not in page
    assert "重新处理" not in page
    assert admin.post(f"/notify/messages/{row.pk}/replay/").status_code == 403
    answer["now"] = "好"
    assert "已排队重新处理" in manager.post(f"/notify/messages/{row.pk}/replay/", follow=True).content.decode()
    assert "还在等待处理" in manager.post(f"/notify/messages/{row.pk}/replay/", follow=True).content.decode()
    processing.process_due()
    assert "已经处理完了" in manager.post(f"/notify/messages/{row.pk}/ignore/", follow=True).content.decode()


def test_the_list_shows_what_is_set_aside_and_why_nothing_comes(as_role: Any, come: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(inbound, "_handlers", {})
    come()
    processing.process_due()
    MailServer.objects.create(
        protocol="imap", in_host="x", in_error="连不上收信服务器", in_checked_at=dt.datetime.now(dt.UTC)
    )
    client = as_role("it_staff")
    page = client.get("/notify/messages/?state=quarantined").content.decode()
    assert "打不了票" in page
    assert "收信失败：连不上收信服务器" in page
    assert 'title="1 封来信被隔离"' in page
    export = b"".join(client.get("/notify/messages/?format=csv").streaming_content).decode()
    assert "已隔离" in export
