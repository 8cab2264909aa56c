"""What the database's guard knows of each role, rewritten from the policy after every migrate."""

from __future__ import annotations

from typing import Any

from xingwei.base.policy.registry import data_roles, roles

from .models import RoleClass


def rewrite(**kwargs: Any) -> None:
    """Receiver of post_migrate."""
    carrying = data_roles()
    RoleClass.objects.exclude(role__in=roles()).delete()
    RoleClass.objects.bulk_create(
        [RoleClass(role=r, admin=spec.get("admin", ""), data=r in carrying) for r, spec in roles().items()],
        update_conflicts=True,
        unique_fields=["role"],
        update_fields=["admin", "data"],
    )
