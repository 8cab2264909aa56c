"""May the actor do this to this very row? For the buttons of a page; the services ask again."""

from __future__ import annotations

from django.db import models

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import facts_of
from xingwei.base.policy.registry import policy


def may_on(actor: Actor, permission: str, row: models.Model) -> bool:
    return policy().may(actor, permission, facts_of(row))
