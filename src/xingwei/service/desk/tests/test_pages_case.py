"""A case's page from outside: what is shown to whom, moves and acts with their refusals, stale edits, files, paper."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image
from pypdf import PdfReader

from xingwei.service.desk.models import Attachment, Case, CaseEvent, Feedback
from xingwei.service.desk.services import acts, moves


def photo(name: str = "错位.png") -> SimpleUploadedFile:
    out = BytesIO()
    Image.new("RGB", (40, 30), "#345").save(out, "PNG")
    return SimpleUploadedFile(name, out.getvalue(), "image/png")


def move(client: Any, case: Case, key: str, **values: Any) -> Any:
    return client.post(reverse("desk:move", args=[case.number, key]), values)


def act(client: Any, case: Case, key: str, **values: Any) -> Any:
    return client.post(reverse("desk:act", args=[case.number, key]), values)


def said(response: Any) -> list[str]:
    """The sentences of the form that came back."""
    return [str(e) for s in response.context["sheets"] for errors in s.form.errors.values() for e in errors]


@pytest.mark.clause("1.6")
def test_a_case_is_seen_by_those_who_may(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case = incident()
    for name in ("zhou", "tang", "zhao", "auditor"):
        assert as_role(user=getattr(house, name)).get(case.get_absolute_url()).status_code == 200, name
    for name in ("sun", "nurse", "centre"):
        refused = as_role(user=getattr(house, name)).get(f"/desk/portal/{case.number}/")
        assert refused.status_code == 404, name
        assert case.title not in refused.content.decode()


def test_a_third_party_sees_the_case_it_was_asked_about(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, other = incident(), incident(title="别的故障")
    acts.note(house.wang_, case, "前置机口令已换", internal=True)
    client = as_role(user=house.centre)
    assert client.get(case.get_absolute_url()).status_code == 404
    response = act(as_role(user=house.wang), case, "ask-third", person=house.centre.pk, text="请查中心结算服务")
    assert response.status_code == 302
    page = client.get(case.get_absolute_url())
    assert page.status_code == 200
    assert "请查中心结算服务" in page.content.decode()
    assert "前置机口令已换" not in page.content.decode(), "the inside stays inside"
    assert client.get(other.get_absolute_url()).status_code == 404


def test_an_auditor_follows_the_case_into_the_journal(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, auditor = incident(), as_role(user=house.auditor)
    url = auditor.get(case.get_absolute_url()).context["history_url"]
    assert f"登记 {case.number}" in auditor.get(url).content.decode()
    assert as_role(user=house.wang).get(case.get_absolute_url()).context["history_url"] == ""


def test_a_number_typed_full_width_is_understood(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    response = as_role(user=house.zhou).get("/desk/２６０３-００１/")
    assert response["Location"] == case.get_absolute_url()
    missing = as_role(user=house.zhou).get("/desk/2603-999/")
    assert missing.status_code == 404
    assert "没有 2603-999 这件问题" in missing.content.decode()
    assert f"最近的是 {case.number}" in missing.content.decode()


def test_the_next_clock_names_the_first_button(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, client = incident(), as_role(user=house.wang)

    def first() -> str:
        return str(client.get(case.get_absolute_url()).context["buttons"]["shown"][0].key)

    assert first() == "respond"
    moves.move(house.wang_, case, "respond")
    assert first() == "bulletin"
    moves.move(house.wang_, case, "bulletin", {"bulletin": "正在查"})
    moves.move(house.wang_, case, "restore")
    assert first() == "arrive"


@pytest.mark.clause("9.2a", "9.7")
def test_a_fault_goes_its_way_by_the_page(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case, wang = incident(), as_role(user=house.wang)
    assert move(wang, case, "respond").status_code == 302
    assert move(wang, case, "arrive", place="门诊收费处").status_code == 302
    done = {"cause": "中心无应答", "solution": "恢复后补结算", "party": "third", "files": [photo()]}
    assert move(wang, case, "resolve", **done).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.party, case.attachments.count()) == ("resolved", "third", 1)
    page = wang.get(case.get_absolute_url()).content.decode()
    assert "恢复后补结算" in page
    assert "门诊收费处" in page
    assert move(as_role(user=house.li), case, "confirm", satisfaction="5").status_code == 302
    case.refresh_from_db()
    assert (case.state, case.satisfaction) == ("closed", 5)


def test_what_is_missing_is_said_and_what_was_typed_stays(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, wang = incident(), as_role(user=house.wang)
    moves.move(house.wang_, case, "respond")
    response = move(wang, case, "resolve", cause="查到一半", solution="", version=case.version + 1)
    assert response.status_code == 422
    assert said(response) == ["请填写：解决办法", "请选择：归属"]
    assert "查到一半" in response.content.decode()
    case.refresh_from_db()
    assert case.state == "doing"


def test_a_move_that_is_not_ones_own_is_refused(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident()
    refused = move(as_role(user=house.tang), case, "respond")
    assert refused.status_code == 422
    assert said(refused) == ["您的角色不能“响应”。"]
    assert move(as_role(user=house.wang), case, "nonsense").status_code == 409
    assert move(as_role(user=house.sun), case, "respond").status_code == 404
    case.refresh_from_db()
    assert case.state == "new"


def test_the_second_of_two_sees_what_the_first_did_and_loses_nothing(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, liu = incident(), as_role(user=house.liu)
    moves.move(house.wang_, case, "respond")
    seen = liu.get(case.get_absolute_url()).context["case"].version
    acts.grade(house.zhou_, case, 3, reason="窗口还能办")
    typed = {"whom": "医保中心李工", "reason": "接口字段要对方改", "version": seen}
    stale = move(liu, case, "wait_third", **typed)
    assert stale.status_code == 409
    page = stale.content.decode()
    assert "级别由二级改为三级" in page
    assert "窗口还能办" in page
    assert "接口字段要对方改" in page, "not a letter is lost"
    case.refresh_from_db()
    assert case.state == "doing"
    sheet = next(s for s in stale.context["sheets"] if s.key == "wait_third")
    again = move(liu, case, "wait_third", **(typed | {"version": sheet.form["version"].value()}))
    assert again.status_code == 302
    case.refresh_from_db()
    assert case.state == "wait_third"


def test_two_corrections_of_different_fields_both_stand(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, liu = incident(), as_role(user=house.liu)
    url = reverse("desk:edit", args=[case.number])
    form = liu.get(url).context["form"]
    opened = {n: form[n].value() or "" for n in form.fields}
    hidden = {f"initial-{n}": v for n, v in opened.items()}
    acts.edit(house.wang_, case, {"title": "医保结算超时"}, version=case.version)
    mine = opened | hidden | {"phone": "8888"}
    stale = liu.post(url, mine)
    assert stale.status_code == 409
    assert stale.context["form"]["title"].value() == "医保结算超时", "his page shows the other's words"
    assert stale.context["form"]["phone"].value() == "8888"
    form = stale.context["form"]
    again = liu.post(url, {n: form[n].value() or "" for n in form.fields} | {k: form.data.get(k, "") for k in hidden})
    assert again.status_code == 302
    case.refresh_from_db()
    assert (case.title, case.phone) == ("医保结算超时", "8888")


def test_a_part_of_another_system_is_not_accepted(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    part = house.systems["CIS"].subsystems.create(code="cis-orders", name="医嘱")
    case, client = incident(), as_role(user=house.wang)
    url = reverse("desk:edit", args=[case.number])
    form = client.get(url).context["form"]
    response = client.post(url, {n: form[n].value() or "" for n in form.fields} | {"subsystem": part.pk})
    assert response.status_code == 422
    assert "“医嘱”属于CIS，不属于医保接口。" in response.content.decode()


def test_acts_of_the_page(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case, other, zhou = incident(), incident(title="读卡慢"), as_role(user=house.zhou)
    assert act(zhou, case, "assign", assignee=house.liu.pk, note="请先看前置机").status_code == 302
    assert act(zhou, case, "grade", severity="1", reason="全院都停了").status_code == 302
    assert act(zhou, case, "tag", tags="医保，收费").status_code == 302
    assert act(zhou, case, "link", number=other.number, kind="related").status_code == 302
    assert act(zhou, case, "split", title="自助机也不行", description="自助机结算失败").status_code == 302
    assert zhou.post(reverse("desk:watch", args=[case.number])).status_code == 302
    case.refresh_from_db()
    assert (case.assignee, case.severity, case.tags) == (house.liu, 1, ["医保", "收费"])
    assert case.links_out.count() == 2
    assert case.watchers.filter(person=house.zhou).exists()
    assert act(zhou, other, "merge", number=case.number, reason="同一件事").status_code == 302
    other.refresh_from_db()
    assert other.merged_into == case
    page = zhou.get(other.get_absolute_url())
    assert page.context["sheets"] == [], "a merged case is worked on elsewhere"
    assert "已并入" in page.content.decode()


@pytest.mark.parametrize(
    ("key", "values", "sentence"),
    [
        ("assign", {}, "请选择交给谁。"),
        ("assign", {"assignee": "99999"}, "这个人不能办理问题，请从列表里选。"),
        ("grade", {"severity": "3"}, "请写明为什么改级别，考核时要看。"),
        ("grade", {"severity": "九", "reason": "x"}, "级别只有一级、二级、三级。"),
        ("tag", {"tags": " ".join(f"标{n}" for n in range(11))}, "最多 10 个标签，现在是 11 个。"),
        ("link", {"number": "9999-999", "kind": "related"}, "没有“9999-999”这件问题，或者您看不到它，请核对编号。"),
        ("merge", {"number": "2603-001"}, "这就是它自己，请写另一件的编号。"),
        ("split", {"title": "长" * 121, "description": "x"}, "另一件的标题最长 120 字，现在是 121 字。"),
        (
            "coordinate",
            {"parties": "三方", "held_at": "2030-01-01T10:00", "conclusion": "c", "next_step": "n"},
            "时间在将来。开完以后再记录。",
        ),
        (
            "coordinate",
            {"parties": "三方", "held_at": "1026-03-18T10:00", "conclusion": "c", "next_step": "n"},
            "年份是 1026，请核对。",
        ),
    ],
)
def test_acts_say_what_is_wrong(
    key: str,
    values: dict[str, str],
    sentence: str,
    house: SimpleNamespace,
    incident: Callable[..., Case],
    as_role: Any,
) -> None:
    response = act(as_role(user=house.zhou), incident(), key, **values)
    assert response.status_code == 422
    assert sentence in said(response)


def test_an_act_that_one_may_not_do_is_refused(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case = incident(department=house.ward, reporter=house.nurse)
    response = act(as_role(user=house.sun), case, "grade", severity="1", reason="急")
    assert response.status_code == 422
    assert "您的角色不能定级问题单" in said(response)[0]
    case.refresh_from_db()
    assert case.severity == 2


def test_an_internal_note_stays_inside(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case, wang, li = incident(), as_role(user=house.wang), as_role(user=house.li)
    note = reverse("desk:note", args=[case.number])
    wang.post(note, {"text": "口令在交接本上", "files": [photo("机房.png")]})
    wang.post(note, {"text": "正在重启服务", "visible": "1"})
    seen = li.get(reverse("desk:portal-case", args=[case.number])).content.decode()
    assert "正在重启服务" in seen
    assert "口令在交接本上" not in seen
    file = Attachment.objects.get()
    assert li.get(reverse("desk:file", args=[file.pk])).status_code == 404
    assert wang.get(reverse("desk:file", args=[file.pk])).status_code == 200


def test_the_same_note_sent_twice_is_kept_once(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, wang = incident(), as_role(user=house.wang)
    for _ in range(2):
        assert (
            wang.post(reverse("desk:note", args=[case.number]), {"text": "已到窗口", "visible": "1"}).status_code == 302
        )
    assert case.events.filter(type="noted").count() == 1


def test_a_kept_form_names_its_draft_and_a_refused_one_does_not(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, wang = incident(), as_role(user=house.wang)
    url = reverse("desk:note", args=[case.number])
    kept = wang.post(url, {"text": "已到窗口", "visible": "1", "draft_key": "2603-001-note"}, follow=True)
    assert 'data-draft-done="2603-001-note"' in kept.content.decode()
    refused = wang.post(url, {"text": "", "draft_key": "2603-001-note"})
    assert refused.status_code == 422
    assert "data-draft-done" not in refused.content.decode()


def test_an_expired_session_leads_back_to_the_case(
    house: SimpleNamespace, incident: Callable[..., Case], client: Any
) -> None:
    case = incident()
    url = case.get_absolute_url()
    response = client.post(
        reverse("desk:note", args=[case.number]), {"text": "写了很久"}, HTTP_REFERER=f"http://testserver{url}"
    )
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/")
    assert not CaseEvent.objects.filter(type="noted").exists()


@pytest.mark.clause("9.9")
def test_files_are_served_so_that_nothing_runs(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    page = SimpleUploadedFile("报表.html", b"<script>alert(1)</script>", "text/html")
    case = incident(files=[photo(), page])
    client = as_role(user=house.wang)
    picture, text = Attachment.objects.order_by("pk")
    shown = client.get(reverse("desk:file", args=[picture.pk]))
    assert shown["Content-Disposition"].startswith("inline")
    kept = client.get(reverse("desk:file", args=[text.pk]))
    assert kept["Content-Type"] == "text/plain"
    assert kept["Content-Disposition"].startswith("attachment")
    for response in (shown, kept):
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert "script-src" not in response["Content-Security-Policy"]
    assert as_role(user=house.nurse).get(reverse("desk:file", args=[picture.pk])).status_code == 403
    assert case.attachments.count() == 2


@pytest.mark.clause("9.7")
def test_a_half_solved_fault_needs_the_written_feedback(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    case, zhou, he = incident(), as_role(user=house.zhou), as_role(user=house.he)
    moves.move(house.wang_, case, "respond")
    done = {"cause": "还没有查明", "solution": "重启后恢复", "party": "unknown", "half_solved": True}
    moves.move(house.wang_, case, "resolve", done)
    page = he.get(case.get_absolute_url())
    confirm = next(s for s in page.context["sheets"] if s.key == "confirm")
    assert "条款 9.7" in confirm.blocked
    words = {"found": "查了六层", "conclusion": "最可能是中心", "plan": "加监控，三日内复查"}
    assert act(zhou, case, "feedback", **words).status_code == 302
    paper = Feedback.objects.get()
    pdf = he.get(reverse("desk:feedback", args=[case.number, paper.pk]))
    assert pdf["Content-Type"] == "application/pdf"
    text = "".join(p.extract_text() for p in PdfReader(BytesIO(pdf.content)).pages)
    assert "加监控，三日内复查" in text.replace("\n", "")
    assert he.post(reverse("desk:receive", args=[case.number, paper.pk])).status_code == 302
    paper.refresh_from_db()
    assert paper.received_by == house.he
    assert move(he, case, "confirm").status_code == 302


def test_both_sides_consents_are_shown(house: SimpleNamespace, incident: Callable[..., Case], as_role: Any) -> None:
    case = incident(kind="defect", severity=0, title="会诊任务重复")
    moves.move(house.zhou_, case, "assess")
    moves.move(house.zhou_, case, "agree")
    page = as_role(user=house.zhou).get(case.get_absolute_url())
    sides = {c.side: c.given for c in page.context["consents"]["sides"]}
    assert sides == {"医院": False, "运维服务商": True}
    assert "还差一方同意" in next(s for s in page.context["sheets"] if s.key == "to_rd").blocked
    assert move(as_role(user=house.he), case, "agree").status_code == 302
    page = as_role(user=house.zhou).get(case.get_absolute_url())
    assert next(s for s in page.context["sheets"] if s.key == "to_rd").blocked == ""


def test_j_and_k_walk_the_list_one_came_from(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any
) -> None:
    ward: dict[str, Any] = {"department": house.ward, "system": house.systems["CIS"]}
    a, b, c = incident(**ward), incident(), incident(**ward)
    client = as_role(user=house.zhou)
    page = client.get(a.get_absolute_url(), {"from": "system=CIS"})
    assert page.context["next_case"].startswith(c.get_absolute_url())
    assert page.context["around"].place == 1
    assert page.context["around"].total == "2"
    assert client.get(a.get_absolute_url()).context["next_case"] == b.get_absolute_url()


def test_the_timeline_pages_and_filters(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, clock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("xingwei.service.desk.views.case.LINES", 3)
    case, client = incident(), as_role(user=house.wang)
    for n in range(4):
        clock.shift(60)
        acts.note(house.wang_, case, f"第 {n} 次")
    first = client.get(case.get_absolute_url())
    assert [line.text for line in first.context["lines"]] == ["第 3 次", "第 2 次", "第 1 次"]
    older = client.get(case.get_absolute_url() + first.context["older_url"].partition("#")[0])
    assert older.context["lines"][0].text == "第 0 次"
    people = client.get(case.get_absolute_url(), {"line": "auto"})
    assert all(line.actor_id is None for line in people.context["lines"])


def test_opening_a_case_costs_the_same_however_long_its_story(
    house: SimpleNamespace, incident: Callable[..., Case], as_role: Any, queries: Any
) -> None:
    case, client = incident(files=[photo(), photo("b.png")]), as_role(user=house.wang)
    everywhere = queries(lambda: client.get("/search/"))
    for n in range(30):
        acts.note(house.wang_, case, f"第 {n} 次")
    assert queries(lambda: client.get(case.get_absolute_url())) - everywhere <= 24
