"""Who may do and see what: resource × action × scope, decided from data. Pure.

A *permission* is written "resource:action", e.g. "desk.case:view". Each room declares its resources in
its grants.yaml; `load` merges them into one Policy. A person holds roles; a role grants an action in a
scope; the widest scope of all the roles wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import yaml

from xingwei.base.journal.who import Who


class Scope(IntEnum):
    """How far a grant reaches. Wider is greater."""

    OWN = 1
    DEPARTMENT = 2
    SYSTEM = 3
    ALL = 4

    @property
    def label(self) -> str:
        return {1: "本人", 2: "本科室", 3: "所管系统", 4: "全院"}[self]

    @property
    def short(self) -> str:
        """One character, for the matrix."""
        return {1: "本", 2: "科", 3: "系", 4: "全"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor(Who):
    """Someone acting now: identity plus everything that decides what they may do.

    side: "hospital", "vendor", "third" or "system". departments: ids. systems: codes such as "HIS".
    only: the permissions to which an API token narrows its person's; None for no narrowing.
    """

    side: str = "system"
    roles: frozenset[str] = frozenset()
    departments: frozenset[int] = frozenset()
    systems: frozenset[str] = frozenset()
    only: frozenset[str] | None = None

    @property
    def signed_in(self) -> bool:
        return self.id is not None

    def has_role(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))


ANONYMOUS = Actor(id=None, name="未登录", side="none")


def system_actor(via: str = "task") -> Actor:
    """The product itself acting: tasks, imports, the first set-up."""
    return Actor(id=None, name="系统", side="system", via=via)


@dataclass(frozen=True, slots=True)
class Grant:
    role: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Action:
    key: str
    label: str
    why: str = ""
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """data: touching it needs a data right (record content, patient data). admin: an administration right."""

    key: str
    label: str
    data: bool = False
    admin: bool = False
    actions: Mapping[str, Action] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    scope: Scope | None
    reason: str


class UnknownPermission(KeyError):
    """The code names a permission that no grants.yaml declares."""


class PolicyError(ValueError):
    """A grants.yaml is wrong; the message is Chinese and names file and place."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What scope is decided on for one object."""

    owners: frozenset[int] = frozenset()
    departments: frozenset[int] = frozenset()
    systems: frozenset[str] = frozenset()


class Policy:
    """All resources, and the one place where a decision is made."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources: dict[str, Resource] = {r.key: r for r in resources}

    def action(self, permission: str) -> tuple[Resource, Action]:
        resource, _, action = permission.partition(":")
        try:
            found = self.resources[resource]
            return found, found.actions[action]
        except KeyError:
            raise UnknownPermission(permission) from None

    def data_roles(self) -> frozenset[str]:
        """Roles that hold any action on any data resource."""
        return frozenset(
            g.role for r in self.resources.values() if r.data for a in r.actions.values() for g in a.grants
        )

    def scope(self, actor: Actor, permission: str) -> Scope | None:
        """The widest scope in which the actor holds the permission; None when not at all."""
        _, action = self.action(permission)
        if actor.side == "system":
            return Scope.ALL
        if actor.only is not None and permission not in actor.only:
            return None
        return max((g.scope for g in action.grants if g.role in actor.roles), default=None)

    def may(self, actor: Actor, permission: str, facts: Facts | None = None) -> bool:
        return self.decide(actor, permission, facts).allowed

    def decide(self, actor: Actor, permission: str, facts: Facts | None = None) -> Decision:
        """The decision with its reason in Chinese. Without facts: may it be done to anything at all?"""
        resource, action = self.action(permission)
        scope = self.scope(actor, permission)
        what = f"{action.label}{resource.label}"
        if scope is None:
            who = "这个令牌" if actor.only is not None and permission not in actor.only else "您的角色"
            return Decision(False, None, f"{who}不能{what}")
        if facts is None or scope is Scope.ALL:
            return Decision(True, scope, f"可{what}（{scope.label}）")
        own = actor.id in facts.owners
        department = scope >= Scope.DEPARTMENT and not actor.departments.isdisjoint(facts.departments)
        system = scope >= Scope.SYSTEM and not actor.systems.isdisjoint(facts.systems)
        if own or department or system:
            return Decision(True, scope, f"可{what}（{scope.label}）")
        return Decision(False, scope, f"您只能{what}（{scope.label}范围内）")


def load(files: Iterable[Path], roles: Iterable[str]) -> Policy:
    """Read grants files. Raises PolicyError where one names an unknown role, scope or repeats a resource."""
    known = set(roles)
    resources: dict[str, Resource] = {}
    for path in files:
        for raw in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
            resource = _resource(raw, known, path)
            if resource.key in resources:
                raise PolicyError(f"{path}：资源 {resource.key} 重复声明")
            resources[resource.key] = resource
    return Policy(resources.values())


def _resource(raw: Mapping[str, Any], known: set[str], path: Path) -> Resource:
    key = raw["resource"]
    actions: dict[str, Action] = {}
    for name, spec in raw["actions"].items():
        grants = []
        for role, scope in (spec.get("roles") or {}).items():
            if role not in known:
                raise PolicyError(f"{path}：{key}:{name} 授给了不存在的角色 {role}")
            if scope.upper() not in Scope.__members__:
                raise PolicyError(f"{path}：{key}:{name} 的范围 {scope} 不对，应是 own、department、system 或 all")
            grants.append(Grant(role, Scope[scope.upper()]))
        actions[name] = Action(name, spec["label"], spec.get("why", ""), tuple(grants))
    return Resource(key, raw["label"], raw.get("data", False), raw.get("admin", False), actions)
