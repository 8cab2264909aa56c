"""Restricted querysets: what of a table the actor may see, as SQL (after NetBox's idea).

A model says on which of its paths each scope is decided:

    class Case(models.Model):
        SCOPES = {"own": ("reporter_id",), "department": ("department_id",), "system": ("system__code",)}
        objects = RestrictedQuerySet.as_manager()

A path may lead to an array column: the row belongs to everyone in it.
"""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q

from .engine import Actor, Facts, Scope
from .registry import Denied, policy


class RestrictedQuerySet(models.QuerySet[Any]):
    def restrict(self, actor: Actor, permission: str) -> Self:
        """Only the rows on which the actor holds the permission."""
        scope = policy().scope(actor, permission)
        if scope is None:
            return self.none()
        if scope is Scope.ALL:
            return self
        paths: dict[str, tuple[str, ...]] = getattr(self.model, "SCOPES", {})
        rows = Q(pk__in=[])
        for path in paths.get("own", ()):
            rows |= Q(**({f"{path}__contains": [actor.id]} if _is_array(self.model, path) else {path: actor.id}))
        if scope >= Scope.DEPARTMENT and actor.departments:
            for path in paths.get("department", ()):
                rows |= Q(**{f"{path}__in": sorted(actor.departments)})
        if scope >= Scope.SYSTEM and actor.systems:
            for path in paths.get("system", ()):
                rows |= Q(**{f"{path}__in": sorted(actor.systems)})
        return self.filter(rows)


def _is_array(model: type[models.Model], path: str) -> bool:
    try:
        return isinstance(model._meta.get_field(path), ArrayField)
    except FieldDoesNotExist:
        return False


def facts_of(instance: models.Model) -> Facts:
    """The facts on which scope is decided for one row, read along the same SCOPES."""
    paths: dict[str, tuple[str, ...]] = getattr(type(instance), "SCOPES", {})

    def values(kind: str) -> frozenset[Any]:
        found = set()
        for path in paths.get(kind, ()):
            value: Any = instance
            for step in path.split("__"):
                value = getattr(value, step, None)
            if isinstance(value, list):
                found.update(value)
            elif value is not None:
                found.add(value)
        return frozenset(found)

    return Facts(values("own"), values("department"), values("system"))


def require(actor: Actor, permission: str, instance: models.Model | None = None) -> None:
    """Raise Denied, with the reason, unless the actor may do this (to this row)."""
    decision = policy().decide(actor, permission, facts_of(instance) if instance is not None else None)
    if not decision.allowed:
        raise Denied(decision.reason)
