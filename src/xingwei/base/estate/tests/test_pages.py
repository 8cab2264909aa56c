from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from xingwei.base.estate import queries, services
from xingwei.base.estate.models import (
    BusinessFunction,
    Component,
    Dependency,
    Interface,
    Ownership,
    Parameter,
    ServiceWindow,
    System,
)

from .conftest import SYSTEM

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return response.content.decode()


@pytest.fixture
def it(as_role: Any) -> Any:
    return as_role("it_staff")


def said(client: Any, url: str, data: dict[str, Any], *, back: str = "/estate/") -> str:
    """The page that follows a button, with its toast."""
    answer = client.post(url, data, headers={"Referer": f"http://testserver{back}"}, follow=True)
    assert answer.status_code == 200
    return text(answer)


def cost(client: Any, url: str) -> int:
    """Queries of a page; the second call, so that caches are warm."""
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


@pytest.mark.parametrize("url", ["/estate/", "/estate/systems/HIS/", "/estate/interfaces/", "/estate/parameters/"])
def test_a_page_costs_no_more_queries_when_there_is_more_to_show(small: Any, it: Any, url: str) -> None:
    before = cost(it, url)
    his = System.objects.get(code="HIS")
    for n in range(6):
        services.add_part(SYSTEM, "system", {"code": f"S{n}", "name": f"系统{n}", "short_name": f"系{n}"})
        sub = services.add_part(SYSTEM, "subsystem", {"code": f"b{n}", "name": f"子{n}", "system": his})
        services.add_part(SYSTEM, "function", {"code": f"f{n}", "name": f"功能{n}", "system": his, "subsystem": sub})
        services.add_part(SYSTEM, "interface", {"code": f"i{n}", "name": f"接口{n}", "system": his})
        services.add_part(SYSTEM, "component", {"code": f"c{n}", "name": f"部件{n}", "system": his, "kind": "host"})
        values = {"code": f"P{n}", "name": f"参数{n}", "meaning": "意思", "system": his}
        services.change_parameter(SYSTEM, None, values)
        for subject in (f"system:S{n}", f"interface:i{n}", f"component:c{n}"):
            services.add_owner(SYSTEM, subject, it.user, "owner")
    assert cost(it, url) <= before


def test_the_list_says_what_each_system_is_and_who_answers_for_it(small: Any, it: Any) -> None:
    page = text(it.get("/estate/"))
    assert "HIS" in page
    assert "刘洋" in page
    assert page.count("未登记") == 1  # 医保接口 has no owner yet


def test_a_system_shows_all_its_parts(small: Any, it: Any) -> None:
    page = text(it.get("/estate/systems/HIS/"))
    for word in (
        "门诊收费系统",
        "收费",
        "窗口",
        "HIS 数据库",
        "抹零方式",
        "23:30–01:30",
        "周二、周三，跨零点",
        "何立群",
    ):
        assert word in page, word


@pytest.mark.clause("1.7a", "1.7b")
def test_an_interface_says_whose_it_is_and_what_to_do_without_it(small: Any, it: Any) -> None:
    page = text(it.get("/estate/interfaces/yb-2207/"))
    for word in ("按自费挂账", "刘洋", "医保结算", "门诊收费处", "医保中心结算服务"):
        assert word in page, word


def test_addresses_are_for_maintainers_only(small: Any, as_role: Any) -> None:
    assert "10.10.1.12:1521" in text(as_role("onsite_engineer").get("/estate/components/HIS-DB/"))
    for role in ("medical_affairs", "auditor"):
        client = as_role(role)
        for url in ("/estate/components/HIS-DB/", "/estate/components/", "/estate/components/?format=csv"):
            answer = client.get(url)
            body = b"".join(answer.streaming_content).decode() if answer.streaming else text(answer)
            assert "10.10.1.12" not in body
            assert "仅维护人员可见" in body


