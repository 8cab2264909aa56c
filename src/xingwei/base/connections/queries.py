"""Reading a business database: proved read only, in its hours, within its time, only by statements that were shown."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils import timezone

from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import CryptoError, SecretBox

from .drivers import Address, Driver, Failed, Tried, driver_of
from .engine import statements, throttle
from .models import Connection, Statement

SHANGHAI = ZoneInfo("Asia/Shanghai")
BATCH = 5_000


class ConnectionProblem(Exception):
    """A business database cannot be read now; str() is the Chinese reason."""


class NotNow(ConnectionProblem):
    """It is outside the hours in which this database may be read."""


class Reader:
    """One open reading. All statements of one `snapshot` see the same state, where the database can do that."""

    def __init__(
        self,
        connection: Connection,
        driver: Driver,
        *,
        any_time: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self._driver = driver
        self._any_time = any_time
        self._sleep = sleep
        self._throttle = throttle.Throttle(connection.rows_per_second)
        self.busy_s = 0.0  # for which the database worked for us

    @property
    def kind(self) -> str:
        return self.connection.kind

    def snapshot(self) -> None:
        """Begin anew: what follows sees the present. Raises ConnectionProblem."""
        self._guarded(self._driver.begin)

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, batch: int = BATCH
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement that was shown before, in batches, not faster than agreed. Parameters are :name.

        Raises ConnectionProblem: not a SELECT, never shown, refused by the database, too slow, not in these hours.
        """
        given = dict(params or {})
        try:
            checked = statements.check(sql, self.kind)
            shown = Statement.objects.get(connection=self.connection, digest=checked.digest)
        except statements.StatementRefused as refused:
            raise ConnectionProblem(str(refused)) from None
        except Statement.DoesNotExist:
            raise ConnectionProblem("这条语句还没有展示过，不能执行；请先在连接的页面登记。") from None
        if missing := set(checked.parameters) ^ set(given):
            raise ConnectionProblem(f"语句的参数对不上：{'、'.join(sorted(missing))}")
        count, before = 0, self.busy_s
        try:
            for rows in self._stream(statements.styled(checked.text, self.kind), given, batch):
                count += len(rows)
                yield rows
        finally:
            Statement.objects.filter(pk=shown.pk).update(
                runs=F("runs") + 1,
                rows=F("rows") + count,
                seconds=F("seconds") + (self.busy_s - before),
                last_run_at=timezone.now(),
            )

    def _stream(self, sql: str, params: Mapping[str, Any], batch: int) -> Iterator[list[tuple[Any, ...]]]:
        self._in_hours()
        source = self._driver.rows(sql, params, batch)
        while True:
            began = time.monotonic()
            try:
                rows = next(source, None)
            except Failed as failed:
                raise ConnectionProblem(f"{self.connection.name}：{failed}") from None
            finally:
                self.busy_s += time.monotonic() - began
            if rows is None:
                return
            yield rows
            if pause := self._throttle.pause_after(len(rows), time.monotonic()):
                self._sleep(pause)
            self._in_hours()

    def _in_hours(self) -> None:
        if not self._any_time:
            check_hours(self.connection)

    def _guarded(self, act: Callable[[], Any]) -> Any:
        began = time.monotonic()
        try:
            return act()
        except Failed as failed:
            raise ConnectionProblem(f"{self.connection.name}：{failed}") from None
        except Exception as error:
            raise ConnectionProblem(f"{self.connection.name}：连接断了（{type(error).__name__}）") from error
        finally:
            self.busy_s += time.monotonic() - began


@contextmanager
def opened(code: str, *, any_time: bool = False, sleep: Callable[[float], None] = time.sleep) -> Iterator[Reader]:
    """A Reader of the connection, after it was tried anew that nothing can be written over it.

    any_time: also outside its hours, for a person's single look. Raises ConnectionProblem.
    """
    try:
        connection = Connection.objects.get(code=code)
    except Connection.DoesNotExist:
        raise ConnectionProblem(f"没有连接“{code}”。") from None
    if not connection.enabled:
        raise ConnectionProblem(f"“{connection.name}”已停用。")
    if not any_time:
        check_hours(connection)
    driver = driver_of(connection.kind)(address_of(connection))
    try:
        tried = try_out(connection, driver)
        remember(connection, tried)
        if reason := unacceptable(connection, tried):
            raise ConnectionProblem(f"{connection.name}：{reason}")
        yield Reader(connection, driver, any_time=any_time, sleep=sleep)
    finally:
        if hasattr(driver, "db"):
            driver.close()


def check_hours(connection: Connection, now: dt.datetime | None = None) -> None:
    """Raises NotNow outside the connection's hours."""
    times = throttle.windows(connection.windows)
    at = (now or timezone.now()).astimezone(SHANGHAI).time()
    if not throttle.is_open(times, at):
        raise NotNow(f"现在不在“{connection.name}”的读取时段（{throttle.said(times)}）。")


def try_out(connection: Connection, driver: Driver) -> Tried:
    """Connect and try to write. Raises ConnectionProblem, and remembers why."""
    try:
        driver.connect()
        return driver.prove()
    except Failed as failed:
        remember_problem(connection, str(failed))
        raise ConnectionProblem(f"{connection.name}：{failed}") from None


def unacceptable(connection: Connection, tried: Tried) -> str:
    """Why nothing is read with an account like this; "" where it may be."""
    if tried.level == "failed":
        return "只读验证没有通过，不读取。请换一个只有查询权限的账号。"
    if tried.level == "session" and connection.account_only:
        return "账号有写权限，而这个连接只接受只读账号。请让管理员收回写权限。"
    return ""


def remember(connection: Connection, tried: Tried) -> None:
    """Write down what the last trial showed: no act of a person, not journalled."""
    evidence = [{"check": e.check, "ok": e.ok, "detail": e.detail} for e in tried.evidence]
    Connection.objects.filter(pk=connection.pk).update(
        proof=tried.level, proved_at=timezone.now(), evidence=evidence, problem=unacceptable(connection, tried)
    )


def remember_problem(connection: Connection, text: str) -> None:
    Connection.objects.filter(pk=connection.pk).update(problem=text[:500], problem_at=timezone.now())


def address_of(connection: Connection) -> Address:
    """Raises ConnectionProblem where the password cannot be opened."""
    password = ""
    if connection.secret:
        try:
            password = SecretBox(config.from_environment().secrets).decrypt(
                connection.secret, purpose=purpose_of(connection.code)
            )
        except CryptoError as error:
            raise ConnectionProblem(f"{connection.name}：口令解不开。{error}") from None
    return Address(connection.settings, password, connection.timeout_s)


def purpose_of(code: str) -> str:
    """What a sealed password is bound to."""
    return f"connections.connection.{code}"
