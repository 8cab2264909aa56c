from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from xingwei.base.accounts.models import User
from xingwei.base.journal.models import Entry
from xingwei.base.site import queries
from xingwei.base.site.models import SettingValue

PASSWORD = "Apricot-2026"


@pytest.fixture
def setting(db: None) -> Callable[[str, Any], None]:
    """setting("accounts.session.idle", 5): as if changed on the settings page."""

    def change(key: str, value: Any) -> None:
        SettingValue.objects.update_or_create(key=key, defaults={"value": value})
        queries.forget()

    return change


@pytest.fixture
def account(person: Any) -> Callable[..., User]:
    """account("it_staff") → a person with PASSWORD, who need not change it."""

    def make(*roles: str, **kwargs: Any) -> User:
        user: User = person(*roles, **kwargs)
        user.set_password(PASSWORD)
        user.save()
        return user

    return make


@pytest.fixture
def browser() -> Client:
    return Client(headers={"User-Agent": "Firefox 140"})


def sign_in(client: Client, user: User, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/sign-in/", {"username": user.username, "password": password, **more})


def acts() -> list[str]:
    """The journal's acts of signing in, oldest first."""
    rows = Entry.objects.filter(act__startswith="accounts.").order_by("id")
    return [e.act.removeprefix("accounts.") for e in rows]


def text(answer: Any) -> str:
    return str(answer.content.decode())
