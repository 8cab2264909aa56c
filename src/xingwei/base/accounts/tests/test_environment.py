from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from xingwei.base.accounts import environment
from xingwei.base.accounts.addresses import client_address
from xingwei.base.runtime.config import ConfigError

LDAP = {"XINGWEI_LDAP_URL": "ldaps://d:636", "XINGWEI_LDAP_BASE": "dc=h"}
OIDC = {"XINGWEI_OIDC_ISSUER": "https://sso/", "XINGWEI_OIDC_CLIENT_ID": "x", "XINGWEI_OIDC_SECRET": "y"}


def test_nothing_is_configured_by_default() -> None:
    assert environment.ldap({}) is None
    assert environment.oidc({}) is None
    assert environment.proxies({}) == ()
    assert environment.social_providers(None) == {}


def test_what_is_configured_is_read() -> None:
    found = environment.ldap(LDAP)
    assert found is not None
    assert (found.base, found.filter) == ("dc=h", "(|(sAMAccountName={username})(uid={username}))")
    sso = environment.oidc(OIDC)
    assert sso is not None
    assert (sso.issuer, sso.name, sso.claim) == ("https://sso", "医院统一认证", "preferred_username")


@pytest.mark.parametrize(
    ("read", "env", "said"),
    [
        (environment.ldap, LDAP | {"XINGWEI_LDAP_URL": "http://d"}, "ldap://"),
        (environment.ldap, {"XINGWEI_LDAP_URL": "ldap://d"}, "XINGWEI_LDAP_BASE"),
        (environment.ldap, LDAP | {"XINGWEI_LDAP_FILTER": "(uid=x)"}, "{username}"),
        (environment.oidc, OIDC | {"XINGWEI_OIDC_ISSUER": "sso"}, "XINGWEI_OIDC_ISSUER"),
        (environment.oidc, {"XINGWEI_OIDC_ISSUER": "https://sso"}, "XINGWEI_OIDC_CLIENT_ID"),
        (environment.proxies, {"XINGWEI_PROXIES": "10.0.0"}, "XINGWEI_PROXIES"),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(read: Any, env: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(env)


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "1.2.3.4", "10.1.1.1"),
        ("127.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("127.0.0.1", "6.6.6.6, 10.9.9.9", "10.9.9.9"),
        ("127.0.0.1", "6.6.6.6, 10.9.9.9, 192.168.0.5", "10.9.9.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "", ""),
    ],
)
def test_only_believed_proxies_say_where_a_client_is(settings: Any, remote: str, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"), ip_network("192.168.0.5"))
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address
