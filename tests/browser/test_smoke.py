"""Every page of the navigation, as the people of the demonstration see it, at both widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xingwei.testing.browser import DESKTOP, PHONE, inspect

pytestmark = pytest.mark.browser

# One account of each kind of work; between them they hold nearly every role of roles.yaml.
PEOPLE = {
    "zhou": "服务经理",
    "wang": "驻场工程师",
    "zhao": "研发",
    "he": "信息科科长",
    "li": "收费员",
    "guyan": "护士长",
    "zheng": "医保办主任",
    "feng": "信息安全委员会",
    "jiang": "审计员",
    "sysadmin": "系统管理员",
    "secadmin": "安全管理员",
    "audadmin": "审计管理员",
    "lin": "第三方",
}
ALWAYS = ("/", "/search/?q=医保")


def destinations(page: Any) -> list[str]:
    """The navigation's addresses, with those that every account has."""
    page.goto("/")
    links = page.eval_on_selector_all(
        ".xw-nav a[href], .xw-tabbar a[href], .xw-pop a[href]", "all => all.map(a => a.getAttribute('href'))"
    )
    return list(dict.fromkeys([*ALWAYS, *(link for link in links if link.startswith("/"))]))


@pytest.mark.parametrize("username", PEOPLE)
def test_pages_are_right_at_both_widths(username: str, signed_in: Callable[[str], Any]) -> None:
    page = signed_in(username)
    problems: list[str] = []
    for address in destinations(page):
        for size in (PHONE, DESKTOP):
            page.set_viewport_size(size)
            if size is PHONE:
                answer = page.goto(address)
                if answer is None or answer.status != 200:
                    problems.append(f"{address}: {answer and answer.status}")
            problems += [f"{address} at {size['width']}: {p}" for p in inspect(page)]
        problems += [f"{address}: {p}" for p in page.watch.problems]
        page.watch.problems.clear()
    assert not problems, "\n".join(problems)


def test_a_stranger_sees_the_sign_in_page(chromium: Any, site: Any) -> None:
    from xingwei.testing.browser import new_page

    page = new_page(chromium, site.url, phone=True)
    page.goto("/")
    assert "/sign-in/" in page.url
    assert page.watch.problems == []
    page.context.close()
