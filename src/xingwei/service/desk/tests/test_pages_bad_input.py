"""What people and machines really send: wrong files, huge bodies, other encodings, odd characters, old pages."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from xingwei.base.site import services as site
from xingwei.service.desk.models import Attachment, Case


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("工具.exe", b"MZ\x90\x00\x03" + b"\x00" * 64, "“工具.exe”不是可以上传的类型"),
        ("照片.jpg", b"\xff\xd8\xff\xe0" + b"broken" * 20, "“照片.jpg”打不开"),
        ("空.txt", b"", "“空.txt”是空文件"),
        ("../../etc/cron.png", b"\x7fELF" + b"\x00" * 64, "“cron.png”不是可以上传的类型"),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_kept(
    name: str, content: bytes, sentence: str, house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    file = SimpleUploadedFile(name, content)
    url = reverse("desk:note", args=[case.number])
    response = as_role(user=house.wang).post(url, {"text": "见附件", "files": [file]})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert "见附件" in response.content.decode()
    assert not Attachment.objects.exists()


def test_a_gbk_log_is_kept_byte_for_byte(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case, client = incident(), as_role(user=house.wang)
    log = "结算失败：中心处理超时".encode("gbk")
    url = reverse("desk:note", args=[case.number])
    assert client.post(url, {"text": "日志", "files": [SimpleUploadedFile("前置机.log", log)]}).status_code == 302
    served = client.get(reverse("desk:file", args=[Attachment.objects.get().pk]))
    assert b"".join(served.streaming_content) == log


def test_too_many_and_too_large_files(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case, client = incident(), as_role(user=house.wang)
    url = reverse("desk:note", args=[case.number])
    many = client.post(url, {"text": "x", "files": [SimpleUploadedFile(f"{n}.txt", b"a") for n in range(10)]})
    assert "一次最多 9 个文件，现在是 10 个" in many.content.decode()
    large = client.post(url, {"text": "x", "files": [SimpleUploadedFile("大.txt", b"a" * (21 * 2**20))]})
    assert large.status_code == 422
    assert "超过 20 MB" in large.content.decode()


def test_a_gigabyte_is_refused_before_it_is_read(house: SimpleNamespace, as_role: Any) -> None:
    response = as_role(user=house.nurse).generic(
        "POST", "/desk/portal/", b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH=str(2**30)
    )
    assert response.status_code == 413
    page = response.content.decode()
    assert "没有保存" in page
    assert "1,024 MB" in page


@pytest.mark.parametrize("body", [b"\x80\x81", "description=中文".encode("gbk"), b"description=%FF%FE&impact=slow"])
def test_another_encoding_is_a_sentence_not_a_crash(body: bytes, house: SimpleNamespace, as_role: Any) -> None:
    response = as_role(user=house.nurse).generic("POST", "/desk/portal/", body, "application/x-www-form-urlencoded")
    assert response.status_code in {400, 422}
    assert not Case.objects.exists()


def test_a_null_byte_does_not_reach_the_database(house: SimpleNamespace, as_role: Any) -> None:
    client = as_role(user=house.nurse)
    response = client.post("/desk/portal/", {"description": "坏了\x00不能用", "impact": "slow"})
    assert response.status_code == 422
    assert client.get("/desk/", {"q": "a\x00b", "tag": "\x00"}).status_code == 400


@pytest.mark.parametrize("when", ["２０２６－０３－２０ １０：３０", "2026/03/20 10:30", "2026-03-20T10:30"])
def test_a_time_is_read_as_people_write_it(
    when: str, house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident(severity=3)
    url = reverse("desk:move", args=[case.number, "agree_visit"])
    response = as_role(user=house.wang).post(url, {"visit_at": when, "agreed_with": "李收费员"})
    assert response.status_code == 302
    assert case.events.get(type="agreed").data["until"] == "2026-03-20T10:30:00+08:00"


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("2026-03-17T10:30", "约定的时间已经过去，请写一个将来的时间。"),
        ("0001-01-01T00:00", "年份是 1，请核对。"),
        ("9999-12-31T23:59", "年份是 9999，请核对。"),
        ("2027-06-01T10:00", "约定的时间在一年以后，请核对年份。"),
        ("明天下午", "时间写成 2026-03-18 10:30 这样。"),
        ("2026-02-30T10:00", "时间写成 2026-03-18 10:30 这样。"),
    ],
)
def test_a_time_that_cannot_be_meant_is_asked_about(
    when: str, sentence: str, house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident(severity=3)
    url = reverse("desk:move", args=[case.number, "agree_visit"])
    response = as_role(user=house.wang).post(url, {"visit_at": when, "agreed_with": "李收费员"})
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert "李收费员" in response.content.decode()


def test_the_limit_of_a_file_is_a_setting(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, actor: Any
) -> None:
    site.change_setting(actor("system_admin"), "desk.attachment.max_mb", "1")
    url = reverse("desk:note", args=[incident().number])
    file = SimpleUploadedFile("大.txt", b"a" * (2 * 2**20))
    response = as_role(user=house.wang).post(url, {"text": "x", "files": [file]})
    assert "“大.txt”有 2 MB，超过 1 MB。" in response.content.decode()
