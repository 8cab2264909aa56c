"""The auditors' pages over the journal: found, read, exported, verified; and all of that recorded."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.accounts import auditing
from xingwei.base.accounts import settings as account_settings
from xingwei.base.journal import checks, options, sealing
from xingwei.base.journal.models import Entry, Verification
from xingwei.base.journal.services import record
from xingwei.base.journal.who import Who

from .conftest import text

pytestmark = [pytest.mark.django_db, pytest.mark.clause("4.3b")]
URL = "/people/journal/"


@pytest.fixture(autouse=True)
def _home(tmp_path: Any, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    options.use(account_settings.journal_options)


@pytest.fixture
def auditor(as_role: Any, setting: Any) -> Any:
    return as_role("audit_admin", name="荆鉴")


def write(act: str = "accounts.person.edit", said: str = "修改李敏的账号资料", **more: Any) -> Entry:
    who = Who(id=more.pop("actor", 7), name=more.pop("name", "严密"), organisation="医院", address="10.0.0.8")
    with transaction.atomic():
        target = more.pop("target", ("accounts.user", "12", "李敏"))
        return record(who, act, target, said, **more)


def test_entries_are_found_by_who_what_when_and_words(auditor: Any, person: Any) -> None:
    tang = person("it_staff", name="唐亮")
    write(
        "site.setting.change",
        "把“留存”从 184 改为 200",
        actor=tang.pk,
        name="唐亮",
        target=("site.setting", "k", "留存"),
    )
    write()
    pages = {
        "唐亮": {"who": "tangl"},
        "留存": {"area": "site.setting"},
        "把“留存”": {"q": "从 184"},
        "site.setting": {"target": "site.setting:k"},
        "184 改为": {"target": "留存"},
        "200": {"from": timezone.localdate().isoformat(), "to": timezone.localdate().isoformat(), "q": "留存"},
    }
    for words, query in pages.items():
        page = text(auditor.get(URL, query)).split("<tbody>")[1]
        assert words in page or words in ("site.setting",), (words, query)
        assert "李敏" not in page, query
    tomorrow = (timezone.localdate() + dt.timedelta(days=1)).isoformat()
    assert "没有符合条件" in text(auditor.get(URL, {"from": tomorrow}))
    for odd in ({"from": "昨天"}, {"who": "%_'"}, {"target": ":"}, {"area": "x"}, {"after": "!!"}):
        assert auditor.get(URL, odd).status_code == 200


def test_words_without_a_time_look_back_three_months_and_say_so(auditor: Any) -> None:
    assert "最近 90 天" in text(auditor.get(URL, {"q": "修改"}))
    assert "最近 90 天" not in text(auditor.get(URL, {"q": "修改", "from": "2020-01-01"}))
    assert "最近 90 天" not in text(auditor.get(URL, {"target": "accounts.user:12"}))


def test_the_list_costs_the_same_on_every_page(auditor: Any, django_assert_max_num_queries: Any) -> None:
    for n in range(120):
        write(said=f"第 {n} 件")
    first = auditor.get(URL)
    assert "第 119 件" in text(first)
    after = first.context["next_url"]
    with django_assert_max_num_queries(16):
        second = auditor.get(URL + after)
    assert "第 20 件" in text(second)
    assert "第 119 件" not in text(second)


def test_reading_is_recorded_once_for_the_same_reading(auditor: Any) -> None:
    entry = write()
    for _ in range(3):
        auditor.get(URL, {"who": "严密"})
        auditor.get(f"{URL}{entry.pk}/")
    auditor.get(URL, {"who": "别人"})
    reads = Entry.objects.filter(act="accounts.journal.read").order_by("id")
    assert [e.after for e in reads] == [
        {"filter": {"who": ["严密"]}},
        {"entry": entry.pk},
        {"filter": {"who": ["别人"]}},
    ]
    assert reads[0].actor_name == "荆鉴"


def test_an_export_carries_all_columns_and_is_recorded(auditor: Any, as_role: Any) -> None:
    write(before={"title": "收费员"}, after={"title": "组长"})
    csv = b"".join(auditor.get(URL, {"format": "csv"}).streaming_content).decode()
    for words in ("记录号", "accounts.person.edit", "职务：收费员", "职务：组长", "10.0.0.8"):
        assert words in csv
    assert Entry.objects.filter(act="accounts.journal.export").count() == 1
    committee = as_role("security_committee")
    assert "format=csv" not in text(committee.get(URL))
    assert committee.get(URL, {"format": "xlsx"}).status_code == 403


def test_one_entry_shows_what_changed_and_how_it_is_kept(auditor: Any) -> None:
    entry = write(before={"title": "收费员", "is_active": True}, after={"title": "组长", "is_active": False, "x": None})
    url = f"{URL}{entry.pk}/"
    page = text(auditor.get(url))
    for words in ("职务", "<del>收费员</del>", "<ins>组长</ins>", "<del>是</del>", "（空）", "等待封存"):
        assert words in page, words
    sealing.seal()
    page = text(auditor.get(url))
    assert "已封存并签名" in page
    seal = sealing.SignedHead.objects.get()
    assert bytes(seal.hash).hex() in page or "链上序号" in page
    assert auditor.get(f"{URL}999999/").status_code == 404


def test_an_act_has_words_from_the_policy_or_our_own() -> None:
    assert auditing.act_label("accounts.role.grant") == "角色与任命 · 授予"
    assert auditing.act_label("accounts.sign_in.fail") == "登录 · 登录失败"
    assert auditing.act_label("notify.person.tell") == "通知 · 告知"
    assert auditing.act_label("notify.person.juggle") == "通知"
    assert auditing.act_label("nobody.knows.this") == "nobody"


def test_the_chain_page_tells_how_it_stands(auditor: Any, setting: Any, tmp_path: Any) -> None:
    assert "还没有签发" in text(auditor.get(f"{URL}chain/"))
    write()
    sealing.seal()
    setting("journal.export_directory", str(tmp_path / "share"))
    setting("journal.retention_days", 400)
    auditor.post(f"{URL}chain/export/")
    page = text(auditor.get(f"{URL}chain/"))
    assert "已送到" in page
    assert str(tmp_path / "share") in page
    assert "400<small>天" in page
    assert list((tmp_path / "share").glob("heads-*.jsonl"))
    (tmp_path / "file").write_text("")
    setting("journal.export_directory", str(tmp_path / "file" / "share"))
    auditor.post(f"{URL}chain/export/")
    assert "导出目录不能写" in text(auditor.get(f"{URL}chain/"))


def run(verification: Verification) -> Verification:
    return checks.run(verification.pk, Who(id=None, name="系统", via="task"))


def test_a_verification_is_asked_for_runs_behind_and_names_the_first_bad_row(auditor: Any) -> None:
    entries = [write(said=f"第 {n} 件") for n in range(5)]
    sealing.seal()
    auditor.post(f"{URL}chain/", {})
    asked = Verification.objects.get()
    fragment = f"{URL}verifications/{asked.pk}/"
    assert "排队中" in text(auditor.get(fragment))
    assert "every 2s" in text(auditor.get(fragment))
    run(asked)
    done = text(auditor.get(fragment))
    assert "日志完好" in done
    assert "every 2s" not in done
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE journal_entry SET summary = '没有的事' WHERE id = %s", [entries[2].pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    auditor.post(f"{URL}chain/", {"first": "1", "last": "5"})
    run(Verification.objects.order_by("-id")[0])
    page = text(auditor.get(f"{URL}chain/"))
    assert "被改动过" in page
    assert f"记录号 {entries[2].pk}" in page
    assert f'href="{URL}{entries[2].pk}/"' in page
    assert "被改动过" in text(auditor.get("/"))
    assert Entry.objects.filter(act="journal.chain.ask").count() == 2


def test_a_wrong_range_is_refused_and_others_may_not_verify(auditor: Any, as_role: Any) -> None:
    bad = auditor.post(f"{URL}chain/", {"first": "x"})
    assert (bad.status_code, "整数" in text(bad)) == (422, True)
    assert as_role("auditor").get(f"{URL}chain/").status_code == 200
    assert as_role("auditor").post(f"{URL}chain/", {}).status_code == 403
    assert not Verification.objects.exists()


def test_an_objects_history_stands_on_its_page(as_role: Any, person: Any) -> None:
    security, user = as_role("security_admin", name="严密"), person("reporter", name="李敏")
    security.post(f"/people/{user.pk}/roles/grant/", {"role": "head_nurse"})
    page = text(security.get(f"/people/{user.pk}/"))
    assert "授予李敏护士长角色" in page
    assert "在审计日志里看" in page
    manager = text(as_role("service_manager").get(f"/people/{user.pk}/"))
    assert "授予李敏护士长角色" in manager
    assert "在审计日志里看" not in manager
