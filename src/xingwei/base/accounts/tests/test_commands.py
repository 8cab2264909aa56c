"""xingwei people … and xingwei journal …"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from typer.testing import CliRunner

from xingwei.base.accounts import settings as account_settings
from xingwei.base.accounts.cli import app as people
from xingwei.base.accounts.models import User
from xingwei.base.accounts.tasks import clear_sessions, tell_of_expiry
from xingwei.base.journal import options, sealing
from xingwei.base.journal.cli import app as journal
from xingwei.base.journal.models import Entry, Verification
from xingwei.base.notify.models import Notification

from .conftest import sign_in
from .test_journal_pages import write

pytestmark = pytest.mark.django_db
run = CliRunner().invoke
YAML = """
organisations: [{code: h, name: 医院, short_name: 医院, side: hospital}]
people: [{username: a1, name: 甲, organisation: h, roles: [security_admin]}]
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Any, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, home=tmp_path)
    options.use(account_settings.journal_options)


def test_people_are_imported_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(YAML, encoding="utf-8")
    secrets = tmp_path / "first.txt"
    done = run(people, ["import", str(file), "--passwords", str(secrets)])
    assert done.exit_code == 0, done.output
    assert "新建账号 1 个" in done.output
    name, first = secrets.read_text().split()
    assert secrets.stat().st_mode & 0o077 == 0
    assert User.objects.get(username=name).check_password(first)
    assert run(people, ["import", str(file), "--passwords", str(secrets)]).exit_code == 2
    assert "更改 0 个" in run(people, ["import", str(file)]).output
    assert "a1\t甲\t医院\t安全管理员" in run(people, ["list"]).output
    assert run(people, ["list", "--role", "it_head"]).output.strip() == ""
    file.write_text(YAML.replace("organisation: h,", "organisation: x,"), encoding="utf-8")
    bad = run(people, ["import", str(file)])
    assert bad.exit_code == 1
    assert "没有代码为 x 的单位" in bad.output


def test_a_locked_out_security_administrator_is_rescued_on_the_machine(account: Any) -> None:
    user = account("security_admin")
    for _ in range(5):
        sign_in(Client(), user, "wrong")
    done = run(people, ["rescue", user.username.upper()])
    assert done.exit_code == 0, done.output
    first = done.output.split("初始密码：")[1].split()[0]
    browser = Client()
    assert sign_in(browser, user, first).status_code == 302
    assert browser.get("/")["Location"] == "/people/me/password/"
    other = run(people, ["rescue", account("it_head").username])
    assert other.exit_code == 1
    assert "不是本系统密码登录的安全管理员" in other.output
    assert Entry.objects.filter(act="accounts.password.rescue").count() == 1


def sealed(count: int = 5) -> list[Entry]:
    entries = [write(said=f"第 {n} 件") for n in range(count)]
    assert "封存了" in run(journal, ["seal"]).output
    return entries


def test_verify_says_whole_or_names_the_first_bad_row(tmp_path: Path) -> None:
    entries = sealed()
    good = run(journal, ["verify"])
    assert good.exit_code == 0, good.output
    assert "日志完好：校验了 5 条" in good.output
    heads = tmp_path / "heads.jsonl"
    assert run(journal, ["export-heads", str(heads)]).exit_code == 0
    assert "已经存在，没有覆盖" in run(journal, ["export-heads", str(heads)]).output
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE journal_entry SET actor_name = '别人' WHERE id = %s", [entries[3].pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    for arguments in (["verify"], ["verify", "--heads", str(heads)], ["verify", "--from", "4", "--to", "5"]):
        bad = run(journal, arguments)
        assert bad.exit_code == 1
        assert "第一处在序号 4" in bad.output
    assert run(journal, ["verify", "--from", "1", "--to", "2"]).exit_code == 0
    assert Verification.objects.count() == 5
    assert run(journal, ["verify", "--from", "3", "--to", "2"]).exit_code == 2
    heads.write_text("nonsense\n")
    unread = run(journal, ["verify", "--heads", str(heads)])
    assert unread.exit_code == 2
    assert "没能校验" in unread.output


def test_heads_go_to_every_destination(tmp_path: Path, setting: Any) -> None:
    sealed()
    setting("journal.export_directory", str(tmp_path / "share"))
    done = run(journal, ["export-heads"])
    assert done.exit_code == 0, done.output
    assert done.output.count("✓") == 2
    (tmp_path / "file").write_text("")
    setting("journal.export_directory", str(tmp_path / "file" / "x"))
    failed = run(journal, ["export-heads"])
    assert failed.exit_code == 1
    assert "导出目录不能写" in failed.output


def test_purge_says_that_nothing_is_old_enough() -> None:
    sealed()
    assert "没有超过 1095 天" in run(journal, ["purge"]).output
    assert "没有等待封存的记录" in run(journal, ["seal"]).output
    assert sealing.SignedHead.objects.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("journal.retention_days", "183"), ("journal.export_directory", "x"), ("journal.export_url", "ftp://x")],
)
def test_what_the_law_or_sense_forbids_is_no_setting(actor: Any, key: str, value: str) -> None:
    from xingwei.base.site.registry import SettingError
    from xingwei.base.site.services import change_setting

    with pytest.raises(SettingError):
        change_setting(actor("audit_admin"), key, value)


def test_what_runs_out_is_told_once(person: Any) -> None:
    import datetime as dt

    from django.utils import timezone

    admin = person("security_admin")
    soon = person("rnd", name="赵启明")
    User.objects.filter(pk=soon.pk).update(valid_until=timezone.localdate() + dt.timedelta(days=3))
    for _ in range(2):
        tell_of_expiry(timestamp=0)
    told = Notification.objects.filter(person=admin)
    assert [n.title for n in told] == [f"赵启明的账号 {timezone.localdate() + dt.timedelta(days=3)} 到期"]


def test_sessions_past_their_date_go(account: Any) -> None:
    from xingwei.base.accounts.models import Session

    browser = Client()
    sign_in(browser, account("it_staff"))
    clear_sessions(timestamp=0)
    assert Session.objects.count() == 1
    Session.objects.update(expire_date="2020-01-01T00:00Z")
    clear_sessions(timestamp=0)
    assert not Session.objects.exists()


def test_nothing_is_missing_from_the_migrations() -> None:
    call_command("makemigrations", "accounts", "--check", "--dry-run", verbosity=0)
