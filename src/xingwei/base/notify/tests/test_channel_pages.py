from __future__ import annotations

from typing import Any

import pytest

from xingwei.base.journal.models import Entry
from xingwei.base.notify import services as notify
from xingwei.base.notify.channels.registry import of_robot
from xingwei.base.notify.models import Gateway, MailServer, Outbox, Relay, Robot, WecomApp
from xingwei.base.notify.sealing import unseal
from xingwei.base.policy.engine import system_actor

pytestmark = pytest.mark.django_db
ROBOT = {
    "name": "信息科运维群",
    "address": "https://oapi.dingtalk.com/robot/send?access_token=abcdef123456",
    "secret": "SECxyz",
    "per_minute": "１８",
    "mention_all": "on",
    "on": "on",
}
GATEWAY = {
    "name": "移动云 MAS", "url": "https://mas.example/send", "method": "POST", "format": "application/json",
    "charset": "utf-8", "headers": "X-Key: {secret}", "body": '{"m": "{mobile}", "c": "{text}"}', "secret": "k3y",
    "success_path": "code", "success_value": "0", "max_chars": "300", "duty_mobiles": "13900000101，13900000102 13900000101",
    "on": "on",
}  # fmt: skip
MAIL = {
    "on": "on", "host": "smtp.hospital.example", "port": "465", "security": "tls", "sender": "xw@hospital.example",
    "sender_name": "杏维", "password": "auth", "protocol": "", "in_port": "993", "in_security": "tls", "in_folder": "INBOX",
}  # fmt: skip
WECOM = {"on": "on", "corp_id": "ww1", "agent_id": "1000002", "secret": "s3cret", "base": "https://qyapi.weixin.qq.com"}


@pytest.fixture
def admin(as_role: Any) -> Any:
    return as_role("system_admin")


def words(answer: Any) -> str:
    return answer.content.decode()


def test_a_robot_is_set_up_sealed_and_never_shown_again(admin: Any) -> None:
    answer = admin.post("/notify/channels/robots/new/dingtalk/", ROBOT, follow=True)
    robot = Robot.objects.get()
    assert "abcdef" not in robot.address + robot.hint
    assert unseal(robot.secret, f"robot.{robot.ident}.secret") == "SECxyz"
    assert of_robot(robot).url == ROBOT["address"]  # type: ignore[attr-defined]
    assert (robot.per_minute, robot.hint) == (18, "oapi.dingtalk.com …3456")
    assert "abcdef" not in words(answer) + words(admin.get("/notify/channels/"))
    entry = Entry.objects.get(act="notify.robot.create")
    assert entry.after["secret"] == "已更换"
    assert "abcdef" not in str(entry.after)
    assert "SECxyz" not in str(entry.after)


def test_what_is_left_empty_stays_and_a_dash_clears(admin: Any) -> None:
    admin.post("/notify/channels/robots/new/dingtalk/", ROBOT)
    robot = Robot.objects.get()
    admin.post(f"/notify/channels/robots/{robot.pk}/", ROBOT | {"address": "", "secret": "", "name": "改名"})
    changed = Robot.objects.get()
    assert (changed.name, changed.address, changed.secret) == ("改名", robot.address, robot.secret)
    admin.post(f"/notify/channels/robots/{robot.pk}/", ROBOT | {"address": "", "secret": "-"})
    assert Robot.objects.get().secret == ""
    assert Entry.objects.filter(act="notify.robot.change").count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": ""}, "请填写 Webhook 地址"),
        ({"address": "https://oapi.dingtalk.com/robot/send"}, "应含有 access_token="),
        ({"address": "ftp://x/?access_token=1"}, "应以 https:// 开头"),
        ({"address": "https://u:p@x/?access_token=1"}, "不要带用户名"),
        ({"address": "https://[/?access_token=1"}, "地址写法不对"),
        ({"per_minute": "21"}, "每分钟最多 20 条"),
        ({"per_minute": "0"}, "大于"),
        ({"name": ""}, "必填"),
        ({"name": "长" * 41}, "40"),
    ],
)
def test_bad_input_is_answered_and_kept(admin: Any, change: dict[str, str], said: str) -> None:
    answer = admin.post("/notify/channels/robots/new/dingtalk/", ROBOT | change)
    assert answer.status_code == 422
    assert said in words(answer)
    assert not Robot.objects.exists()


