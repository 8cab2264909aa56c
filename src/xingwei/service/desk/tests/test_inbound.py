"""Mail and WeCom: a letter becomes a case, an answer to one is noted in it, a stranger's waits in quarantine."""

from __future__ import annotations

from email.message import EmailMessage
from types import SimpleNamespace

import pytest

from xingwei.base.notify.inbound import processing
from xingwei.base.notify.models import InboundMessage
from xingwei.base.notify.services import inbound as incoming
from xingwei.base.policy.engine import system_actor
from xingwei.service.desk.models import Case

pytestmark = [pytest.mark.django_db, pytest.mark.clause("9.6")]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


def letter(sender: str, subject: str, text: str, ident: str = "<a@h>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = sender, subject, ident
    mail.set_content(text)
    return mail


def deliver(mail: EmailMessage) -> InboundMessage:
    row, _ = incoming.deliver_mail(system_actor("email"), mail.as_bytes())
    processing.process_due()
    row.refresh_from_db()
    return row


@pytest.fixture
def addressed(house: SimpleNamespace) -> SimpleNamespace:
    house.li.email = "li@hospital.example"
    house.li.save()
    return house


def test_a_letter_with_a_photo_becomes_a_case(addressed: SimpleNamespace) -> None:
    mail = letter("李收费员 <li@hospital.example>", "五号窗口打不了票", "打印机灯亮着，票打不出来。")
    mail.add_attachment(PNG, maintype="image", subtype="png", filename="屏幕.png")
    row = deliver(mail)
    case = Case.objects.get()
    assert (case.channel, case.reporter, case.department) == ("email", addressed.li, addressed.window)
    assert case.title == "五号窗口打不了票"
    assert case.attachments.get().media_type == "image/png"
    assert row.state == InboundMessage.State.DONE


def test_the_same_letter_twice_is_one_case(addressed: SimpleNamespace) -> None:
    for _ in range(2):
        deliver(letter("li@hospital.example", "票打不出", "票打不出来"))
    assert Case.objects.count() == 1


def test_an_answer_is_noted_in_the_case_it_names(addressed: SimpleNamespace) -> None:
    deliver(letter("li@hospital.example", "票打不出", "票打不出来"))
    case = Case.objects.get()
    deliver(letter("li@hospital.example", f"Re: {case.number} 票打不出", "换了纸也不行", "<b@h>"))
    assert Case.objects.count() == 1
    assert case.events.filter(type="noted").get().text == "换了纸也不行"


def test_nobody_writes_into_a_case_that_he_may_not_see(addressed: SimpleNamespace) -> None:
    deliver(letter("li@hospital.example", "票打不出", "票打不出来"))
    first = Case.objects.get()
    addressed.nurse.email = "wu@hospital.example"
    addressed.nurse.save()
    deliver(letter("wu@hospital.example", f"Re: {first.number}", "我也来说一句", "<c@h>"))
    assert not first.events.filter(type="noted").exists()
    assert Case.objects.count() == 2


def test_a_strangers_letter_waits_with_its_reason_and_can_be_replayed(addressed: SimpleNamespace) -> None:
    row = deliver(letter("guest@else.example", "系统坏了", "挂号打不开"))
    assert row.state == InboundMessage.State.QUARANTINED
    assert "不认识发件人 guest@else.example" in row.reason
    assert not Case.objects.exists()
    addressed.nurse.email = "guest@else.example"
    addressed.nurse.save()
    incoming.replay(system_actor("email"), row)
    processing.process_due()
    assert Case.objects.get().reporter == addressed.nurse
