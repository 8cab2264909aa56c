"""What somebody may do, how far, through which role and why: the policy in words."""

from __future__ import annotations

from dataclasses import dataclass

from xingwei.base.policy.engine import Action, Actor, Resource, Scope
from xingwei.base.policy.registry import policy, roles

from .models.roles import role_label

SIDES = {"hospital": "医院", "vendor": "运维服务商", "third": "第三方"}


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a person may do: the widest scope, and the roles that give it."""

    resource: Resource
    action: Action
    scope: Scope
    through: tuple[str, ...]

    @property
    def permission(self) -> str:
        return f"{self.resource.key}:{self.action.key}"


def held(actor: Actor) -> list[Held]:
    """Everything that the person may do, in the order of the rooms."""
    found = []
    for resource in policy().resources.values():
        for action in resource.actions.values():
            scope = policy().scope(actor, f"{resource.key}:{action.key}")
            if scope is not None:
                giving = [g.role for g in action.grants if g.role in actor.roles and g.scope is scope]
                found.append(Held(resource, action, scope, tuple(role_label(r) for r in giving)))
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the matrix: an action, and in which scope each role has it (None: not at all)."""

    resource: Resource
    action: Action
    scopes: dict[str, Scope | None]


def matrix() -> list[Row]:
    """resource × action × role, whole."""
    known = list(roles())
    rows = []
    for resource in policy().resources.values():
        for action in resource.actions.values():
            granted = {g.role: g.scope for g in action.grants}
            rows.append(Row(resource, action, {r: granted.get(r) for r in known}))
    return rows


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One grant, for the export."""

    resource: Resource
    action: Action
    role: str
    scope: Scope

    @property
    def permission(self) -> str:
        return f"{self.resource.key}:{self.action.key}"
