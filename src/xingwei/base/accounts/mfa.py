"""The second factor: a code from an authenticator app (TOTP, RFC 6238), and recovery codes for a lost phone.

The secrets and codes are django-allauth's (allauth.mfa); the pages are our own. Secrets lie in the database
under SM4-GCM.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles
from xingwei.base.runtime.crypto import SecretBox
from xingwei.base.site.queries import value

from .models import User
from .services import sessions
from .services.base import AccountRefused, not_oneself

_PURPOSE = "accounts.mfa"
_ENROLLING = "mfa.enrolling"


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """settings.MFA_ADAPTER."""

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text, purpose=_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return _box().decrypt(encrypted_text, purpose=_PURPOSE)

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def get_totp_issuer(self) -> str:
        return "杏维"


def enrolled(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def anybody_enrolled() -> bool:
    return bool(Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists())


def demanded(held: frozenset[str]) -> bool:
    """Whether the settings demand a second factor of somebody with these roles."""
    specs = [roles()[r] for r in held if r in roles()]
    administrators = any(s.get("admin") for s in specs) and value("accounts.mfa.administrators")
    return bool(administrators or (any(s.get("remote") for s in specs) and value("accounts.mfa.remote")))


def begin(session: Any, user: User) -> dict[str, str]:
    """The secret to put into the app, and its picture as SVG; the same until it is confirmed."""
    secret = session.get(_ENROLLING) or generate_totp_secret()
    session[_ENROLLING] = secret
    adapter = get_adapter()
    return {"secret": secret, "svg": adapter.build_totp_svg(adapter.build_totp_url(user, secret))}


def confirm(actor: Actor, session: Any, user: User, code: str) -> list[str]:
    """The app shows the right code: from now on it is asked. Returns the recovery codes. AccountRefused."""
    secret = session.get(_ENROLLING)
    if not secret:
        raise AccountRefused("这次绑定已经过期，请重新扫描二维码。")
    if _matching_counter(secret, _plain(code)) is None:
        raise AccountRefused("动态码不对。请核对手机时间是否准确，再输入现在显示的 6 位数。")
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        TOTP.activate(user, secret)
        codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
        record(actor, "accounts.mfa.enrol", user, f"{user.name}绑定了动态码")
    session.pop(_ENROLLING, None)
    return codes


def check(user: User, code: str) -> str:
    """ "totp" or "recovery" for a right code, "" for a wrong one. Neither kind opens twice."""
    text = _plain(code)
    if not text:
        return ""
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user)
        totp = rows.filter(type=Authenticator.Type.TOTP).first()
        if totp is not None:
            counter = _matching_counter(decrypt(totp.data["secret"]), text)
            if counter is not None and counter > totp.data.get("last_counter", -1):
                totp.data["last_counter"] = counter
                totp.save(update_fields=["data"])
                totp.record_usage()
                return "totp"
        recovery = rows.filter(type=Authenticator.Type.RECOVERY_CODES).first()
        if totp is not None and recovery is not None and RecoveryCodes(recovery).validate_code(text):
            return "recovery"
    return ""


def recovery_left(user: User) -> int:
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def renew_recovery(actor: Actor, user: User, code: str) -> list[str]:
    """New recovery codes in place of the old; the app's present code proves whose hand it is."""
    if check(user, code) != "totp":
        raise AccountRefused("动态码不对，或刚刚用过。请等手机上换一个数再试。")
    with transaction.atomic():
        Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
        codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
        record(actor, "accounts.mfa.renew", user, f"{user.name}更换了动态码的备用码")
    return codes


def remove(actor: Actor, user: User, code: str, held: frozenset[str]) -> None:
    """The owner gives the second factor up; not where it is demanded."""
    if demanded(held):
        raise AccountRefused("您的角色登录必须用动态码，不能解除。换手机请重新绑定。")
    if not check(user, code):
        raise AccountRefused("动态码不对，或刚刚用过。请等手机上换一个数再试。")
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        record(actor, "accounts.mfa.remove", user, f"{user.name}解除了动态码")


def reset(actor: Actor, user: User) -> None:
    """The security administrator takes a lost phone's binding away; it is bound anew at the next sign-in."""
    require(actor, "accounts.person:change", user)
    not_oneself(actor, user, "重置")
    with transaction.atomic():
        gone, _ = Authenticator.objects.filter(user=user).delete()
        if not gone:
            raise AccountRefused(f"{user.name}没有绑定动态码。")
        sessions.end_all(user)
        record(actor, "accounts.mfa.reset", user, f"重置{user.name}的动态码绑定")


def _matching_counter(secret: str, code: str) -> int | None:
    for counter in yield_hotp_counters_from_time():
        if constant_time_compare(format_hotp_value(hotp_value(secret, counter)), code):
            return int(counter)
    return None


def _plain(code: str) -> str:
    return unicodedata.normalize("NFKC", code).replace(" ", "").replace("-", "")[:20]


def _box() -> SecretBox:
    return SecretBox(settings.CONFIG.secrets)
