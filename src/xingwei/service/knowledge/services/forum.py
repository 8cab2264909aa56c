"""The forum: opening topics, posting, editing, hiding, following."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.estate.models import System
from xingwei.base.journal.services import record
from xingwei.base.notify.services import tell
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import Denied, may
from xingwei.base.ui.grams import grams

from ..engine import markup
from ..models import Guide, Post, Subscription, Topic
from .base import Refused, check_text

LONGEST = 20_000
_INDEXED = 20_000  # characters of a topic that the search knows: the first ones


def open_topic(actor: Actor, *, title: str, text: str, system: System | None = None) -> Topic:
    """A new free topic with its first post."""
    require(actor, "knowledge.forum:post")
    title = check_text(title, "标题", 100, needed=True)
    with transaction.atomic():
        topic = Topic.objects.create(title=title, system=system, opened_by_id=actor.id)
        record(actor, "knowledge.topic.open", topic, f"发起话题“{topic}”")
        _add(actor, topic, check_text(text, "内容", LONGEST, needed=True))
    return topic


def comments_of(guide: Guide) -> Topic:
    """The topic that holds the guide's comments; made at the first one."""
    topic, made = Topic.objects.get_or_create(
        guide=guide, defaults={"title": guide.title, "system": guide.system, "opened_by": None}
    )
    if made and (author := guide.versions.all()[0].author) is not None:
        Subscription.objects.get_or_create(topic=topic, person=author)
    return topic


def post(actor: Actor, topic: Topic, text: str) -> Post:
    """Answer in a topic; its followers are told, and who writes follows it from then on."""
    require(actor, "knowledge.forum:post")
    text = check_text(text, "内容", LONGEST, needed=True)
    with transaction.atomic():
        row = Topic.objects.select_for_update(of=("self",)).select_related("guide").get(pk=topic.pk)
        if row.closed_at is not None:
            raise Refused("这个话题已经结束，不能再回复")
        return _add(actor, row, text)


def comment(actor: Actor, guide: Guide, text: str) -> Post:
    """Write below a guide."""
    require(actor, "knowledge.forum:post")
    with transaction.atomic():
        return post(actor, comments_of(guide), text)


def edit_post(actor: Actor, row: Post, text: str) -> Post:
    """Change one's own words; what stood there before is in the journal."""
    require(actor, "knowledge.forum:edit", row)
    text = check_text(text, "内容", LONGEST, needed=True)
    with transaction.atomic():
        own: Post = Post.objects.select_for_update(of=("self",)).select_related("topic__guide").get(pk=row.pk)
        if own.hidden_at is not None:
            raise Refused("这条发言已隐藏，不能再改")
        if own.text != text:
            before, own.text, own.edited_at = own.text, text, timezone.now()
            own.save(update_fields=["text", "edited_at"])
            _index(own.topic)
            record(
                actor,
                "knowledge.post.edit",
                own,
                f"修改发言：{own.topic}",
                before={"text": before},
                after={"text": text},
            )
    return own


def hide_post(actor: Actor, row: Post, *, why: str) -> Post:
    """Hide a post: one's own, or as a moderator anybody's, with the reason."""
    if row.author_id != actor.id:
        require(actor, "knowledge.forum:moderate")
    require(actor, "knowledge.forum:post")
    why = check_text(why, "原因", 200, needed=True)
    with transaction.atomic():
        found: Post = (
            Post.objects.select_for_update(of=("self",)).select_related("topic__guide", "author").get(pk=row.pk)
        )
        if found.hidden_at is not None:
            raise Refused("这条发言已经隐藏")
        found.hidden_at, found.hidden_by_id, found.hidden_why = timezone.now(), actor.id, why
        found.save(update_fields=["hidden_at", "hidden_by", "hidden_why"])
        _index(found.topic)
        record(actor, "knowledge.post.hide", found, f"隐藏发言：{found.topic}", after={"why": why})
        if found.author_id != actor.id:
            tell(
                actor, [found.author], kind="knowledge.post", title=f"您在“{found.topic}”的发言被隐藏", text=why,
                url=found.get_absolute_url(),
            )  # fmt: skip
    return found


def set_topic(actor: Actor, topic: Topic, *, pinned: bool | None = None, closed: bool | None = None) -> Topic:
    """Pin or end a topic, or undo it."""
    require(actor, "knowledge.forum:moderate")
    with transaction.atomic():
        row: Topic = Topic.objects.select_for_update(of=("self",)).get(pk=topic.pk)
        before = {"pinned": row.pinned, "closed": row.closed_at is not None}
        if pinned is not None:
            row.pinned = pinned
        if closed is not None:
            row.closed_at = timezone.now() if closed else None
        row.save(update_fields=["pinned", "closed_at"])
        after = {"pinned": row.pinned, "closed": row.closed_at is not None}
        record(actor, "knowledge.topic.set", row, f"管理话题“{row}”", before=before, after=after)
    return row


def follow(actor: Actor, topic: Topic, *, on: bool) -> None:
    """Be told of new posts, or no longer."""
    require(actor, "knowledge.forum:view")
    if actor.id is None:
        raise Denied("请先登录")
    with transaction.atomic():
        if on:
            _, changed = Subscription.objects.get_or_create(topic=topic, person_id=actor.id)
        else:
            changed = bool(Subscription.objects.filter(topic=topic, person_id=actor.id).delete()[0])
        if changed:
            record(actor, "knowledge.topic.follow", topic, f"{'关注' if on else '不再关注'}“{topic}”", after={"on": on})


def can_hide(actor: Actor, row: Post) -> bool:
    return (row.author_id == actor.id and may(actor, "knowledge.forum:post")) or may(actor, "knowledge.forum:moderate")


def _add(actor: Actor, topic: Topic, text: str) -> Post:
    if actor.id is None:
        raise Refused("发言要由本人")
    made = Post.objects.create(topic=topic, author_id=actor.id, text=text)
    Topic.objects.filter(pk=topic.pk).update(posts_count=F("posts_count") + 1, last_post_at=made.at)
    _index(topic)
    record(actor, "knowledge.post.add", made, f"在“{topic}”发言")
    followers = User.objects.filter(pk__in=topic.subscriptions.values("person_id")).exclude(pk=actor.id)
    tell(
        actor, followers, kind="knowledge.post", title=f"{actor.name} 在“{topic}”发言",
        text=markup.plain_text(text)[:120], url=made.get_absolute_url(),
    )  # fmt: skip
    Subscription.objects.get_or_create(topic=topic, person_id=actor.id)
    return made


def _index(topic: Topic) -> None:
    texts = topic.posts.filter(hidden_at__isnull=True).values_list("text", flat=True)[:200]
    topic.grams = grams("\n".join([topic.title, *texts])[:_INDEXED])
    topic.save(update_fields=["grams"])
