from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from xingwei.base.estate import queries, services
from xingwei.base.estate.models import (
    BusinessFunction,
    Component,
    Dependency,
    Interface,
    Ownership,
    Parameter,
    ParameterValue,
    ServiceWindow,
    Subsystem,
    System,
)
from xingwei.base.estate.services.parts import FIELDS
from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied

from .conftest import SYSTEM

pytestmark = pytest.mark.django_db


def last(act: str) -> Entry:
    return Entry.objects.filter(act=act).latest("id")


def test_a_part_is_added_changed_and_removed_with_what_hung_on_it(small: Any, actor: Any) -> None:
    it = actor("it_staff")
    his = System.objects.get(code="HIS")
    row = services.add_part(
        it, "component", {"code": "HIS-2", "name": "备用应用", "kind": "application", "system": his}
    )
    services.add_dependency(it, "component:HIS-2", "component:HIS-DB", "stores_in")
    services.add_owner(it, "component:HIS-2", small_person(), "owner")
    row = services.change_part(it, row, {"name": "备用 HIS 应用", "aliases": ["备机"]})
    entry = last("estate.component.change")
    assert (entry.before, entry.after) == (
        {"name": "备用应用", "aliases": []},
        {"name": "备用 HIS 应用", "aliases": ["备机"]},
    )
    assert [t.component for t in queries.vocabulary() if t.term == "备机"] == ["HIS-2"]
    services.remove_part(it, row)
    assert not Component.objects.filter(code="HIS-2").exists()
    assert not Dependency.objects.filter(source="component:HIS-2").exists()
    assert not Ownership.objects.filter(subject="component:HIS-2").exists()
    assert last("estate.component.remove").before["code"] == "HIS-2"


def small_person() -> Any:
    return Ownership.objects.filter(subject="system:HIS", part="owner").get().person


def test_saving_what_is_there_already_is_no_act(small: Any) -> None:
    row = Component.objects.get(code="HIS-DB")
    before = Entry.objects.count()
    services.change_part(SYSTEM, row, {"name": row.name})
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"code": "HIS-DB", "name": "重复", "kind": "host"}, "代码.*已存在|已存在"),
        ({"code": "有 空格", "name": "库", "kind": "host"}, "只能用字母"),
        ({"code": "A1", "name": "", "kind": "host"}, "名称"),
        ({"code": "A1", "name": "库" * 61, "kind": "host"}, "60"),
        ({"code": "A1", "name": "库", "kind": "房子"}, "类别"),
        ({"code": "A1", "name": "库", "kind": "host", "aliases": ["长" * 31]}, "别名"),
    ],
)
def test_bad_values_are_refused_naming_the_field(small: Any, values: dict[str, Any], said: str) -> None:
    with pytest.raises(services.EstateRefused, match=said):
        services.add_part(SYSTEM, "component", values)


def test_a_subsystem_of_another_system_is_refused(small: Any) -> None:
    row = BusinessFunction.objects.get(code="settle")
    with pytest.raises(services.EstateRefused, match="不属于所选的系统"):
        services.change_part(SYSTEM, row, {"subsystem": Subsystem.objects.get(code="his-charge")})


def test_who_edits_what_another_changed_meanwhile_is_told(small: Any) -> None:
    row = Interface.objects.get(code="yb-2207")
    seen = services.stamp(row, FIELDS["interface"])
    services.change_part(SYSTEM, row, {"peer": "中心"})
    with pytest.raises(services.Stale, match="别人刚刚改过"):
        services.change_part(SYSTEM, row, {"note": "x"}, seen=seen)


def test_what_other_things_refer_to_cannot_be_removed(small: Any) -> None:
    with pytest.raises(services.EstateRefused, match=r"还有.*引用，不能删除"):
        services.remove_part(SYSTEM, System.objects.get(code="HIS"))
    with pytest.raises(services.EstateRefused, match="改为停用"):
        services.remove_part(SYSTEM, Subsystem.objects.get(code="his-charge"))
    assert Subsystem.objects.filter(code="his-charge").exists()


def test_a_retired_part_leaves_the_vocabulary_and_the_graph(small: Any) -> None:
    assert "function:order" in queries.graph().nodes
    services.change_part(SYSTEM, BusinessFunction.objects.get(code="order"), {"active": False})
    assert "function:order" not in queries.graph().nodes
    assert not [t for t in queries.vocabulary() if t.function == "order"]


