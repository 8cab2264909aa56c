"""Signing in through the hospital's single sign-on: an OpenID Connect server on a socket of this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from xingwei.base.accounts.environment import Oidc, social_providers
from xingwei.base.accounts.models import User

from .conftest import acts, text

pytestmark = pytest.mark.django_db


class Provider(HTTPServer):
    """claims: who is signed in there. asked: what the token endpoint was asked with."""

    claims: dict[str, Any] = {}
    asked: dict[str, list[str]] = {}
    down = False

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        issuer = self.server.issuer
        if self.path == "/.well-known/openid-configuration":
            ends = {k: f"{issuer}/{k}" for k in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}
            self._say({"issuer": issuer, "jwks_uri": f"{issuer}/jwks", **ends})
        elif self.path == "/userinfo_endpoint" and self.headers["Authorization"] == "Bearer at-1":
            self._say(self.server.claims)
        else:
            self._say({}, 401)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked = parse_qs(body)
        if self.server.asked.get("code") == ["good"] and self.server.asked.get("code_verifier"):
            self._say({"access_token": "at-1", "token_type": "Bearer"})
        else:
            self._say({"error": "invalid_grant"}, 400)

    def _say(self, body: dict[str, Any], status: int = 200) -> None:
        self.send_response(503 if self.server.down else status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    server = Provider(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    settings.ACCOUNTS_OIDC = Oidc(server.issuer, "xingwei", "s3cret", claim="employee")
    settings.SOCIALACCOUNT_PROVIDERS = social_providers(settings.ACCOUNTS_OIDC)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def nurse(account: Any) -> User:
    user: User = account("head_nurse", department="心内科")
    User.objects.filter(pk=user.pk).update(source=User.Source.OIDC)
    return User.objects.get(pk=user.pk)


def go(client: Client, code: str = "good", **more: str) -> Any:
    """To the provider and back, as the browser does."""
    there = client.get("/sign-in/sso/", {"next": "/people/me/"})
    assert there.status_code == 302, text(there)
    query = {k: v[0] for k, v in parse_qs(urlsplit(there["Location"]).query).items()}
    assert query["client_id"] == "xingwei"
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"].endswith("/sign-in/sso/back/")
    return client.get("/sign-in/sso/back/", {"state": query["state"], **({"code": code} if code else {}), **more})


def test_the_provider_vouches_for_an_account_that_is_its_own(provider: Provider, nurse: User, browser: Client) -> None:
    provider.claims = {"sub": "1", "employee": nurse.username}
    assert "医院统一认证" in text(browser.get("/sign-in/"))
    answer = go(browser)
    assert answer["Location"] == "/people/me/", text(answer)
    assert "医院统一认证" in text(browser.get("/people/me/"))
    assert acts() == ["sign_in.success"]
    assert provider.asked["client_secret"] == ["s3cret"] or "client_secret" not in provider.asked


@pytest.mark.parametrize("claims", [{}, {"employee": "nobody"}, {"employee": ""}])
def test_no_account_is_made_for_a_stranger(provider: Provider, browser: Client, claims: dict[str, str]) -> None:
    provider.claims = {"sub": "1", **claims}
    before = User.objects.count()
    answer = go(browser)
    assert answer["Location"] == "/sign-in/"
    assert "本系统没有您的统一认证账号" in text(browser.get("/sign-in/"))
    assert User.objects.count() == before


def test_a_local_account_is_not_opened_by_the_provider(provider: Provider, account: Any, browser: Client) -> None:
    provider.claims = {"sub": "1", "employee": account("it_staff").username}
    go(browser)
    assert "没有您的统一认证账号" in text(browser.get("/sign-in/"))
    assert browser.get("/people/me/").status_code == 302


def test_an_account_that_is_off_stays_closed(provider: Provider, nurse: User, browser: Client) -> None:
    provider.claims = {"sub": "1", "employee": nurse.username}
    User.objects.update(is_active=False)
    go(browser)
    assert "账号已停用" in text(browser.get("/sign-in/"))


@pytest.mark.parametrize(
    ("code", "more"), [("bad", {}), ("", {"error": "access_denied"}), ("", {"error": "server_error"}), ("", {})]
)
def test_what_goes_wrong_there_leads_back_with_a_sentence(
    provider: Provider, browser: Client, code: str, more: dict[str, str]
) -> None:
    assert go(browser, code, **more)["Location"] == "/sign-in/"
    assert "没有完成登录" in text(browser.get("/sign-in/"))


def test_an_answer_that_nobody_asked_for_opens_nothing(provider: Provider, nurse: User, browser: Client) -> None:
    provider.claims = {"sub": "1", "employee": nurse.username}
    answer = browser.get("/sign-in/sso/back/", {"state": "forged", "code": "good"})
    assert answer["Location"] == "/sign-in/"
    assert browser.get("/people/me/").status_code == 302


def test_a_provider_that_is_down_is_said_to_be(provider: Provider, browser: Client) -> None:
    provider.down = True
    assert browser.get("/sign-in/sso/")["Location"] == "/sign-in/"
    assert "现在连不上" in text(browser.get("/sign-in/"))


def test_without_a_provider_there_is_no_such_address(browser: Client) -> None:
    assert browser.get("/sign-in/sso/").status_code == 404
    assert browser.get("/sign-in/sso/back/").status_code == 404
