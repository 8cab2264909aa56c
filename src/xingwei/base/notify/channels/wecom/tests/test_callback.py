from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from xingwei.base.notify import inbound
from xingwei.base.notify.channels.wecom import messages
from xingwei.base.notify.channels.wecom.crypto import Envelope, NotFromWecom
from xingwei.base.notify.inbound import processing
from xingwei.base.notify.models import InboundMessage, Outbox
from xingwei.base.notify.sealing import seal
from xingwei.base.notify.services.base import Refused

pytestmark = pytest.mark.django_db
# The worked example of developer.work.weixin.qq.com/document/path/90968
TOKEN, KEY, CORP = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
ENCRYPT = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)
OFFICIAL = Envelope(TOKEN, KEY, CORP)
URL = "/notify/wecom/callback/"


def test_the_documented_example_opens() -> None:
    echo = OFFICIAL.open("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780", ECHO)
    assert echo == b"1616140317555161061"
    message = OFFICIAL.open("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", ENCRYPT)
    parsed = messages.parse(message)
    assert (parsed.sender, parsed.kind, parsed.text) == ("mycreate", "text", "hello")


@pytest.mark.parametrize(
    ("signature", "ciphertext", "receiver"),
    [
        ("0" * 40, ENCRYPT, CORP),
        ("", ENCRYPT, CORP),
        ("签", ENCRYPT, CORP),
        (OFFICIAL.signature("1", "2", "!!!"), "!!!", CORP),
        (OFFICIAL.signature("1", "2", "QUJD"), "QUJD", CORP),
        (OFFICIAL.signature("1", "2", ""), "", CORP),
        (OFFICIAL.signature("1", "2", ENCRYPT), ENCRYPT, "another"),
    ],
)
def test_nothing_else_opens(signature: str, ciphertext: str, receiver: str) -> None:
    with pytest.raises(NotFromWecom):
        Envelope(TOKEN, KEY, receiver).open(signature, "1", "2", ciphertext)


@pytest.fixture
def app(wecom_app: Any) -> Any:
    wecom_app.callback_token = seal(TOKEN, "wecom.callback_token")
    wecom_app.callback_key = seal(KEY, "wecom.callback_key")
    wecom_app.save()
    return wecom_app


@pytest.fixture
def call(client: Any, app: Any) -> Any:
    """call(xml) → WeCom's signed call of our address."""
    envelope = Envelope(TOKEN, KEY, app.corp_id)

    def post(message: str, **wrong: str) -> Any:
        sealed = envelope.seal(message.encode())
        stamp = str(int(time.time()))
        query = {"msg_signature": envelope.signature(stamp, "n", sealed), "timestamp": stamp, "nonce": "n"} | wrong
        body = f"<xml><ToUserName><![CDATA[{app.corp_id}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return client.post(f"{URL}?{urlencode(query)}", body, content_type="text/xml")

    return post


def text(words: str, number: int = 1, kind: str = "text", more: str = "") -> str:
    return (
        f"<xml><FromUserName><![CDATA[wanglei]]></FromUserName><CreateTime>1348831860</CreateTime>"
        f"<MsgType><![CDATA[{kind}]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{number}</MsgId>{more}</xml>"
    )


def test_wecom_is_shown_that_the_address_is_ours(client: Any, app: Any) -> None:
    envelope = Envelope(TOKEN, KEY, app.corp_id)
    echo = envelope.seal(b"1616140317555161061")
    query = {"msg_signature": envelope.signature("1", "n", echo), "timestamp": "1", "nonce": "n", "echostr": echo}
    answer = client.get(URL, query)
    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    assert client.get(URL, query | {"nonce": "other"}).status_code == 403
    assert client.get(URL).status_code == 403


