"""The tables of the message path keep what they are given."""

from datetime import UTC, date, datetime

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from xingwei.operations.gateway.models import Message
from xingwei.operations.gateway.models.numbers import number_of, parse

pytestmark = pytest.mark.django_db


def _message(pk: int, at: datetime) -> Message:
    return Message.objects.create(
        id=pk, received_at=at, channel_id=1, state="accepted", size=3, digest=b"x" * 32, raw=b"abc"
    )


def test_a_day_has_its_own_partition_and_a_message_outside_is_kept_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gateway_make_partitions('2031-05-01', '2031-05-02')")
        assert cursor.fetchone() == (6,)
        cursor.execute("SELECT gateway_make_partitions('2031-05-01', '2031-05-02')")
        assert cursor.fetchone() == (0,)
        _message(1, datetime(2031, 4, 30, 16, tzinfo=UTC))  # midnight in Shanghai
        _message(2, datetime(2040, 1, 1, tzinfo=UTC))
        cursor.execute("SELECT id, tableoid::regclass::text FROM gateway_message ORDER BY id")
        assert cursor.fetchall() == [(1, "gateway_message_20310501"), (2, "gateway_message_other")]
        cursor.execute("SELECT gateway_make_partitions('2040-01-01', '2040-01-01')")
        assert cursor.fetchone() == (2,)  # the day's messages stay where they lie


@pytest.mark.parametrize("statement", ["UPDATE gateway_message SET raw = ''", "DELETE FROM gateway_message"])
def test_what_was_received_is_never_rewritten(statement: str) -> None:
    _message(1, datetime(2031, 5, 1, tzinfo=UTC))
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_number_carries_the_day_in_shanghai() -> None:
    number = number_of(datetime(2026, 3, 17, 16, 0, tzinfo=UTC), 418829)
    assert number == "M-260318-418829"
    assert parse(number) == (date(2026, 3, 18), 418829)
    assert [parse(bad) for bad in ("M-261399-1", "M-260318-", "418829", "M-260318-" + "9" * 30)] == [None] * 4
