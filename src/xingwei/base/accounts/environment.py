"""What the environment says about signing in: the hospital's directory, its single sign-on, proxies in front.

XINGWEI_PROXIES             addresses or networks of reverse proxies whose X-Forwarded-For is believed
                            (default: this machine, when XINGWEI_TLS=1 says that one stands in front)
XINGWEI_LDAP_URL            ldaps://directory.hospital:636; without it there is no directory sign-in
XINGWEI_LDAP_BASE           where people are looked for, e.g. OU=staff,DC=hospital,DC=local
XINGWEI_LDAP_BIND_DN, _BIND_PASSWORD   the account that looks (empty: anonymously)
XINGWEI_LDAP_FILTER         default (|(sAMAccountName={username})(uid={username}))
XINGWEI_LDAP_STARTTLS       "1" to secure an ldap:// connection;  XINGWEI_LDAP_CA  the CA's certificate file
XINGWEI_OIDC_ISSUER         https://sso.hospital/realms/staff; without it there is no single sign-on
XINGWEI_OIDC_CLIENT_ID, _SECRET        as registered there
XINGWEI_OIDC_NAME           the button's word (default 医院统一认证)
XINGWEI_OIDC_CLAIM          which claim is the 工号 (default preferred_username)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from xingwei.base.runtime.config import ConfigError

FILTER = "(|(sAMAccountName={username})(uid={username}))"
NAME, CLAIM = "医院统一认证", "preferred_username"


@dataclass(frozen=True, slots=True)
class Ldap:
    url: str
    base: str
    bind_dn: str = ""
    bind_password: str = ""
    filter: str = FILTER
    starttls: bool = False
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Oidc:
    issuer: str
    client_id: str
    secret: str
    name: str = NAME
    claim: str = CLAIM


def ldap(env: Mapping[str, str] | None = None) -> Ldap | None:
    """The directory, None where none is configured; raises ConfigError with one clear sentence."""
    e = os.environ if env is None else env
    url = e.get("XINGWEI_LDAP_URL", "")
    if not url:
        return None
    if urlsplit(url).scheme not in {"ldap", "ldaps"}:
        raise ConfigError("XINGWEI_LDAP_URL 应以 ldap:// 或 ldaps:// 开头，例如 ldaps://directory.hospital:636 。")
    if not e.get("XINGWEI_LDAP_BASE"):
        raise ConfigError("配置了 XINGWEI_LDAP_URL，还要用 XINGWEI_LDAP_BASE 写明在哪里查人员。")
    wanted = e.get("XINGWEI_LDAP_FILTER") or FILTER
    if "{username}" not in wanted:
        raise ConfigError("XINGWEI_LDAP_FILTER 里应有 {username}，例如 (uid={username})。")
    return Ldap(
        url=url,
        base=e["XINGWEI_LDAP_BASE"],
        bind_dn=e.get("XINGWEI_LDAP_BIND_DN", ""),
        bind_password=e.get("XINGWEI_LDAP_BIND_PASSWORD", ""),
        filter=wanted,
        starttls=e.get("XINGWEI_LDAP_STARTTLS") == "1",
        ca=e.get("XINGWEI_LDAP_CA", ""),
    )


def oidc(env: Mapping[str, str] | None = None) -> Oidc | None:
    """The single sign-on, None where none is configured; raises ConfigError."""
    e = os.environ if env is None else env
    issuer = e.get("XINGWEI_OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return None
    if urlsplit(issuer).scheme not in {"http", "https"}:
        raise ConfigError("XINGWEI_OIDC_ISSUER 应是统一认证的地址，例如 https://sso.hospital/realms/staff 。")
    if not e.get("XINGWEI_OIDC_CLIENT_ID") or not e.get("XINGWEI_OIDC_SECRET"):
        raise ConfigError("配置了 XINGWEI_OIDC_ISSUER，还要写明 XINGWEI_OIDC_CLIENT_ID 和 XINGWEI_OIDC_SECRET。")
    return Oidc(
        issuer=issuer,
        client_id=e["XINGWEI_OIDC_CLIENT_ID"],
        secret=e["XINGWEI_OIDC_SECRET"],
        name=e.get("XINGWEI_OIDC_NAME") or NAME,
        claim=e.get("XINGWEI_OIDC_CLAIM") or CLAIM,
    )


def proxies(env: Mapping[str, str] | None = None) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks of believed reverse proxies; raises ConfigError."""
    e = os.environ if env is None else env
    default = "127.0.0.0/8,::1" if e.get("XINGWEI_TLS") == "1" else ""
    words = [w.strip() for w in e.get("XINGWEI_PROXIES", default).split(",") if w.strip()]
    try:
        return tuple(ip_network(w) for w in words)
    except ValueError:
        raise ConfigError("XINGWEI_PROXIES 应是用逗号分开的地址或网段，例如 10.0.0.5,10.1.0.0/16 。") from None


def social_providers(found: Oidc | None) -> dict[str, object]:
    """SOCIALACCOUNT_PROVIDERS of django-allauth."""
    if found is None:
        return {}
    app = {
        "provider_id": "hospital",
        "name": found.name,
        "client_id": found.client_id,
        "secret": found.secret,
        "settings": {"server_url": found.issuer},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