@pytest.mark.parametrize(
    ("source", "target", "kind", "said"),
    [
        ("component:HIS-APP", "component:HIS-DB", "stores_in", "已经登记过"),
        ("component:HIS-APP", "component:NONE", "calls", "没有“component:NONE”"),
        ("component:HIS-APP", "component:HOST", "stores_in", "可以是：运行于"),
        ("component:HIS-DB", "component:HIS-DB", "runs_on", "不能依赖自己"),
    ],
)
def test_a_dependency_that_makes_no_sense_is_refused(
    small: Any, source: str, target: str, kind: str, said: str
) -> None:
    with pytest.raises(services.EstateRefused, match=said):
        services.add_dependency(SYSTEM, source, target, kind)


def test_a_circle_is_refused_with_its_chain_and_mutual_calls_are_not(small: Any) -> None:
    for code, kind in (("P1", "device"), ("L1", "link"), ("APP2", "application")):
        services.add_part(SYSTEM, "component", {"code": code, "name": code, "kind": kind})
    services.add_dependency(SYSTEM, "component:HIS-APP", "component:APP2", "calls")
    services.add_dependency(SYSTEM, "component:APP2", "component:HIS-APP", "calls")
    # No kinds of node that the rules allow can close a strict circle but a table kept by hand may hold one.
    Dependency.objects.create(source="component:HOST", target="component:HIS-APP", kind="runs_on")
    with pytest.raises(services.EstateRefused, match=r"循环：HIS 应用 → .* → HIS 应用"):
        services.add_dependency(SYSTEM, "component:HIS-APP", "component:HOST", "runs_on")


def test_owners_are_named_once_in_each_part(small: Any, person: Any) -> None:
    who = person("onsite_engineer", name="王磊")
    row = services.add_owner(SYSTEM, "interface:yb-2207", who, "backup")
    with pytest.raises(services.EstateRefused, match="王磊已经是这一项的备份负责人"):
        services.add_owner(SYSTEM, "interface:yb-2207", who, "backup")
    with pytest.raises(services.EstateRefused, match="没有“interface:x”"):
        services.add_owner(SYSTEM, "interface:x", who, "owner")
    with pytest.raises(services.EstateRefused, match="请选择职责"):
        services.add_owner(SYSTEM, "interface:yb-2207", who, "king")
    found = queries.owners_of(["interface:yb-2207", "system:YB"])
    assert [(o.part, o.person.name) for o in found["interface:yb-2207"]] == [("owner", "刘洋"), ("backup", "王磊")]
    services.remove_owner(SYSTEM, row)
    assert last("estate.owner.remove").before["person"] == who.pk


@pytest.mark.parametrize(
    ("weekdays", "start", "end", "said"),
    [("", "08:00", "09:00", "星期"), ("89", "08:00", "09:00", "星期"), ("1", "08:00", "08:00", "起止时间相同")],
)
def test_a_window_without_sense_is_refused(small: Any, weekdays: str, start: str, end: str, said: str) -> None:
    his = System.objects.get(code="HIS")
    with pytest.raises(services.EstateRefused, match=said):
        services.add_window(SYSTEM, his, "service", weekdays, dt.time.fromisoformat(start), dt.time.fromisoformat(end))


def test_a_window_may_run_over_midnight_and_stands_once(small: Any) -> None:
    his = System.objects.get(code="HIS")
    row = services.add_window(SYSTEM, his, "maintenance", "7711", dt.time(23), dt.time(1))
    assert row.weekdays == "17"
    with pytest.raises(services.EstateRefused, match="已经登记过"):
        services.add_window(SYSTEM, his, "maintenance", "17", dt.time(23), dt.time(1))
    services.remove_window(SYSTEM, row)
    assert ServiceWindow.objects.filter(system=his).count() == 1


