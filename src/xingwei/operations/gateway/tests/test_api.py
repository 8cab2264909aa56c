"""The gateway over HTTP: the same acts, the same refusals, the same masks."""

from __future__ import annotations

from typing import Any

import pytest

from xingwei.operations.gateway.models import Channel, Queued, RouteVersion

from . import desk

pytestmark = pytest.mark.django_db
BASE = "/api/v1/gateway"


@pytest.fixture
def cbc() -> Channel:
    return desk.channel("dev-cbc", "in")


@pytest.fixture
def lis() -> Channel:
    return desk.channel("lis-in", "out", system="LIS")


def post(client: Any, path: str, data: dict[str, Any], method: str = "post") -> Any:
    return getattr(client, method)(f"{BASE}{path}", data=data, content_type="application/json")


def test_messages_are_found_and_read_masked(api_as: Any, cbc: Channel, lis: Channel) -> None:
    version = desk.route(cbc)
    message = desk.message(cbc)
    desk.delivered(message, lis, version)
    client = api_as("onsite_engineer")
    page = post(client, "/messages/search", {"patient": "P0012186"}).json()
    assert [i["number"] for i in page["items"]] == [message.number]
    assert page["items"][0]["patient"] == "****2186"
    found = client.get(f"{BASE}/messages/{message.number}")
    assert "张兰" not in found.content.decode()
    hgb = next(f for f in found.json()["fields"] if f["meaning"] == "HGB")
    assert (hgb["before"], hgb["after"]) == ("11.7|g/dL|11.0-16.0|~N", "117|g/L|11.0-16.0|~N")


def test_drafts_are_tried_and_released_by_another(api_as: Any, cbc: Channel, lis: Channel) -> None:
    desk.route(cbc)
    desk.message(cbc)
    author, second = api_as("rnd"), api_as("it_staff")
    document = {"to": ["lis-in"], "key": ["OBR-3"]}
    assert post(author, "/routes/hem-02/draft", {"document": {"to": []}, "note": "空"}, "put").status_code == 409
    made = post(author, "/routes/hem-02/draft", {"document": document, "note": "不再换算"}, "put").json()
    tried = author.get(f"{BASE}/routes/hem-02/try?count=5").json()
    assert (tried["looked"], tried["different"]) == (1, 1)
    assert post(author, "/routes/hem-02/release", {"number": made["number"]}).status_code == 403
    assert post(second, "/routes/hem-02/release", {"number": made["number"]}).status_code == 200
    assert RouteVersion.objects.get(state="released").document == document


def test_a_replay_over_http_needs_its_dry_run(api_as: Any, cbc: Channel, lis: Channel) -> None:
    desk.route(cbc)
    desk.ids_from(60_000_000)
    message = desk.message(cbc)
    client = api_as("it_staff")
    plan = post(client, "/replays/dry-run", {"numbers": [message.number]}).json()
    assert plan["count"] == 1
    sent = {"numbers": [message.number], "reason": "补送", "expected": 2}
    assert post(client, "/replays", sent).status_code == 409
    assert post(client, "/replays", sent | {"expected": 1}).status_code == 200
    assert Queued.objects.count() == 1


def test_a_channel_is_changed_with_the_version_that_was_read(api_as: Any, cbc: Channel) -> None:
    client = api_as("it_staff")
    before = client.get(f"{BASE}/channels/dev-cbc").json()
    patch = {"version": before["version"], "values": {"settings": {"port": 26005}}}
    assert post(client, "/channels/dev-cbc", patch, "patch").json()["version"] == before["version"] + 1
    assert post(client, "/channels/dev-cbc", patch, "patch").status_code == 409
    bad = {"version": before["version"] + 1, "values": {"kind": "http"}}
    assert post(client, "/channels/dev-cbc", bad, "patch").status_code == 409
