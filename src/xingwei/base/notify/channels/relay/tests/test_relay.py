from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import time_machine
from django.test import Client

from xingwei.base.accounts.services.tokens import create_token
from xingwei.base.notify import services as notify
from xingwei.base.notify.channels.relay.client import RelayClient, RelayError
from xingwei.base.notify.delivery.claiming import CLAIM
from xingwei.base.notify.engine.wire import MailCall, SmtpServer, as_json, calls_of
from xingwei.base.notify.models import Outbox, Relay
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db


class _Inside(httpx.BaseTransport):
    """Requests of httpx, answered by this very application."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {
            f"HTTP_{k.upper().replace('-', '_')}": v for k, v in request.headers.items() if k != "content-length"
        }
        path = request.url.raw_path.decode()
        answer = Client().generic(request.method, path, request.read(), "application/json", **headers)
        return httpx.Response(answer.status_code, content=answer.content)


@pytest.fixture
def relay(db: None) -> Relay:
    return Relay.objects.create(code="dmz-1", name="前置机", channels=["wecom", "dingtalk", "sms"])


@pytest.fixture
def outside(relay: Relay, actor: Any) -> Iterator[RelayClient]:
    """The relay's process, talking to this very application with a token that may do nothing else."""
    _, token = create_token(actor("system_admin"), "前置机", ["notify.relay:carry"], 30)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(transport=_Inside(), base_url="http://testserver", headers=headers) as inside:
        yield RelayClient(inside, "dmz-1", hosts={"127.0.0.1"})


def broadcast(title: str = "门诊收费中断", **kwargs: Any) -> Outbox:
    return notify.broadcast(system_actor(), **{"topic": "t", "title": title} | kwargs)[0]


def test_what_cannot_leave_is_fetched_sent_and_judged_inside(
    robot: Any, services: Any, deliver: Any, outside: RelayClient, relay: Relay
) -> None:
    services.dingtalk_secret = "SEC"
    robot("dingtalk", secret="SEC")
    row = broadcast()
    assert deliver() == 0  # not by the direct way
    assert outside.step() == 1
    row.refresh_from_db()
    relay.refresh_from_db()
    assert (row.state, row.relay_id, row.attempts) == (Outbox.State.SENT, relay.pk, 1)
    assert relay.last_seen_at is not None
    assert outside.step() == 0
    assert len(services.asked["dingtalk"]) == 1


def test_http_200_with_an_error_is_no_success_here_either(robot: Any, services: Any, outside: RelayClient) -> None:
    robot("wecom")
    row = broadcast()
    services.force("wecom", 200, {"errcode": 45009, "errmsg": "api freq out of limit"})
    outside.step()
    row.refresh_from_db()
    assert row.state == Outbox.State.FAILED
    assert "限流" in row.said


def test_the_applications_token_is_taken_outside_and_kept_inside(
    person: Any, wecom_app: Any, services: Any, outside: RelayClient
) -> None:
    user = person("onsite_engineer")
    user.wecom_id = "wanglei"
    user.save()
    for _ in range(2):
        notify.tell(system_actor(), [user], kind="k", title="指派给您")
        with time_machine.travel(dt.datetime(2026, 3, 18, 2, 10, tzinfo=dt.UTC)):
            Outbox.objects.filter(state="queued").update(next_try_at=dt.datetime(2026, 3, 18, 2, 0, tzinfo=dt.UTC))
            outside.step()
    assert set(Outbox.objects.values_list("state", flat=True)) == {Outbox.State.SENT}
    assert len(services.asked["gettoken"]) == 1


def test_the_relay_calls_nobody_it_was_not_told_of(robot: Any, services: Any, outside: RelayClient) -> None:
    robot("wecom")
    row = broadcast()
    outside.hosts = ()
    outside.step()
    row.refresh_from_db()
    assert services.asked["wecom"] == []
    assert "--allow" in row.said


def test_a_relay_that_dies_after_fetching_loses_nothing(robot: Any, services: Any, outside: RelayClient) -> None:
    robot("wecom")
    row = broadcast()
    with time_machine.travel(dt.datetime.now(dt.UTC)) as clock:
        fetched = outside._ask("GET", params={"relay": "dmz-1", "limit": 5})
        assert len(fetched) == 1
        assert outside.step() == 0
        clock.shift(CLAIM + dt.timedelta(seconds=1))
        assert outside.step() == 1
        late = {"id": row.pk, "claim": fetched[0]["claim"], "answers": [{"status": 500}]}
        assert outside._ask("POST", params={"relay": "dmz-1"}, json={"done": [late]}) == {"count": 0}
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT


def test_a_result_is_kept_until_it_is_taken(robot: Any, services: Any, outside: RelayClient, monkeypatch: Any) -> None:
    robot("wecom")
    row = broadcast()
    ask, broken = RelayClient._ask, [True]

    def flaky(self: RelayClient, method: str, **kwargs: Any) -> Any:
        if method == "POST" and broken[0]:
            raise RelayError("连不上杏维")
        return ask(self, method, **kwargs)

    monkeypatch.setattr(RelayClient, "_ask", flaky)
    with pytest.raises(RelayError):
        outside.step()
    broken[0] = False
    outside.step()
    row.refresh_from_db()
    assert row.state == Outbox.State.SENT
    assert len(services.asked["wecom"]) == 1


@pytest.mark.parametrize(("code", "on"), [("other", True), ("dmz-1", False), ("", True)])
def test_a_relay_nobody_knows_gets_nothing(outside: RelayClient, relay: Relay, code: str, on: bool) -> None:
    Relay.objects.update(on=on)
    outside.code = code
    with pytest.raises(RelayError, match="没有启用这个中转"):
        outside.step()


@pytest.mark.parametrize("scope", ["notify.outbox:view", ""])
def test_another_token_may_not(outside: RelayClient, actor: Any, scope: str) -> None:
    token = create_token(actor("system_admin"), "看", [scope], 30)[1] if scope else "xw_nonsense"
    outside.inside.headers["Authorization"] = f"Bearer {token}"
    with pytest.raises(RelayError, match="令牌不对"):
        outside.step()


def test_a_mails_server_and_password_stay_inside() -> None:
    call = MailCall("a@x", "b@x", b"raw \xff", SmtpServer("mail", 465, password="geheim"))
    (sent,) = calls_of(as_json([call]))
    assert sent == MailCall("a@x", "b@x", b"raw \xff", None)
    assert "geheim" not in str(as_json([call])) + repr(call)


def test_the_command_says_what_is_wrong() -> None:
    from typer.testing import CliRunner

    from xingwei.base.notify.cli import app

    run = CliRunner().invoke
    base = ["relay", "--code", "d", "--token", "t"]
    for address in ("ftp://x", "nonsense", "http://xw.hospital.example"):
        assert run(app, [*base, "--from", address]).exit_code == 2
    result = run(app, [*base, "--from", "http://127.0.0.1:9", "--once"])
    assert result.exit_code == 1
    assert "连不上杏维" in result.output
    assert run(app, [*base, "--from", "http://127.0.0.1:9", "--smtp", "x://y", "--once"]).exit_code == 2
