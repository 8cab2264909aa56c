"""The gateway's pages as their readers use them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.operations.gateway.models import Channel, Gauge
from xingwei.operations.gateway.queries import counts
from xingwei.operations.gateway.services import text

from . import desk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    counts.__globals__["forget"]()


@pytest.fixture
def cbc() -> Channel:
    return desk.channel("dev-cbc", "in", name="血球 ELite 580", peer="血球 ELite 580", zone="device")


@pytest.fixture
def lis() -> Channel:
    return desk.channel("lis-in", "out", name="检验系统", peer="LIS", zone="department", system="LIS")


def body(response: Any) -> str:
    assert response.status_code == 200, response.content[:2000]
    return response.content.decode()


@pytest.mark.clause("7.1b")
def test_the_topology_draws_who_sends_to_whom_and_names_what_waits(
    as_role: Any, cbc: Channel, lis: Channel, django_assert_max_num_queries: Any
) -> None:
    desk.route(cbc)
    now = timezone.now()
    Gauge.objects.create(channel=cbc, at=now, values={"rate_1m": 6, "rate_5m": 6, "series": [1, 2, 3]})
    Gauge.objects.create(channel=lis, at=now, values={"rate_1m": 6, "waiting": 312, "oldest_s": 400})
    client = as_role("onsite_engineer")
    client.get("/gateway/")
    with django_assert_max_num_queries(32):
        page = body(client.get("/gateway/"))
    assert "血球 ELite 580 到 LIS：排队 6 分" in page
    assert "312" in page


def test_old_figures_are_shown_as_old(as_role: Any, cbc: Channel) -> None:
    Gauge.objects.create(
        channel=cbc, at=timezone.now() - timezone.timedelta(minutes=27), values={"rate_1m": 6, "rate_5m": 777}
    )
    page = body(as_role("it_staff").get("/gateway/"))
    assert "27 分无数据" in page
    assert "777" not in page


@pytest.mark.clause("8.1b")
def test_a_message_is_read_field_by_field_with_the_rule_that_changed_each(
    as_role: Any, cbc: Channel, lis: Channel
) -> None:
    version = desk.route(cbc)
    message = desk.message(cbc)
    desk.delivered(message, lis, version)
    page = body(as_role("service_manager").get(f"/gateway/messages/{message.number}/"))
    assert "11.7|g/dL|11.0-16.0|~N" in page
    assert "117|g/L|11.0-16.0|~N" in page
    assert "R-022" in page
    assert "已投递" in page


@pytest.mark.clause("4.3d")
def test_what_is_a_persons_is_covered_and_every_look_is_recorded(as_role: Any, cbc: Channel) -> None:
    message = desk.message(cbc)
    client = as_role("onsite_engineer")
    url = f"/gateway/messages/{message.number}/"
    for view in ("text", "hex"):
        page = body(client.get(f"{url}?raw={view}"))
        for secret in ("张兰", "P0012186", "13812345678", "幸福路", "19680304"):
            assert secret not in page
    assert Entry.objects.filter(act="gateway.message.look", target_id=message.number).count() == 2
    assert client.post(f"{url}reveal/", {"reason": ""}).status_code == 302
    assert "张兰" not in body(client.get(url))
    client.post(f"{url}reveal/", {"reason": "核对仪器屏幕上的结果"})
    page = body(client.get(url))
    assert "张兰" in page
    assert "P0012186" in page
    entries = Entry.objects.filter(act__startswith="gateway.")
    assert "核对仪器屏幕上的结果" in entries.get(act="gateway.content.reveal").summary
    assert not any("张兰" in str(e.after) + e.summary or "P0012186" in e.summary for e in entries)


def test_who_has_no_data_right_cannot_reveal(as_role: Any, cbc: Channel) -> None:
    message = desk.message(cbc)
    client = as_role("rnd")
    assert client.post(f"/gateway/messages/{message.number}/reveal/", {"reason": "想看看原值"}).status_code == 403
    assert "查看原值" not in body(client.get(f"/gateway/messages/{message.number}/"))


def test_a_search_keeps_patients_out_of_the_address(as_role: Any, cbc: Channel) -> None:
    mine = desk.message(cbc)
    other = desk.message(cbc, patient="P0099999")
    client = as_role("it_staff")
    response = client.post("/gateway/messages/", {"patient": "P0012186"})
    assert response.status_code == 302
    assert "P0012186" not in response["Location"]
    page = body(client.get(response["Location"]))
    assert mine.number in page
    assert other.number not in page
    assert "P0012186" not in page.replace('value="P0012186"', "")
    entry = Entry.objects.get(act="gateway.message.search")
    assert "患者号" in entry.summary
    assert "P0012186" not in entry.summary


def test_text_is_found_by_who_may_read_it(as_role: Any, cbc: Channel, django_user_model: Any) -> None:
    old = timezone.now() - timezone.timedelta(minutes=3)
    wanted = [desk.message(cbc, received_at=old + timezone.timedelta(seconds=i)) for i in range(3)]
    desk.message(cbc, raw=b"MSH|^~\\&|X\rOBX|1|NM|1^RBC^LN||1\r", received_at=old)
    assert text.index_new() == 4
    assert text.index_new() == 0
    with_right, without = as_role("onsite_engineer"), as_role("rnd")
    for client, words, found in (
        (with_right, "张兰", True),
        (without, "张兰", False),
        (without, "hgb 718", True),
        (without, "HG", False),
    ):
        where = client.post("/gateway/messages/", {"text": words})["Location"]
        page = body(client.get(where))
        assert all((m.number in page) is found for m in wanted), (words, found)


def test_a_person_of_one_system_sees_only_its_messages(as_role: Any, cbc: Channel) -> None:
    insurance = desk.channel("yb-in", "in", name="医保调用", system="YB")
    theirs, others = desk.message(insurance), desk.message(cbc)
    client = as_role("insurance_office", systems=("YB",))
    page = body(client.get("/gateway/messages/"))
    assert theirs.number in page
    assert others.number not in page
    assert client.get(f"/gateway/messages/{others.number}/").status_code == 404
    assert client.get(f"/gateway/messages/{theirs.number}/").status_code == 200


def test_a_word_that_only_covered_text_holds_ends_the_search_early(
    as_role: Any, cbc: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xingwei.operations.gateway.queries.messages.SCANNED", 2)
    monkeypatch.setattr("xingwei.operations.gateway.queries.messages.MISSES", 3)
    old = timezone.now() - timezone.timedelta(minutes=9)
    for n in range(9):
        desk.message(cbc, received_at=old + timezone.timedelta(seconds=n))
    wanted = desk.message(cbc, raw="MSH|^~\\&|张兰|\r".encode(), received_at=old - timezone.timedelta(seconds=9))
    text.index_new()
    client = as_role("rnd")
    where = client.post("/gateway/messages/", {"text": "张兰"})["Location"]
    for _ in range(9):
        shown = client.get(where)
        if not shown.context["stopped"]:
            break
        assert "继续往前找" in shown.content.decode()
        where = f"/gateway/messages/{shown.context['next_url']}"
    assert wanted.number in shown.content.decode()


def test_the_text_of_a_day_goes_with_its_messages(cbc: Channel) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gateway_make_partitions('2021-05-01', '2021-05-01')")
        cursor.execute("SELECT gateway_make_text_partitions('2021-05-01', '2021-05-02')")
    assert text.drop_archived() == 1, "the second of May has no messages"
    assert text.drop_archived() == 0
