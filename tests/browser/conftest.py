"""The product as a customer runs it: `xingwei up` with the demonstration, in a home of its own, once a session."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from xingwei.testing.browser import new_page
from xingwei.web import demo

START_S = 600  # some weeks of the demonstration are lived through first
DAYS = "40"


@dataclass(frozen=True)
class Site:
    url: str
    home: Path
    log: Path


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    # Not under pytest's own directory: as root PostgreSQL runs as another user, and may not go in there.
    home = Path(tempfile.mkdtemp(prefix="xingwei-site-"))
    log = home / "up.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}}
    env |= {"XINGWEI_HOME": str(home), "XINGWEI_PORT": str(port), "XINGWEI_DEMO_DAYS": DAYS, "XINGWEI_HOSPITAL": "0"}
    with log.open("w") as out:
        up = subprocess.Popen([sys.executable, "-m", "xingwei.web.cli", "up"], env=env, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(up, url, log)
            yield Site(url, home, log)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
            shutil.rmtree(home, ignore_errors=True)


def _wait(up: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and up.poll() is None:
        if "已就绪" in log.read_text():
            return
        time.sleep(0.2)
    pytest.fail(f"{url} did not come up:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def signed_in(chromium: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """signed_in("wang") → a watched page of that demonstration account, signed in through the sign-in page."""
    pages: dict[str, Any] = {}

    def get(username: str) -> Any:
        if username not in pages:
            pages[username] = page = new_page(chromium, site.url)
            page.goto("/sign-in/")
            page.fill("[name=login], [name=username]", username)
            page.fill("[type=password]", demo.PASSWORD)
            page.click("form button[type=submit], form button:not([type])")
            page.wait_for_url(lambda address: "/sign-in/" not in address)
        return pages[username]

    yield get
    for page in pages.values():
        page.context.close()


@pytest.fixture(scope="session")
def api(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url) as client:
        yield client
