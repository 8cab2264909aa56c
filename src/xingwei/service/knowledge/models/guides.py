"""Guides (clause 2.5): how to use what there is, what to do when it fails, what a release has changed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import BusinessFunction, Subsystem, System
from xingwei.base.policy.querysets import RestrictedQuerySet


class GuideQuerySet(RestrictedQuerySet):
    def published(self) -> GuideQuerySet:
        return self.filter(published__isnull=False, archived_at__isnull=True)


class Guide(models.Model):
    """What readers see is the version `published`; plain and grams are of that version (of the newest draft before
    the first publication), for the search. offered, helped: counted while cases are typed, and when it did help."""

    class Audience(models.TextChoices):
        USERS = "users", "全院"
        TECHNICIANS = "technicians", "技术人员"

    class Kind(models.TextChoices):
        GUIDE = "guide", "操作指南"
        FAULT = "fault", "故障处理"
        RELEASE = "release", "功能变化"

    slug = models.SlugField("代号", max_length=60, unique=True)
    title = models.CharField("标题", max_length=80)
    summary = models.CharField("摘要", max_length=200, blank=True)
    keywords = models.CharField("关键词", max_length=200, blank=True)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices, default=Kind.GUIDE)
    audience = models.CharField("给谁看", max_length=12, choices=Audience.choices, default=Audience.USERS)
    system = models.ForeignKey(
        System, models.PROTECT, null=True, blank=True, related_name="guides", verbose_name="系统"
    )
    subsystem = models.ForeignKey(Subsystem, models.SET_NULL, null=True, blank=True, verbose_name="子系统")
    function = models.ForeignKey(BusinessFunction, models.SET_NULL, null=True, blank=True, verbose_name="业务功能")
    published = models.OneToOneField(
        "GuideVersion", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="现行版本"
    )
    first_published_at = models.DateTimeField("首次发布", null=True, blank=True)
    updated_at = models.DateTimeField("更新时间", default=timezone.now)
    checked_at = models.DateTimeField("复核时间", default=timezone.now)
    archived_at = models.DateTimeField("停用时间", null=True, blank=True)
    offered = models.PositiveIntegerField("推荐次数", default=0)
    helped = models.PositiveIntegerField("帮上次数", default=0)
    plain = models.TextField(blank=True)
    grams = ArrayField(models.IntegerField(), default=list, blank=True)

    objects = GuideQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-id"]
        indexes = [
            GinIndex(fields=["grams"], name="guide_grams", opclasses=["array_ops"]),
            models.Index(F("updated_at").desc(), F("id").desc(), name="guide_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("knowledge:guide", args=[self.slug])

    @property
    def where(self) -> str:
        """医保接口 · 收费: the system and what of it."""
        parts = [self.system.short_name if self.system else "", str(self.subsystem or ""), str(self.function or "")]
        return " · ".join(p for p in parts if p)


class GuideVersion(models.Model):
    """Append-only: a changed text is a new version. Restoring is a new version with an old text."""

    guide = models.ForeignKey(Guide, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("版本")
    text = models.TextField("正文")
    note = models.CharField("说明", max_length=200, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="作者")
    saved_at = models.DateTimeField("保存时间", default=timezone.now)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["guide", "number"], name="one_guide_version_a_number")]

    def __str__(self) -> str:
        return f"第 {self.number} 版"


class GuideFile(models.Model):
    """A picture of a guide, named in the text by `name`."""

    guide = models.ForeignKey(Guide, models.CASCADE, related_name="files")
    name = models.CharField("文件名", max_length=60)
    caption = models.CharField("说明", max_length=100, blank=True)
    digest = models.CharField(max_length=64)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    uploaded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="上传人")
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["guide", "name"], name="one_picture_a_name")]

    def __str__(self) -> str:
        return self.name


class HelpMark(models.Model):
    """A guide helped: once a person for reading it, once a subject (a case) that it solved."""

    guide = models.ForeignKey(Guide, models.CASCADE, related_name="marks")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="谁")
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="help_of_subject")]
        constraints = [
            models.UniqueConstraint(
                fields=["guide", "subject_type", "subject_id"], condition=~Q(subject_id=""), name="one_help_a_subject"
            ),
            models.UniqueConstraint(fields=["guide", "person"], condition=Q(subject_id=""), name="one_help_a_reader"),
        ]

    def __str__(self) -> str:
        return f"{self.guide} 帮上 {self.person}"
