"""What the parts of the API share."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from ninja import Field, Schema

from xingwei.base.policy.engine import Actor


def actor_of(request: HttpRequest) -> Actor:
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


class ReasonIn(Schema):
    reason: str = Field(..., min_length=2, max_length=200, description="记入审计；不要写患者姓名和证件号")


class Done(Schema):
    detail: str
