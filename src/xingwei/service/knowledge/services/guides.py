"""Writing guides: drafts, publication, restoring, pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from xingwei.base.estate.models import BusinessFunction, Subsystem, System
from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.site import queries as site
from xingwei.base.ui import files
from xingwei.base.ui.grams import grams

from ..engine import front, markup
from ..models import Guide, GuideFile, GuideVersion
from .base import Refused, Stale, check_text

LONGEST = front.LONGEST
PICTURES_A_GUIDE = 40
_HEAD = ("title", "summary", "keywords", "kind", "audience", "system", "subsystem", "function")


@dataclass(frozen=True, slots=True)
class GuideInput:
    """A guide as it is typed. base: the number of the version that was open; None for a new guide."""

    title: str
    text: str
    summary: str = ""
    keywords: str = ""
    kind: str = "guide"
    audience: str = "users"
    system: System | None = None
    subsystem: Subsystem | None = None
    function: BusinessFunction | None = None
    note: str = ""
    base: int | None = None


def create_guide(actor: Actor, slug: str, given: GuideInput) -> Guide:
    """A new guide with its first draft. Raises Refused."""
    require(actor, "knowledge.guide:write")
    slug = slug.strip().lower()
    if not front.SLUG.fullmatch(slug) or len(slug) > 60:
        raise Refused("代号只能用小写字母、数字和连字符，最长 60 字，如 yb-cannot-charge")
    values, text = _checked(given)
    with transaction.atomic():
        if Guide.objects.filter(slug=slug).exists():
            raise Refused(f"代号 {slug} 已有指南，请换一个")
        guide = Guide.objects.create(slug=slug, **values)
        _add_version(actor, guide, text, given.note or "新建")
        _index(guide, text)
        record(
            actor, "knowledge.guide.create", guide, f"新建指南“{guide}”", after={**snapshot(guide, _HEAD), "text": text}
        )
    return guide


def save_draft(actor: Actor, guide: Guide, given: GuideInput) -> GuideVersion:
    """A new version of the text, and the guide's head; readers go on seeing the published version.

    Raises Stale where the guide has a newer version than the one that was open, Refused otherwise. A text that does
    not differ makes no version.
    """
    require(actor, "knowledge.guide:write")
    values, text = _checked(given)
    with transaction.atomic():
        row = _lock(guide)
        last = row.versions.all()[0]
        if given.base is not None and last.number != given.base:
            raise Stale(f"{last.author or '系统'} 刚保存了第 {last.number} 版，您写的还在。请对照后再保存。")
        before = snapshot(row, _HEAD) | {"text": last.text}
        for name, value in values.items():
            setattr(row, name, value)
        version = last if last.text == text else _add_version(actor, row, text, given.note)
        old, new = changes(before, snapshot(row, _HEAD) | {"text": text})
        if new:
            row.updated_at = timezone.now()
            row.save(update_fields=[*_HEAD, "updated_at"])
            _index(row, row.published.text if row.published else text)
            record(
                actor, "knowledge.guide.edit", row, f"修改指南“{row}”，第 {version.number} 版", before=old, after=new
            )
    return version


def publish(actor: Actor, guide: Guide, version: GuideVersion | None = None) -> GuideVersion:
    """Readers see this version (the newest) from now on. With the setting, a second person must do it."""
    require(actor, "knowledge.guide:publish")
    with transaction.atomic():
        row = _lock(guide)
        chosen: GuideVersion = row.versions.get(pk=version.pk) if version else row.versions.all()[0]
        if row.archived_at is not None:
            raise Refused("这篇指南已停用，请先恢复使用")
        if row.published_id == chosen.pk:
            raise Refused(f"第 {chosen.number} 版已经是现行版本")
        if site.value("knowledge.second_person") and actor.id is not None and chosen.author_id == actor.id:
            raise Refused("发布要由第二人，请另一位技术人员核对后发布")
        before = row.published.number if row.published else None
        now = timezone.now()
        chosen.published_at, chosen.published_by_id = now, actor.id
        chosen.save(update_fields=["published_at", "published_by"])
        row.published, row.updated_at, row.checked_at = chosen, now, now
        row.first_published_at = row.first_published_at or now
        row.save(update_fields=["published", "updated_at", "checked_at", "first_published_at"])
        _index(row, chosen.text)
        record(
            actor, "knowledge.guide.publish", row, f"发布指南“{row}”第 {chosen.number} 版",
            before={"version": before}, after={"version": chosen.number},
        )  # fmt: skip
    return chosen


def restore_version(actor: Actor, guide: Guide, version: GuideVersion) -> GuideVersion:
    """An old text becomes the newest draft; nothing is lost."""
    require(actor, "knowledge.guide:write")
    with transaction.atomic():
        row = _lock(guide)
        old = row.versions.get(pk=version.pk)
        last = row.versions.all()[0]
        if old.text == last.text:
            raise Refused(f"第 {old.number} 版与最新版内容相同")
        made = _add_version(actor, row, old.text, f"恢复第 {old.number} 版")
        record(
            actor, "knowledge.guide.restore", row, f"恢复指南“{row}”第 {old.number} 版为第 {made.number} 版",
            before={"version": last.number}, after={"version": made.number, "from": old.number},
        )  # fmt: skip
    return made


def confirm_valid(actor: Actor, guide: Guide) -> Guide:
    """Somebody read it again and it still holds: it is no longer stale."""
    require(actor, "knowledge.guide:publish")
    with transaction.atomic():
        row = _lock(guide)
        before, row.checked_at = row.checked_at, timezone.now()
        row.save(update_fields=["checked_at"])
        record(
            actor, "knowledge.guide.check", row, f"复核指南“{row}”，仍然有效", before={"checked_at": before},
            after={"checked_at": row.checked_at},
        )  # fmt: skip
    return row


def archive(actor: Actor, guide: Guide, *, back: bool = False) -> Guide:
    """Take a guide out of use, or put it back; nothing is deleted."""
    require(actor, "knowledge.guide:archive")
    with transaction.atomic():
        row = _lock(guide)
        if (row.archived_at is None) == back:
            raise Refused("这篇指南已经是这个状态")
        row.archived_at = None if back else timezone.now()
        row.save(update_fields=["archived_at"])
        record(
            actor,
            "knowledge.guide.archive",
            row,
            f"{'恢复使用' if back else '停用'}指南“{row}”",
            after={"archived": not back},
        )
    return row


def upload_picture(actor: Actor, guide: Guide, file: UploadedFile[Any], *, caption: str = "") -> GuideFile:
    """Keep a picture with the guide under a name for the text. Raises FileRefused or Refused."""
    require(actor, "knowledge.guide:write")
    caption = check_text(caption, "图片说明", 100)
    original = (file.name or "图片").replace("\\", "/").rpartition("/")[2][-80:]
    with transaction.atomic():
        row = _lock(guide)
        count = row.files.count()
        if count >= PICTURES_A_GUIDE:
            raise Refused(f"一篇指南最多 {PICTURES_A_GUIDE} 张图片")
        stored = files.keep(
            file, original, allowed=files.PICTURES, kinds=" JPG、PNG、WebP 或 GIF 图片",
            max_mb=int(site.value("knowledge.picture.max_mb")),
        )  # fmt: skip
        name = _free_name(row, original, files.PICTURES[stored.media_type])
        made = GuideFile.objects.create(
            guide=row, name=name, caption=caption, digest=stored.digest, media_type=stored.media_type,
            size=stored.size, uploaded_by_id=actor.id,
        )  # fmt: skip
        record(
            actor,
            "knowledge.picture.upload",
            row,
            f"指南“{row}”上传图片 {name}",
            after={"name": name, "size": stored.size},
        )
    return made


def _free_name(guide: Guide, original: str, ending: str) -> str:
    """A name that needs no quoting in Markdown: the file's own where it is plain, else tu-1.png, tu-2.png …"""
    stem = re.sub(r"[^a-z0-9]+", "-", original.rpartition(".")[0].lower()).strip("-")[:40]
    taken = set(guide.files.values_list("name", flat=True))
    if stem and f"{stem}{ending}" not in taken:
        return f"{stem}{ending}"
    n = 1
    while f"{stem or 'tu'}-{n}{ending}" in taken:
        n += 1
    return f"{stem or 'tu'}-{n}{ending}"


