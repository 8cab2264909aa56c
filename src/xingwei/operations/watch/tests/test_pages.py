"""The pages, as their users see them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from xingwei.operations.watch.models import Beat, Job, MaintenanceWindow, Probe, ProbeState, Token, Trouble
from xingwei.operations.watch.services import functions, measurements, troubles


@pytest.fixture
def scene(house: Any, probe: Any, says: Any) -> dict[str, Any]:
    """收费 is down since the database is."""
    measurements.make_partitions()
    now = timezone.now()
    walk = probe("walk", "function:his-charge", "http", settings={"url": "http://x/"}, walks=True)
    db = probe("db", "component:HIS-DB")
    says(walk, "down", since=now - dt.timedelta(minutes=3), said="第 2 步“保存”：超时没有应答")
    says(db, "down", since=now - dt.timedelta(minutes=3), said="端口没有开（拒绝连接）")
    functions.look_over(now)
    troubles.look_over(now)
    return {"walk": walk, "db": db}


@pytest.mark.clause("7.1b")
def test_the_status_page_says_what_is_down_since_when_and_what_is_being_done(scene: Any, as_role: Any) -> None:
    html = as_role("it_staff").get("/watch/").content.decode()
    assert "1 项业务中断：收费" in html
    assert "第 2 步“保存”：超时没有应答" in html
    assert Trouble.objects.get(node="component:HIS-DB").case.number in html
    assert "另有 1 处受牵连" in html


def test_a_reporter_sees_the_functions_but_not_the_probes(scene: Any, as_role: Any) -> None:
    client = as_role("reporter")
    html = client.get("/watch/").content.decode()
    assert "收费" in html
    assert "/watch/probes/" not in html
    assert client.get("/watch/probes/").status_code == 403


def test_every_page_opens_for_whom_it_is_made(scene: Any, as_role: Any) -> None:
    client = as_role("it_head")
    trouble = Trouble.objects.first()
    assert trouble is not None
    Job.objects.create(code="b", name="备份", every_minutes=60)
    for url in (
        "/watch/functions/", "/watch/functions/his-charge/", "/watch/functions/his-charge/?prove=" + f"{timezone.localdate():%Y-%m}",
        "/watch/troubles/", trouble.get_absolute_url(), "/watch/probes/", "/watch/probes/db/", "/watch/probes/db/?window=1y",
        "/watch/probes/new/", "/watch/probes/db/edit/", "/watch/jobs/", "/watch/jobs/b/", "/watch/jobs/new/", "/watch/windows/",
        "/watch/windows/new/", "/watch/screens/", "/watch/screens/new/", "/watch/wall/", "/watch/wall/data/",
    ):  # fmt: skip
        assert client.get(url).status_code == 200, url


def test_the_status_page_asks_the_database_little(scene: Any, as_role: Any, django_assert_max_num_queries: Any) -> None:
    client = as_role("it_staff")
    client.get("/watch/")
    with django_assert_max_num_queries(40):
        client.get("/watch/")


def test_a_probe_is_made_changed_and_paused(house: Any, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    form = {"code": "new-1", "name": "收费页", "kind": "http", "node": "component:HIS-APP", "settings": "url: ftp://x\n", "limits": "",
            "every_s": 60, "timeout_s": 5, "fails": 2, "severity": 3}  # fmt: skip
    refused = client.post("/watch/probes/new/", form)
    assert refused.status_code == 422
    assert "写法不对" in refused.content.decode()
    assert "ftp://x" in refused.content.decode(), "what was typed stays"

    assert (
        client.post("/watch/probes/new/", form | {"settings": "url: http://his/\ntoken: geheim\n"}).status_code == 302
    )
    row = Probe.objects.get()
    assert row.settings["token"].startswith("sm4.")
    shown = client.get("/watch/probes/new-1/edit/").content.decode()
    assert "geheim" not in shown
    assert "sm4." not in shown

    again = {k: v for k, v in form.items() if k != "code"} | {
        "name": "收费页面",
        "settings": "url: http://his/\ntoken: （不显示，原样保留）\n",
    }
    assert client.post("/watch/probes/new-1/edit/", again).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.settings["token"][:4], row.version) == ("收费页面", "sm4.", 2)

    client.post("/watch/probes/new-1/switch/", {"active": "0", "reason": "换设备"})
    assert not Probe.objects.get().active


def test_a_probes_page_offers_to_look_now(house: Any, probe: Any, as_role: Any) -> None:
    probe("p", "component:HIS-APP")
    html = as_role("it_staff").get("/watch/probes/p/").content.decode()
    assert "立即拨测" in html
    assert "每 30 秒" in html


def test_looking_now_needs_somebody_who_watches(house: Any, probe: Any, as_role: Any) -> None:
    probe("p", "component:HIS-APP")
    page = as_role("it_staff").post("/watch/probes/p/look/", {"next": "/watch/probes/p/"}, follow=True)
    assert "现在没有监测进程在运行" in page.content.decode()


@pytest.mark.clause("6.1a")
def test_a_job_says_so_by_its_address_and_is_missed_when_it_does_not(house: Any, as_role: Any, client: Client) -> None:
    from xingwei.operations.watch.services import jobs

    staff = as_role("it_staff")
    staff.post("/watch/jobs/new/", {"code": "his-backup", "name": "HIS 备份", "kind": "backup", "every_minutes": 60, "weekdays": "1234567",
                                    "grace_minutes": 30, "severity": 2, "active": "on"})  # fmt: skip
    page = staff.post("/watch/jobs/his-backup/token/").content.decode()
    token = page.split("/watch/beat/")[1].split("/")[0]
    assert not Token.objects.filter(digest=token).exists(), "the text itself is not kept"

    assert client.get(f"/watch/beat/{token}/start/").status_code == 200
    assert client.post(f"/watch/beat/{token}/ok/", {"said": "12 GB"}).status_code == 200
    job = Job.objects.get()
    assert (job.state, job.said) == ("ok", "12 GB")
    assert Beat.objects.filter(kind="ok").get().seconds is not None
    assert client.get("/watch/beat/wrong-token-that-is-long-enough/ok/").status_code == 403
    assert client.get(f"/watch/beat/{token}/bad/").status_code == 404

    later = timezone.now() + dt.timedelta(minutes=95)
    assert [j.code for j in jobs.look_over(later)] == ["his-backup"]
    troubles.look_over(later)
    assert Trouble.objects.get(kind="job").case.title == "HIS 备份：任务没有按时完成"


def test_a_screen_is_let_in_by_its_address_once_and_never_sent_to_sign_in(scene: Any, as_role: Any) -> None:
    page = as_role("it_head").post("/watch/screens/new/", {"subject": "机房东墙"}).content.decode()
    address = "/watch/wall/open/" + page.split("/watch/wall/open/")[1].split("/")[0] + "/"

    screen = Client()
    assert screen.get("/watch/wall/").status_code == 403
    assert "没有开通" in screen.get("/watch/wall/").content.decode()
    assert screen.get(address)["Location"] == "/watch/wall/"
    assert screen.get("/watch/wall/").status_code == 200
    board = screen.get("/watch/wall/data/").json()
    assert board["functions"] == [{"name": "收费", "state": "late", "say": board["functions"][0]["say"]}]
    assert board["functions"][0]["say"].startswith("中断")
    assert board["faults"]["rows"][0]["level"] == 1
    assert screen.get("/watch/").status_code == 302, "the cookie opens the big screen only"

    token = Token.objects.get(purpose="screen")
    as_role("service_manager").post(f"/watch/screens/{token.pk}/close/")
    assert screen.get("/watch/wall/data/").status_code == 403


def test_the_big_screen_says_that_it_is_blind(scene: Any, as_role: Any) -> None:
    from xingwei.operations.watch.models import Process
    from xingwei.operations.watch.queries import wall

    Process.objects.update(seen_at=timezone.now() - dt.timedelta(minutes=27))
    wall.forget()
    board = as_role("it_staff").get("/watch/wall/data/").json()
    assert board["alive"] is False
    assert board["blind"]["what"] == "全部"
    assert board["functions"][0]["state"] == "unk"


def test_a_host_agent_pushes(house: Any, as_role: Any, client: Client, probe: Any) -> None:
    from xingwei.operations.watch import agent

    measurements.make_partitions()
    probe("host-db", "component:HOST-DB", "agent", settings={})
    page = as_role("it_staff").post("/watch/probes/host-db/token/").content.decode()
    token = page.split("XINGWEI_TOKEN=")[1].split(" ")[0]
    body = {"time": timezone.now().timestamp(), "proc": agent.collect()}

    for _ in range(2):
        answer = client.post(
            "/watch/push/", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.content
    row = ProbeState.objects.get()
    assert 0 < row.values["host.mem"] <= 100
    assert "host.disk" in row.values
    assert (
        client.post(
            "/watch/push/", {"x": 1}, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        ).status_code
        == 422
    )
    assert client.post("/watch/push/", body, content_type="application/json").status_code == 403


def test_a_window_is_announced_and_ended(house: Any, as_role: Any) -> None:
    client = as_role("it_staff")
    start = timezone.localtime()
    form = {
        "title": "升级",
        "since": f"{start:%Y-%m-%dT%H:%M}",
        "until": f"{start + dt.timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "nodes": ["system:HIS"],
    }
    assert client.post("/watch/windows/new/", form).status_code == 302
    assert "升级" in client.get("/watch/").content.decode()
    row = MaintenanceWindow.objects.get()
    client.post(f"/watch/windows/{row.pk}/end/")
    row.refresh_from_db()
    assert row.until <= timezone.now()


def test_metrics_are_for_this_machine(scene: Any, client: Client) -> None:
    text = client.get(reverse("watch:metrics")).content.decode()
    assert 'xingwei_watch_function_up{function="his-charge"} 0.0' in text
    assert client.get(reverse("watch:metrics"), REMOTE_ADDR="10.1.1.1").status_code == 403
