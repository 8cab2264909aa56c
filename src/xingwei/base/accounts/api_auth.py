"""Who calls the API. A token belongs to a person and carries a subset of that person's permissions."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from xingwei.base.policy.engine import Actor


class TokenAuth(HttpBearer):
    """The actor is made by ActorMiddleware, since permissions are checked before anything else."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        return actor if actor.signed_in else None
