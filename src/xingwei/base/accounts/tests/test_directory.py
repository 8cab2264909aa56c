"""Signing in with the hospital's directory password, against ldap3's own mock of a directory."""

from __future__ import annotations

from typing import Any

import ldap3
import pytest
from django.test import Client
from ldap3.core.exceptions import LDAPSocketOpenError

from xingwei.base.accounts import backends
from xingwei.base.accounts.directory import Directory, DirectoryUnavailable
from xingwei.base.accounts.environment import Ldap
from xingwei.base.accounts.models import User

from .conftest import PASSWORD, acts, sign_in, text

BASE = "ou=staff,dc=hospital"
CONFIG = Ldap(
    url="ldap://directory", base=BASE, bind_dn="cn=reader,dc=hospital", bind_password="look", filter="(uid={username})"
)


@pytest.fixture
def directory() -> Directory:
    server = ldap3.Server("directory", get_info=ldap3.OFFLINE_SLAPD_2_4)
    filling = ldap3.Connection(server, client_strategy=ldap3.MOCK_SYNC)
    for dn, attributes in (
        ("cn=reader,dc=hospital", {"userPassword": "look", "sn": "reader"}),
        (f"cn=王磊,{BASE}", {"userPassword": "Pine-2026", "sn": "王", "uid": "u100"}),
        (f"cn=a,{BASE}", {"userPassword": "x", "sn": "a", "uid": "twin"}),
        (f"cn=b,{BASE}", {"userPassword": "x", "sn": "b", "uid": "twin"}),
    ):
        filling.strategy.add_entry(dn, attributes)
    return Directory(CONFIG, server=server, strategy=ldap3.MOCK_SYNC)


def test_the_right_password_of_exactly_one_person_is_right(directory: Directory) -> None:
    assert directory.check("u100", "Pine-2026")
    for username, password in (
        ("u100", "wrong"),
        ("u100", ""),
        ("", "Pine-2026"),
        ("nobody", "Pine-2026"),
        ("twin", "x"),
        ("u*", "Pine-2026"),
        ("u100)(uid=*", "Pine-2026"),
    ):
        assert not directory.check(username, password), (username, password)


def test_a_directory_that_refuses_our_own_account_says_so(directory: Directory) -> None:
    other = Ldap(**{f: getattr(CONFIG, f) for f in Ldap.__slots__} | {"bind_password": "old"})
    with pytest.raises(DirectoryUnavailable, match="不接受本系统的查询账号"):
        Directory(other, server=directory.server, strategy=ldap3.MOCK_SYNC).check("u100", "Pine-2026")


@pytest.fixture
def ward(directory: Directory, account: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> User:
    """A person whose account is the directory's."""
    settings.ACCOUNTS_LDAP = CONFIG
    monkeypatch.setattr(backends, "directory", lambda config: directory)
    user: User = account("it_staff")
    User.objects.filter(pk=user.pk).update(username="u100", source=User.Source.LDAP)
    return User.objects.get(pk=user.pk)


@pytest.mark.django_db
def test_a_directory_account_opens_with_the_directorys_password_only(ward: User, browser: Client) -> None:
    assert "密码与医院统一账号相同" in text(browser.get("/sign-in/"))
    assert sign_in(Client(), ward, PASSWORD).status_code == 422
    assert sign_in(browser, ward, "Pine-2026")["Location"] == "/"
    assert "医院目录" in text(browser.get("/people/me/"))
    assert acts() == ["sign_in.fail", "sign_in.success"]


@pytest.mark.django_db
def test_when_the_directory_is_down_local_accounts_still_open(
    ward: User, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise LDAPSocketOpenError("no route")

    monkeypatch.setattr(Directory, "_connect", down)
    answer = sign_in(Client(), ward, "Pine-2026")
    assert answer.status_code == 503
    assert "医院目录现在连不上" in text(answer)
    assert acts() == [], "that is no failure of the person's"
    assert sign_in(Client(), account("it_staff")).status_code == 302
