"""The security administrator's work on accounts, through the pages."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from xingwei.base.accounts.models import ApiToken, Organisation, User
from xingwei.base.journal.models import Entry

from .conftest import PASSWORD, sign_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def security(as_role: Any) -> Any:
    return as_role("security_admin", name="严密")


def particulars(user: User, **changes: Any) -> dict[str, Any]:
    """The edit form as it is drawn for the person, with changes."""
    names = [
        "username",
        "name",
        "short_name",
        "title",
        "phone",
        "mobile",
        "email",
        "wecom_id",
        "grade",
        "source",
        "application",
    ]
    data = {n: getattr(user, n) for n in names}
    data |= {"organisation": user.organisation_id, "department": user.department_id or ""}
    return data | {"valid_until": user.valid_until or "", "nda_on": ""} | changes


def seen(page: Any) -> str:
    return re.search(r'name="seen" value="(\w+)"', text(page)).group(1)  # type: ignore[union-attr]


def test_the_list_finds_filters_and_shows_roles(security: Any, person: Any) -> None:
    person("it_staff", name="唐亮")
    gone = person("reporter", name="李敏")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    page = text(security.get("/people/"))
    assert "唐亮" in page
    assert "信息科" in page
    assert "李敏" in text(security.get("/people/", {"state": "disabled"}))
    assert "唐亮" not in text(security.get("/people/", {"state": "disabled"}))
    assert "唐亮" in text(security.get("/people/", {"q": "tangl"}))
    assert "没有符合条件的内容" in text(security.get("/people/", {"q": "天文台"}))
    assert "唐亮" in text(security.get("/people/", {"role": "it_staff"}))
    for odd in ({"state": ["locked", "dormant", "expired", "expiring"]}, {"q": "%_'"}, {"organisation": "x"}):
        assert security.get("/people/", odd).status_code == 200


def test_the_list_costs_the_same_for_many(security: Any, person: Any, django_assert_max_num_queries: Any) -> None:
    for n in range(12):
        person("it_staff", "it_head", name=f"人{n}", department="信息科")
    security.get("/people/")
    with django_assert_max_num_queries(16):
        security.get("/people/")


def test_everybody_sees_only_whom_the_role_lets_them_see(as_role: Any, person: Any) -> None:
    head = as_role("head_nurse", department="心内科")
    colleague, other = person("reporter", name="杨帆", department="心内科"), person("reporter", name="乔木")
    page = text(head.get("/people/"))
    assert "杨帆" in page
    assert "乔木" not in page
    assert head.get(f"/people/{colleague.pk}/").status_code == 200
    assert head.get(f"/people/{other.pk}/").status_code == 404
    reporter = as_role("reporter")
    assert reporter.get(f"/people/{colleague.pk}/").status_code == 403
    assert reporter.get("/people/me/").status_code == 200


def test_only_who_may_takes_the_list_away_and_that_is_recorded(security: Any, as_role: Any) -> None:
    answer = security.get("/people/", {"format": "csv", "state": "active"})
    assert "严密" in b"".join(answer.streaming_content).decode()
    assert Entry.objects.get(act="accounts.person.export").after == {"filter": {"state": ["active"]}}
    staff = as_role("it_staff")
    assert "format=csv" not in text(staff.get("/people/"))
    assert staff.get("/people/", {"format": "csv"}).status_code == 403


def test_a_new_account_opens_once_with_its_first_password(security: Any, person: Any) -> None:
    department = person("reporter", department="收费处").department
    form = {
        "username": "ＸＸ０２１７",
        "name": "李敏",
        "organisation": department.organisation_id,
        "department": department.pk,
        "grade": "standard",
        "source": "local",
        "phone": "８２０１",
    }
    page = text(security.post("/people/new/", form))
    first = re.search(r'class="xw-secret"[^>]*>([^<]+)<', page).group(1)  # type: ignore[union-attr]
    user = User.objects.get(username="XX0217")
    assert user.phone == "8201"
    assert first not in text(security.get(f"/people/{user.pk}/"))
    browser = Client()
    import html

    sign_in(browser, user, html.unescape(first))
    assert browser.get("/")["Location"] == "/people/me/password/"
    entry = Entry.objects.get(act="accounts.person.create")
    assert entry.after["username"] == "XX0217"
    assert first not in str(entry.after)
    again = security.post("/people/new/", form)
    assert again.status_code == 422
    assert "工号 XX0217 已经有账号了" in text(again)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "这个字段是必填项"),
        ({"name": "长" * 41}, "40"),
        ({"email": "nobody"}, "邮"),
        ({"mobile": "电话"}, "手机号只能有数字"),
        ({"valid_until": "明天"}, "不是日期"),
        ({"valid_until": "9999-01-01"}, "年份 9999 不对"),
        ({"valid_until": "0001-01-01"}, "年份 1 不对"),
        ({"nda_on": "2099-01-01"}, "不能晚于今天"),
        ({"name": "李\x00敏"}, "空字符"),
        ({"organisation": "999"}, "选择"),
        ({"grade": "super"}, "super"),
    ],
)
def test_a_bad_field_is_named_and_what_was_typed_stays(security: Any, person: Any, change: Any, said: str) -> None:
    user = person("reporter", name="李敏")
    answer = security.post(f"/people/{user.pk}/edit/", particulars(user, title="收费员", **change))
    assert answer.status_code == 422
    assert said in text(answer)
    assert "收费员" in text(answer)
    user.refresh_from_db()
    assert user.title == ""


@pytest.mark.clause("4.3d")
def test_an_outsiders_account_needs_an_end_and_an_application(security: Any, person: Any) -> None:
    user = person("rnd", name="赵启明")
    answer = security.post(f"/people/{user.pk}/edit/", particulars(user, title="研发"))
    assert "外来人员，账号必须有有效期" in text(answer)
    answer = security.post(f"/people/{user.pk}/edit/", particulars(user, valid_until="2099-01-01"))
    assert "须有书面申请" in text(answer)
    done = particulars(user, valid_until="2099-01-01", application="账申 1")
    assert security.post(f"/people/{user.pk}/edit/", done).status_code == 302


def test_of_two_who_edit_the_second_is_told_and_loses_nothing(security: Any, as_role: Any, person: Any) -> None:
    user = person("reporter", name="李敏")
    first, second = security, as_role("security_admin")
    stamp = seen(second.get(f"/people/{user.pk}/edit/"))
    first.post(f"/people/{user.pk}/edit/", particulars(user, title="组长", seen=stamp))
    answer = second.post(f"/people/{user.pk}/edit/", particulars(user, title="收费员", seen=stamp))
    assert answer.status_code == 422
    assert "别人刚刚改过" in text(answer)
    assert "收费员" in text(answer)
    user.refresh_from_db()
    assert user.title == "组长"


def test_switching_off_is_at_once_and_can_be_taken_back(security: Any, account: Any) -> None:
    user = account("it_staff")
    browser = Client()
    sign_in(browser, user)
    ApiToken.objects.create(
        user=user, name="x", prefix="xw_", digest="d", scopes=[], expires_at=timezone.now() + dt.timedelta(days=1)
    )
    assert security.post(f"/people/{user.pk}/disable/", {"reason": " "}).status_code == 422
    security.post(f"/people/{user.pk}/disable/", {"reason": "离职"})
    assert browser.get("/").status_code == 302
    assert ApiToken.objects.get().revoked_at is not None
    assert "离职" in text(security.get(f"/people/{user.pk}/"))
    assert "已经停用" in text(security.post(f"/people/{user.pk}/disable/", {"reason": "离职"}))
    security.post(f"/people/{user.pk}/enable/")
    assert sign_in(Client(), user).status_code == 302
    assert [e.act.rpartition(".")[2] for e in Entry.objects.filter(act__contains=".person.").order_by("id")] == [
        "disable",
        "enable",
    ]


def test_a_reset_password_is_shown_once_and_must_be_changed(security: Any, account: Any) -> None:
    user = account("it_staff")
    browser = Client()
    sign_in(browser, user)
    page = text(security.post(f"/people/{user.pk}/reset-password/"))
    assert "只显示这一次" in page
    assert browser.get("/").status_code == 302
    assert sign_in(Client(), user, PASSWORD).status_code == 422
    assert security.get(f"/people/{user.pk}/reset-password/").status_code == 302
    User.objects.filter(pk=user.pk).update(source="ldap")
    assert "密码不在本系统" in text(security.post(f"/people/{user.pk}/reset-password/", follow=True))


def test_a_locked_person_is_let_in_again(security: Any, account: Any) -> None:
    user = account("it_staff")
    for _ in range(5):
        sign_in(Client(), user, "wrong")
    assert "登录锁定到" in text(security.get(f"/people/{user.pk}/"))
    assert user.name in text(security.get("/people/", {"state": "locked"}))
    security.post(f"/people/{user.pk}/unlock/")
    assert sign_in(Client(), user).status_code == 302
    assert "没有锁定" in text(security.post(f"/people/{user.pk}/unlock/", follow=True))


@pytest.mark.parametrize("act", ["disable", "reset-password", "mfa-reset", "enable"])
def test_nobody_administers_the_own_account(security: Any, act: str) -> None:
    answer = security.post(f"/people/{security.user.pk}/{act}/", {"reason": "x"}, follow=True)
    assert "自己的账号，请另一位安全管理员办理" in text(answer)
    assert User.objects.get(pk=security.user.pk).is_active


def sheet(*rows: list[str]) -> SimpleUploadedFile:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        page = book.add_worksheet()
        for r, cells in enumerate(rows):
            page.write_row(r, 0, cells)
    return SimpleUploadedFile("人员.xlsx", target.getvalue())


HEAD = ["工号", "姓名", "科室", "职务", "角色"]


@pytest.fixture(autouse=True)
def _files(tmp_path: Any, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }


def test_excel_is_previewed_then_imported(security: Any, person: Any) -> None:
    known = person("reporter", name="李敏", department="收费处")
    rows = [
        [known.username, "李敏", "收费处", "组长", "科室用户"],
        ["n1", "王新", "收费处", "收费员", "科室用户、护士长"],
    ]
    page = security.post("/people/import/", {"file": sheet(HEAD, *rows)})
    assert "新增 1，更改 1，不变 0" in text(page)
    assert "王新（n1）" in text(page)
    assert not User.objects.filter(username="n1").exists()
    token = re.search(r'name="kept" value="([^"]+)"', text(page)).group(1)  # type: ignore[union-attr]
    done = security.post("/people/import/", {"kept": token})
    assert "新建 1 个账号，更改 1 个" in text(done)
    new = User.objects.get(username="n1")
    assert {a.role for a in new.assignments.all()} == {"reporter", "head_nurse"}
    assert new.must_change_password
    known.refresh_from_db()
    assert known.title == "组长"
    again = security.post("/people/import/", {"kept": token})
    assert "已经过期或已经导入过" in text(again)
    same = security.post("/people/import/", {"file": sheet(HEAD, *rows)})
    assert "没有要改的" in text(same)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["n1", "王新", "天文台", "", ""], ["3</td>", "没有这个科室"]),
        (["n1", "", "", "", ""], ["不能为空"]),
        (["n1", "王新", "", "", "院长"], ["没有“院长”"]),
        (["n1", "王新", "", "", "研发"], ["运维服务商的角色"]),
        (["n1", "王新", "", "", "系统管理员"], ["三员之一，要在人员页上单独提出任命"]),
        (["n 1", "王新", "", "", ""], ["中间不能有空格"]),
        (["g1", "王新", "", "", ""], ["在表里出现了两次"]),
    ],
)
def test_a_bad_cell_is_named_and_nothing_is_imported(security: Any, row: list[str], said: list[str]) -> None:
    page = security.post("/people/import/", {"file": sheet(HEAD, ["g1", "好人", "", "", ""], row)})
    assert page.status_code == 422
    for words in said:
        assert words in text(page), words
    assert 'name="kept"' not in text(page)
    assert User.objects.count() == 1


def test_what_is_no_table_is_refused_and_the_template_is_one(security: Any) -> None:
    bad = security.post("/people/import/", {"file": SimpleUploadedFile("a.xlsx", b"\x89PNG\x00")})
    assert (bad.status_code, "不是 Excel 或 CSV" in text(bad)) == (422, True)
    assert "请先选择" in text(security.post("/people/import/", {}))
    blank = b"".join(security.get("/people/import/", {"template": "1"}).streaming_content)
    assert blank.startswith(b"PK")
    assert "表头下面没有内容" in text(security.post("/people/import/", {"file": SimpleUploadedFile("t.xlsx", blank)}))


def test_the_exported_list_can_be_imported_again(security: Any, person: Any) -> None:
    person("it_staff", name="唐亮", department="信息科")
    csv = b"".join(security.get("/people/", {"format": "csv"}).streaming_content)
    page = security.post("/people/import/", {"file": SimpleUploadedFile("p.csv", csv)})
    assert "没有要改的" in text(page), text(page)


def test_somebody_elses_preview_cannot_be_confirmed(security: Any, as_role: Any) -> None:
    page = security.post("/people/import/", {"file": sheet(HEAD, ["n1", "王新", "", "", ""])})
    token = re.search(r'name="kept" value="([^"]+)"', text(page)).group(1)  # type: ignore[union-attr]
    assert "已经过期" in text(as_role("security_admin").post("/people/import/", {"kept": token}))


def test_departments_are_kept_in_a_tree_without_a_circle(as_role: Any, person: Any) -> None:
    it = as_role("it_staff", department="信息科")
    hospital = Organisation.objects.get(side="hospital")
    form = {"organisation": hospital.pk, "code": "5001", "name": "门诊", "kind": "clinical", "active": "on"}
    url = it.post("/people/departments/new/", form)["Location"]
    child = form | {"code": "5002", "name": "门诊内科", "parent": url.split("/")[-2], "extension": "８２１１"}
    child_url = it.post("/people/departments/new/", child)["Location"]
    assert "8211" in text(it.get(child_url))
    page = text(it.get(f"/people/organisations/{hospital.pk}/"))
    assert page.index("门诊</a>") < page.index("门诊内科</a>")
    circle = it.post(f"{url}edit/", form | {"parent": child_url.split("/")[-2]})
    assert "不能放在自己的下级科室之下" in text(circle)
    assert "科室编号 5001 已经用过了" in text(it.post("/people/departments/new/", form))
    own = it.user.department
    off = {"organisation": hospital.pk, "code": own.code, "name": own.name, "kind": own.kind}
    assert "还有启用的账号" in text(it.post(f"/people/departments/{own.pk}/edit/", off))


@pytest.mark.clause("9.1")
def test_the_contact_sheet_says_whom_to_ask_when_and_in_which_order(as_role: Any, person: Any) -> None:
    for role, name in (("service_manager", "周文斌"), ("onsite_engineer", "王磊"), ("it_head", "何立群")):
        user = person(role, name=name)
        User.objects.filter(pk=user.pk).update(mobile="13900000101")
    person("reporter", name="不在表上")
    reporter = as_role("reporter")
    page = text(reporter.get("/people/contacts/"))
    assert page.index("王磊") < page.index("周文斌") < page.index("何立群")
    for words in ("13900000101", "7×24 小时电话", "第一步：直接打值班电话", "第二步"):
        assert words in page
    assert "不在表上" not in page
    csv = b"".join(reporter.get("/people/contacts/", {"format": "csv"}).streaming_content).decode()
    assert "周文斌" in csv
