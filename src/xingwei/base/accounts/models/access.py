"""How people and programs come in: sessions, API tokens, passwords already used."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from ..engine.agents import in_words
from .people import User


class Session(AbstractBaseSession):
    """One signed-in browser. A row that has ended stays until its date, to say why it ended."""

    class Ended(models.TextChoices):
        IDLE = "idle", "太久没有操作"
        ABSOLUTE = "absolute", "登录时间已满"
        ELSEWHERE = "elsewhere", "在别处登录，超过同时登录数"
        BY_OWNER = "by_owner", "本人在别处退出了它"
        BY_ADMIN = "by_admin", "安全管理员让它退出"
        REVOKED = "revoked", "账号、角色或密码已改动"

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    administrator = models.BooleanField(default=False)
    address = models.CharField("来源地址", max_length=64, blank=True)
    agent = models.CharField("浏览器", max_length=200, blank=True)
    started_at = models.DateTimeField("登录时间", default=timezone.now)
    seen_at = models.DateTimeField("最近操作", default=timezone.now)
    ended = models.CharField("结束原因", max_length=10, choices=Ended.choices, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "ended"], name="session_of_user")]

    @property
    def browser(self) -> str:
        """The browser in words."""
        return in_words(self.agent)

    @classmethod
    def get_session_store_class(cls) -> Any:
        from ..sessions import SessionStore

        return SessionStore


class OldPassword(models.Model):
    """A password that its owner has used, as its hash: it is not taken again."""

    user = models.ForeignKey(User, models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-set_at"]

    def __str__(self) -> str:
        return f"{self.user} {self.set_at:%Y-%m-%d}"


class ApiToken(models.Model):
    """A program acting for a person. Only the digest is kept; the token itself is shown once.

    scopes: the permissions to which the token narrows its person's.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name="归属")
    name = models.CharField("用途", max_length=60)
    prefix = models.CharField("开头", max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=80), verbose_name="权限")
    created_at = models.DateTimeField("签发时间", default=timezone.now)
    expires_at = models.DateTimeField("到期时间")
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True)
    last_address = models.CharField("最近来源", max_length=64, blank=True)
    revoked_at = models.DateTimeField("吊销时间", null=True, blank=True)

    SCOPES = {"own": ("user_id",)}

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name}（{self.prefix}…）"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
