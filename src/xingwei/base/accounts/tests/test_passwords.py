from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingwei.base.accounts.engine import passwords as engine
from xingwei.base.accounts.engine.passwords import Rules, classes_of, weaknesses
from xingwei.base.accounts.models import OldPassword
from xingwei.base.accounts.services import AccountRefused
from xingwei.base.accounts.services import passwords as services

from .conftest import PASSWORD

RULES = Rules(8, 3)


@pytest.mark.parametrize(
    ("password", "words", "said"),
    [
        ("Ab1#", (), "至少 8 位，现在是 4 位"),
        ("abcdefgh1", (), "至少 3 类"),
        ("XX0217-abc", ("xx0217",), "不能有自己的工号"),
        ("Wanglei-2026", ("wanglei",), "不能有自己的工号、姓名拼音或电话"),
        ("Aa1Aa1Aa1", (), "不同的字符太少"),
        ("Aa1" * 50, (), "最多 128 位"),
    ],
)
def test_a_weak_password_is_told_why(password: str, words: tuple[str, ...], said: str) -> None:
    assert any(said in s for s in weaknesses(password, RULES, words))


@pytest.mark.parametrize("password", ["Apricot-2026", "apricot-2026", "杏花开了Apr1", "Aa1!Bb2@"])
def test_a_good_password_is_taken(password: str) -> None:
    assert weaknesses(password, RULES, ("xx0217", "wl")) == []


@given(st.text(alphabet=string.printable, min_size=8, max_size=40))
def test_every_password_taken_has_its_classes(password: str) -> None:
    if not weaknesses(password, RULES):
        assert classes_of(password) >= 3


def test_first_passwords_are_good_and_never_twice() -> None:
    made = {engine.initial() for _ in range(200)}
    assert len(made) == 200
    assert all(classes_of(p) == 4 and len(p) == 12 and weaknesses(p, Rules(12, 4)) == [] for p in made)


@pytest.mark.django_db
def test_a_recent_password_is_not_taken_again(account: Any, setting: Any, person: Any) -> None:
    from xingwei.base.accounts.queries import actor_of

    setting("accounts.password.history", 2)
    user = account("it_staff")
    actor = actor_of(user)
    with pytest.raises(AccountRefused, match="现在的密码不对"):
        services.change_password(actor, user, "wrong", "Willow-2026")
    with pytest.raises(AccountRefused, match="最近 2 个用过"):
        services.change_password(actor, user, PASSWORD, PASSWORD)
    services.change_password(actor, user, PASSWORD, "Willow-2026")
    services.change_password(actor, user, "Willow-2026", "Poplar-2026")
    with pytest.raises(AccountRefused, match="用过"):
        services.change_password(actor, user, "Poplar-2026", PASSWORD)
    services.change_password(actor, user, "Poplar-2026", "Cedar-2026")
    services.change_password(actor, user, "Cedar-2026", PASSWORD)
    assert OldPassword.objects.filter(user=user).count() == 4
    with pytest.raises(AccountRefused, match="只能改自己的密码"):
        services.change_password(actor_of(person("it_staff")), user, PASSWORD, "Maple-2026")


@pytest.mark.django_db
def test_the_rules_are_settings(account: Any, setting: Any) -> None:
    setting("accounts.password.length", 14)
    setting("accounts.password.classes", 4)
    with pytest.raises(AccountRefused, match=r"至少 14 位.*至少 4 类"):
        services.check(account("it_staff"), "apricot-2026")
    assert "至少 14 位" in services.rules_in_words()
