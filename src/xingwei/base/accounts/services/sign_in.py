"""Signing in: password or single sign-on, then the second factor, then what must be settled first.

Every success, failure, lockout and sign-out is journalled. A person whose password has expired, or who must
bind an authenticator, is signed in behind a gate (middleware.Gate) that opens onto that one page.
"""

from __future__ import annotations

import datetime as dt
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from xingwei.base.journal.models import Entry
from xingwei.base.journal.services import record
from xingwei.base.journal.who import Who
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import roles
from xingwei.base.site.queries import value

from .. import lockout, mfa
from ..addresses import client_address
from ..models import Session, User
from ..queries import actor_of
from . import passwords
from .base import AccountRefused

BACKENDS = {
    User.Source.LOCAL: "xingwei.base.accounts.backends.LocalBackend",
    User.Source.LDAP: "xingwei.base.accounts.backends.LdapBackend",
    User.Source.OIDC: "xingwei.base.accounts.backends.OidcBackend",
}
_HOW = {User.Source.LOCAL: "密码", User.Source.LDAP: "医院目录密码", User.Source.OIDC: "医院统一认证"}
_WAITING = "sign_in.waiting"
_WAITING_S = 300
GATE = "gate"


class SignInRefused(AccountRefused):
    """locked: nothing typed now would open."""

    def __init__(self, said: str, *, locked: bool = False) -> None:
        super().__init__(said)
        self.locked = locked


@dataclass(frozen=True, slots=True)
class Waiting:
    """Password or single sign-on was right; the code is still asked."""

    user: User
    next: str


def by_password(request: HttpRequest, username: str, password: str, code: str = "", *, next_url: str = "") -> bool:
    """True: signed in. False: the code is asked on its own page now. Raises SignInRefused, DirectoryUnavailable."""
    typed = unicodedata.normalize("NFKC", username).replace("\x00", "").strip()[:40]
    account = User.objects.filter(username__iexact=typed).first()
    name = account.username if account else typed.lower()
    _refuse_locked(request, name, account)
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User):
        raise _failed(request, name, account, "工号或密码不对")
    _refuse_out_of_force(request, user)
    if not mfa.enrolled(user):
        admit(request, user)
        return True
    if not code.strip():
        _wait(request, user, next_url)
        return False
    _pass_code(request, user, code)
    return True


def by_code(request: HttpRequest, code: str) -> str:
    """The second step; returns where the person wanted to go. Raises SignInRefused."""
    found = waiting(request)
    if found is None:
        raise SignInRefused("等得太久了，请重新输入工号和密码。", locked=True)
    _refuse_locked(request, found.user.username, found.user)
    _refuse_out_of_force(request, found.user)
    _pass_code(request, found.user, code)
    return found.next


def by_single_sign_on(request: HttpRequest, username: str, *, next_url: str = "") -> bool:
    """The hospital's single sign-on vouches for this 工号. As by_password."""
    user = User.objects.filter(username__iexact=username.strip()[:40], source=User.Source.OIDC).first()
    if user is None:
        raise SignInRefused("您在医院统一认证里登录了，但本系统没有您的统一认证账号。请找安全管理员开通。")
    _refuse_out_of_force(request, user)
    if mfa.enrolled(user):
        _wait(request, user, next_url)
        return False
    admit(request, user)
    return True


def waiting(request: HttpRequest) -> Waiting | None:
    """Who has passed the first step in this browser a short while ago."""
    kept = request.session.get(_WAITING)
    if not kept or time.time() - kept["at"] > _WAITING_S:
        return None
    user = User.objects.select_related("organisation").filter(pk=kept["user"]).first()
    return Waiting(user, kept["next"]) if user else None


def admit(request: HttpRequest, user: User, *, factor: str = "") -> None:
    """Sign the person in: a new session, the oldest beyond the limit ended, what is due noted at the gate."""
    address = client_address(request)
    actor = actor_of(user, address=address)
    administrator = any(roles()[r].get("admin") for r in actor.roles if r in roles())
    with transaction.atomic():
        login(request, user, backend=BACKENDS[User.Source(user.source)])
        request.session.pop(_WAITING, None)
        due = []
        if user.source == User.Source.LOCAL and (user.must_change_password or passwords.expired(user)):
            due.append("password")
        if not factor and mfa.demanded(actor.roles):
            due.append("mfa")
        request.session[GATE] = due
        agent = request.META.get("HTTP_USER_AGENT", "")
        request.session.begin(administrator=administrator, address=address, agent=agent)  # type: ignore[attr-defined]
        elsewhere = _end_oldest(user)
        how = _HOW[User.Source(user.source)] + {"totp": "和动态码", "recovery": "和备用码"}.get(factor, "")
        record(
            actor,
            "accounts.sign_in.success",
            user,
            f"{user.name}用{how}登录" + (f"，另有 {elsewhere} 处登录因超过上限退出" if elsewhere else ""),
            after={"address": address, "agent": agent[:200], "how": how, "due": due},
        )


