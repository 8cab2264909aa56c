"""The reporters' phone pages from outside: report, mine, confirm, not yet, rate, notices."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, moves

REPORT = "/desk/portal/"


def photo() -> SimpleUploadedFile:
    out = BytesIO()
    Image.new("RGB", (40, 30), "#345").save(out, "JPEG")
    return SimpleUploadedFile("IMG_0001.jpg", out.getvalue(), "image/jpeg")


def solved(house: SimpleNamespace, case: Case) -> Case:
    moves.move(house.wang_, case, "respond")
    return moves.move(house.wang_, case, "resolve", {"cause": "组件不兼容", "solution": "已重装", "party": "vendor"})


@pytest.mark.clause("9.6")
def test_a_reporter_lands_on_the_phone_pages(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    client = as_role(user=house.li)
    assert client.get("/")["Location"] == REPORT
    case = incident()
    assert client.get("/")["Location"] == "/desk/portal/mine/"
    assert client.get(case.get_absolute_url())["Location"] == f"/desk/portal/{case.number}/"


@pytest.mark.parametrize(
    ("who", "impact", "kind", "severity"),
    [
        ("li", "stop", "incident", 2),
        ("li", "slow", "incident", 3),
        ("nurse", "stop", "incident", 3),
        ("nurse", "ask", "consultation", 0),
    ],
)
@pytest.mark.clause("9.2b")
def test_what_a_reporter_says_decides_kind_and_level(
    who: str, impact: str, kind: str, severity: int, house: SimpleNamespace, as_role: Any
) -> None:
    client = as_role(user=getattr(house, who))
    response = client.post(
        REPORT, {"description": "电脑上那个程序打不开", "impact": impact, "phone": "8236", "key": "k"}
    )
    assert response.status_code == 302
    case = Case.objects.get()
    assert (case.kind, case.severity, case.channel) == (kind, severity, "portal")
    assert case.reporter == getattr(house, who)


def test_a_photo_comes_along(house: SimpleNamespace, as_role: Any) -> None:
    client = as_role(user=house.nurse)
    sent = {"description": "执行单错位", "impact": "slow", "files": [photo(), photo()]}
    assert client.post(REPORT, sent).status_code == 302
    case = Case.objects.get()
    assert case.attachments.count() == 2
    assert "执行单错位" in client.get(f"/desk/portal/{case.number}/").content.decode()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"description": "", "impact": "slow"}, "请写下哪里不好用、提示了什么。"),
        ({"description": "坏了不能用", "impact": ""}, "请选一项：现在还能干活吗。"),
        ({"description": "坏了不能用", "impact": "boom"}, "请从三项里选一项。"),
        ({"description": "长" * 5001, "impact": "slow"}, "现象最长 5,000 字，现在是 5,001 字。"),
        ({"description": "坏了不能用", "impact": "slow", "phone": "1" * 41}, "回电最长 40 字，现在是 41 字。"),
    ],
)
def test_the_report_says_what_is_missing_and_keeps_the_rest(
    sent: dict[str, str], sentence: str, house: SimpleNamespace, as_role: Any
) -> None:
    response = as_role(user=house.nurse).post(REPORT, sent)
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    assert sent["description"][:20] in page
    assert not Case.objects.exists()


def test_a_double_tap_makes_one_case(house: SimpleNamespace, as_role: Any) -> None:
    client = as_role(user=house.nurse)
    for _ in range(2):
        client.post(REPORT, {"description": "扫码枪没反应", "impact": "slow", "key": "tap"})
    assert Case.objects.count() == 1


def test_mine_puts_what_waits_for_me_on_top(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    ward: dict[str, Any] = {"department": house.ward, "severity": 3}
    done = solved(house, incident(title="先报的", reporter=house.nurse, **ward))
    incident(title="后报的", reporter=house.nurse, **ward)
    incident(title="同事报的", reporter=None, reporter_name="护士站", **ward)
    client = as_role(user=house.nurse)
    page = client.get("/desk/portal/mine/")
    assert [t.title for t in page.context["tiles"]] == ["先报的", "后报的"]
    assert [(v["label"], v["count"]) for v in page.context["views"]] == [("没办完", "2"), ("办完了", "0")]
    assert page.context["tiles"][0].steps[-1] == {"label": "您确认", "mark": "n"}
    assert "已重装" in page.context["tiles"][0].line
    department = as_role(user=house.sun).get("/desk/portal/mine/", {"tab": "department"})
    assert {t.title for t in department.context["tiles"]} == {"先报的", "后报的", "同事报的"}
    client.post(reverse("desk:confirm", args=[done.number]))
    done.refresh_from_db()
    assert done.state == "closed"
    assert [t.title for t in client.get("/desk/portal/mine/", {"tab": "done"}).context["tiles"]] == ["先报的"]


def test_not_yet_sends_it_back_with_the_reason(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = solved(house, incident())
    client = as_role(user=house.li)
    url = reverse("desk:portal-not-yet", args=[case.number])
    empty = client.post(url, {"reason": ""})
    assert empty.status_code == 422
    assert "请写一句哪里还不行" in empty.content.decode()
    assert client.post(url, {"reason": "2 号窗口还是转圈"}).status_code == 302
    case.refresh_from_db()
    assert case.state == "doing"
    assert "2 号窗口还是转圈" in as_role(user=house.wang).get(case.get_absolute_url()).content.decode()


@pytest.mark.clause("9.6")
def test_satisfaction_is_asked_once(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case = solved(house, incident())
    client = as_role(user=house.li)
    confirmed = client.post(reverse("desk:confirm", args=[case.number]))
    assert confirmed["Location"] == f"/desk/portal/{case.number}/", "where it is asked"
    page = f"/desk/portal/{case.number}/"
    assert client.get(page).context["rate_form"] is not None
    assert client.post(reverse("desk:portal-rate", args=[case.number]), {"score": "9"}).status_code == 422
    client.post(reverse("desk:portal-rate", args=[case.number]), {"score": "4", "note": "来得快😀"})
    case.refresh_from_db()
    assert (case.satisfaction, case.satisfaction_note) == (4, "来得快😀")
    assert client.get(page).context["rate_form"] is None


def test_words_and_photos_can_be_added(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case = incident()
    client = as_role(user=house.li)
    url = reverse("desk:portal-words", args=[case.number])
    assert client.post(url, {"text": "3 号窗口也不行了", "files": [photo()]}).status_code == 302
    assert client.post(url, {"text": ""}).status_code == 422
    page = client.get(f"/desk/portal/{case.number}/").content.decode()
    assert "3 号窗口也不行了" in page
    assert "IMG_0001.jpg" in page


def test_a_colleagues_case_is_not_shown_to_other_departments(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    nurse = as_role(user=house.nurse)
    for name in ("portal-case", "portal-words", "portal-not-yet", "portal-rate", "confirm"):
        url = reverse(f"desk:{name}", args=[case.number])
        assert (nurse.get if name == "portal-case" else nurse.post)(url).status_code == 404, name


def test_notices_tell_everybody_what_windows_should_do(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, clock: Any
) -> None:
    case = incident()
    moves.move(house.wang_, case, "respond")
    moves.move(house.wang_, case, "bulletin", {"bulletin": "请按自费挂账，恢复后补结算"})
    acts.note(house.wang_, case, "中心电话打不通", internal=True)
    nurse = as_role(user=house.nurse)
    assert "请按自费挂账，恢复后补结算" in nurse.get(REPORT).content.decode()
    clock.shift(60)
    moves.move(house.wang_, case, "resolve", {"cause": "中心", "solution": "恢复", "party": "third"})
    assert "请按自费挂账" not in nurse.get(REPORT).content.decode(), "it is over"
    over = nurse.get("/desk/portal/notices/").content.decode()
    assert "已恢复" in over
    assert "中心电话打不通" not in over


def test_mine_asks_the_database_no_more_for_more_cases(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, queries: Any
) -> None:
    client = as_role(user=house.li)
    before = queries(lambda: client.get("/desk/portal/mine/"))
    for n in range(15):
        incident(title=f"第 {n} 件", assignee=house.wang)
    assert queries(lambda: client.get("/desk/portal/mine/")) <= before + 4, "a cache may run out between"
