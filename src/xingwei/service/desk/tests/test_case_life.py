"""A case from the call to the journal, through the services, as the pages and the API use them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.registry import Denied
from xingwei.service.desk.models import Case, CaseClocks, CaseEvent, Escalation, Feedback
from xingwei.service.desk.queries.clocks import current, next_of, outage
from xingwei.service.desk.services import acts, clocks, escalation, papers, reminders
from xingwei.service.desk.services.base import Refused, StaleEdit
from xingwei.service.desk.services.intake import NewCase, call_back, log_call, open_case
from xingwei.service.desk.services.moves import move

from .conftest import at

pytestmark = pytest.mark.django_db
RESOLVE = {"cause": "中心无应答", "solution": "挂账后补结算", "party": "third"}


def block(case: Case, key: str) -> Any:
    case.refresh_from_db()
    return next(c for c in current(case) if c.key == key)


@pytest.mark.clause("9.2a", "9.2b", "1.6")
def test_a_fault_from_the_call_to_the_journal(house: SimpleNamespace, incident: Any, clock: Any) -> None:
    case = incident()
    assert case.number == "2603-001"
    assert next_of(case).due_at == at("03-18 10:11")  # type: ignore[union-attr]
    clock.move_to(at("03-18 09:44"))
    move(house.wang_, case, "respond")
    clock.move_to(at("03-18 09:52"))
    move(house.wang_, case, "arrive", {"place": "门诊收费处"})
    assert (block(case, "response").remaining, block(case, "arrival").remaining) == ("3 分", "11 分")
    assert block(case, "bulletin").due_at == at("03-18 10:14")
    move(house.wang_, case, "bulletin", {"bulletin": "正在联系中心，窗口先按自费挂账。"})
    clock.move_to(at("03-18 10:20"))
    assert outage(case) == dt.timedelta(minutes=39)
    move(house.wang_, case, "resolve", RESOLVE)
    move(house.li_, case, "confirm", {"satisfaction": "5"})
    case.refresh_from_db()
    assert (case.category, case.assignee, case.satisfaction, case.ever_late) == ("closed", house.wang, 5, False)
    acts_done = [e.act for e in Entry.objects.filter(target_type="desk.case").order_by("id")]
    assert acts_done == [f"desk.case.{a}" for a in ("open", "respond", "arrive", "bulletin", "resolve", "confirm")]
    told = set(Notification.objects.filter(kind="desk.bulletin").values_list("person__name", flat=True))
    assert {"李收费员", "何科长", "唐工", "周经理"} <= told


def test_the_same_key_gives_the_same_case(house: SimpleNamespace) -> None:
    new = lambda: NewCase(kind="incident", description="五号窗口卡", key="abc", reporter=house.li)  # noqa: E731
    assert open_case(house.li_, new()) == open_case(house.li_, new())
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"description": " "}, "请写下现象"),
        ({"description": "长" * 5001}, "5,001 字"),
        ({"kind": "nothing"}, "没有这个类别"),
        ({"severity": 9}, "级别只有"),
        ({"opened_at": at("03-18 09:50")}, "在将来"),
        ({"opened_at": at("03-18 09:41") - dt.timedelta(days=900)}, "早于一年前"),
        ({"title": "题" * 121}, "标题最长"),
    ],
)
def test_what_cannot_be_registered_is_said_and_nothing_is_kept(
    incident: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        incident(**changes)
    assert not Case.objects.exists()
    assert not Entry.objects.filter(act="desk.case.open").exists()


def test_what_is_typed_is_kept_as_people_mean_it(incident: Any) -> None:
    case = incident(description="５号窗口😀卡，\x00提示\x07ＥＲＲ", phone="８１０１")
    assert (case.description, case.phone) == ("5号窗口😀卡，提示ERR", "8101")


@pytest.mark.clause("9.7")
def test_it_tries_first_and_hands_over_with_what_it_tried(house: SimpleNamespace, incident: Any, clock: Any) -> None:
    case = incident(severity=3, it_first=True)
    assert case.clocks == []
    assert not Escalation.objects.exists()
    with pytest.raises(Refused, match="信息科先行诊断做了什么"):
        move(house.tang_, case, "hand_over")
    clock.shift(dt.timedelta(hours=1))
    move(house.tang_, case, "hand_over", {"tried": "换了电脑，网络正常"})
    assert block(case, "response").due_at == at("03-18 11:11")
    assert Escalation.objects.filter(case=case).exists()


@pytest.mark.clause("9.2b")
def test_a_level_2_does_not_wait_for_it(house: SimpleNamespace, incident: Any, clock: Any) -> None:
    assert incident(severity=2, it_first=True).state == "new"
    case = incident(severity=3, it_first=True)
    clock.shift(600)
    acts.grade(house.tang_, case, 2, reason="三个窗口都停了")
    case.refresh_from_db()
    assert case.state == "new"
    assert block(case, "response").due_at == at("03-18 10:21")
    with pytest.raises(Refused, match="为什么改级别"):
        acts.grade(house.tang_, case, 3, reason="")


@pytest.mark.clause("1.3")
def test_a_requirement_cannot_end_without_a_written_answer(house: SimpleNamespace, incident: Any) -> None:
    case = incident(kind="requirement", severity=0, title="报告单加二维码", system=house.systems["LIS"])
    move(house.zhou_, case, "assess")
    with pytest.raises(Refused, match="给提出人的答复"):
        move(house.zhou_, case, "accept", {"planned": "6.4"})
    move(house.zhou_, case, "accept", {"answer": "受理，列入下一版本", "planned": "6.4"})
    answer = case.answers.get()
    assert (answer.verdict, answer.by, answer.at) == ("accepted", house.zhou, at("03-18 09:41"))
    assert Notification.objects.filter(person=house.li, kind="desk.case", title__contains="答复受理").exists()
    assert block(case, "progress").state == "ok"


@pytest.mark.clause("1.5")
def test_a_defect_needs_both_sides_before_it_goes_to_rd(house: SimpleNamespace, incident: Any) -> None:
    case = incident(kind="defect", severity=0, title="漏打最后一条")
    move(house.wang_, case, "assess")
    with pytest.raises(Refused, match="还差一方同意"):
        move(house.wang_, case, "to_rd", {"planned": "3.2.7"})
    move(house.wang_, case, "agree")
    with pytest.raises(Refused, match="已经同意过"):
        move(house.zhou_, case, "agree")
    move(house.he_, case, "agree")
    move(house.wang_, case, "to_rd", {"planned": "3.2.7"})
    move(house.zhao_, case, "report", {"stage": "开发中", "progress": "已定位分页计算"})
    with pytest.raises(Refused, match="书面答复"):
        move(house.zhao_, case, "release", {"solution": "3.2.7 已发布"})
    move(house.zhou_, case, "accept", {"answer": "确认是缺陷", "planned": "3.2.7"})
    move(house.zhao_, case, "release", {"solution": "3.2.7 已发布"})
    assert case.rd_progress.count() == 1


@pytest.mark.clause("9.7")
def test_a_half_solved_fault_closes_only_after_the_written_feedback(
    house: SimpleNamespace, incident: Any, clock: Any
) -> None:
    case = incident()
    move(house.wang_, case, "respond")
    move(house.wang_, case, "resolve", {**RESOLVE, "half_solved": True})
    with pytest.raises(Refused, match="书面反馈"):
        move(house.li_, case, "confirm")
    clock.shift(dt.timedelta(days=3))
    assert reminders.confirm_silent() == 0  # silence replaces no paper
    with pytest.raises(Refused, match="都要写"):
        papers.issue_feedback(house.wang_, case, found="查了日志", conclusion="", plan="观察")
    paper = papers.issue_feedback(house.wang_, case, found="查了日志", conclusion="未能复现", plan="观察两周")
    assert paper.number == "运维反馈〔2026〕2603-001-1"
    papers.receive_feedback(house.he_, paper)
    assert Feedback.objects.get().received_by == house.he
    assert reminders.confirm_silent() == 1
    case.refresh_from_db()
    assert case.category == "closed"


def test_the_feedback_is_a_pdf_with_the_words_in_it(house: SimpleNamespace, incident: Any) -> None:
    import io

    from pypdf import PdfReader

    from xingwei.service.desk.papers import feedback_pdf

    case = incident(description="#set page() $x$ *粗* 原样打印")
    paper = papers.issue_feedback(house.wang_, case, found="查了日志", conclusion="未能复现", plan="观察两周")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(feedback_pdf(paper))).pages)
    assert "运维服务书面反馈" in text
    assert "#set page() $x$ *粗* 原样打印" in text


@pytest.mark.clause("9.2a")
def test_people_are_called_step_by_step_until_somebody_answers(
    house: SimpleNamespace, incident: Any, clock: Any
) -> None:
    case = incident()
    assert escalation.run_due() == 1
    assert escalation.run_due() == 0
    told = lambda: list(  # noqa: E731
        Notification.objects.filter(kind="desk.escalation").order_by("id").values_list("person__name", flat=True)
    )
    assert sorted(told()) == sorted(["刘工", "王工"])
    clock.shift(dt.timedelta(minutes=10))
    assert escalation.run_due() == 1
    assert told()[-1] == "周经理"
    move(house.wang_, case, "respond")
    clock.shift(dt.timedelta(hours=1))
    assert escalation.run_due() == 0


def test_nobody_on_duty_is_itself_an_alarm_and_the_next_step_does_not_wait(
    house: SimpleNamespace, incident: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation.rota, "resolve", lambda step, at, code: [])
    incident()
    assert escalation.run_due() == 3
    titles = Notification.objects.filter(kind="desk.alarm", person=house.zhou)
    assert titles.count() == 3


def test_a_late_escalation_is_found_by_the_auditor(house: SimpleNamespace, incident: Any, clock: Any) -> None:
    incident()
    assert escalation.audit() == 0
    clock.shift(dt.timedelta(minutes=6))
    assert escalation.audit() == 1
    escalation.audit()
    assert Notification.objects.filter(kind="desk.alarm", person=house.zhou).count() == 1


def test_editing_the_chain_does_not_touch_a_running_escalation(
    house: SimpleNamespace, incident: Any, clock: Any
) -> None:
    from xingwei.service.rota import services as rota

    incident()
    rota.save_chain(house.zhou_, severity=2, system=None, name="2 级",
                    steps=[{"after_minutes": 0, "to": ["role:it_head"], "label": "新", "urgent": True}])  # fmt: skip
    escalation.run_due()
    assert set(Notification.objects.filter(kind="desk.escalation").values_list("person__name", flat=True)) == {
        "王工",
        "刘工",
    }


def test_warnings_and_lateness_are_told_once(house: SimpleNamespace, incident: Any, clock: Any) -> None:
    case = incident(assignee=house.wang)
    clock.move_to(at("03-18 10:12"))
    reminders.run_due()
    reminders.run_due()
    late = Notification.objects.filter(kind="desk.clock", title__contains="已超时")
    assert set(late.values_list("person__name", flat=True)) == {"王工", "周经理", "何科长"}
    assert late.count() == 3
    case.refresh_from_db()
    assert case.ever_late
    assert case.events.filter(type="late").count() == 1


def test_the_second_editor_sees_what_changed(house: SimpleNamespace, incident: Any) -> None:
    case = incident()
    seen = case.version
    acts.assign(house.zhou_, case, house.liu, version=seen)
    with pytest.raises(StaleEdit, match="周经理") as stale:
        acts.edit(house.tang_, case, {"title": "改过的标题"}, version=seen)
    assert [e.type for e in stale.value.changes] == ["assigned"]


def test_duplicates_are_merged_and_their_people_follow(house: SimpleNamespace, incident: Any) -> None:
    first, second = incident(), incident(reporter=house.nurse, department=house.ward)
    acts.merge(house.zhou_, first, [second], "同一故障")
    second.refresh_from_db()
    assert (second.category, second.merged_into) == ("closed", first)
    assert all(c.state == "done" for c in current(second) if c.key == "response") or second.clock_state == ""
    with pytest.raises(Refused, match="已并入"):
        move(house.wang_, second, "respond")
    first.refresh_from_db()
    assert house.nurse.pk in first.people
    with pytest.raises(Refused):
        acts.merge(house.zhou_, second, [first])


def test_a_part_is_split_off_and_linked(house: SimpleNamespace, incident: Any) -> None:
    case = incident()
    child = acts.split(house.zhou_, case, "住院收费也慢", "住院收费窗口也慢")
    assert child.links_in.get().source == case
    with pytest.raises(Refused, match="不能关联到自己"):
        acts.link(house.zhou_, case, case)


@pytest.mark.clause("1.9b")
def test_a_third_party_sees_only_the_case_that_asks_it(house: SimpleNamespace, incident: Any) -> None:
    case, other = incident(), incident()
    assert not Case.objects.restrict(house.centre_, "desk.case:view").exists()
    acts.ask_third_party(house.wang_, case, house.centre, "请查 9:38 起的 2207")
    assert list(Case.objects.restrict(house.centre_, "desk.case:view")) == [case]
    acts.note(house.centre_, Case.objects.get(pk=case.pk), "已重启结算服务")
    with pytest.raises(Denied):
        acts.note(house.centre_, other, "看看别的")
    with pytest.raises(Refused, match="在将来"):
        papers.coordinate(house.he_, case, parties="三方", held_at=at("03-19 09:00"), conclusion="好", next_step="中心")
    record = papers.coordinate(house.he_, case, parties="信息科、锦云、医保中心", held_at=at("03-18 09:30"),
                               conclusion="中心侧故障", next_step="中心出报告")  # fmt: skip
    assert record.recorded_by == house.he


@pytest.mark.clause("1.6", "2.3")
def test_who_sees_which_cases(house: SimpleNamespace, incident: Any) -> None:
    mine, ward = incident(), incident(reporter=house.nurse, department=house.ward)
    seen = lambda actor: set(Case.objects.restrict(actor, "desk.case:view"))  # noqa: E731
    assert seen(house.li_) == {mine}
    assert seen(house.sun_) == {ward}
    assert seen(house.he_) == seen(house.auditor_) == {mine, ward}


def test_the_timeline_cannot_be_rewritten(incident: Any) -> None:
    case = incident()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CaseEvent.objects.filter(case=case).update(said="改过")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CaseEvent.objects.filter(case=case).delete()


def test_clocks_can_be_recomputed_at_any_time_and_come_out_the_same(
    house: SimpleNamespace, incident: Any, clock: Any
) -> None:
    case = incident(severity=3)
    clock.shift(300)
    move(house.wang_, case, "respond")
    case.refresh_from_db()
    before = (case.clocks, case.next_due_at, case.timing.next_remind_at)
    CaseClocks.objects.update(clocks=[], next_due_at=at("03-18 00:00"))
    assert clocks.recompute_open() == 1
    case.refresh_from_db()
    assert (case.clocks, case.next_due_at, case.timing.next_remind_at) == before


def test_a_new_calendar_moves_the_deadlines(house: SimpleNamespace, incident: Any) -> None:
    from xingwei.base.calendar import queries, services
    from xingwei.base.policy.engine import system_actor

    case = incident(severity=3)
    assert block(case, "arrival").due_at == at("03-19 09:41")
    years = {int(n): y for n, y in queries.latest().years.items()}  # type: ignore[union-attr]
    years[2026] = {**years[2026], "holidays": [*years[2026]["holidays"],
                     {"name": "院庆", "from": "2026-03-19", "to": "2026-03-20"}]}  # fmt: skip
    services.publish(system_actor(), years, queries.latest().hours, "院庆放假")  # type: ignore[union-attr]
    clocks.recompute_open()
    assert block(case, "arrival").due_at == at("03-23 09:41")


@pytest.mark.clause("9.6")
def test_missed_calls_are_counted_and_rung_back(house: SimpleNamespace) -> None:
    call = log_call(house.wang_, "８２３６", missed=True)
    assert (call.caller, call.missed, call.answered_by) == ("8236", True, None)
    call_back(house.wang_, call, "已回电")
    assert call_back(house.liu_, call).note == "已回电"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("病毒.jpg", b"MZ\x90\x00" + b"\x00" * 300, "不是可以上传的类型"),
        ("页.html.png", b"<html><script>alert(1)</script></html>\x00", "不是可以上传的类型"),
        ("空.png", b"", "空文件"),
        ("半张.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, "打不开"),
    ],
)
def test_files_are_judged_by_their_bytes(incident: Any, name: str, content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        incident(files=[SimpleUploadedFile(name, content)])
    assert not Case.objects.exists()


def test_a_file_too_large_is_refused_by_name_and_size(incident: Any) -> None:
    file = SimpleUploadedFile("录像.mp4", b"x")
    file.size = 2**30
    with pytest.raises(Refused, match=r"录像.mp4.*1024 MB"):
        incident(files=[file])


def test_a_photo_loses_where_it_was_taken(incident: Any) -> None:
    import io

    from PIL import Image

    from xingwei.service.desk.services.files import path_of

    image = Image.new("RGB", (40, 20), "white")
    exif = image.getexif()
    exif[0x0110] = "某手机"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    case = incident(files=[SimpleUploadedFile("照片.jpg", out.getvalue())])
    kept = case.attachments.get()
    assert kept.media_type == "image/jpeg"
    assert b"\xe6\x9f\x90" not in path_of(kept).read_bytes()
    with Image.open(path_of(kept)) as stored:
        assert not stored.getexif()


def test_opening_and_moving_a_case_costs_few_queries(
    house: SimpleNamespace, incident: Any, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(45):
        case = incident()
    with django_assert_max_num_queries(45):
        move(house.wang_, case, "respond")