def _lock(guide: Guide) -> Guide:
    row: Guide = Guide.objects.select_for_update(of=("self",)).select_related("published").get(pk=guide.pk)
    return row


def _add_version(actor: Actor, guide: Guide, text: str, note: str) -> GuideVersion:
    last = guide.versions.first()
    return GuideVersion.objects.create(
        guide=guide,
        number=last.number + 1 if last else 1,
        text=text,
        note=check_text(note, "修改说明", 200),
        author_id=actor.id,
    )


def _index(guide: Guide, text: str) -> None:
    guide.plain = markup.plain_text(text)
    guide.grams = grams(searchable(guide))
    guide.save(update_fields=["plain", "grams"])


def searchable(guide: Guide) -> str:
    """All the words under which a guide is found."""
    return "\n".join((guide.title, guide.keywords, guide.summary, guide.plain))


def _checked(given: GuideInput) -> tuple[dict[str, Any], str]:
    text = check_text(given.text, "正文", LONGEST, needed=True)
    if given.kind not in Guide.Kind.values or given.audience not in Guide.Audience.values:
        raise Refused("类别或给谁看不对")
    part = given.subsystem or given.function
    system = given.system or (part.system if part else None)
    for part in (given.subsystem, given.function):
        if part is not None and part.system != system:
            raise Refused(f"“{part}”不属于{system}")
    values = {
        "title": check_text(given.title, "标题", 80, needed=True),
        "summary": check_text(given.summary, "摘要", 200),
        "keywords": check_text(given.keywords, "关键词", 200),
        "kind": given.kind,
        "audience": given.audience,
        "system": system,
        "subsystem": given.subsystem,
        "function": given.function,
    }
    return values, text
