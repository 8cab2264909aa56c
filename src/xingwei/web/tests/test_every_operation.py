"""Every operation of the API as nobody and as every role: what the policy says is what the operation does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xingwei.base.policy.registry import policy
from xingwei.base.ui.views import SIGNED_IN
from xingwei.web.api import api


def _operations() -> Iterator[tuple[str, str, Any]]:
    """(method, address with sample values, the operation) of everything under /api/."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    yield method.lower(), f"/api{prefix}{path}", operation


OPERATIONS = list(_operations())


def test_every_operation_states_its_permission() -> None:
    for method, address, operation in OPERATIONS:
        stated = getattr(operation.view_func, "permission", None)
        assert stated, f"{method} {address} states no permission: put @permission(…) below the route"
        if stated != SIGNED_IN:
            policy().action(stated)  # raises UnknownPermission, naming it
