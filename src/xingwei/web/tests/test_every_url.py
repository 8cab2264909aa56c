"""Every address as every role: what the policy says is what the page does, new views included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from xingwei.base.policy.registry import may, policy, roles
from xingwei.base.ui.views import PUBLIC, SIGNED_IN, Guarded

from .samples import filled

ROLES = sorted(roles())
METHODS = ("get", "post")


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern


def _address(route: str) -> str:
    return "/" + filled(route)


URLS = [(route, p) for route, p in _walk(get_resolver().url_patterns) if not route.startswith("api/")]
VIEWS = [(route, getattr(p.callback, "view_class", None)) for route, p in URLS]


def test_every_view_states_its_permission() -> None:
    unguarded = [r for r, v in VIEWS if v is None or not issubclass(v, Guarded)]
    assert unguarded == []
    for route, view in VIEWS:
        if view.permission not in (PUBLIC, SIGNED_IN):
            policy().action(view.permission)  # raises UnknownPermission, naming it
        assert view.permission, route


@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in_or_sees_a_public_page(client: Any) -> None:
    for route, view in VIEWS:
        for method in METHODS:
            response = getattr(client, method)(_address(route))
            if view.permission == PUBLIC:
                assert response.status_code < 500, (method, route)
                continue
            assert response.status_code == 302, (method, route)
            assert response["Location"].startswith("/sign-in/"), (method, route)


@pytest.mark.django_db
@pytest.mark.clause("2.3", "4.3d")
@pytest.mark.parametrize("role", ROLES)
def test_every_role_meets_the_policy_at_every_address(role: str, as_role: Any) -> None:
    """Where a role is allowed, both methods are called, else one of the two: the refusal stands before either,
    and which of them it is changes from role to role and from view to view."""
    client = as_role(role)
    for number, (route, view) in enumerate(VIEWS, start=ROLES.index(role)):
        if view.permission == PUBLIC:
            continue
        allowed = view.permission == SIGNED_IN or may(client.actor, view.permission)
        for method in METHODS if allowed else [METHODS[number % 2]]:
            status = getattr(client, method)(_address(route)).status_code
            if allowed:
                assert status < 500, (role, method, route, status)
            else:
                assert status == 403, (role, method, route, status)
