"""Phone entry from outside: who rang, what is guessed, registering, drafts, duplicates, missed calls."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from xingwei.service.desk.models import CallLog, Case, Draft

NEW = "/desk/new/"
HX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def zhou(house: SimpleNamespace, as_role: Any) -> Any:
    return as_role(user=house.zhou)


@pytest.mark.clause("9.2a", "9.6")
def test_a_call_is_registered_from_two_answers(house: SimpleNamespace, zhou: Any) -> None:
    """No script at all: who rang and what they say are enough, the rest is guessed on the server."""
    response = zhou.post(
        NEW, {"caller": house.li.phone, "description": "刷医保卡一直转圈，窗口都不能收费", "key": "k1"}
    )
    assert response.status_code == 302
    case = Case.objects.get()
    assert (case.reporter, case.department, case.channel, case.registered_by) == (
        house.li, house.window, "phone", house.zhou,
    )  # fmt: skip
    assert (case.kind, case.severity) == ("incident", 2), "a window that cannot do its business (9.2b)"
    assert case.events.get(type="graded").text, "the reason stands beside the level"


def test_sending_twice_makes_one_case(house: SimpleNamespace, zhou: Any) -> None:
    sent = {"caller": "8236", "description": "打印机不出纸", "key": "once"}
    for _ in range(2):
        zhou.post(NEW, sent)
    assert Case.objects.count() == 1


def test_what_was_chosen_is_what_is_kept(house: SimpleNamespace, zhou: Any) -> None:
    chosen = {
        "caller": house.nurse.name, "reporter": house.nurse.pk, "description": "想把申领单按床号排",
        "system": "CIS", "kind": "requirement", "severity": "0", "assignee": house.liu.pk, "phone": "１３９００００",
    }  # fmt: skip
    assert zhou.post(NEW, chosen).status_code == 302
    case = Case.objects.get()
    assert (case.kind, case.severity, case.system.code, case.assignee, case.reporter) == (
        "requirement", 0, "CIS", house.liu, house.nurse,
    )  # fmt: skip
    assert case.phone == "1390000"


def test_a_caller_whom_nobody_knows_is_written_down(house: SimpleNamespace, zhou: Any) -> None:
    zhou.post(NEW, {"caller": "住院部值班电话", "description": "系统登不上", "department": house.ward.pk})
    case = Case.objects.get()
    assert (case.reporter, case.reporter_name, case.department) == (None, "住院部值班电话", house.ward)


def test_one_hit_is_taken_several_are_offered(house: SimpleNamespace, zhou: Any, person: Any) -> None:
    one = zhou.get(reverse("desk:callers"), {"caller": house.li.phone}, **HX).content.decode()
    assert "checked" in one
    assert "换人" in one
    person("reporter", name="李四", department=house.ward)
    several = zhou.get(reverse("desk:callers"), {"caller": "李"}, **HX).content.decode()
    assert several.count('name="reporter"') == 2
    assert "checked" not in several
    assert "名册里没有" in zhou.get(reverse("desk:callers"), {"caller": "99999"}, **HX).content.decode()
    assert zhou.get(reverse("desk:callers"), {"caller": "\x00"}, **HX).status_code == 400


@pytest.mark.clause("9.2b")
def test_the_words_preset_the_answers_and_say_why(house: SimpleNamespace, zhou: Any) -> None:
    sent = {"caller": house.li.phone, "description": "所有窗口都不能收费，医保读不了卡"}
    response = zhou.post(reverse("desk:guess"), sent, **HX)
    chosen = response.context["chosen"]
    assert chosen["severity"] == "2"
    page = response.content.decode()
    assert "已预选，可改" in page
    assert "3 小时内到场" in page, "what the contract promises stands beside the level"
    assert chosen["to"] in {"王工", "刘工"}, "somebody on site is proposed"


def test_ones_own_choice_outlives_a_new_guess(house: SimpleNamespace, zhou: Any) -> None:
    own = {"own": "system,severity", "system": "LIS", "severity": "3"}
    response = zhou.post(reverse("desk:guess"), {"description": "所有窗口都不能收费，医保读不了卡", **own}, **HX)
    assert response.context["chosen"]["system"] == "LIS"
    assert response.context["chosen"]["severity"] == "3"


def test_a_duplicate_is_offered_and_merged(house: SimpleNamespace, zhou: Any, incident: Callable[..., Case]) -> None:
    first = incident()
    words = "刷医保卡一直转圈，最后提示中心处理超时"
    response = zhou.post(reverse("desk:guess"), {"description": words}, **HX)
    assert [d["case"] for d in response.context["duplicates"]] == [first]
    zhou.post(NEW, {"caller": "8236", "description": words, "merge_into": first.number})
    second = Case.objects.exclude(pk=first.pk).get()
    assert second.merged_into == first


def test_a_draft_waits_for_the_next_time(house: SimpleNamespace, zhou: Any) -> None:
    assert zhou.post(NEW, {"act": "draft", "caller": "8236", "description": "说到一半电话断了"}).status_code == 302
    assert Draft.objects.get().person == house.zhou
    page = zhou.get(NEW).content.decode()
    assert "说到一半电话断了" in page
    zhou.post(NEW, {"caller": "8236", "description": "说到一半电话断了，又打来了"})
    assert not Draft.objects.exists()
    assert Case.objects.count() == 1


def test_over_a_page_it_is_a_drawer_and_leaves_the_page_fresh(house: SimpleNamespace, zhou: Any) -> None:
    drawer = zhou.get(NEW, **HX).content.decode()
    assert "<html" not in drawer
    assert "xw-drawer" in drawer
    done = zhou.post(NEW, {"caller": "8236", "description": "打印机不出纸"}, **HX)
    assert (done.status_code, done["HX-Refresh"]) == (204, "true")
    wrong = zhou.post(NEW, {"caller": "", "description": ""}, **HX)
    assert wrong.status_code == 422
    assert "请写谁打来的" in wrong.content.decode()
    assert "请写下现象" in wrong.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"description": ""}, "请写下现象"),
        ({"description": "长" * 5001}, "什么现象最长 5,000 字，现在是 5,001 字。"),
        ({"caller": ""}, "请写谁打来的"),
        ({"caller": "名" * 61}, "谁打来的最长 60 字"),
        ({"system": "XXX"}, "没有这个系统"),
        ({"severity": "7"}, "级别只有一级"),
        ({"kind": "party"}, "没有这个类别"),
        ({"reporter": "999999"}, "这个人已不在名册里"),
        ({"assignee": "abc"}, "没有这个人"),
    ],
)
def test_each_field_says_what_is_wrong(
    changes: dict[str, str], sentence: str, house: SimpleNamespace, zhou: Any
) -> None:
    response = zhou.post(NEW, {"caller": "8236", "description": "打不开"} | changes)
    assert response.status_code == 422
    assert sentence in str(response.context["form"].errors)
    assert not Case.objects.exists()


def test_emoji_and_full_width_are_words_like_others(house: SimpleNamespace, zhou: Any) -> None:
    zhou.post(NEW, {"caller": "８２３６", "description": "窗口１号打不开😭，错误码ＯＲＡ－０１６５３"})
    case = Case.objects.get()
    assert case.description == "窗口1号打不开😭，错误码ORA－01653"
    assert case.reporter_name == "8236" or case.reporter is not None


def test_only_those_who_answer_the_phone_have_it(house: SimpleNamespace, as_role: Any) -> None:
    for name, allowed in (("zhou", True), ("wang", True), ("tang", True), ("li", False), ("zhao", False)):
        client = as_role(user=getattr(house, name))
        assert (client.get(NEW).status_code == 200) is allowed, name
        home = client.get("/", follow=True).content.decode()
        assert ("电话快录" in home) is allowed, name


@pytest.mark.clause("9.6")
def test_a_missed_call_is_counted_until_it_is_rung_back(house: SimpleNamespace, zhou: Any, clock: Any) -> None:
    zhou.post(reverse("desk:missed"), {"caller": house.li.phone, "at": "2026-03-18T09:10"})
    call = CallLog.objects.get()
    assert (call.missed, call.caller_name) == (True, house.li.name)
    page = zhou.get(reverse("desk:calls"))
    assert page.context["missed_this_month"] == 1
    assert call in page.context["waiting"]
    zhou.post(reverse("desk:called-back", args=[call.pk]))
    page = zhou.get(reverse("desk:calls"))
    assert page.context["waiting"] == []
    assert page.context["missed_this_month"] == 1, "rung back, and still missed"


@pytest.mark.clause("9.6")
def test_an_answered_call_is_logged_and_makes_a_missed_one_good(house: SimpleNamespace, zhou: Any) -> None:
    zhou.post(reverse("desk:missed"), {"caller": house.li.phone})
    zhou.post("/desk/new/", {"caller": house.li.phone, "description": "打印机不出纸", "key": "k"})
    zhou.post("/desk/new/", {"caller": house.li.phone, "description": "打印机不出纸", "key": "k"})
    answered = CallLog.objects.get(missed=False)
    assert (answered.case, answered.answered_by) == (Case.objects.get(), house.zhou)
    missed = CallLog.objects.get(missed=True)
    assert missed.called_back_at is not None
    assert zhou.get(reverse("desk:calls")).context["waiting"] == []


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"caller": ""}, "请填写：来电号码"),
        ({"caller": "1", "at": "2026-03-19T09:10"}, "来电时间在将来，请核对。"),
        ({"caller": "1", "at": "三点"}, "时间写成 2026-03-18 10:30 这样。"),
        ({"caller": "9" * 41}, "来电号码最长 40 字"),
    ],
)
def test_a_missed_call_is_checked(sent: dict[str, str], sentence: str, house: SimpleNamespace, zhou: Any) -> None:
    response = zhou.post(reverse("desk:missed"), sent)
    assert response.status_code == 422
    assert sentence in response.content.decode()
