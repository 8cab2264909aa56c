"""people.yaml: the demonstration's people, imported as the command line and the set-up do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import xingwei.web.demo
from xingwei.base.accounts import queries
from xingwei.base.accounts.models import Department, Organisation, RoleAssignment, RoleProposal, User
from xingwei.base.accounts.services import AccountRefused, create_first_administrator, import_people
from xingwei.base.journal.models import Entry
from xingwei.base.policy.engine import system_actor
from xingwei.base.policy.registry import Denied
from xingwei.base.site.queries import value

pytestmark = pytest.mark.django_db
DEMO = Path(xingwei.web.demo.__file__).with_name("people.yaml")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "people.yaml"
    path.write_text(text, encoding="utf-8")
    return path


BASE = """
organisations: [{code: h, name: 医院, short_name: 医院, side: hospital}, {code: v, name: 公司, short_name: 公司, side: vendor}]
departments: [{code: d1, name: 收费处, kind: window}]
people:
"""


@pytest.mark.clause("9.1")
def test_the_demonstrations_people_come_in_once_and_again_without_a_change() -> None:
    done = import_people(system_actor("command"), DEMO, password="Xingwei-2026")
    assert done.created == User.objects.count() > 80
    assert value("accounts.mfa.administrators") is False
    zhou = User.objects.get(username="zhou")
    assert zhou.check_password("Xingwei-2026")
    assert not zhou.must_change_password
    assert [a.role for a in zhou.assignments.all()] == ["service_manager"]
    assert User.objects.get(username="secadmin").grade == User.Grade.SUPER
    entries = Entry.objects.count()
    again = import_people(system_actor("command"), DEMO, password="Xingwei-2026")
    assert (again.organisations, again.departments, again.created, again.changed) == (0, 0, 0, 0)
    assert Entry.objects.count() == entries


def test_what_differs_is_changed_and_nothing_is_taken_away(tmp_path: Path) -> None:
    first = (
        BASE + "  - {username: a1, name: 甲, organisation: h, department: 收费处, roles: [reporter], phone: '8201'}\n"
    )
    done = import_people(system_actor(), write(tmp_path, first))
    assert set(done.passwords or {}) == {"a1"}
    assert User.objects.get().must_change_password
    second = first.replace("8201", "8299").replace("[reporter]", "[it_staff]").replace("收费处, kind", "收费大厅, kind")
    second = second.replace("department: 收费处", "department: 收费大厅")
    done = import_people(system_actor(), write(tmp_path, second))
    assert (done.departments, done.changed, done.created, done.passwords) == (1, 1, 0, {})
    user = User.objects.get()
    assert user.phone == "8299"
    assert user.department is not None
    assert user.department.name == "收费大厅"
    assert Department.objects.count() == 1
    assert {a.role for a in user.assignments.all()} == {"reporter", "it_staff"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{username: a1, name: 甲, organisation: x}", "人员 a1：没有代码为 x 的单位"),
        ("{username: a1, name: 甲, organisation: h, department: 天文台}", "人员 a1：医院没有“天文台”这个科室"),
        ("{username: a1, name: 甲, organisation: h, roles: [king]}", "人员 a1：没有“king”这个角色"),
        ("{username: a1, name: 甲, organisation: h, roles: [rnd]}", "研发是运维服务商的角色，甲属于医院"),
        ("{username: a1, name: 甲, organisation: v}", "人员 a1：公司的人员是外来人员，账号必须有有效期"),
        ("{username: a1, name: 甲, organisation: h, colour: red}", "人员 a1：不认识的项目 colour"),
        ("{name: 甲, organisation: h}", "工号：此字段不能为空"),
        (f"{{username: a1, name: {'长' * 41}, organisation: h}}", "人员 a1："),
        ("{username: a1, name: 甲, organisation: h, email: nobody}", "人员 a1："),
        ("{username: a1, name: 甲, organisation: h, roles: [system_admin, audit_admin]}", "三员分立"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_imported(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(AccountRefused, match=said):
        import_people(system_actor(), write(tmp_path, BASE + f"  - {entry}\n"))
    assert not User.objects.exists()
    assert not Organisation.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("people: [", "不是正确的 YAML"), ("- 1", "里应有"), ("people: []\nplants: []", "不认识的部分：plants")],
)
def test_a_wrong_file_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AccountRefused, match=said):
        import_people(system_actor(), write(tmp_path, text))
    with pytest.raises(AccountRefused, match="没有这个文件"):
        import_people(system_actor(), tmp_path / "no.yaml")


def test_where_a_person_imports_administrations_become_proposals(tmp_path: Path, actor: Any) -> None:
    path = write(tmp_path, BASE + "  - {username: a1, name: 甲, organisation: h, roles: [system_admin]}\n")
    with pytest.raises(Denied):
        import_people(actor("it_staff"), path)
    import_people(actor("security_admin"), path)
    assert RoleProposal.objects.get().role == "system_admin"
    assert not RoleAssignment.objects.filter(user__username="a1").exists()


def test_the_first_administrator_of_an_empty_installation() -> None:
    with pytest.raises(AccountRefused, match="至少 8 位"):
        create_first_administrator("admin", "严密", "short")
    with pytest.raises(AccountRefused, match="不能有自己的工号"):
        create_first_administrator("admin", "严密", "Admin-2026x")
    user = create_first_administrator("admin", "严密", "Apricot-2026")
    assert queries.actor_of(user).roles == {"security_admin"}
    assert Entry.objects.get(act="accounts.person.first").summary == "首次安装：建立安全管理员严密"
    with pytest.raises(AccountRefused, match="已经有账号"):
        create_first_administrator("other", "别人", "Apricot-2026")
