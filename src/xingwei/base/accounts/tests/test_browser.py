"""The room's pages in a real browser, at both widths: nothing too wide, nothing unlabelled, no script refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.services import propose_role
from xingwei.base.journal import sealing
from xingwei.base.journal.models import Verification
from xingwei.base.journal.services import record
from xingwei.testing.browser import DESKTOP, PHONE, check, expect

from .conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def both_widths(page: Any, *addresses: str) -> None:
    for address in addresses:
        page.goto(address)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            check(page)


def test_signing_in_by_keyboard_and_what_a_wrong_password_says(browse: Any, account: Any) -> None:
    user = account("it_staff", name="唐亮")
    page = browse()
    expect(page, "422")
    page.goto("/people/me/")
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("还可再试 4 次").wait_for()
    check(page)
    assert page.evaluate("document.activeElement.id") == "p"
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="我的账号与权限").wait_for()
    check(page)


def test_what_the_security_administrator_works_with(browse: Any, person: Any) -> None:
    nurse = person("head_nurse", "reporter", name="顾燕", department="心内科")
    page = browse("security_admin", name="严密")
    propose_role(actor_of(page.user), person(name="程序"), "system_admin", reason="院办〔2026〕12 号")
    both_widths(
        page,
        "/",
        "/people/",
        f"/people/{nurse.pk}/",
        "/people/new/",
        f"/people/{nurse.pk}/edit/",
        f"/people/{nurse.pk}/roles/grant/",
        "/people/import/",
        "/people/organisations/",
        f"/people/departments/{nurse.department_id}/",
        "/people/policy/",
        "/people/policy/?view=role&role=head_nurse",
        f"/people/policy/?person={nurse.pk}",
        "/people/policy/?view=duties",
        "/people/policy/?view=grades",
        "/people/proposals/",
        "/people/contacts/",
        "/people/tokens/new/",
        "/people/me/",
        "/people/me/mfa/",
        "/people/me/password/",
    )


def test_the_auditors_pages_and_a_verification_that_tells_its_end_by_itself(browse: Any) -> None:
    page = browse("audit_admin", name="荆鉴")
    actor = actor_of(User.objects.get(pk=page.user.pk))
    with transaction.atomic():
        entry = record(
            actor,
            "accounts.person.edit",
            page.user,
            "修改荆鉴的账号资料",
            before={"title": ""},
            after={"title": "主任"},
        )
    sealing.seal()
    both_widths(page, "/", "/people/journal/", f"/people/journal/{entry.pk}/", "/people/journal/chain/")
    page.get_by_role("button", name="开始校验").click()
    page.get_by_text("排队中").wait_for()
    Verification.objects.update(state=Verification.RUNNING, checked=1, total=2)
    page.get_by_text("校验中").wait_for()
    Verification.objects.update(state=Verification.DONE, intact=True, sentence="日志完好：校验了 2 条。")
    page.get_by_text("日志完好：校验了 2 条。").wait_for()
    check(page)


def test_what_was_typed_survives_the_end_of_the_session(browse: Any, person: Any) -> None:
    person("reporter")  # there is a hospital to belong to
    page = browse("security_admin", name="严密")
    page.goto("/people/new/")
    page.get_by_label("工号").fill("n100")
    page.get_by_label("姓名").fill("王新")
    page.user.sessions.update(ended="idle", session_data="")
    page.get_by_role("button", name="建立账号").click()
    page.get_by_text("上次登录已结束").wait_for()
    page.context.add_cookies(
        [{"name": "xingwei", "value": signed_in(page.user), "url": page.url.partition("/sign-in/")[0]}]
    )
    page.goto("/people/new/")
    assert page.get_by_label("姓名").input_value() == "王新"
    page.get_by_label("单位").select_option(label="市中心医院")
    page.get_by_role("button", name="建立账号").click()
    page.get_by_text("只显示这一次").wait_for()
    page.goto("/people/new/")
    assert page.get_by_label("姓名").input_value() == ""


def signed_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return str(client.cookies["xingwei"].value)
