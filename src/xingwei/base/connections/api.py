"""The connections over HTTP. Passwords go in and never come out."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from pydantic import Field

from xingwei.base.policy.engine import Actor
from xingwei.base.ui.api import permission

from . import services
from .models import Connection, Statement

router = Router(tags=["业务库连接"])


class ConnectionOut(Schema):
    code: str
    name: str
    kind: str
    system: str = Field("", alias="system_code")
    windows: list[list[str]]
    rows_per_second: int
    timeout_s: int
    account_only: bool
    enabled: bool
    proof: str
    proved_at: dt.datetime | None
    evidence: list[dict[str, Any]]
    problem: str
    version: int


class ConnectionIn(Schema):
    name: str | None = Field(None, max_length=80)
    kind: str | None = None
    system: str | None = None
    settings: dict[str, str | int] | None = None
    windows: list[list[str]] | None = None
    rows_per_second: int | None = Field(None, ge=0, le=10_000_000)
    timeout_s: int | None = None
    account_only: bool | None = None
    enabled: bool | None = None
    note: str | None = Field(None, max_length=200)
    password: str | None = Field(None, max_length=200)


class StatementOut(Schema):
    id: int
    purpose: str
    text: str
    tables: list[str]
    shown_at: dt.datetime
    shown_to: str
    runs: int
    rows: int
    seconds: float
    last_run_at: dt.datetime | None


class StatementIn(Schema):
    text: str = Field(min_length=1, max_length=20_000)
    purpose: str = Field(min_length=2, max_length=200)


def _actor(request: HttpRequest) -> Actor:
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def _one(request: HttpRequest, code: str, name: str) -> Connection:
    row: Connection = get_object_or_404(
        Connection.objects.restrict(_actor(request), name).select_related("system"), code=code
    )
    return row


def _out(row: Connection) -> dict[str, Any]:
    names = ("code", "name", "kind", "windows", "rows_per_second", "timeout_s", "account_only", "enabled", "proof")
    more = ("proved_at", "evidence", "problem", "version")
    return {n: getattr(row, n) for n in names + more} | {"system_code": row.system.code if row.system else ""}


@router.get("/", response=list[ConnectionOut])
@permission("connections.connection:view")
def connections(request: HttpRequest) -> list[dict[str, Any]]:
    """All connections, with the last proof."""
    rows = Connection.objects.restrict(_actor(request), "connections.connection:view").select_related("system")
    return [_out(r) for r in rows[:500]]


@router.get("/{code}", response=ConnectionOut)
@permission("connections.connection:view")
def connection(request: HttpRequest, code: str) -> dict[str, Any]:
    return _out(_one(request, code, "connections.connection:view"))


@router.put("/{code}", response=ConnectionOut)
@permission("connections.connection:change")
def save(request: HttpRequest, code: str, body: ConnectionIn) -> dict[str, Any]:
    """Make or change a connection; what is left out stays."""
    values = body.dict(exclude_unset=True)
    password = values.pop("password", None)
    return _out(
        services.save(_actor(request), code, {k: v for k, v in values.items() if v is not None}, password=password)
    )


@router.post("/{code}/prove", response=ConnectionOut)
@permission("connections.connection:prove")
def prove(request: HttpRequest, code: str) -> dict[str, Any]:
    """Try now that nothing can be written."""
    row = _one(request, code, "connections.connection:prove")
    services.prove(_actor(request), row)
    row.refresh_from_db()
    return _out(row)


@router.get("/{code}/statements", response=list[StatementOut])
@permission("connections.connection:view")
def statements(request: HttpRequest, code: str) -> list[Statement]:
    """Everything that may run over the connection."""
    return list(_one(request, code, "connections.connection:view").statements.all()[:500])


@router.post("/{code}/statements", response={201: StatementOut})
@permission("connections.statement:show")
def show(request: HttpRequest, code: str, body: StatementIn) -> tuple[int, Statement]:
    row = _one(request, code, "connections.statement:show")
    return 201, services.show(_actor(request), row, body.text, body.purpose)