def test_a_name_is_taken_once(admin: Any) -> None:
    admin.post("/notify/channels/robots/new/dingtalk/", ROBOT)
    answer = admin.post("/notify/channels/robots/new/dingtalk/", ROBOT)
    assert (answer.status_code, "已有叫“信息科运维群”的机器人" in words(answer)) == (422, True)


def test_switching_off_or_deleting_cancels_what_waits(admin: Any, robot: Any) -> None:
    one = robot("wecom")
    notify.broadcast(system_actor(), topic="t", title="等着的")
    row = {"name": one.name, "per_minute": "18"}  # not “on”
    admin.post(f"/notify/channels/robots/{one.pk}/", row)
    assert Outbox.objects.get().state == Outbox.State.CANCELLED
    admin.post(f"/notify/channels/robots/{one.pk}/delete/")
    assert not Robot.objects.exists()
    assert Outbox.objects.get().said == "群机器人已停用"


def test_topics_that_rooms_declare_can_be_chosen(admin: Any, robot: Any, monkeypatch: Any) -> None:
    from xingwei.base.notify import kinds

    monkeypatch.setattr(kinds, "_topics", {"desk.major": kinds.Topic("desk.major", "重大故障")})
    one = robot("wecom", topics=["gone.topic"])
    page = words(admin.get(f"/notify/channels/robots/{one.pk}/"))
    assert "重大故障" in page
    assert "gone.topic" in page  # chosen once, declared by nobody any more
    answer = admin.post(
        f"/notify/channels/robots/{one.pk}/", {"name": "群", "per_minute": "5", "topics": ["desk.major"]}
    )
    assert answer.status_code == 302
    assert Robot.objects.get().topics == ["desk.major"]


def test_the_test_shows_the_real_answer(admin: Any, robot: Any, services: Any) -> None:
    one = robot("wecom")
    good = words(admin.post(f"/notify/channels/robots/{one.pk}/test/"))
    assert "发送成功" in good
    assert "errmsg" in good
    services.force("wecom", 200, {"errcode": 93000, "errmsg": "invalid webhook url"})
    bad = words(admin.post(f"/notify/channels/robots/{one.pk}/test/"))
    assert "没有成功" in bad
    assert "invalid webhook url" in bad
    assert "已被移出群" in words(admin.get("/notify/channels/"))
    assert Entry.objects.filter(act="notify.channel.test").count() == 2


def test_a_test_keeps_within_the_limit_too(admin: Any, robot: Any, services: Any) -> None:
    one = robot("wecom", per_minute=1)
    admin.post(f"/notify/channels/robots/{one.pk}/test/")
    answer = admin.post(f"/notify/channels/robots/{one.pk}/test/", follow=True)
    assert "发送额度已用完" in words(answer)
    assert len(services.asked["wecom"]) == 1


def test_a_test_through_a_relay_is_queued(admin: Any, robot: Any, services: Any) -> None:
    one = robot("wecom")
    Relay.objects.create(code="d", name="前置机", channels=["wecom"])
    answer = words(admin.post(f"/notify/channels/robots/{one.pk}/test/"))
    assert "由中转发送" in answer
    assert Outbox.objects.get().kind == "test"


def test_a_gateway_is_set_up_and_tried(admin: Any, services: Any) -> None:
    values = GATEWAY | {"url": f"{services.base}/sms?account=a&pass=geheim"}
    admin.post("/notify/channels/gateways/new/sms/", values)
    assert "geheim" not in str(Entry.objects.get(act="notify.gateway.create").after)
    row = Gateway.objects.get()
    assert row.duty_mobiles == ["13900000101", "13900000102"]
    answer = words(admin.post(f"/notify/channels/gateways/{row.pk}/test/", {"address": "13900000101"}))
    assert "发送成功" in answer
    assert services.asked["sms"][0].headers["X-Key"] == "k3y"
    refused = admin.post(f"/notify/channels/gateways/{row.pk}/test/", {"address": "8120"}, follow=True)
    assert "手机号不对" in words(refused)
    assert "13900000101 13900000102" in words(admin.get(f"/notify/channels/gateways/{row.pk}/"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body": '{"m": "{moblie}", "c": "{text}"}'}, "不认识 {moblie}"),
        ({"body": '{"c": "{text}"}'}, "不知道发给谁"),
        ({"body": '{"m": "{mobile}"}'}, "不知道发什么"),
        ({"body": '{"m": {mobile}, "c": {text}'}, "不是有效的 JSON"),
        ({"headers": "没有冒号"}, "不是请求头"),
        ({"headers": "X Y: 1"}, "不是请求头"),
        ({"duty_mobiles": "13900000101 8120"}, "“8120”不是 11 位手机号"),
        ({"url": "mas.example/send"}, "应以 https:// 开头"),
        ({"success_value": ""}, "必填"),
    ],
)
def test_a_gateway_that_cannot_work_is_not_kept(admin: Any, change: dict[str, str], said: str) -> None:
    answer = admin.post("/notify/channels/gateways/new/sms/", GATEWAY | change)
    assert answer.status_code == 422
    assert said in words(answer)
    assert not Gateway.objects.exists()


