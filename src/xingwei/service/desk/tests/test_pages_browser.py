"""The desk's pages in a browser: what is shown at both widths, and what needs the keyboard and the scripts."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from xingwei.base.accounts.models import Session
from xingwei.base.accounts.queries import actor_of
from xingwei.base.estate.models import System
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import moves
from xingwei.service.desk.services.intake import NewCase, open_case
from xingwei.testing.browser import check, expect
from xingwei.testing.people import department, make_person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(transactional_db: None) -> SimpleNamespace:
    """A manager, an engineer, a reporter; three cases, one of them solved. Time runs as it does."""
    ward = department("心内科", code="2002")
    found = SimpleNamespace(
        zhou=make_person("service_manager", name="周经理"),
        wang=make_person("onsite_engineer", name="王工"),
        nurse=make_person("reporter", name="吴护士", department=ward),
    )
    for n, code in enumerate(("HIS", "CIS", "LIS")):
        System.objects.create(code=code, name=code, short_name=code, order=n)
    zhou, wang = actor_of(found.zhou), actor_of(found.wang)
    found.cases = [
        open_case(
            zhou,
            NewCase(kind="incident", title=title, description="格子错位", severity=3, reporter=found.nurse,
                    system=System.objects.get(code="CIS")),
        )
        for title in ("医嘱执行单打印错位", "扫腕带没反应", "瓶签没有规格")
    ]  # fmt: skip
    moves.move(wang, found.cases[0], "respond")
    moves.move(wang, found.cases[0], "resolve", {"cause": "版式", "solution": "已修正", "party": "vendor"})
    return found


@pytest.mark.parametrize("phone", [False, True], ids=["1440", "390"])
def test_pages_are_right_at_both_widths(shop: SimpleNamespace, browse: Callable[..., Any], phone: bool) -> None:
    number = shop.cases[1].number
    desk = browse(user=shop.zhou, phone=phone)
    for address in (
        "/", "/desk/", "/desk/?view=all&system=CIS&q=打印", "/desk/?kind=complaint", f"/desk/{number}/", "/desk/new/",
        f"/desk/{number}/?open=assign", f"/desk/{number}/edit/", "/desk/calls/",
    ):  # fmt: skip
        desk.goto(address)
        check(desk)
    expect(desk, "404")
    desk.goto("/desk/2603-999/")
    check(desk)
    portal = browse(user=shop.nurse, phone=phone)
    for address in (
        "/desk/portal/",
        "/desk/portal/mine/",
        f"/desk/portal/{shop.cases[0].number}/",
        "/desk/portal/notices/",
    ):
        portal.goto(address)
        check(portal)


def test_a_call_is_registered_without_the_mouse(shop: SimpleNamespace, browse: Callable[..., Any]) -> None:
    page = browse(user=shop.zhou)
    page.goto(f"/desk/{shop.cases[1].number}/")
    page.keyboard.press("n")
    page.wait_for_selector("#entry")
    page.keyboard.type(shop.nurse.phone)
    page.wait_for_selector("#callers input:checked", state="attached")
    page.keyboard.press("Enter")
    page.keyboard.type("移动护士站登不上")
    page.wait_for_selector(".desk-guess")
    page.keyboard.press("Enter")
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".xw-toast")
    assert "已登记" in page.inner_text(".xw-toast")
    assert page.url.endswith(f"/desk/{shop.cases[1].number}/"), "one is back where one was"
    case = Case.objects.latest("pk")
    assert (case.reporter, case.system.code) == (shop.nurse, "LIS")


def test_the_ledger_by_keyboard(shop: SimpleNamespace, browse: Callable[..., Any]) -> None:
    page = browse(user=shop.zhou)
    page.goto("/desk/")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.inner_text("[data-bulk-count]") == "2"
    page.keyboard.press("Escape")
    assert page.is_hidden("[data-bulk]")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.keyboard.type("jx打印")
    assert page.input_value("#find") == "jx打印", "keys are letters inside a field"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(tuple(c.number + "/" for c in shop.cases))


def test_what_was_typed_outlives_the_session(shop: SimpleNamespace, browse: Callable[..., Any]) -> None:
    page = browse(user=shop.wang)
    address = f"/desk/{shop.cases[1].number}/"
    page.goto(address)
    page.fill("#note", "写了很久的处理经过")
    Session.objects.all().delete()
    page.click(".desk-note button")
    page.wait_for_url("**/sign-in/**")
    again = browse(user=shop.wang)
    page.context.add_cookies(again.context.cookies())
    page.goto(address)
    assert page.input_value("#note") == "写了很久的处理经过"
    page.click(".desk-note button")
    page.wait_for_selector(".xw-toast")
    page.goto(address)
    assert page.input_value("#note") == "", "kept now, and forgotten here"
    assert shop.cases[1].events.get(type="noted").text == "写了很久的处理经过"


def test_a_reporter_sends_a_photo_and_confirms(
    shop: SimpleNamespace, browse: Callable[..., Any], tmp_path: Path
) -> None:
    out = BytesIO()
    Image.new("RGB", (80, 60), "#8ab").save(out, "JPEG")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(out.getvalue())
    phone = browse(user=shop.nurse, phone=True)
    phone.goto("/desk/portal/")
    for name in ("a.jpg", "b.jpg"):
        phone.set_input_files("[data-photos] input", tmp_path / name)
    phone.locator(".ph .p button").first.tap()
    assert phone.locator(".ph .p").count() == 1
    phone.fill("#w", "床旁血糖仪没有上传")
    phone.get_by_text("能干，但不方便").tap()
    phone.locator(".desk-send").tap()
    phone.wait_for_url("**/desk/portal/mine/")
    assert Case.objects.latest("pk").attachments.count() == 1
    phone.get_by_role("button", name="好了").tap()
    phone.wait_for_url(f"**/desk/portal/{shop.cases[0].number}/")
    shop.cases[0].refresh_from_db()
    assert shop.cases[0].state == "closed"
    check(phone)
