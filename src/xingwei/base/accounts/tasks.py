"""Background work of the room: old sessions go, accounts that run out are told of in time."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from xingwei.base.notify.services import tell
from xingwei.base.policy.engine import system_actor

from . import queries
from .models import ApiToken, Session

TOLD_BEFORE = 14  # days before an account's or a token's end


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="accounts.sessions")
def clear_sessions(timestamp: int) -> None:
    """Rows whose date has passed have nothing left to say."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


@app.periodic(cron="10 0 * * *")  # of UTC: 08:10 in Shanghai
@app.task(queueing_lock="accounts.expiring")
def tell_of_expiry(timestamp: int) -> None:
    """Once for each end date: the security administrators of accounts, the owner of a token."""
    actor = system_actor("task")
    with transaction.atomic():
        admins = list(queries.people_with_role("security_admin"))
        for user in queries.expiring(TOLD_BEFORE).filter(valid_until__gte=timezone.localdate()):
            tell(
                actor,
                admins,
                kind="accounts.expiring",
                title=f"{user.name}的账号 {user.valid_until} 到期",
                text=f"{user.organisation.short_name} {user.title}。需要继续使用请办理延期，不用的请停用。",
                url=user.get_absolute_url(),
                key=f"accounts.expiring:{user.pk}:{user.valid_until}",
            )
        now = timezone.now()
        until = now + dt.timedelta(days=TOLD_BEFORE)
        for token in ApiToken.objects.filter(revoked_at=None, expires_at__range=(now, until)):
            tell(
                actor,
                [token.user_id],
                kind="accounts.expiring",
                title=f"令牌“{token.name}”{timezone.localdate(token.expires_at)} 到期",
                text="到期后用它的程序会收到 401。需要继续使用，请签发新的并换上。",
                url="/people/tokens/",
                key=f"accounts.token:{token.pk}",
            )