def test_a_message_is_kept_and_acknowledged(call: Any) -> None:
    answer = call(text("收费处打不了票"))
    assert (answer.status_code, answer.content) == (200, b"success")
    row = InboundMessage.objects.get()
    assert (row.state, row.sender, row.message_id, row.source) == ("received", "wanglei", "1", "callback")
    call(text("收费处打不了票"))  # WeCom asks up to three times when it waits too long
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"msg_signature": "0" * 40}, {"timestamp": "1"}, {"nonce": "x"}])
def test_what_is_not_signed_is_turned_away(call: Any, wrong: dict[str, str]) -> None:
    assert call(text("x"), **wrong).status_code == 403
    assert not InboundMessage.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"<xml>", b"\xff\xfe", b'<!DOCTYPE x [<!ENTITY a "b">]><xml/>', b"<xml>" + b"x" * 300_000 + b"</xml>"]
)
def test_nonsense_is_turned_away(client: Any, app: Any, body: bytes) -> None:
    assert client.post(f"{URL}?msg_signature=x", body, content_type="text/xml").status_code == 403


def test_without_an_application_the_door_is_shut(client: Any, db: None) -> None:
    assert client.post(f"{URL}?msg_signature=x", b"<xml/>", content_type="text/xml").status_code == 403
    assert client.get(URL).status_code == 403


def test_events_are_no_messages(call: Any) -> None:
    call(text("", kind="event", more="<Event>enter_agent</Event>"))
    assert InboundMessage.objects.get().state == "ignored"


@pytest.fixture
def handled(monkeypatch: Any) -> list[Any]:
    got: list[Any] = []

    def handle(message: inbound.Inbound) -> str:
        got.append(message)
        if "不行" in message.text:
            raise Refused("没有登记这个企业微信号。")
        return "已登记为 2603-187\n我们尽快处理。"

    monkeypatch.setattr(inbound, "_handlers", {"wecom": handle})
    return got


def test_the_sender_gets_the_answer_in_the_application(call: Any, handled: Any, services: Any, deliver: Any) -> None:
    call(text("打不了票"))
    processing.process_due()
    deliver()
    assert handled[0].address == "wanglei"
    assert services.asked["message"][0].json["text"]["content"] == "【杏维】已登记为 2603-187\n我们尽快处理。"


def test_the_sender_is_told_why_it_was_refused(call: Any, handled: Any, services: Any, deliver: Any) -> None:
    call(text("不行"))
    processing.process_due()
    deliver()
    assert InboundMessage.objects.get().reason == "没有登记这个企业微信号。"
    assert "没有登记这个企业微信号" in services.asked["message"][0].json["text"]["content"]


def test_a_photo_comes_along(call: Any, handled: Any, services: Any) -> None:
    call(text("", kind="image", more="<MediaId>m1</MediaId><PicUrl>http://x/</PicUrl>"))
    processing.process_due()
    message = handled[0]
    assert message.text == "（图片）"
    assert (message.files[0].name, message.files[0].content[:4]) == ("image.png", b"\x89PNG")
    assert services.asked["media"][0].query["media_id"] == "m1"


def test_no_token_and_no_secret_is_logged(call: Any, handled: Any, services: Any, deliver: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    call(text("", kind="image", more="<MediaId>m1</MediaId>"))
    processing.process_due()
    deliver()
    assert len(services.asked["message"]) == 1
    assert "s3cret" not in caplog.text
    assert "token-0" not in caplog.text


def test_a_photo_that_cannot_be_had_does_not_lose_the_message(call: Any, handled: Any, services: Any) -> None:
    services.force("media", 200, {"errcode": 40007, "errmsg": "invalid media_id"}, times=10)
    call(text("", kind="image", more="<MediaId>m1</MediaId>"))
    row = InboundMessage.objects.get()
    processing.process_due()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("received", 1)
    InboundMessage.objects.update(attempts=3)
    processing.process(row.pk)
    assert handled[0].text == "（图片）\n（企业微信没有给出文件）"
    assert not Outbox.objects.filter(state="dead").exists()
