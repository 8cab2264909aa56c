"""Sessions in the database: how long they last without a touch and in all, and why they ended.

Django asks for the store by settings.SESSION_ENGINE = "xingwei.base.accounts.sessions". A session that has
ended keeps its row until its date, so that the sign-in page can say why; its key opens nothing any more.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.site.queries import value

TOUCH_EVERY = dt.timedelta(seconds=30)  # the time of the last act is written no more often


class SessionStore(DatabaseStore):
    """row: the session's row once it is loaded. ended: why it ended, "" while it lives (Session.Ended)."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.ended = ""
        self.row: Any = None

    @classmethod
    def get_model_class(cls) -> Any:
        from .models import Session

        return Session

    @property
    def rows(self) -> Any:
        return self.get_model_class().objects

    def load(self) -> dict[str, Any]:
        row = self.rows.filter(session_key=self.session_key, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        if not row.ended and (why := overdue(row)):
            self.rows.filter(pk=row.pk, ended="").update(ended=why, session_data="")
            row.ended = why
        if row.ended:
            self.ended = row.ended
            return {}
        self.row = row
        return dict(self.decode(row.session_data))

    def create(self) -> None:
        """A new row under a new key: the one that has ended is never used again."""
        self.ended = ""
        super().create()

    def save(self, must_create: bool = False) -> None:
        """Write data and owner; never the times, which only `touch` and the sign-in move."""
        if self.session_key is None or (self.ended and not must_create):
            return self.create()
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        columns = {
            "session_data": self.encode(data),
            "expire_date": self.get_expiry_date(),
            "user_id": data.get(SESSION_KEY),
        }
        if must_create:
            try:
                with transaction.atomic():
                    self.row = self.rows.create(session_key=self.session_key, **columns)
            except IntegrityError:
                raise CreateError from None
        elif not self.rows.filter(pk=self.session_key, ended="").update(**columns):
            raise UpdateError
        return None

    def begin(self, *, administrator: bool, address: str, agent: str) -> None:
        """A person has signed in: from now on the limits count."""
        self.save()
        now = timezone.now()
        self.rows.filter(pk=self.session_key).update(
            administrator=administrator, address=address[:64], agent=agent[:200], started_at=now, seen_at=now
        )

    def touch(self) -> None:
        """The person has done something."""
        now = timezone.now()
        if self.row is not None and not self.ended and now - self.row.seen_at >= TOUCH_EVERY:
            self.rows.filter(pk=self.row.pk, ended="", seen_at__lt=now).update(seen_at=now)

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)


def overdue(row: Any) -> str:
    """Why a signed-in session is over now; "" where it is not."""
    from .models import Session

    if row.user_id is None:
        return ""
    now = timezone.now()
    idle = value("accounts.session.idle_admin" if row.administrator else "accounts.session.idle")
    if now - row.started_at >= dt.timedelta(hours=value("accounts.session.hours")):
        return Session.Ended.ABSOLUTE
    if now - row.seen_at >= dt.timedelta(minutes=idle):
        return Session.Ended.IDLE
    return ""
