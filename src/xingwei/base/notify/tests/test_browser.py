"""The pages as they are seen, and the bell that rings without anybody asking."""

from __future__ import annotations

from typing import Any

import pytest

from xingwei.base.notify import services as notify
from xingwei.base.notify.models import InboundMessage, MailServer
from xingwei.base.policy.engine import system_actor
from xingwei.testing.browser import WORDS, inspect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# What administrators copy from the platforms' own pages, and the names of a command's options.
_TECHNICAL = (
    "Webhook AgentId Secret EncodingAESKey Authorization key text title mobile secret time code content data status "
    "allow smtp"
)
OUR_WORDS = WORDS | frozenset(_TECHNICAL.split())


def looked_at(page: Any, *addresses: str) -> list[str]:
    problems = []
    for address in addresses:
        page.goto(address)
        problems += [f"{address}: {p}" for p in inspect(page, words=OUR_WORDS)]
    return problems


@pytest.mark.parametrize("phone", [False, True])
def test_every_page_fits_and_is_in_chinese(browse: Any, robot: Any, gateway: Any, services: Any, phone: bool) -> None:
    one, sms = robot("wecom", name="信息科群"), gateway("sms", name="短信平台", url=f"{services.base}/sms")
    MailServer.objects.create(
        protocol="imap", in_host="10.0.0.1", in_error="连不上收信服务器，或它没有在 20 秒内回答。"
    )
    row = notify.broadcast(system_actor(), topic="t", title="门诊收费中断", text="正在处理", url="/")[0]
    mail = b"Subject: =?utf-8?B?5omT5LiN5LqG56Wo?=\r\n\r\n" + "打不了票".encode()
    message = InboundMessage.objects.create(
        channel="mail", message_id="1", subject="打不了票", raw=mail, size=len(mail)
    )
    manager = browse("service_manager", phone=phone)
    notify.tell(system_actor(), [manager.user], kind="k", title="指派给您", text="请看台账", urgent=True)
    problems = looked_at(
        manager, "/notify/", "/notify/?view=all", "/notify/preferences/", "/notify/outbox/",
        f"/notify/outbox/{row.pk}/", "/notify/messages/", f"/notify/messages/{message.pk}/",
    )  # fmt: skip
    admin = browse("system_admin", phone=phone)
    channels = "/notify/channels/"
    problems += looked_at(
        admin, channels, f"{channels}mail/", f"{channels}wecom/", f"{channels}robots/{one.pk}/",
        f"{channels}robots/new/feishu/", f"{channels}gateways/{sms.pk}/", f"{channels}relays/new/",
    )  # fmt: skip
    admin.goto(f"{channels}robots/{one.pk}/")
    admin.get_by_text("发测试，看真实答复").click()
    admin.get_by_text("发送成功").wait_for()
    problems += inspect(admin, words=OUR_WORDS | {"errcode", "errmsg", "ok"})
    assert problems == []


def test_what_is_urgent_appears_on_a_page_that_lies_open(browse: Any) -> None:
    page = browse("onsite_engineer")
    page.clock.install()
    page.goto("/notify/")
    assert page.locator("#bell .n").count() == 0
    notify.tell(system_actor(), [page.user], kind="k", title="一般的")
    notify.tell(system_actor(), [page.user], kind="k", title="门诊收费中断", text="3 个窗口", urgent=True)
    page.clock.run_for(31_000)
    toast = page.locator("#toasts .xw-toast")
    toast.wait_for()
    assert toast.count() == 1
    assert "门诊收费中断" in toast.inner_text()
    assert page.locator("#bell .n").inner_text() == "2"
    page.clock.run_for(31_000)
    page.wait_for_timeout(300)
    assert toast.count() == 1  # it is said once
    toast.get_by_text("查看").click()
    page.wait_for_url("**/open/")
    assert "3 个窗口" in page.inner_text("main")
