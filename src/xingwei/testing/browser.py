"""Pages in a real browser: Debian's Chromium, driven by Playwright, on the test's own live server.

    @pytest.mark.browser
    def test_the_ledger_filters_with_keys(browse):
        page = browse("onsite_engineer")              # signed in, 1440 × 900
        page.goto("/desk/")
        …
        check(page)                                   # nothing wrong with what is shown

`browse(*roles, phone=True)` is 390 × 844 with touch. Every page is watched: an error on the console, an exception,
a violation of the content security policy or an answer of 500 fails the test at its end. What a test provokes on
purpose it names first: `expect(page, "422")`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_INSPECT = Path(__file__).with_name("inspect.js").read_text()
# Names and units that people here write in Latin letters; all-capital ones are allowed anyway.
_WORDS = (
    "Excel Word Ctrl Enter Esc Tab Shift Alt Chrome Chromium Windows Linux PostgreSQL Markdown WeCom Wi Fi Bearer "
    "OpenSSH MySQL MariaDB SQLite Server Parquet Oracle Caché DataV Token App Web Webhook Logo ELite Maglumi min ms px KB MB GB TB"
)
WORDS = frozenset(_WORDS.split())


class Watch:
    """Collects what goes wrong on a page; `expected` are patterns of what a test provokes."""

    def __init__(self, page: Any) -> None:
        self.problems: list[str] = []
        self.expected: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._add(f"exception: {error}"))
        page.on("response", self._response)

    def _console(self, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self._add(f"console: {message.text} ({message.location.get('url', '')})")

    def _response(self, response: Any) -> None:
        if response.status >= 500:
            self._add(f"answer {response.status}: {response.url}")

    def _add(self, problem: str) -> None:
        if not any(re.search(pattern, problem) for pattern in self.expected):
            self.problems.append(problem)


def expect(page: Any, *patterns: str) -> None:
    """Errors that match one of the patterns are wanted."""
    page.watch.expected.extend(patterns)


def inspect(page: Any, *, words: frozenset[str] = WORDS) -> list[str]:
    """What is wrong with what is shown: wider than the window, unlabelled fields, no or two h1, English words …"""
    return list(page.evaluate(_INSPECT, sorted(words)))


def check(page: Any) -> None:
    """Fail unless the page is right as it is shown now and nothing went wrong so far."""
    problems = [*page.watch.problems, *inspect(page)]
    assert not problems, f"{page.url}\n" + "\n".join(problems)


def new_page(browser: Any, base_url: str, *, phone: bool = False) -> Any:
    """A watched page in a context of its own."""
    context = browser.new_context(
        base_url=base_url,
        viewport=PHONE if phone else DESKTOP,
        is_mobile=phone,
        has_touch=phone,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.watch = Watch(page)
    return page


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; skips where Debian's Chromium is missing, fails there in CI."""
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is missing (apt-get install chromium fonts-noto-cjk)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    # Playwright runs an event loop in this thread; the test's own use of the database beside it is safe.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """browse("it_staff", phone=True) → a page signed in as such a person; browse(user=…) as this one; browse()
    as nobody."""
    opened: list[Any] = []

    def open_page(*roles: str, user: Any = None, phone: bool = False, **kwargs: Any) -> Any:
        page = new_page(chromium, live_server.url, phone=phone)
        opened.append(page)
        if roles or user is not None:
            page.user = user or _person(*roles, **kwargs)
            page.context.add_cookies([_session(page.user) | {"url": live_server.url}])
        return page

    yield open_page
    problems = [f"{p.url} {problem}" for p in opened for problem in p.watch.problems]
    for page in opened:
        page.context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(browse: Callable[..., Any]) -> Any:
    """A page of 1440 × 900, not signed in."""
    return browse()


@pytest.fixture
def phone(browse: Callable[..., Any]) -> Any:
    """A page of 390 × 844 with touch, not signed in."""
    return browse(phone=True)


def _person(*roles: str, **kwargs: Any) -> Any:
    from xingwei.testing.people import make_person

    return make_person(*roles, **kwargs)


def _session(user: Any) -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value}