@pytest.mark.clause("2.2")
def test_a_value_is_set_with_its_reason_and_the_history_stays(small: Any, actor: Any) -> None:
    it = actor("it_staff")
    row = Parameter.objects.get(code="SF003")
    assert queries.parameters().get(code="SF003").current == "不抹零"
    entry = services.set_parameter_value(it, row, "舍去分", " 财务科要求 ", seen="不抹零")
    assert (entry.before, entry.reason, entry.changed_by_id) == ("不抹零", "财务科要求", it.id)
    assert queries.parameters().get(code="SF003").current == "舍去分"
    assert [h.value for h in row.history.all()] == ["舍去分", "不抹零"]
    assert last("estate.parameter.set").after == {"value": "舍去分"}
    for act in (lambda: ParameterValue.objects.update(value="x"), entry.delete):
        with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
            act()


@pytest.mark.parametrize(
    ("value", "reason", "seen", "said"),
    [
        ("舍去分", "  ", "", "请写明为什么改"),
        ("不抹零", "再试", "", "现在的值就是“不抹零”"),
        ("舍去分", "改", "四舍五入", "别人刚刚把它改成了“不抹零”"),
        ("长" * 301, "改", "", "300"),
    ],
)
def test_a_value_without_reason_or_news_is_refused(small: Any, value: str, reason: str, seen: str, said: str) -> None:
    with pytest.raises(services.EstateRefused, match=said):
        services.set_parameter_value(SYSTEM, Parameter.objects.get(code="SF003"), value, reason, seen=seen)


def test_a_parameter_with_a_history_is_retired_not_removed(small: Any) -> None:
    row = Parameter.objects.get(code="SF003")
    with pytest.raises(services.EstateRefused, match="不能删除，请改为停用"):
        services.remove_parameter(SYSTEM, row)
    services.change_parameter(SYSTEM, row, {"active": False})
    with pytest.raises(services.EstateRefused, match="已停用"):
        services.set_parameter_value(SYSTEM, row, "舍去分", "试")
    services.remove_parameter(SYSTEM, Parameter.objects.get(code="GH002"))
    assert not Parameter.objects.filter(code="GH002").exists()


@pytest.mark.parametrize("role", ["reporter", "rnd", "medical_affairs", "security_admin", "auditor"])
def test_others_do_not_change_the_estate(small: Any, actor: Any, role: str) -> None:
    who = actor(role)
    with pytest.raises(Denied):
        services.change_part(who, System.objects.get(code="HIS"), {"name": "x"})
    with pytest.raises(Denied):
        services.set_parameter_value(who, Parameter.objects.get(code="SF003"), "x", "y")


def test_what_a_department_works_with_comes_windows_first(small: Any) -> None:
    from xingwei.base.accounts.models import Department

    cashiers = Department.objects.get(name="门诊收费处")
    assert [f.code for f in queries.usual_functions(cashiers.pk)] == ["charge", "settle"]
    assert [f.code for f in queries.usual_functions(Department.objects.get(name="心内科").pk)] == ["order"]
    assert queries.usual_functions(None) == []


@pytest.mark.clause("1.7a")
def test_the_impact_of_a_failure_names_functions_and_departments(small: Any) -> None:
    found = queries.impact("component:LINE")
    assert found is not None
    assert [f.code for f in found.functions] == ["settle"]
    assert [d.name for d in found.departments] == ["门诊收费处"]
    host = queries.impact("component:HOST")
    assert host is not None
    assert {f.code for f in host.functions} == {"charge", "settle", "order"}
    assert host.affected[0].key == "component:HIS-DB"
    assert queries.impact("component:x") is None


def test_the_caches_cost_no_queries_until_something_is_written(small: Any, django_assert_num_queries: Any) -> None:
    queries.words(), queries.graph()
    with django_assert_num_queries(0):
        queries.words(), queries.graph(), queries.vocabulary()
    services.change_part(SYSTEM, System.objects.get(code="YB"), {"aliases": ["社保"]})
    assert queries.words().find("社保")[0].terms[0].system == "YB"


def test_a_term_carries_the_codes_of_what_it_means(small: Any) -> None:
    terms = {t.term: t for t in queries.vocabulary()}
    charge = terms["收费"]
    assert (charge.system, charge.subsystem, charge.function, charge.window) == ("HIS", "his-charge", "charge", True)
    assert terms["医保无法收费"].interface == "yb-2207"
    assert terms["收费窗口"].subsystem == "his-charge"
    assert terms["专线"].component == "LINE"
