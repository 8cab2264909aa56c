from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from xingwei.base.notify import services
from xingwei.base.notify.models import Notification
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


def tell(user: Any, title: str, **kwargs: Any) -> Notification:
    return services.tell(system_actor(), [user], kind="desk.assigned", title=title, **kwargs)[0]


def test_unread_first_then_all(as_role: Any) -> None:
    client = as_role("it_staff")
    first, _ = tell(client.user, "指派给您 2603-187"), tell(client.user, "即将超时 2603-188")
    tell(as_role("it_staff").user, "别人的事")
    services.mark_read(client.actor, first)
    page = client.get("/notify/").content.decode()
    assert "即将超时 2603-188" in page
    assert "2603-187" not in page
    assert "别人的事" not in page
    assert 'aria-label="通知，1 条未读"' in page
    every = client.get("/notify/?view=all").content.decode()
    assert "2603-187" in every
    assert "即将超时" in every


def test_opening_leads_on_and_reads(as_role: Any) -> None:
    client = as_role("it_staff")
    row = tell(client.user, "指派给您", url="/settings/")
    answer = client.get(f"/notify/{row.pk}/open/")
    assert answer["Location"] == "/settings/"
    row.refresh_from_db()
    assert row.read_at is not None
    assert as_role("it_staff").get(f"/notify/{row.pk}/open/").status_code == 404


@pytest.mark.parametrize("url", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", ""])
def test_no_notification_leads_out_of_the_house(as_role: Any, url: str) -> None:
    client = as_role("it_staff")
    row = tell(client.user, "标题", text="第一行\n第二行 <b>", url=url)
    answer = client.get(f"/notify/{row.pk}/open/")
    assert answer.status_code == 200
    assert "&lt;b&gt;" in answer.content.decode()


def test_all_read_means_all_that_were_shown(as_role: Any) -> None:
    client = as_role("it_staff")
    shown = tell(client.user, "看到的")
    later = tell(client.user, "刚到的")
    answer = client.post("/notify/read/", {"newest": shown.pk}, follow=True)
    assert "1 条已标为已读" in answer.content.decode()
    later.refresh_from_db()
    assert later.read_at is None
    assert (
        "1 条已标为已读"
        in client.post(
            "/notify/read/", {"newest": "９９９９９９９９９９９９９９９９９９９９９"}, follow=True
        ).content.decode()
    )


def test_the_pulse_brings_new_urgent_ones_once(as_role: Any, django_assert_max_num_queries: Any) -> None:
    client = as_role("it_staff")
    old = tell(client.user, "旧的紧急", urgent=True)
    urgent = tell(client.user, "门诊收费中断", urgent=True)
    tell(client.user, "一般的")
    with django_assert_max_num_queries(8):
        answer = client.get(f"/notify/pulse/?since={old.pk}").content.decode()
    assert "门诊收费中断" in answer
    assert "旧的紧急" not in answer
    assert "一般的" not in answer
    assert f"since={urgent.pk}" in answer
    assert "，3 条未读" in answer
    assert "门诊收费中断" not in client.get(f"/notify/pulse/?since={urgent.pk}").content.decode()
    for nonsense in ("x", "-1", "9" * 40, ""):
        assert client.get("/notify/pulse/", {"since": nonsense}).status_code == 200


def test_a_long_inbox_costs_what_a_short_one_costs(as_role: Any, django_assert_max_num_queries: Any) -> None:
    client = as_role("it_staff")
    tell(client.user, "一条")
    with CaptureQueriesContext(connection) as short:
        client.get("/notify/")
    rows = [Notification(person=client.user, kind="k", title=f"t{i}") for i in range(150)]
    Notification.objects.bulk_create(rows)
    with django_assert_max_num_queries(len(short)):
        page = client.get("/notify/").content.decode()
    assert "99+" in page
    assert "下一页" in page
