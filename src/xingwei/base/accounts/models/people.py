"""Organisations, departments and accounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.querysets import RestrictedQuerySet

from ..engine.names import PINYIN_LENGTH, pinyin_of


class Organisation(models.Model):
    """The hospital, the vendor, and third parties whose systems or lines are connected."""

    class Side(models.TextChoices):
        HOSPITAL = "hospital", "医院"
        VENDOR = "vendor", "运维服务商"
        THIRD = "third", "第三方"

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=80)
    short_name = models.CharField("简称", max_length=20)
    side = models.CharField("类别", max_length=10, choices=Side.choices)
    phone = models.CharField("联系电话", max_length=40, blank=True)
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["side", "code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:organisation", args=[self.pk])


class Department(models.Model):
    class Kind(models.TextChoices):
        WINDOW = "window", "窗口"
        CLINICAL = "clinical", "临床"
        MEDTECH = "medtech", "医技"
        ADMIN = "admin", "行政后勤"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="departments", verbose_name="单位")
    code = models.SlugField("编号", max_length=40, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices, default=Kind.CLINICAL)
    location = models.CharField("位置", max_length=80, blank=True)
    extension = models.CharField("分机", max_length=20, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级科室"
    )
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:department", args=[self.pk])


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """One person's account. What it may do comes from its roles alone; there is no superuser.

    application, nda_on: a vendor's or third party's account is applied for in writing, and its holder has
    signed a confidentiality agreement (GB/T 22239 level 3: access of outside staff).
    """

    class Grade(models.TextChoices):
        STANDARD = "standard", "普通账号"
        OPERATIONS = "operations", "普通运维账号"
        SUPER = "super", "超级管理员"

    class Source(models.TextChoices):
        LOCAL = "local", "本系统密码"
        LDAP = "ldap", "医院目录（LDAP）"
        OIDC = "oidc", "医院统一认证"

    username = models.CharField("工号", max_length=40, unique=True)
    name = models.CharField("姓名", max_length=40)
    short_name = models.CharField("称呼", max_length=20, blank=True, help_text="如 王工、何科长")
    pinyin = models.CharField("拼音", max_length=PINYIN_LENGTH, blank=True, db_index=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="people", verbose_name="单位")
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="people", verbose_name="科室"
    )
    title = models.CharField("职务", max_length=40, blank=True)
    phone = models.CharField("分机或电话", max_length=40, blank=True, db_index=True)
    mobile = models.CharField("手机", max_length=20, blank=True, db_index=True)
    email = models.EmailField("邮箱", blank=True)
    wecom_id = models.CharField("企业微信号", max_length=64, blank=True)
    grade = models.CharField("账号级别", max_length=12, choices=Grade.choices, default=Grade.STANDARD)
    source = models.CharField("登录方式", max_length=8, choices=Source.choices, default=Source.LOCAL)
    is_active = models.BooleanField("启用", default=True)
    disabled_at = models.DateTimeField("停用时间", null=True, blank=True)
    disabled_why = models.CharField("停用原因", max_length=120, blank=True)
    valid_until = models.DateField("有效期至", null=True, blank=True)
    application = models.CharField("书面申请编号", max_length=60, blank=True)
    nda_on = models.DateField("保密协议签署日期", null=True, blank=True)
    must_change_password = models.BooleanField("首次登录须改密码", default=False)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True)
    created_at = models.DateTimeField("建立时间", default=timezone.now)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]
    SCOPES = {"own": ("id",), "department": ("department_id",)}

    # people first: the default manager that Django's sign-in uses must know natural keys
    objects = UserManager()
    visible = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["organisation", "username"]

    def __str__(self) -> str:
        return self.short_name or self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pinyin = pinyin_of(self.name, self.short_name)
        if (fields := kwargs.get("update_fields")) is not None and {"name", "short_name"} & set(fields):
            kwargs["update_fields"] = {*fields, "pinyin"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("accounts:person", args=[self.pk])

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return str(self)

    def in_force(self, today: dt.date | None = None) -> bool:
        """Whether the account may be used: switched on and not past its date."""
        day = today or timezone.localdate()
        return self.is_active and (self.valid_until is None or self.valid_until >= day)
