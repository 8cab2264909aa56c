from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xingwei.base.journal.models import Entry
from xingwei.base.notify.models import Notification
from xingwei.base.policy.registry import Denied
from xingwei.service.knowledge import services
from xingwei.service.knowledge.models import Guide, Post, Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(actor: Callable[..., Any]) -> tuple[Any, Any]:
    """A technician of the hospital and one of the vendor."""
    return actor("it_staff", name="唐工"), actor("onsite_engineer", name="刘工")


@pytest.mark.clause("9.2d")
def test_both_sides_write_and_followers_are_told(both: tuple[Any, Any]) -> None:
    tang, liu = both
    topic = services.open_topic(tang, title="专线丢包怎样取证", text="大家有脚本吗？")
    services.post(liu, topic, "有，见 **共享盘**")
    topic.refresh_from_db()
    assert topic.posts_count == 2
    told = Notification.objects.get()
    assert (told.person_id, told.title, told.text) == (tang.id, "刘工 在“专线丢包怎样取证”发言", "有，见 共享盘")
    services.follow(tang, topic, on=False)
    services.post(liu, topic, "再补一句")
    assert Notification.objects.count() == 1


def test_the_forum_is_for_technicians(both: tuple[Any, Any], as_role: Any, actor: Any) -> None:
    topic = services.open_topic(both[0], title="内部", text="内容")
    assert as_role("reporter").get("/knowledge/forum/").status_code == 403
    assert as_role("reporter").get(f"/knowledge/forum/{topic.pk}/").status_code == 403
    with pytest.raises(Denied):
        services.post(actor("auditor"), topic, "审计员只看")
    assert as_role("auditor").get(f"/knowledge/forum/{topic.pk}/").status_code == 200


def test_comments_stand_below_their_guide_and_in_the_forum(guide: Guide, both: tuple[Any, Any], as_role: Any) -> None:
    tang = as_role("it_staff", name="老唐")
    tang.post("/knowledge/guides/label/comment/", {"text": "六种长药名都试打过了"})
    assert "六种长药名" in tang.get("/knowledge/guides/label/").content.decode()
    assert "输液瓶签缺规格" in tang.get("/knowledge/forum/").content.decode()
    assert "六种长药名" not in as_role("reporter").get("/knowledge/guides/label/").content.decode()
    author = guide.versions.get().author
    assert Notification.objects.get().person == author  # who wrote the guide hears of it


def test_one_edits_ones_own_words_only(both: tuple[Any, Any]) -> None:
    tang, liu = both
    topic = services.open_topic(tang, title="甲", text="原话")
    row = topic.posts.get()
    with pytest.raises(Denied):
        services.edit_post(liu, row, "改别人的")
    services.edit_post(tang, row, "改过的话")
    entry = Entry.objects.get(act="knowledge.post.edit")
    assert (entry.before, entry.after) == ({"text": "原话"}, {"text": "改过的话"})
    assert Post.objects.get().edited_at is not None


def test_hiding_needs_a_reason_and_leaves_a_trace(both: tuple[Any, Any], actor: Any, as_role: Any) -> None:
    tang, liu = both
    topic = services.open_topic(tang, title="甲", text="不该写的话")
    row = topic.posts.get()
    with pytest.raises(Denied):
        services.hide_post(liu, row, why="不合适")
    head = actor("it_head", name="何科长")
    with pytest.raises(services.Refused, match="请填写原因"):
        services.hide_post(head, row, why="")
    services.hide_post(head, row, why="含病人信息")
    page = as_role("it_staff").get(f"/knowledge/forum/{topic.pk}/").content.decode()
    assert "不该写的话" not in page
    assert "含病人信息" in page
    with pytest.raises(services.Refused, match="已隐藏"):
        services.edit_post(tang, row, "再改")
    assert topic.get_absolute_url() not in as_role("it_staff").get("/search/?q=不该写的话").content.decode()


def test_a_topic_that_ended_takes_no_answers(both: tuple[Any, Any], as_role: Any) -> None:
    topic = services.open_topic(both[0], title="甲", text="乙")
    head = as_role("it_head")
    head.post(f"/knowledge/forum/{topic.pk}/set/", {"closed": "1"})
    with pytest.raises(services.Refused, match="已经结束"):
        services.post(both[1], topic, "晚了")
    head.post(f"/knowledge/forum/{topic.pk}/set/", {"closed": "0", "pinned": "1"})
    services.post(both[1], topic, "又开了")
    assert Topic.objects.get().pinned


def test_an_empty_answer_keeps_the_page(both: tuple[Any, Any], as_role: Any) -> None:
    topic = services.open_topic(both[0], title="甲", text="乙")
    answer = as_role("it_staff").post(f"/knowledge/forum/{topic.pk}/", {"text": "  "})
    assert answer.status_code == 422
    assert "请填写内容" in answer.content.decode()


def test_topics_are_found_by_what_was_said(both: tuple[Any, Any], as_role: Any) -> None:
    services.open_topic(both[0], title="专线取证", text="运营商要两端同时抓包")
    client = as_role("it_staff")
    assert "专线取证" in client.get("/knowledge/forum/?q=同时抓包").content.decode()
    assert "专线取证" in client.get("/search/?q=抓包").content.decode()
    assert "没有符合条件" in client.get("/knowledge/forum/?q=血库").content.decode()
