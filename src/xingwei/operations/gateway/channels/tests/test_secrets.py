"""Passwords of channels: sealed when they are saved, opened only where they are used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xingwei.base.journal.models import Entry
from xingwei.operations.gateway.channels.base import ChannelConfig, ChannelProblem
from xingwei.operations.gateway.channels.secrets import secret
from xingwei.operations.gateway.models import Channel
from xingwei.operations.gateway.services import channels
from xingwei.operations.gateway.tests import desk


def config(row: Channel) -> ChannelConfig:
    return ChannelConfig(row.pk, row.code, row.name, "out", row.kind, settings=row.settings)


@pytest.mark.django_db
def test_a_password_is_never_stored_as_it_was_typed(actor: Any) -> None:
    who = actor("it_staff")
    row = desk.channel("rx", "out")
    settings = {"url": "http://127.0.0.1:9/", "password": "p@ss", "token": "file:keys#token"}
    changed = channels.change_channel(who, row, {"kind": "http", "settings": settings})
    assert changed.settings["password"].startswith("sm4.")
    assert changed.settings["token"] == "file:keys#token"
    assert secret(config(changed), "password") == "p@ss"
    again = channels.change_channel(who, changed, {"settings": settings})
    assert (again.settings, again.version) == (changed.settings, changed.version), "the same again changes nothing"
    assert "p@ss" not in json.dumps([list(e.values()) for e in Entry.objects.values("before", "after")], default=str)
    stranger = ChannelConfig(1, "other", "别的", "out", "http", settings=changed.settings)
    with pytest.raises(ChannelProblem, match="打不开"):
        secret(stranger, "password")


def test_secrets_in_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text('{"sk": "s"}')
    (tmp_path / "key").write_text("pem\n")
    monkeypatch.setenv("SK_OF_TEST", "v")
    settings = {"a": f"file:{tmp_path}/a.json#sk", "b": f"file:{tmp_path}/key", "c": "env:SK_OF_TEST", "d": "plain", "e": "env:NONE_SUCH",
                "f": f"file:{tmp_path}/none"}  # fmt: skip
    channel = ChannelConfig(1, "x", "甲", "out", "http", settings=settings)
    assert [secret(channel, name) for name in "abcdz"] == ["s", "pem", "v", "plain", ""]
    for name, why in (("e", "没有设置"), ("f", "读不到")):
        with pytest.raises(ChannelProblem, match=why):
            secret(channel, name)
