"""Every operation of the API as nobody and as every role: what the policy says is what the operation does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from xingwei.base.accounts.models import ApiToken
from xingwei.base.accounts.queries import actor_of
from xingwei.base.accounts.tokens import digest
from xingwei.base.policy.registry import may, policy, roles
from xingwei.base.ui.views import SIGNED_IN
from xingwei.web.api import api

from .samples import filled

ROLES = sorted(roles())


def _operations() -> Iterator[tuple[str, str, Any]]:
    """(method, address with sample values, the operation) of everything under /api/."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    yield method.lower(), filled(f"/api{prefix}{path}", "{", "}", untyped="1"), operation


OPERATIONS = list(_operations())


def _permission(operation: Any) -> str:
    return str(getattr(operation.view_func, "permission", ""))


def _status(client: Client, method: str, address: str) -> Any:
    body = {} if method == "get" else {"data": {}, "content_type": "application/json"}
    return getattr(client, method)(address, **body)


@pytest.fixture
def caller(person: Any) -> Any:
    """caller("it_staff") → a client with the token of such a person, which narrows nothing; .actor is theirs."""

    def call_as(*held: str) -> Any:
        user = person(*held)
        everything = [f"{r.key}:{a}" for r in policy().resources.values() for a in r.actions]
        ApiToken.objects.create(
            user=user,
            name="walk",
            prefix="walk",
            digest=digest(f"walk-{user.pk}"),
            scopes=everything,
            expires_at=timezone.now() + dt.timedelta(days=1),
        )
        client: Any = Client(headers={"Authorization": f"Bearer walk-{user.pk}"})
        client.actor = actor_of(user)
        return client

    return call_as


def test_every_operation_states_its_permission() -> None:
    for method, address, operation in OPERATIONS:
        stated = _permission(operation)
        assert stated, f"{method} {address} states no permission: put @permission(…) below the route"
        if stated != SIGNED_IN:
            policy().action(stated)  # raises UnknownPermission, naming it


@pytest.mark.django_db
def test_nobody_is_let_in_without_a_token(as_role: Any) -> None:
    signed_in = as_role("it_head")
    for method, address, _ in OPERATIONS:
        assert _status(Client(), method, address).status_code == 401, (method, address)
        assert _status(signed_in, method, address).status_code == 401, (method, address)


@pytest.mark.django_db
@pytest.mark.clause("2.3", "4.3d")
@pytest.mark.parametrize("role", ROLES)
def test_every_role_meets_the_policy_at_every_operation(role: str, caller: Any) -> None:
    client = caller(role)
    for method, address, operation in OPERATIONS:
        permission = _permission(operation)
        answer = _status(client, method, address)
        if permission == SIGNED_IN or may(client.actor, permission):
            assert answer.status_code < 500, (role, method, address, answer.status_code)
            assert answer.status_code != 401, (role, method, address)
        else:
            assert answer.status_code == 403, (role, method, address, answer.status_code)
            assert answer.json()["detail"], (role, method, address)
