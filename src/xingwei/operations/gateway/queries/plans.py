"""Which degradation plan is in force for a way out, and what the pages show of plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.db.models import Prefetch

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import in_force as people_in_force
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.policy.registry import roles

from ..models import Plan, PlanApproval, PlanVersion

MODES = {"store": "存储转发", "cached": "用缓存应答", "answer": "按约定应答", "skip": "跳过并标记"}


class PlanDoc(TypedDict):
    """What the runner needs of a plan.

    mode: for every message type that `by` does not name. sentence: what the user of the main flow sees. answer: the
    document that callers get, None where the sentence alone is enough. cache_s: how old a cached answer may be.
    """

    mode: str
    sentence: str
    answer: dict[str, Any] | None
    cache_s: int
    by: dict[str, str]
    version: str
    catch_up_per_minute: int | None


def in_force(channel_id: int) -> PlanDoc | None:
    """The approved plan of a way out; None where none is approved."""
    return in_force_of([channel_id]).get(channel_id)


def in_force_of(channel_ids: Iterable[int]) -> dict[int, PlanDoc]:
    """The approved plans of several ways out, in one query."""
    rows = PlanVersion.objects.filter(plan__channel_id__in=list(channel_ids), state=PlanVersion.State.APPROVED)
    return {row.plan.channel_id: doc_of(row) for row in rows.select_related("plan")}


def doc_of(version: PlanVersion) -> PlanDoc:
    """A version as the runner reads it."""
    document = version.document
    return PlanDoc(
        mode=document["mode"],
        sentence=document["sentence"],
        answer=_said(document.get("answer"), document["sentence"]),
        cache_s=document.get("cache_s", 86_400),
        by={kind: line["mode"] for line in document.get("lines", ()) for kind in line.get("types", ())},
        version=f"{version.plan.code} 第 {version.number} 版",
        catch_up_per_minute=document.get("limits", {}).get("catch_up_per_minute"),
    )


def _said(answer: Any, sentence: str) -> Any:
    """The answer with the sentence in place of {sentence}, however deep it stands."""
    if isinstance(answer, dict):
        return {k: _said(v, sentence) for k, v in answer.items()}
    if isinstance(answer, list):
        return [_said(v, sentence) for v in answer]
    return answer.replace("{sentence}", sentence) if isinstance(answer, str) else answer


def approved_version(channel_id: int) -> PlanVersion | None:
    """The version in force with its approvals; None where there is none."""
    rows = PlanVersion.objects.filter(plan__channel_id=channel_id, state=PlanVersion.State.APPROVED)
    found: PlanVersion | None = rows.select_related("plan").prefetch_related("approvals").first()
    return found


def plan_of(code: str) -> Any:
    """A queryset of the plan with its versions and their approvals, newest first."""
    versions = PlanVersion.objects.order_by("-number").prefetch_related(
        Prefetch("approvals", PlanApproval.objects.order_by("at"))
    )
    return Plan.objects.select_related("channel__system").prefetch_related(Prefetch("versions", versions))


def people_of(document: Mapping[str, Any]) -> list[User]:
    """Whom a plan names in `tell`: roles, or people by their number."""
    names = [str(n) for n in document.get("tell", ())]
    wanted = [n for n in names if n in roles()]
    people = {u.pk: u for u in people_with_role(*wanted)} if wanted else {}
    numbers = [n for n in names if n not in roles()]
    people |= {u.pk: u for u in people_in_force().filter(username__in=numbers)} if numbers else {}
    return sorted(people.values(), key=lambda u: u.pk)
