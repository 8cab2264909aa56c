"""What people do with what is not delivered, and replay."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.operations.gateway.models import Channel, Delivery, Edit, Message, Queued

from . import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def cbc() -> Channel:
    return desk.channel("dev-cbc", "in")


@pytest.fixture
def lis() -> Channel:
    return desk.channel("lis-in", "out", system="LIS")


@pytest.mark.clause("7.10")
def test_dead_letters_are_sent_again_or_cancelled_with_a_reason(as_role: Any, cbc: Channel, lis: Channel) -> None:
    version = desk.route(cbc)
    rows = [desk.queued(desk.message(cbc), lis, version, state="dead", attempts=8, code="AE") for _ in range(3)]
    client = as_role("onsite_engineer")
    assert "AE" in client.get("/gateway/dead/").content.decode()
    ids = [r.pk for r in rows[:2]]
    client.post("/gateway/queue/act/", {"what": "retry", "ids": ids, "reason": ""})
    assert Queued.objects.filter(state="dead").count() == 3
    client.post("/gateway/queue/act/", {"what": "retry", "ids": ids, "reason": "检验系统已恢复"})
    assert [r.attempts for r in Queued.objects.filter(state="waiting")] == [0, 0]
    client.post("/gateway/queue/act/", {"what": "cancel", "ids": [rows[2].pk], "reason": "标本作废"})
    done = Delivery.objects.get(id=rows[2].pk)
    assert (done.outcome, "标本作废" in done.settled_by) == ("cancelled", True)
    assert Queued.objects.count() == 2
    assert Entry.objects.filter(act__startswith="gateway.queue.").count() == 3


def test_what_moved_on_meanwhile_is_left_alone(as_role: Any, cbc: Channel, lis: Channel) -> None:
    row = desk.queued(desk.message(cbc), lis, state="sending")
    client = as_role("it_staff")
    client.post("/gateway/queue/act/", {"what": "cancel", "ids": [row.pk, 12345], "reason": "不要了"})
    assert Queued.objects.get().state == "sending"
    assert not Delivery.objects.exists()


@pytest.mark.clause("8.2")
@pytest.mark.parametrize(("arrived", "state"), [("yes", "delivered"), ("no", "waiting")])
def test_a_person_decides_what_became_of_a_settlement(as_role: Any, arrived: str, state: str) -> None:
    source, target = desk.channel("yb-call", "in", system="YB"), desk.channel("yb-center", "out", system="YB")
    row = desk.queued(desk.message(source), target, state="uncertain")
    client = as_role("insurance_office", systems=("YB",))
    client.post(f"/gateway/queue/{row.pk}/decide/", {"arrived": arrived, "reason": "医保中心电话确认"})
    if arrived == "yes":
        assert Delivery.objects.get(id=row.pk).outcome == state
        assert not Queued.objects.exists()
    else:
        assert Queued.objects.get(pk=row.pk).state == state


def test_an_edit_keeps_both_texts_and_the_message_as_it_came(as_role: Any, cbc: Channel, lis: Channel) -> None:
    version = desk.route(cbc)
    message = desk.message(cbc)
    row = desk.queued(message, lis, version, state="dead", attempts=8)
    client = as_role("onsite_engineer")
    url = f"/gateway/queue/{row.pk}/edit/"
    text = client.get(url).context["form"]["text"].value()
    assert "117|g/L" in text, "what would be sent, not what came"
    assert client.post(url, {"text": text.replace("117", "118"), "reason": ""}).status_code == 422
    bad = client.post(url, {"text": "这不是 HL7", "reason": "改一改"})
    assert "读不懂" in bad.content.decode()
    assert client.post(url, {"text": text.replace("117|", "118|"), "reason": "仪器复核"}).status_code == 302
    row.refresh_from_db()
    assert row.state == "waiting"
    assert b"118|g/L" in bytes(row.payload)
    edit = Edit.objects.get()
    assert b"117|g/L" in bytes(edit.before)
    assert bytes(Message.objects.get(id=message.id).raw) == bytes(message.raw)
    assert "张兰" not in "".join(e.summary + str(e.after) for e in Entry.objects.all())


def test_a_replay_says_first_how_many_and_keeps_the_order(as_role: Any, cbc: Channel, lis: Channel) -> None:
    version = desk.route(cbc)
    desk.ids_from(50_000_000)
    start = timezone.now() - dt.timedelta(hours=1)
    old = [desk.message(cbc, received_at=start + dt.timedelta(seconds=n)) for n in range(4)]
    desk.message(cbc, raw=b"MSH", state="quarantined", type="", received_at=start)
    client = as_role("onsite_engineer")
    local = timezone.localtime(start)
    form = {"channel": "dev-cbc", "since": f"{local:%Y-%m-%dT%H:%M:%S}"}
    shown = client.post("/gateway/replay/", form).content.decode()
    assert "<b>4</b> 条" in shown
    assert "1 条不重放：原文读不懂" in shown
    assert not Queued.objects.exists()
    late = client.post("/gateway/replay/", form | {"go": "1", "expected": "3", "reason": "补送"})
    assert "现在是 4 条" in late.content.decode()
    assert client.post("/gateway/replay/", form | {"go": "1", "expected": "4", "reason": "补送"}).status_code == 302
    made = list(Message.objects.filter(replay_of__isnull=False).order_by("received_at"))
    assert [m.replay_of for m in made] == [m.id for m in old]
    queued = list(Queued.objects.order_by("id"))
    assert [q.message_id for q in queued] == [m.id for m in made]
    assert {(q.state, q.route_version_id, q.channel_id) for q in queued} == {("waiting", version.pk, lis.pk)}
    assert [q.order_key for q in queued] == [m.key for m in old]


def test_what_waited_for_an_answer_is_never_replayed(as_role: Any, lis: Channel) -> None:
    call = desk.channel("yb-call", "in", system="YB", call={"budget_s": 5})
    desk.route(call)
    message = desk.message(call)
    client = as_role("onsite_engineer")
    client.post(f"/gateway/messages/{message.number}/replay/", {"reason": "再来一次"})
    assert not Queued.objects.exists()
    assert Message.objects.count() == 1


def test_a_full_queue_takes_no_replay(as_role: Any, cbc: Channel, lis: Channel) -> None:
    desk.route(cbc)
    lis.capacity = 1
    lis.save()
    message = desk.message(cbc)
    desk.queued(message, lis)
    response = as_role("it_staff").post(f"/gateway/messages/{message.number}/replay/", {"reason": "补送"}, follow=True)
    assert "放不下" in response.content.decode()
