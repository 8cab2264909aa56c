from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xingwei.base.notify.engine import mime

UNHURRIED = settings(max_examples=80, deadline=None)


def raw(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"From: a@b.cn", *headers]) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Subject: 门诊收费打不了票".encode("gbk"), "门诊收费打不了票"),
        ("Subject: 门诊收费打不了票".encode(), "门诊收费打不了票"),
        (b"Subject: =?gb2312?B?w8XV78rVt9E=?=", "门诊收费"),
        (b"Subject: =?GB2312?Q?=96=7C?=", "東"),  # said GB2312, is GBK
        ("Subject: =?utf-8?B?5Yy75L+d?= 急".encode("gbk"), "医保 急"),
        # one character split over two encoded words, as old mailers do
        (b"Subject: =?utf-8?B?6Zeo6K8=?=\r\n =?utf-8?B?ig==?=", "门诊"),
        (b"Subject: =?x-none?B?YWJj?=", "abc"),
        (b"Subject: =?utf-8?B?broken", "=?utf-8?B?broken"),
        (b"Subject: ", ""),
        (b"X: 1", ""),
    ],
)
def test_subjects_as_they_really_come(header: bytes, subject: str) -> None:
    assert mime.parse(raw(header)).subject == subject


@pytest.mark.parametrize(
    ("said", "charset"),
    [
        ("gb2312", "gb18030"),
        ("", "gbk"),
        ("utf-8", "gbk"),
        ("us-ascii", "utf-8"),
        ("iso-8859-1", "gbk"),
        ("gbk", "utf-8"),
    ],
)
def test_bodies_whose_charset_is_said_wrongly(said: str, charset: str) -> None:
    text = "收费处反映：医保读卡没反应，提示“网络超时”"
    head = f"Content-Type: text/plain; charset={said}".encode() if said else b"X: 1"
    assert mime.parse(raw(head, body=text.encode(charset))).text == text


def test_html_alone_becomes_words() -> None:
    html = (
        "<html><head><style>p{}</style><title>x</title></head><body><p>打不了票&nbsp;&lt;急&gt;</p>"
        "第二行<br>第三行<script>alert(1)</script></body>"
    )
    parsed = mime.parse(raw(b"Content-Type: text/html; charset=utf-8", body=html.encode()))
    assert parsed.text == "打不了票 <急>\n第二行\n第三行"


@pytest.mark.parametrize(
    "quoted",
    [
        "------------------ 原始邮件 ------------------\n发件人: 王工\n旧的",
        "发件人：王磊 <wang@x.cn>\n发送时间：2026年3月18日\n旧的",
        "在 2026-03-18 10:24:00，王磊 写道：\n> 旧的",
        "On Wed, Mar 18, 2026 at 10:24 AM Wang <w@x.cn> wrote:\n> 旧的",
        "> 旧的\n> 更旧的",
    ],
)
def test_only_what_was_written_now(quoted: str) -> None:
    assert mime.unquoted(f"还是不行\r\n\r\n{quoted}".replace("\n", "\r\n")) == "还是不行"


def test_a_forwarded_mail_is_kept_whole() -> None:
    text = "---------- 转发邮件信息 ----------\n发件人: 李敏 <li@x.cn>\n打不了票"
    assert mime.unquoted(text) == text


def test_attachments_by_any_name() -> None:
    mail = EmailMessage()
    mail["Subject"] = "截图"
    mail["From"] = "李敏 <LI@hospital.example>"
    mail.set_content("见附件")
    mail.add_attachment(b"png", maintype="image", subtype="png", filename="截图 一.png")
    inner = EmailMessage()
    inner["Subject"] = "里面的"
    inner.set_content("里面的正文")
    mail.add_attachment(inner)
    parsed = mime.parse(mail.as_bytes())
    assert (parsed.sender, parsed.sender_name, parsed.text) == ("li@hospital.example", "李敏", "见附件")
    assert [f.name for f in parsed.files] == ["截图 一.png", "mail.eml"]
    assert parsed.files[0].content == b"png"
    assert "里面的正文".encode() in parsed.files[1].content or b"base64" in parsed.files[1].content


def test_an_attachments_name_in_bare_gbk_or_in_encoded_words() -> None:
    for name in ('"截图.png"'.encode("gbk"), b'"=?gbk?B?vdjNvC5wbmc=?="'):
        body = raw(b"Content-Type: image/png; name=" + name, b"Content-Transfer-Encoding: base64", body=b"cG5n")
        assert [f.name for f in mime.parse(body).files] == ["截图.png"]


def test_many_files_are_not_too_many() -> None:
    mail = EmailMessage()
    mail.set_content("x")
    for i in range(30):
        mail.add_attachment(b"x", maintype="image", subtype="png", filename=f"{i}.png")
    parsed = mime.parse(mail.as_bytes())
    assert (len(parsed.files), parsed.dropped) == (20, 10)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"Auto-Submitted: auto-replied (vacation)", "自动回复"),
        (b"Auto-Submitted: no", ""),
        (b"X-Loop: Xingwei", "自己发出"),
        (b"Precedence: bulk", "群发"),
        (b"Return-Path: <>", "退信"),
        (b"X-Autoreply: yes", "自动回复"),
        (b"From: MAILER-DAEMON@x.cn", ""),  # the second From: the first one counts
    ],
)
def test_no_machine_answers_a_machine(header: bytes, why: str) -> None:
    automatic = mime.parse(raw(header)).automatic
    assert why in automatic
    assert bool(automatic) is bool(why)


def test_a_message_without_a_number_gets_its_own() -> None:
    one, two = raw(body=b"1"), raw(body=b"2")
    assert mime.parse(one).message_id == mime.parse(one).message_id != mime.parse(two).message_id


@UNHURRIED
@given(st.binary(max_size=400))
def test_nothing_that_comes_in_can_stop_us(junk: bytes) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\nSubject: " + junk[:60] + b"\r\n\r\n--b\r\n"
    for body in (junk, head + junk + b"\r\n--b--"):
        parsed = mime.parse(body)
        assert "\x00" not in parsed.subject + parsed.text + parsed.sender
        parsed.subject.encode()
        parsed.text.encode()


@UNHURRIED
@given(st.text(max_size=300))
def test_html_of_any_kind_becomes_text(text: str) -> None:
    mime.text_of_html(text)
