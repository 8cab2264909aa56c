from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.accounts.models import ApiToken
from xingwei.base.accounts.tokens import digest
from xingwei.base.notify import services
from xingwei.base.notify.models import InboundMessage, Preference, QuietHours
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client: Any, person: Any) -> Any:
    """api("it_staff") → calls with a token of such a person; .user is theirs."""

    class Api:
        def __init__(self, *roles: str) -> None:
            self.user = person(*roles)
            everything = [f"{r.key}:{a}" for r in policy().resources.values() for a in r.actions]
            self.token = f"xw_{self.user.pk}"
            until = timezone.now() + dt.timedelta(days=1)
            ApiToken.objects.create(
                user=self.user, name="t", prefix="xw", digest=digest(self.token), scopes=everything, expires_at=until
            )

        def __call__(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
            data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
            bearer = {"HTTP_AUTHORIZATION": f"Bearer {self.token}"}
            return client.generic(method.upper(), f"/api/v1/notify{path}", data, content_type, **bearer)

    return Api


def test_ones_own_and_nobody_elses(api: Any, person: Any) -> None:
    call = api("reporter")
    mine = [services.tell(system_actor(), [call.user], kind="k", title=f"第 {i} 条")[0] for i in range(3)]
    other = services.tell(system_actor(), [person()], kind="k", title="别人的")[0]
    page = call("get", "/notifications?limit=2").json()
    assert [n["title"] for n in page["items"]] == ["第 2 条", "第 1 条"]
    assert page["unread"] == 3
    rest = call("get", f"/notifications?limit=2&after={page['next']}").json()
    assert [n["title"] for n in rest["items"]] == ["第 0 条"]
    assert rest["next"] is None
    assert call("post", f"/notifications/{mine[0].pk}/read").json()["read_at"] is not None
    assert call("post", f"/notifications/{other.pk}/read").status_code == 404
    assert len(call("get", "/notifications?unread=true").json()["items"]) == 2
    assert call("post", "/notifications/read", {"up_to": mine[1].pk}).json() == {"count": 1}
    assert call("post", "/notifications/read", {}).json() == {"count": 1}


def test_preferences_are_replaced_whole(api: Any) -> None:
    call = api("reporter")
    body = {"choices": [{"kind": "*", "channel": "mail", "on": False}], "quiet_since": "22:00", "quiet_until": "07:00"}
    assert call("put", "/preferences", body).status_code == 204
    assert Preference.objects.get().on is False
    assert str(QuietHours.objects.get()) == "22:00–07:00"
    assert call("put", "/preferences", {"choices": []}).status_code == 204
    assert not Preference.objects.exists()
    assert not QuietHours.objects.exists()
    refused = call("put", "/preferences", {"choices": [{"kind": "nobody.knows", "channel": "mail", "on": True}]})
    assert (refused.status_code, "没有这个通知种类" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/notifications?limit=0", None),
        ("get", "/notifications?limit=abc", None),
        ("post", "/notifications/read", {"up_to": -1}),
        ("post", "/notifications/read", {"up_to": 2**70}),
        ("put", "/preferences", {"choices": [{"kind": "*", "channel": "fax", "on": True}]}),
        ("put", "/preferences", {"choices": "x"}),
    ],
)
def test_bad_input_is_refused(api: Any, method: str, path: str, body: Any) -> None:
    assert api("reporter")(method, path, body).status_code == 422


def test_mail_is_put_in(api: Any) -> None:
    call = api("system_admin")
    raw = "From: li@hospital.example\r\nSubject: 票\r\nMessage-ID: <1@x>\r\n\r\n打不了".encode("gbk")
    first = call("post", "/inbound/mail", raw, content_type="message/rfc822").json()
    again = call("post", "/inbound/mail", raw, content_type="message/rfc822").json()
    assert (first["new"], again["new"], first["id"]) == (True, False, again["id"])
    assert bytes(InboundMessage.objects.get().raw) == raw
    assert call("post", "/inbound/mail", b"", content_type="message/rfc822").status_code == 409
    big = call("post", "/inbound/mail", b"x" * (20 * 2**20 + 2), content_type="message/rfc822")
    assert big.status_code == 413
    assert api("reporter")("post", "/inbound/mail", raw, content_type="message/rfc822").status_code == 403


def test_nobody_is_nobody(client: Any) -> None:
    for method, path in (("get", "/notifications"), ("post", "/inbound/mail"), ("get", "/relay/deliveries")):
        assert getattr(client, method)(f"/api/v1/notify{path}").status_code == 401
