from __future__ import annotations

from typing import Any

import pytest

from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied
from xingwei.base.site import queries, services
from xingwei.base.site.registry import Setting, SettingError, register

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _declared() -> None:
    register(
        Setting("test.days", "测试", "留存天数", 184, unit="天", low=184, high=3650, why="网络安全法"),
        Setting("test.lock", "测试", "锁定分钟", 15, low=5, high=30, admin="security"),
    )


def test_a_change_is_kept_and_journalled(actor: Any) -> None:
    admin = actor("system_admin")
    services.change_setting(admin, "test.days", "２００")  # full-width digits are digits
    queries.forget()
    assert queries.value("test.days") == 200
    entry = Entry.objects.get(act="site.setting.change")
    assert (entry.actor_id, entry.before, entry.after) == (admin.id, {"value": 184}, {"value": 200})


@pytest.mark.parametrize(("raw", "said"), [("abc", "不是整数"), ("183", "应在 184 到 3650 天之间"), ("", "不是整数")])
def test_a_bad_value_is_refused_in_words(actor: Any, raw: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        services.change_setting(actor("system_admin"), "test.days", raw)
    assert queries.value("test.days") == 184


def test_each_administration_changes_its_own_only(actor: Any) -> None:
    with pytest.raises(Denied):
        services.change_setting(actor("system_admin"), "test.lock", "10")
    with pytest.raises(Denied):
        services.change_setting(actor("security_admin"), "test.days", "200")
    services.change_setting(actor("security_admin"), "test.lock", "10")
    assert queries.value("test.lock") == 10


def test_the_page_says_what_is_wrong_and_keeps_the_old_value(as_role: Any) -> None:
    client = as_role("system_admin")
    answer = client.post("/settings/change/", {"key": "test.days", "value": "9"}, follow=True)
    assert "应在 184 到 3650" in answer.content.decode()
    assert 'value="184"' in answer.content.decode()
    answer = client.post("/settings/change/", {"key": "nobody.knows", "value": "9"}, follow=True)
    assert "没有这个设置项" in answer.content.decode()