def test_the_mail_account(admin: Any) -> None:
    assert admin.post("/notify/channels/mail/", MAIL).status_code == 302
    row = MailServer.objects.get()
    assert unseal(row.password, "mail.password") == "auth"
    assert "auth" not in row.password
    page = words(admin.get("/notify/channels/mail/"))
    assert "已录入，留空表示不变" in page
    row.port = 9
    row.host = "127.0.0.1"
    row.save()
    answer = words(admin.post("/notify/channels/mail/test/", {"address": "tang@hospital.example"}))
    assert "连不上发信服务器" in answer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": ""}, "请填写发信服务器"),
        ({"sender": ""}, "请填写发件地址"),
        ({"sender": "不是邮箱"}, "邮"),
        ({"port": "99999"}, "65535"),
        ({"protocol": "imap"}, "请填写收信服务器"),
        ({"protocol": "imap", "in_host": "x", "in_username": "y"}, "请填写收信密码"),
    ],
)
def test_a_mail_account_that_cannot_work(admin: Any, change: dict[str, str], said: str) -> None:
    answer = admin.post("/notify/channels/mail/", MAIL | change)
    assert answer.status_code == 422
    assert said in words(answer)


def test_the_wecom_application(admin: Any) -> None:
    assert admin.post("/notify/channels/wecom/", WECOM).status_code == 302
    assert unseal(WecomApp.objects.get().secret, "wecom.secret") == "s3cret"
    assert admin.post("/notify/channels/wecom/", WECOM | {"secret": ""}).status_code == 302
    assert unseal(WecomApp.objects.get().secret, "wecom.secret") == "s3cret"
    answer = admin.post("/notify/channels/wecom/", WECOM | {"callback_key": "short"})
    assert "应是 43 位" in words(answer)
    assert "/notify/wecom/callback/" in words(answer)


def test_relays_share_the_channels_without_overlap(admin: Any) -> None:
    row = {"code": "dmz-1", "name": "前置机", "channels": ["wecom", "mail"], "on": "on"}
    assert admin.post("/notify/channels/relays/new/", row).status_code == 302
    relay = Relay.objects.get()
    assert "xingwei notify relay" in words(admin.get(f"/notify/channels/relays/{relay.pk}/"))
    assert "还没有来过" in words(admin.get("/notify/channels/"))
    assert "请换一个" in words(admin.post("/notify/channels/relays/new/", row))
    assert "已承担其中的渠道" in words(admin.post("/notify/channels/relays/new/", row | {"code": "dmz-2"}))
    assert "请至少选一个渠道" in words(admin.post("/notify/channels/relays/new/", row | {"channels": []}))
    admin.post(f"/notify/channels/relays/{relay.pk}/delete/")
    assert not Relay.objects.exists()


@pytest.mark.clause("9.2a")
def test_robots_alone_are_warned_of(admin: Any, robot: Any, gateway: Any) -> None:
    robot("wecom")
    assert "一级故障不能单靠群机器人" in words(admin.get("/notify/channels/"))
    gateway("sms")
    assert "一级故障不能单靠群机器人" not in words(admin.get("/notify/channels/"))


def test_nothing_unknown_can_be_set_up(admin: Any) -> None:
    for address in ("robots/new/fax/", "gateways/new/fax/", "robots/1/", "gateways/1/", "relays/1/", "robots/1/test/"):
        assert admin.post(f"/notify/channels/{address}", ROBOT).status_code == 404, address
    for address in ("mail/test/", "wecom/test/"):
        assert admin.post(f"/notify/channels/{address}", {}).status_code == 404
