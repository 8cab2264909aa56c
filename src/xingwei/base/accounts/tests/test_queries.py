from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from xingwei.base.accounts import queries
from xingwei.base.accounts.models import RoleAssignment, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def wang(person: Any) -> User:
    user = person("onsite_engineer", name="王磊")
    user.short_name, user.phone, user.mobile, user.email, user.wecom_id = "王工", "8120", "13900000102", "w@x.cn", "WL"
    user.save()
    return user


@pytest.mark.parametrize("q", ["8120", "８１２０", "1390000", "王", "王工", "wang", "WANGL", "wl", "wg", " 王磊 "])
def test_people_are_found_as_they_are_typed_in_a_hurry(wang: User, person: Any, q: str) -> None:
    person("reporter", name="李敏")
    assert queries.find_people(q) == [wang]


@pytest.mark.parametrize("q", ["", " ", "\x00", "天", "ang", "999", "%", "_"])
def test_nobody_is_found_for_what_fits_nobody(wang: User, q: str) -> None:
    assert queries.find_people(q) == []


def test_the_exact_extension_comes_first_then_the_departments(person: Any) -> None:
    ward = person("reporter", name="甲", department="收费处")
    ward.department.extension = "8201"
    ward.department.save()
    exact = person("reporter", name="乙")
    User.objects.filter(pk=exact.pk).update(phone="8201")
    longer = person("reporter", name="丙")
    User.objects.filter(pk=longer.pk).update(phone="82015")
    assert queries.find_people("8201") == [exact, ward, longer]
    assert queries.find_people("8201", limit=1) == [exact]


def test_who_may_not_sign_in_is_not_found(wang: User) -> None:
    User.objects.filter(pk=wang.pk).update(valid_until=timezone.localdate() - dt.timedelta(days=1))
    assert queries.find_people("王") == []
    assert queries.by_address("mail", "w@x.cn") is None
    assert list(queries.people_with_role("onsite_engineer")) == []


def test_who_writes_is_known_by_address_unless_two_share_it(wang: User, person: Any) -> None:
    assert queries.by_address("mail", " W@X.cn ") == wang
    assert queries.by_address("wecom", "wl") == wang
    for channel, address in (("mail", ""), ("mail", "a@x.cn"), ("pigeon", "w@x.cn")):
        assert queries.by_address(channel, address) is None
    twin = person("reporter")
    User.objects.filter(pk=twin.pk).update(email="w@x.cn")
    assert queries.by_address("mail", "w@x.cn") is None


def test_people_with_a_role_hold_it_today(person: Any) -> None:
    today = timezone.localdate()
    both = person("it_staff", "it_head")
    past, future = person("it_staff"), person("it_staff")
    RoleAssignment.objects.filter(user=past).update(valid_until=today - dt.timedelta(days=1))
    RoleAssignment.objects.filter(user=future).update(valid_from=today + dt.timedelta(days=1))
    assert list(queries.people_with_role("it_staff", "it_head")) == [both]


def test_an_accounts_actor_carries_what_decides(person: Any) -> None:
    user = person("onsite_engineer", systems=("HIS", "LIS"))
    found = queries.actor_of(user, address="10.0.0.1")
    assert (found.id, found.side, found.systems, found.address) == (user.pk, "vendor", {"HIS", "LIS"}, "10.0.0.1")
    user.is_active = False
    assert not queries.actor_of(user).signed_in
