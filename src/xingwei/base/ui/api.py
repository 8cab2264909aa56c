"""Operations of the API: each states its permission, as every page does.

    @router.get("/cases", response=list[CaseOut])
    @permission("desk.case:view")
    def cases(request): ...

The check runs after authentication and before the input is parsed: who may not do a thing learns nothing
from how its input is judged. Services still call `require` for the row itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.decorators import decorate_view

from xingwei.base.policy.registry import policy

from .views import SIGNED_IN

Operation = TypeVar("Operation", bound=Callable[..., Any])


def permission(name: str) -> Callable[[Operation], Operation]:
    """Decorator below the route. name: "resource:action", or SIGNED_IN for one's own things."""

    def state(operation: Operation) -> Operation:
        operation.permission = name  # type: ignore[attr-defined]
        return decorate_view(_check(name))(operation)

    return state


def _check(name: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    def around(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(run)
        def checked(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            actor = request.actor  # type: ignore[attr-defined]
            if actor.signed_in and name != SIGNED_IN:  # a stranger gets the 401 of `run` itself
                decision = policy().decide(actor, name)
                if not decision.allowed:
                    return JsonResponse({"detail": decision.reason}, status=403)
            return run(request, **kwargs)

        return checked

    return around
