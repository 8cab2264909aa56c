"""Fixtures for the tests of this room and of its channels: services to talk to, robots and gateways set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    settings.PUBLIC_URL = "https://xw.hospital.example"


@pytest.fixture
def services() -> Iterator[Any]:
    """WeCom, DingTalk, Feishu, an SMS and a voice gateway on this machine (tests/fakes.py)."""
    from xingwei.base.notify.tests import fakes

    running, server = fakes.start()
    yield running
    server.shutdown()
    server.server_close()


@pytest.fixture
def robot(db: None, services: Any) -> Callable[..., Any]:
    """robot("feishu", secret="…") → such a robot, talking to `services`."""
    from xingwei.base.notify.models import Robot
    from xingwei.base.notify.sealing import seal

    paths = {
        "wecom": ("/cgi-bin/webhook/send?key=good", 18),
        "dingtalk": ("/robot/send?access_token=good", 18),
        "feishu": ("/open-apis/bot/v2/hook/good", 90),
    }

    def make(channel: str, *, secret: str = "", path: str = "", **kwargs: Any) -> Robot:
        usual, per_minute = paths[channel]
        row = Robot(**{"channel": channel, "name": f"{channel}群", "per_minute": per_minute} | kwargs)
        row.address = seal(services.base + (path or usual), f"robot.{row.ident}.address")
        row.secret = seal(secret, f"robot.{row.ident}.secret")
        row.save()
        return row

    return make


@pytest.fixture
def gateway(db: None, services: Any) -> Callable[..., Any]:
    """gateway("sms") → such a gateway, talking to `services`."""
    from xingwei.base.notify.models import Gateway
    from xingwei.base.notify.sealing import seal

    def make(kind: str = "sms", **kwargs: Any) -> Gateway:
        usual = {
            "kind": kind,
            "name": kind,
            "url": f"{services.base}/{kind}",
            "body": '{"to": "{mobile}", "content": "{text}", "key": "{secret}"}',
            "success_path": "code",
            "success_value": "0",
        }
        row = Gateway(**usual | kwargs)
        row.secret = seal("k3y", f"gateway.{row.ident}.secret")
        row.save()
        return row

    return make


@pytest.fixture
def wecom_app(db: None, services: Any) -> Any:
    from xingwei.base.notify.models import WecomApp
    from xingwei.base.notify.sealing import seal

    return WecomApp.objects.create(
        on=True, base=services.base, corp_id="ww1", agent_id=1000002, secret=seal("s3cret", "wecom.secret")
    )


@pytest.fixture
def deliver() -> Callable[[], int]:
    """deliver() → one run of the delivery."""
    from xingwei.base.notify.delivery.running import run

    return run