def option(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="estate-graph" type="application/json">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


@pytest.mark.clause("1.7a", "1.9a")
def test_the_picture_of_the_hospital_leads_into_each_system(small: Any, it: Any) -> None:
    page = text(it.get("/estate/graph/"))
    nodes = option(page)["series"][1]["data"]
    assert {n["name"] for n in nodes} == {"HIS", "医保接口", "医保中心结算服务"}
    assert next(n for n in nodes if n["name"] == "HIS")["url"] == "/estate/graph/?system=HIS"


def test_the_picture_and_the_lists_mark_what_a_failure_reaches(small: Any, it: Any) -> None:
    page = text(it.get("/estate/graph/?node=component:HIS-DB"))
    names = [n["name"] for n in option(page)["series"][1]["data"]]
    assert "✕ HIS 数据库" in names
    assert {"! HIS 应用", "! 收费", "! 医嘱保存"} <= set(names)
    assert "数据库主机" in names  # it is needed, not affected
    assert re.search(r'data-state="warn">.*?收费</a><span>受影响', page)
    assert "影响 5 个节点、3 项业务功能，含窗口业务" in page


def test_lines_end_at_the_edges_of_their_nodes(small: Any, it: Any) -> None:
    series = option(text(it.get("/estate/graph/?system=HIS")))["series"]
    edges = {(x + dx, y) for x, y in (n["value"] for n in series[1]["data"]) for dx in (-86, 86)}
    for line in series[0]["data"]:
        assert all(tuple(end) in edges for end in line["coords"])


@pytest.mark.parametrize("query", ["?node=component:x", "?system=x", "?system=HIS&node=function:charge"])
def test_a_strange_address_of_the_picture_is_no_error(small: Any, it: Any, query: str) -> None:
    assert it.get(f"/estate/graph/{query}").status_code == 200


def test_a_part_is_registered_changed_and_removed_by_form(small: Any, it: Any) -> None:
    his = System.objects.get(code="HIS")
    form = {
        "system": his.pk,
        "code": "his-queue",
        "name": "叫号",
        "direction": "out",
        "aliases": "叫号屏、排队叫号，叫号屏",
        "active": "on",
    }
    answer = it.post("/estate/new/interface/?system=HIS", form)
    assert answer.status_code == 302
    row = Interface.objects.get(code="his-queue")
    assert row.aliases == ["叫号屏", "排队叫号"]
    assert queries.words().find("叫号屏不亮")[0].terms[0].interface == "his-queue"
    edit = it.get("/estate/edit/interface/his-queue/")
    seen = edit.context["form"].initial["seen"]
    change = {k: v for k, v in form.items() if k != "code"} | {"name": "叫号系统", "seen": seen}
    assert it.post("/estate/edit/interface/his-queue/", change).status_code == 302
    stale = it.post("/estate/edit/interface/his-queue/", change | {"note": "保留我的话"})
    assert stale.status_code == 422
    assert "别人刚刚改过" in text(stale)
    assert "保留我的话" in text(stale)
    assert "已删除“叫号系统”" in said(it, "/estate/remove/interface/his-queue/", {})


@pytest.mark.parametrize(
    ("change", "said_"),
    [
        ({"code": "yb-2207"}, "已存在"),
        ({"code": "有空格 的"}, "只能用字母"),
        ({"name": "长" * 61}, "60"),
        ({"name": ""}, "必填"),
        ({"aliases": "短、" + "长" * 31}, "应是 2 到 30 字"),
        ({"system": "999999"}, "选择"),
        ({"direction": "斜"}, "选择"),
    ],
)
def test_a_form_with_bad_values_says_where_and_keeps_the_rest(
    small: Any, it: Any, change: dict[str, str], said_: str
) -> None:
    his = System.objects.get(code="HIS")
    form = {"system": his.pk, "code": "new", "name": "新接口", "direction": "out", "note": "留着这句话"}
    answer = it.post("/estate/new/interface/", form | change)
    assert answer.status_code == 422
    assert said_ in text(answer)
    assert "留着这句话" in text(answer)
    assert Interface.objects.count() == 1


def test_links_are_made_and_refused_by_button(small: Any, it: Any) -> None:
    url = "/estate/dependencies/add/"
    data = {"source": "interface:yb-2207", "target": "component:HIS-DB", "kind": "runs_on"}
    assert "不能是“运行于”" in said(it, url, data)
    services.add_part(SYSTEM, "component", {"code": "CORE", "name": "核心交换机", "kind": "link"})
    assert "已登记依赖" in said(it, url, data | {"target": "component:CORE", "kind": "connects"})
    row = Dependency.objects.get(target="component:CORE")
    assert "已删除这条依赖" in said(it, f"/estate/dependencies/{row.pk}/remove/", {})
    assert "没有“”这一项" in said(it, url, {})


def test_owners_are_named_by_number_or_name(small: Any, it: Any, person: Any) -> None:
    person("onsite_engineer", name="刘洋")
    url = "/estate/owners/add/"
    assert "可能是" in said(it, url, {"subject": "system:YB", "person": "刘洋", "part": "owner"})
    assert "已登记负责人 刘洋" in said(it, url, {"subject": "system:YB", "person": "liu", "part": "owner"})
    assert "没有找到“无此人”" in said(it, url, {"subject": "system:YB", "person": "无此人", "part": "owner"})
    row = Ownership.objects.get(subject="system:YB")
    assert "刘洋不再是负责人" in said(it, f"/estate/owners/{row.pk}/remove/", {})


def test_windows_are_registered_by_form(small: Any, it: Any) -> None:
    form = {"kind": "service", "weekdays": list("12345"), "start": "08:00", "end": "18:00", "note": "白天"}
    assert it.post("/estate/systems/HIS/windows/new/", form).status_code == 302
    assert "周一至周五" in text(it.get("/estate/systems/HIS/"))
    answer = it.post("/estate/systems/HIS/windows/new/", form)
    assert answer.status_code == 422
    assert "已经登记过" in text(answer)
    row = ServiceWindow.objects.get(kind="service")
    assert "已删除这个时段" in said(it, f"/estate/windows/{row.pk}/remove/", {})


@pytest.mark.clause("2.2")
def test_the_dictionary_is_searched_by_what_a_parameter_means(small: Any, as_role: Any) -> None:
    client = as_role("head_nurse")
    page = text(client.get("/estate/parameters/?q=现金 分币"))
    assert "抹零方式" in page
    assert "放号时间" not in page
    assert "抹零方式" not in text(client.get("/estate/parameters/?q=抢救"))
    assert "放号时间" not in text(client.get("/estate/parameters/?changed=1"))
    page = text(client.get("/estate/parameters/HIS/SF003/"))
    for word in ("产生与医保中心的分币差异", "保持不抹零", "默认值 舍去分", "导入参数字典时登记的现值"):
        assert word in page, word
    assert "登记现值" not in page


@pytest.mark.clause("2.2")
def test_setting_a_value_asks_why_and_shows_the_history(small: Any, it: Any) -> None:
    url = "/estate/parameters/HIS/SF003/set/"
    seen = it.get(url).context["form"].initial["seen"]
    refused = it.post(url, {"value": "舍去分", "reason": "", "seen": seen})
    assert refused.status_code == 422
    assert 'value="舍去分"' in text(refused)
    assert it.post(url, {"value": "舍去分", "reason": "财务科要求", "seen": seen}).status_code == 302
    page = text(it.get("/estate/parameters/HIS/SF003/"))
    assert "财务科要求" in page
    assert it.user.name in page
    stale = it.post(url, {"value": "不抹零", "reason": "再改", "seen": seen})
    assert stale.status_code == 422
    assert "别人刚刚把它改成了“舍去分”" in text(stale)


def test_a_parameter_is_registered_explained_and_retired(small: Any, it: Any) -> None:
    his = System.objects.get(code="HIS")
    form = {"system": his.pk, "code": "ZY001", "name": "预交金报警线", "meaning": "低于多少元催缴", "active": "on"}
    assert it.post("/estate/parameters/new/", form).status_code == 302
    answer = it.post("/estate/parameters/new/", form)
    assert answer.status_code == 422
    assert "已经存在" in text(answer)
    change = {k: v for k, v in form.items() if k not in ("code", "active")} | {"advice": "500"}
    assert it.post("/estate/parameters/HIS/ZY001/edit/", change).status_code == 302
    row = Parameter.objects.get(code="ZY001")
    assert (row.advice, row.active) == ("500", False)
    assert "已删除参数" in said(it, "/estate/parameters/HIS/ZY001/remove/", {})
    assert "不能删除，请改为停用" in said(it, "/estate/parameters/HIS/SF003/remove/", {})


def test_the_search_over_everything_finds_parts_and_parameters(small: Any, as_role: Any) -> None:
    page = text(as_role("it_staff").get("/search/?q=收费"))
    assert "/estate/functions/charge/" in page
    assert "/estate/parameters/HIS/SF003/" in page
    assert "/estate/interfaces/yb-2207/" in text(as_role("it_staff").get("/search/?q=医保无法收费"))
    assert "/estate/" not in text(as_role("reporter").get("/search/?q=收费")).partition('id="main"')[2]


def csv_file(name: str, rows: list[list[str]], encoding: str = "utf-8") -> SimpleUploadedFile:
    lines = "\n".join(",".join(f'"{c}"' for c in row) for row in rows)
    return SimpleUploadedFile(name, lines.encode(encoding))


def exported(client: Any, url: str) -> SimpleUploadedFile:
    answer = client.get(url)
    body = b"".join(answer.streaming_content)
    return SimpleUploadedFile("out." + url.rpartition("=")[2], body)


@pytest.mark.parametrize("kind", ["components", "interfaces", "parameters"])
@pytest.mark.parametrize("format_", ["xlsx", "csv"])
def test_what_is_exported_comes_back_without_a_change(small: Any, it: Any, kind: str, format_: str) -> None:
    file = exported(it, f"/estate/{kind}/?format={format_}")
    answer = it.post(f"/estate/{kind}/import/", {"file": file})
    assert answer.status_code == 200, text(answer)
    plan = answer.context["plan"]
    assert (plan.new, plan.changed) == (0, 0)
    assert plan.same > 0


def test_an_import_is_previewed_then_done(small: Any, it: Any) -> None:
    rows = [
        ["代码", "名称", "系统", "类别", "责任方", "别名", "在用"],
        ["HIS-DB", "HIS 主库", "HIS", "数据库", "运维公司", "", "是"],
        ["NEW-1", "新主机", "", "主机", "", "新机、备用机", "是"],
    ]
    answer = it.post("/estate/components/import/", {"file": csv_file("部件.csv", rows, "gbk")})
    assert answer.status_code == 200
    plan = answer.context["plan"]
    assert (plan.new, plan.changed) == (1, 1)
    assert "HIS 主库" in text(answer)
    assert Component.objects.get(code="HIS-DB").name == "HIS 数据库"
    answer = it.post("/estate/components/import/", {"kept": answer.context["token"]}, follow=True)
    assert "已导入 2 行部件" in text(answer)
    row = Component.objects.get(code="HIS-DB")
    assert (row.name, row.responsible.code, row.address) == ("HIS 主库", "vendor", "10.10.1.12:1521")
    assert Component.objects.get(code="NEW-1").aliases == ["新机", "备用机"]


@pytest.mark.parametrize(
    ("kind", "rows", "said_"),
    [
        ("components", [["代码", "名称", "类别"], ["A 1", "甲", "主机"]], ("2", "A", "中间不能有空格")),
        ("components", [["代码", "名称", "类别"], ["A1", "甲", "房子"]], ("2", "C", "应是应用")),
        ("components", [["代码", "名称", "类别", "系统"], ["A1", "甲", "主机", "XYZ"]], ("2", "D", "系统里没有这一个")),
        ("components", [["代码", "名称", "类别"], ["A1", "甲", "主机"], ["A1", "乙", "主机"]], ("3", "A", "与第 2 行重复")),
        ("components", [["代码", "名称", "类别"], ["_A", "甲", "主机"]], ("2", "A", "只能用字母")),
        ("interfaces", [["代码", "名称", "系统"], ["A1", "甲", ""]], ("2", "C", "不能为空")),
        ("interfaces", [["代码", "名称", "系统", "政策性"], ["A1", "甲", "HIS", "也许"]], ("2", "D", "“是”或“否”")),
        (
            "parameters",
            [["系统", "代码", "参数名", "含义", "现值"], ["HIS", "SF003", "抹零方式", "如何取舍", "舍去分"]],
            ("2", "", "请写明原因"),
        ),
        (
            "parameters",
            [["系统", "代码", "参数名", "含义", "子系统"], ["HIS", "X1", "新", "新", "没有"]],
            ("2", "E", "系统里没有这一个"),
        ),
    ],
)  # fmt: skip
def test_wrong_cells_are_named_and_nothing_is_written(
    small: Any, it: Any, kind: str, rows: list[list[str]], said_: tuple[str, str, str]
) -> None:
    before = (Component.objects.count(), Interface.objects.count(), Parameter.objects.count())
    answer = it.post(f"/estate/{kind}/import/", {"file": csv_file("a.csv", rows)})
    assert answer.status_code == 422
    errors = [(str(e.row), e.column, e.message) for e in answer.context["plan"].errors]
    assert any((r, c) == said_[:2] and said_[2] in m for r, c, m in errors), errors
    assert before == (Component.objects.count(), Interface.objects.count(), Parameter.objects.count())


@pytest.mark.clause("2.2")
def test_values_come_from_excel_with_their_reason(small: Any, it: Any) -> None:
    rows = [
        ["系统", "代码", "参数名", "含义", "现值", "修改原因"],
        ["HIS", "SF003", "抹零方式", "现金收费时分角如何取舍", "舍去分", "财务科 11 月要求"],
        ["HIS", "GH009", "新参数", "新的含义", "5", "上线时设"],
    ]
    answer = it.post("/estate/parameters/import/", {"file": csv_file("p.csv", rows)})
    assert answer.status_code == 200, text(answer)
    it.post("/estate/parameters/import/", {"kept": answer.context["token"]})
    entry = Parameter.objects.get(code="SF003").history.first()
    assert (entry.value, entry.reason, entry.changed_by_id) == ("舍去分", "财务科 11 月要求", it.user.pk)
    assert queries.parameters().get(code="GH009").current == "5"


@pytest.mark.parametrize("path", ["components", "interfaces", "parameters"])
def test_the_template_for_excel_can_be_fetched(small: Any, it: Any, path: str) -> None:
    assert it.get(f"/estate/{path}/import/?template=1").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/estate/systems/x/",
        "/estate/components/x/",
        "/estate/interfaces/x/",
        "/estate/functions/x/",
        "/estate/parameters/x/y/",
        "/estate/new/x/",
        "/estate/edit/x/y/",
        "/estate/edit/component/y/",
    ],
)
def test_what_is_not_there_is_not_found(small: Any, it: Any, path: str) -> None:
    assert it.get(path).status_code == 404


def test_a_function_page_names_its_departments(small: Any, it: Any) -> None:
    page = text(it.get("/estate/functions/charge/"))
    assert "门诊收费处" in page
    assert "是，中断按窗口业务受影响定级" in page
    row = BusinessFunction.objects.get(code="charge")
    assert row.get_absolute_url() == "/estate/functions/charge/"
