"""The administrators' cards on the home page: what waits, what runs out, whether the journal is whole."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from xingwei.base.journal import queries as journal
from xingwei.base.journal.models import Entry, Verification
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.site.queries import value
from xingwei.base.ui.registry import Banner, HomeCard

from . import lockout, queries
from .models import User

SHOWN = 5
STALE_HEAD = dt.timedelta(minutes=15)


def proposals(request: HttpRequest) -> dict[str, Any] | None:
    """For who may give the second word."""
    rows = [p for p in queries.open_proposals() if p.proposed_by_id != request.actor.id]  # type: ignore[attr-defined]
    return {"proposals": rows[:SHOWN], "count": len(rows)} if rows else None


def accounts(request: HttpRequest) -> dict[str, Any]:
    """For the security administrator."""
    locked = lockout.locked()
    people = {u.username: u for u in User.objects.filter(username__in=list(locked))}
    return {
        "waiting": queries.open_proposals().count(),
        "expiring": list(queries.expiring()[:SHOWN]),
        "expiring_count": queries.expiring().count(),
        "locked": [{"person": people.get(name), "name": name, "until": until} for name, until in locked.items()][
            :SHOWN
        ],
        "locked_count": len(locked),
        "dormant_count": queries.dormant().count(),
        "dormant_days": value("accounts.dormant_days"),
        "today": timezone.localdate(),
    }


def chain(request: HttpRequest) -> dict[str, Any]:
    """For the audit administrator: is everything sealed, signed, brought out and verified?"""
    state = journal.chain_state()
    now = timezone.now()
    return {
        "state": state,
        "stuck": state.oldest_pending_at is not None and now - state.oldest_pending_at > STALE_HEAD,
        "failed": [e for e in state.exports if e.error],
        "outside": len(journal.destinations()) > 1,
        "verified": broken() or journal.last_verification(whole=True),
    }


def recent(request: HttpRequest) -> dict[str, Any] | None:
    """For the security administrator: what was changed on accounts lately, by whomever."""
    acts = [
        f"accounts.{a}"
        for a in ("person.create", "person.edit", "person.disable", "person.enable", "role.grant", "role.revoke")
    ]
    acts += ["accounts.password.reset", "accounts.mfa.reset", "accounts.token.create", "accounts.sign_in.lockout"]
    rows = list(Entry.objects.filter(act__in=acts).order_by("-at", "-id")[: SHOWN + 3])
    return {"rows": rows} if rows else None


def broken() -> Verification | None:
    """The last verification, where it found something."""
    last = journal.last_verification()
    return last if last is not None and last.intact is False else None


def tampering(actor: Actor) -> Banner | None:
    """Above every page of who verifies the journal, until a verification finds it whole."""
    if not may(actor, "accounts.journal:verify") or (found := broken()) is None:
        return None
    return Banner("late", found.sentence, reverse("accounts:chain"), "查看")


def failures(request: HttpRequest) -> dict[str, Any]:
    """For the audit administrator: what the last day's sign-ins tell."""
    since = timezone.now() - dt.timedelta(days=1)
    rows = Entry.objects.filter(at__gte=since)
    return {
        "failed": rows.filter(act="accounts.sign_in.fail").count(),
        "lockouts": list(rows.filter(act="accounts.sign_in.lockout").order_by("-at", "-id")[:SHOWN]),
        "exports": list(rows.filter(act__endswith=".export").order_by("-at", "-id")[:SHOWN]),
    }


def system(request: HttpRequest) -> dict[str, Any]:
    """For the system administrator: how people come in, and which settings were changed lately."""
    changed = Entry.objects.filter(act="site.setting.change").order_by("-at", "-id")[:SHOWN]
    return {"ldap": settings.ACCOUNTS_LDAP, "oidc": settings.ACCOUNTS_OIDC, "changed": list(changed)}


CARDS = [
    HomeCard(5, "accounts.role:confirm", "accounts/cards/proposals.html", proposals, wide=True),
    HomeCard(
        10,
        "accounts.person:change",
        "accounts/cards/accounts.html",
        accounts,
        wide=True,
        roles=frozenset({"security_admin"}),
    ),
    HomeCard(
        11,
        "accounts.person:change",
        "accounts/cards/recent.html",
        recent,
        wide=True,
        roles=frozenset({"security_admin"}),
    ),
    HomeCard(
        10, "accounts.journal:verify", "accounts/cards/chain.html", chain, wide=True, roles=frozenset({"audit_admin"})
    ),
    HomeCard(20, "accounts.journal:verify", "accounts/cards/failures.html", failures, roles=frozenset({"audit_admin"})),
    HomeCard(
        15,
        "site.system_setting:change",
        "accounts/cards/system.html",
        system,
        roles=frozenset({"system_admin"}),
    ),
]
