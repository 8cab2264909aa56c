"""What the room's services share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.who import Who
from xingwei.base.notify import services as notify
from xingwei.base.ui.views import ServiceRefused

LONGEST = dt.timedelta(hours=48)


class Refused(ServiceRefused):
    """The act is refused; str() is the Chinese sentence."""


def week_url(day: dt.date) -> str:
    return f"{reverse('rota:week')}?week={day - dt.timedelta(days=day.weekday()):%Y-%m-%d}"


def tell(
    actor: Who,
    people: Iterable[User],
    kind: str,
    title: str,
    *,
    text: str = "",
    url: str = "",
    urgent: bool = False,
    key: str = "",
) -> None:
    """Tell people, the actor excepted: nobody needs to hear what he has just done himself. kind: without "rota."."""
    others = [p for p in people if p.pk != actor.id]
    if others:
        notify.tell(actor, others, kind=f"rota.{kind}", title=title, text=text, url=url, urgent=urgent, key=key)


def check_text(value: str, what: str, longest: int, *, needed: bool = False) -> str:
    """The text without surrounding blanks; Refused where it is too long, or empty although needed."""
    text = value.replace("\x00", "").strip()
    if needed and not text:
        raise Refused(f"请写明{what}")
    if len(text) > longest:
        raise Refused(f"{what}最长 {longest} 字，现在是 {len(text)} 字")
    return text


def check_span(start: dt.datetime, end: dt.datetime) -> None:
    if end <= start:
        raise Refused("结束时间应晚于开始时间")
    if end - start > LONGEST:
        raise Refused("一个班次最长 48 小时，更长的请分成几班")
    if not dt.datetime(2020, 1, 1, tzinfo=dt.UTC) <= start <= timezone.now() + dt.timedelta(days=400):
        raise Refused("时间不对，只能排到未来一年之内")
