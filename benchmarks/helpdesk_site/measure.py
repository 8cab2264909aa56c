"""Runs in django-helpdesk's own environment: opens its pages with Django's test client and says how long each took.

stdin: {"cap": seconds, "tasks": [{"name", "list": "status=1&…", "start": 0} or {"name", "ticket": 17}]}, each task once.
stdout: one line of JSON for each task, [name, seconds, capped].

A list of django-helpdesk is two requests, as its browser makes them: the page, then the rows that its table asks for.
"""

import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

ROWS = re.compile(r"/datatables_ticket_list/[A-Za-z0-9+/=]+")


class TooLong(Exception):
    pass


@contextmanager
def capped(seconds: float) -> Iterator[None]:
    """Break off after so long, and have the server break off as well."""

    def stop(*_: Any) -> None:
        connection.connection.cancel()
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def opened(client: Client, url: str) -> Any:
    response = client.get(url)
    if response.status_code != 200:
        raise SystemExit(f"{url}: {response.status_code}")
    return response


def do(client: Client, task: dict[str, Any]) -> None:
    if "ticket" in task:
        opened(client, f"/tickets/{task['ticket']}/")
        return
    page = opened(client, f"/tickets/?{task['list']}")
    rows_url = ROWS.search(page.content.decode())
    assert rows_url is not None
    rows = opened(client, f"{rows_url[0]}?draw=1&start={task.get('start', 0)}&length=25")
    assert "data" in rows.json()


def main() -> None:
    asked = json.load(sys.stdin)
    client = Client()
    client.force_login(get_user_model().objects.get(username="bench"))
    connection.ensure_connection()
    for task in asked["tasks"]:
        start = time.perf_counter()
        broke_off = False
        try:
            with capped(asked["cap"]):
                do(client, task)
        except Exception as error:
            # the driver may wrap what the alarm raised
            if time.perf_counter() - start < asked["cap"] * 0.99:
                raise error
            broke_off = True
            connection.close()
        print(json.dumps([task["name"], time.perf_counter() - start, broke_off]), flush=True)


if __name__ == "__main__":
    main()
