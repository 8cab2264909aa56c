"""Every change of a connection, journalled; never with a password in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from xingwei.base.estate.models import System
from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.runtime import config
from xingwei.base.runtime.crypto import SecretBox
from xingwei.base.ui.views import ServiceRefused

from . import queries
from .drivers import Tried, driver_of
from .engine import statements, throttle
from .models import Connection, Statement

FIELDS = (
    "name", "kind", "system_id", "settings", "windows", "rows_per_second", "timeout_s", "account_only", "enabled", "note",
)  # fmt: skip
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class ConnectionRefused(ServiceRefused):
    """What the services refuse; the text is for the user."""


def save(actor: Actor, code: str, values: Mapping[str, Any], *, password: str | None = None) -> Connection:
    """Make or change a connection. values: some of FIELDS, `system` by code. password None: as it was; "": none.

    A change of address, user or password makes the earlier proof void. Raises ConnectionRefused.
    """
    require(actor, "connections.connection:change")
    if _CODE.fullmatch(code) is None:
        raise ConnectionRefused(f"代码“{code}”不对：小写字母开头，只用小写字母、数字、横线和下划线，至多 40 个字。")
    given = _checked(dict(values))
    with transaction.atomic():
        row = Connection.objects.select_for_update().filter(code=code).first()
        new = row is None
        row = row or Connection(code=code, version=0)
        before = snapshot(row, FIELDS)
        for name, value in given.items():
            setattr(row, name, value)
        _check_whole(row)
        after = snapshot(row, FIELDS)
        was, now = changes(before, after)
        if password is not None and _other_password(row, password):
            row.secret = _sealed(code, password) if password else ""
            was, now = was | {"password": "…"}, now | {"password": "改过" if password else "清空"}
        if not new and not now:
            return row
        if new or {"settings", "kind", "password"} & now.keys():
            row.proof, row.proved_at, row.evidence = Connection.Proof.UNKNOWN, None, []
        row.version += 1
        row.save()
        record(
            actor,
            "connections.connection.add" if new else "connections.connection.change",
            row,
            f"{'新建' if new else '修改'}连接“{row.name}”",
            before=None if new else was,
            after=now,
        )
    return row


def prove(actor: Actor, connection: Connection) -> Tried:
    """Connect now and try to write. Raises ConnectionRefused where it cannot even be reached."""
    require(actor, "connections.connection:prove", connection)
    driver = driver_of(connection.kind)(_address(connection))
    try:
        tried = queries.try_out(connection, driver)
        queries.remember(connection, tried)
    except queries.ConnectionProblem as problem:
        raise ConnectionRefused(str(problem)) from None
    finally:
        if hasattr(driver, "db"):
            driver.close()
    with transaction.atomic():
        record(
            actor,
            "connections.connection.prove",
            connection,
            f"验证“{connection.name}”只能读：{Connection.Proof(tried.level).label}",
        )
    return tried


def show(actor: Actor, connection: Connection, text: str, purpose: str) -> Statement:
    """Put a statement before people: from now on it may run over this connection. The same text is shown once.

    Raises ConnectionRefused where it is not one plain SELECT.
    """
    require(actor, "connections.statement:show", connection)
    try:
        checked = statements.check(text, connection.kind)
    except statements.StatementRefused as refused:
        raise ConnectionRefused(str(refused)) from None
    with transaction.atomic():
        row, new = Statement.objects.get_or_create(
            connection=connection,
            digest=checked.digest,
            defaults={
                "text": checked.text,
                "purpose": purpose[:200],
                "tables": list(checked.tables),
                "shown_to": actor.name[:80],
            },
        )
        if new:
            record(
                actor,
                "connections.statement.show",
                connection,
                f"登记在“{connection.name}”上读取的语句：{purpose}",
                after={"digest": checked.digest, "tables": list(checked.tables)},
            )
    return row


def withdraw(actor: Actor, statement: Statement) -> None:
    """From now on this statement is not run any more."""
    require(actor, "connections.statement:show", statement.connection)
    with transaction.atomic():
        record(
            actor,
            "connections.statement.withdraw",
            statement.connection,
            f"收回“{statement.connection.name}”上的语句：{statement.purpose}",
            before={"digest": statement.digest},
        )
        statement.delete()


def switch(actor: Actor, connection: Connection, *, on: bool) -> None:
    """Take a connection out of use, or back."""
    require(actor, "connections.connection:change", connection)
    save(actor, connection.code, {"enabled": on})


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    if "system" in values:
        code = values.pop("system")
        system = System.objects.filter(code=code).first() if code else None
        if code and system is None:
            raise ConnectionRefused(f"没有系统“{code}”")
        values["system_id"] = system.pk if system else None
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise ConnectionRefused(f"没有这些项：{'、'.join(sorted(unknown))}")
    return values


def _check_whole(row: Connection) -> None:
    if row.kind not in Connection.Kind.values:
        raise ConnectionRefused(f"没有“{row.kind}”这种数据库，可选：{'、'.join(Connection.Kind.values)}")
    if not row.name.strip():
        raise ConnectionRefused("请写名称")
    known = driver_of(row.kind).fields
    if extra := set(row.settings) - set(known):
        raise ConnectionRefused(
            f"{row.get_kind_display()} 的地址没有“{'、'.join(sorted(extra))}”，可写：{'、'.join(known)}"
        )
    for name, (label, _, required) in known.items():
        value = str(row.settings.get(name) or "").strip()
        if required and not value:
            raise ConnectionRefused(f"请写{label}（{name}）")
        if name == "port" and value and not (value.isdecimal() and 0 < int(value) < 65536):
            raise ConnectionRefused(f"端口“{value}”不对，应是 1 到 65535 的整数")
    try:
        throttle.windows(row.windows)
    except throttle.WindowProblem as problem:
        raise ConnectionRefused(str(problem)) from None
    if not 1 <= row.timeout_s <= 7200:
        raise ConnectionRefused("语句最长秒数应在 1 到 7200 之间")
    if row.rows_per_second and row.rows_per_second < 100:
        raise ConnectionRefused("每秒最多行数至少 100，0 表示不限")


def _other_password(row: Connection, password: str) -> bool:
    """Is it another one than before? A sealed text differs every time, so the plain ones are compared."""
    try:
        return queries.address_of(row).password != password
    except queries.ConnectionProblem:
        return True


def _address(connection: Connection) -> Any:
    try:
        return queries.address_of(connection)
    except queries.ConnectionProblem as problem:
        raise ConnectionRefused(str(problem)) from None


def _sealed(code: str, password: str) -> str:
    return SecretBox(config.from_environment().secrets).encrypt(password, purpose=queries.purpose_of(code))
