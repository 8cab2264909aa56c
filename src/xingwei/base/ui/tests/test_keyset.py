"""Keyset paging over real rows: every row once, in order, forwards and back, whatever the cursor says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from xingwei.base.accounts.models import Department
from xingwei.base.ui import keyset
from xingwei.testing.people import organisation


class Paging(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(names=st.lists(st.sampled_from("甲乙丙丁"), max_size=23), size=st.integers(1, 7), down=st.booleans())
    def test_every_row_once_and_in_order(self, names: list[str], size: int, down: bool) -> None:
        hospital = organisation("hospital")
        Department.objects.all().delete()
        Department.objects.bulk_create(
            Department(organisation=hospital, code=f"d{i}", name=n) for i, n in enumerate(names)
        )
        order = ("-name", "id") if down else ("name", "-id")
        whole = list(Department.objects.order_by(*order))
        seen, cursor, pages = [], "", []
        for _ in range(len(names) + 2):
            page = keyset.page(Department.objects.all(), order, after=cursor, size=size)
            seen += page.rows
            pages.append(page)
            if page.next is None:
                break
            cursor = page.next
        assert seen == whole
        for earlier, later in itertools.pairwise(pages):
            back = keyset.page(Department.objects.all(), order, before=later.previous or "", size=size)
            assert back.rows == earlier.rows


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "WzFd", "bnVsbA", "%%%", "WyJhIiwiYiIsImMiXQ", "eyJhIjogMX0"])
def test_a_cursor_that_cannot_be_read_is_the_first_page(cursor: str) -> None:
    organisation("hospital")
    Department.objects.create(organisation=organisation("hospital"), code="a", name="收费处")
    assert len(keyset.page(Department.objects.all(), ("name", "id"), after=cursor).rows) == 1


@pytest.mark.django_db
def test_a_count_stops_at_its_cap() -> None:
    hospital = organisation("hospital")
    Department.objects.bulk_create(Department(organisation=hospital, code=f"d{i}", name="科") for i in range(12))
    assert keyset.capped_count(Department.objects.all(), cap=10) == (10, "10+")
    assert keyset.capped_count(Department.objects.all(), cap=12) == (12, "12")
