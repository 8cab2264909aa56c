"""Routes and code maps: their versions, drafts, try-out, release, the way back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Query, Schema

from xingwei.base.ui.api import permission

from ..models import CodeMap, Route
from ..queries import looks, tryout
from ..services import versions as services
from ..views.versions import owner_or_404
from .common import Done, ReasonIn, actor_of
from .router import router


class OwnerOut(Schema):
    code: str
    name: str
    system: str
    source: str | None
    active: bool
    released: int | None
    draft: int | None


class VersionOut(Schema):
    number: int
    state: str
    note: str
    author: str
    approver: str
    created_at: dt.datetime
    released_at: dt.datetime | None
    document: dict[str, Any]
    fingerprint: str


class DraftIn(Schema):
    """seen: the fingerprint of the draft that was read, "" for none."""

    document: dict[str, Any]
    note: str = Field(..., min_length=1, max_length=300)
    seen: str = ""


class NumberIn(Schema):
    number: int = Field(..., ge=1, le=10**6)


class BackIn(ReasonIn):
    number: int = Field(..., ge=1, le=10**6)


class ActiveIn(ReasonIn):
    active: bool


class ChangedOut(Schema):
    path: str
    before: str
    after: str
    covered: bool


class CaseOut(Schema):
    number: str
    before: str
    after: str
    fields: list[ChangedOut]
    more: int


class TryOutOut(Schema):
    """Values that are a person's are covered."""

    looked: int
    same: int
    different: int
    problem: str
    by_field: dict[str, int]
    by_outcome: dict[str, int]
    cases: list[CaseOut]


_COUNT: Any = Query(100, ge=1, le=tryout.MOST, description="最近多少条消息")  # type: ignore[type-arg]


def _list(rows: Any) -> list[dict[str, Any]]:
    found = []
    for row in rows.select_related("system").prefetch_related("versions"):
        numbers = {v.state: v.number for v in row.versions.all() if v.state in {"released", "draft"}}
        found.append(
            {
                "code": row.code, "name": row.name, "system": row.system.code,
                "source": row.source.code if isinstance(row, Route) else None,
                "active": row.active if isinstance(row, Route) else True,
                "released": numbers.get("released"), "draft": numbers.get("draft"),
            }
        )  # fmt: skip
    return found


def _version(row: Any) -> dict[str, Any]:
    return {
        "number": row.number, "state": row.state, "note": row.note, "author": str(row.author or ""),
        "approver": str(row.approver or ""), "created_at": row.created_at, "released_at": row.released_at,
        "document": row.document, "fingerprint": services.fingerprint(row.document),
    }  # fmt: skip


def _versions(owner: Any) -> list[dict[str, Any]]:
    return [_version(v) for v in services.versions(owner).select_related("author", "approver")[:100]]


def _tried(request: HttpRequest, owner: Any, count: int) -> dict[str, Any]:
    from ..views.routes import _looked

    draft = services.versions(owner).filter(state="draft").first()
    if draft is None:
        raise Http404("没有草稿")
    if isinstance(owner, Route):
        if owner.source_id not in looks.visible(actor_of(request)):
            raise Http404("您不能看这条通道的消息")
        draft.route = owner
        made = tryout.of_route(draft, count=count)
    else:
        draft.map = owner
        made = tryout.of_map(draft, count=count)
    _looked(request, actor_of(request), owner, draft.number, made.looked)
    return {
        "looked": made.looked, "same": made.same, "different": made.different, "problem": made.problem,
        "by_field": dict(made.by_field.most_common(100)), "by_outcome": dict(made.by_outcome), "cases": made.cases,
    }  # fmt: skip


def _operations(prefix: str, kind: str, rows: Callable[[Any], Any], words: dict[str, str]) -> None:
    """The same operations for routes and for code maps, each under its own permissions and name."""
    resource = f"gateway.{kind}"

    def owner(request: HttpRequest, code: str, action: str = "view") -> Any:
        return owner_or_404(kind, actor_of(request), code, action)

    def said(name: str) -> dict[str, Any]:
        return {"summary": words[name], "operation_id": f"gateway_{kind}_{name}"}

    @router.get(f"/{prefix}", response=list[OwnerOut], **said("list"))
    @permission(f"{resource}:view")
    def every(request: HttpRequest) -> Any:
        return _list(rows(actor_of(request)))

    @router.get(f"/{prefix}/{{code}}/versions", response=list[VersionOut], **said("versions"))
    @permission(f"{resource}:view")
    def versions(request: HttpRequest, code: str) -> Any:
        return _versions(owner(request, code))

    @router.put(f"/{prefix}/{{code}}/draft", response=VersionOut, **said("draft"))
    @permission(f"{resource}:draft")
    def draft(request: HttpRequest, code: str, data: DraftIn) -> Any:
        row = owner(request, code, "draft")
        return _version(services.save_draft(actor_of(request), row, data.document, data.note, seen=data.seen))

    @router.delete(f"/{prefix}/{{code}}/draft", response=Done, **said("drop"))
    @permission(f"{resource}:draft")
    def drop(request: HttpRequest, code: str) -> Any:
        services.drop_draft(actor_of(request), owner(request, code, "draft"))
        return {"detail": "草稿已丢弃"}

    @router.get(f"/{prefix}/{{code}}/try", response=TryOutOut, **said("try"))
    @permission(f"{resource}:draft")
    def try_out(request: HttpRequest, code: str, count: int = _COUNT) -> Any:
        return _tried(request, owner(request, code, "draft"), count)

    @router.post(f"/{prefix}/{{code}}/release", response=VersionOut, **said("release"))
    @permission(f"{resource}:release")
    def release(request: HttpRequest, code: str, data: NumberIn) -> Any:
        return _version(services.release(actor_of(request), owner(request, code, "release"), data.number))

    @router.post(f"/{prefix}/{{code}}/back", response=VersionOut, **said("back"))
    @permission(f"{resource}:release")
    def back(request: HttpRequest, code: str, data: BackIn) -> Any:
        row = owner(request, code, "release")
        return _version(services.roll_back(actor_of(request), row, data.number, data.reason))


_operations(
    "routes",
    "route",
    lambda actor: Route.objects.restrict(actor, "gateway.route:view").select_related("source"),
    {
        "list": "全部路由", "versions": "一条路由的版本，新的在前", "draft": "起草或接着改草稿", "drop": "丢弃草稿",
        "try": "用草稿试算过去的消息", "release": "复核发布草稿（不能由起草的人发布）", "back": "回退到曾经生效的版本",
    },
)  # fmt: skip
_operations(
    "maps",
    "code_map",
    lambda actor: CodeMap.objects.restrict(actor, "gateway.code_map:view"),
    {
        "list": "全部编码对照", "versions": "一张对照表的版本，新的在前", "draft": "起草或接着改对照表",
        "drop": "丢弃对照表的草稿", "try": "用草稿对照试算过去的消息",
        "release": "复核发布对照表（不能由起草的人发布）", "back": "对照表回退到曾经生效的版本",
    },
)  # fmt: skip


@router.post("/routes/{code}/active", response=Done, summary="停用或启用路由")
@permission("gateway.route:release")
def route_active(request: HttpRequest, code: str, data: ActiveIn) -> Any:
    owner = owner_or_404("route", actor_of(request), code, "release")
    services.set_active(actor_of(request), owner, data.active, data.reason)
    return {"detail": "路由已启用" if data.active else "路由已停用"}