def leave(request: HttpRequest, actor: Actor) -> None:
    """Sign out of this browser."""
    user = request.user
    if not isinstance(user, User):
        return
    with transaction.atomic():
        record(actor, "accounts.sign_in.leave", user, f"{user.name}退出登录")
        logout(request)


def _pass_code(request: HttpRequest, user: User, code: str) -> None:
    factor = mfa.check(user, code)
    if not factor:
        user_login_failed.send(__name__, credentials={"username": user.username}, request=request)
        raise _failed(request, user.username, user, "动态码不对，或已经用过")
    admit(request, user, factor=factor)


def _wait(request: HttpRequest, user: User, next_url: str) -> None:
    request.session.cycle_key()
    request.session[_WAITING] = {"user": user.pk, "at": time.time(), "next": next_url}


def _refuse_locked(request: HttpRequest, name: str, account: User | None) -> None:
    if AxesProxyHandler.is_allowed(request, {"username": name}):
        return
    if not _noted_lately(name, account):
        _note(request, "fail", name, account, f"{account.name if account else ''}锁定期间仍在尝试登录")
    raise SignInRefused(_locked_words(name), locked=True)


def _refuse_out_of_force(request: HttpRequest, user: User) -> None:
    if user.in_force():
        return
    why = "账号已停用" if not user.is_active else f"账号已于 {user.valid_until} 到期"
    _note(request, "fail", user.username, user, f"{user.name}密码正确，但{why}")
    raise SignInRefused(f"{why}，不能登录。需要继续使用，请找安全管理员。", locked=True)


def _failed(request: HttpRequest, name: str, account: User | None, what: str) -> SignInRefused:
    """Note the failure (django-axes has counted it) and say how often one may try again."""
    failures, until = lockout.failures(name)
    whose = account.name if account else ""
    _note(request, "fail", name, account, f"{whose}登录失败：{what}（连续第 {failures} 次）")
    if until is not None:
        _note(
            request,
            "lockout",
            name,
            account,
            f"{whose}连续 {failures} 次登录失败，锁定 {value('accounts.lockout.minutes')} 分钟",
        )
        return SignInRefused(_locked_words(name), locked=True)
    left = max(lockout.limit() - failures, 0)
    minutes = value("accounts.lockout.minutes")
    return SignInRefused(f"{what}，还可再试 {left} 次，之后锁定 {minutes} 分钟。")


def _locked_words(name: str) -> str:
    _, until = lockout.failures(name)
    clock = f"，{timezone.localtime(until):%H:%M} 后可以再试" if until else ""
    return f"连续输错太多次，账号已锁定{clock}。忘了密码请找安全管理员重置。"


def _note(request: HttpRequest, verb: str, name: str, account: User | None, said: str) -> None:
    """Into the journal. What is no 工号 may be a password typed into the wrong field: never kept whole."""
    who = Who(id=None, name="未登录", address=client_address(request))
    target: Any = account or ("accounts.user", "", f"不存在的工号（{name[:2]}…）")
    with transaction.atomic():
        record(
            who,
            f"accounts.sign_in.{verb}",
            target,
            said,
            after={"agent": request.META.get("HTTP_USER_AGENT", "")[:200]},
        )


def _noted_lately(name: str, account: User | None) -> bool:
    since = timezone.now() - dt.timedelta(minutes=1)
    ident = str(account.pk) if account else ""
    recent = Entry.objects.filter(target_type="accounts.user", target_id=ident, at__gte=since)
    return recent.filter(act="accounts.sign_in.fail").exists()


def _end_oldest(user: User) -> int:
    """End what is beyond the number of sessions that one account may have; returns how many."""
    live = Session.objects.filter(user=user, ended="").order_by("-started_at", "-pk")
    beyond = list(live.values_list("pk", flat=True)[int(value("accounts.session.concurrent")) :])
    return Session.objects.filter(pk__in=beyond).update(ended=Session.Ended.ELSEWHERE, session_data="")
