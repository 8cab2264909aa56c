from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from xingwei.base.journal.models import Entry
from xingwei.base.policy.registry import Denied
from xingwei.base.site import queries as site
from xingwei.base.site.services import change_setting
from xingwei.service.knowledge import queries, services
from xingwei.service.knowledge.models import Guide, HelpMark
from xingwei.service.knowledge.services import GuideInput

pytestmark = pytest.mark.django_db


def changed(guide: Guide, text: str, **more: Any) -> GuideInput:
    return GuideInput(
        title=guide.title, text=text, summary=guide.summary, keywords=guide.keywords, system=guide.system, **more
    )


def test_readers_see_the_published_version_until_the_next(guide: Guide, writer: Any, as_role: Any) -> None:
    version = services.save_draft(writer, guide, changed(guide, "新的写法：两人核对。"))
    assert version.number == 2
    reader = as_role("reporter")
    page = reader.get("/knowledge/guides/label/").content.decode()
    assert "对照医嘱单核对" in page
    assert "两人核对" not in page
    services.publish(writer, guide)
    assert "两人核对" in reader.get("/knowledge/guides/label/").content.decode()
    assert [v.number for v in guide.versions.all()] == [2, 1]
    acts = Entry.objects.filter(act__startswith="knowledge.guide").order_by("pk").values_list("act", flat=True)
    assert list(acts)[-2:] == ["knowledge.guide.edit", "knowledge.guide.publish"]


def test_a_text_that_does_not_differ_makes_no_version(guide: Guide, writer: Any) -> None:
    before = Entry.objects.count()
    assert services.save_draft(writer, guide, changed(guide, guide.versions.all()[0].text)).number == 1
    assert Entry.objects.count() == before


def test_who_was_slower_loses_nothing(guide: Guide, as_role: Callable[..., Any]) -> None:
    first, second = as_role("it_staff", name="唐工"), as_role("onsite_engineer")
    form = {"title": "输液瓶签缺规格", "kind": "guide", "audience": "users", "base": "1"}
    assert first.post("/knowledge/guides/label/edit/", form | {"text": "唐工写的"}).status_code == 302
    answer = second.post("/knowledge/guides/label/edit/", form | {"text": "我写了很久的一段"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "唐工 刚保存了第 2 版，您写的还在" in page
    assert "我写了很久的一段" in page
    assert guide.versions.count() == 2


def test_an_old_version_comes_back_as_a_draft(guide: Guide, writer: Any) -> None:
    old = guide.versions.get(number=1)
    services.save_draft(writer, guide, changed(guide, "写错了"))
    made = services.restore_version(writer, guide, old)
    assert (made.number, made.text, made.note) == (3, old.text, "恢复第 1 版")
    with pytest.raises(services.Refused, match="内容相同"):
        services.restore_version(writer, guide, old)


def test_a_second_person_publishes_where_the_hospital_wants_it(guide: Guide, writer: Any, actor: Any) -> None:
    change_setting(actor("system_admin"), "knowledge.second_person", "1")
    site.forget()
    services.save_draft(writer, guide, changed(guide, "新写法"))
    with pytest.raises(services.Refused, match="第二人"):
        services.publish(writer, guide)
    services.publish(actor("it_staff"), guide)
    assert Guide.objects.get().published.number == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (GuideInput(title=" ", text="正文"), "请填写标题"),
        (GuideInput(title="标题", text=""), "请填写正文"),
        (GuideInput(title="长" * 81, text="正文"), "标题最长 80 字，现在是 81 字"),
        (GuideInput(title="标题", text="长" * 100_001), "正文最长 100,000 字"),
        (GuideInput(title="标题", text="正文", kind="x"), "类别或给谁看不对"),
    ],
)
def test_bad_input_is_refused_in_words(writer: Any, given: GuideInput, said: str) -> None:
    with pytest.raises(services.Refused, match=said):
        services.create_guide(writer, "a-guide", given)
    assert not Guide.objects.exists()


def test_slugs_are_plain_and_unique(guide: Guide, writer: Any) -> None:
    for slug, said in (("瓶签", "小写字母"), ("a b", "小写字母"), ("label", "已有指南")):
        with pytest.raises(services.Refused, match=said):
            services.create_guide(writer, slug, GuideInput(title="甲", text="乙"))


def test_a_part_belongs_to_its_system(writer: Any, systems: Any) -> None:
    part = systems["CIS"].subsystems.get()
    made = services.create_guide(writer, "a", GuideInput(title="甲", text="乙", subsystem=part))
    assert made.system == systems["CIS"]  # follows from the part
    with pytest.raises(services.Refused, match="“病区护士工作站”不属于HIS"):
        services.save_draft(writer, made, GuideInput(title="甲", text="乙", subsystem=part, system=systems["HIS"]))


def test_guides_of_technicians_and_drafts_are_theirs(guide: Guide, writer: Any, as_role: Any) -> None:
    services.create_guide(writer, "inside", GuideInput(title="阻塞的处置", text="会话", audience="technicians"))
    services.publish(writer, Guide.objects.get(slug="inside"))
    services.create_guide(writer, "draft", GuideInput(title="没写完", text="草稿"))
    reader, engineer = as_role("reporter"), as_role("it_staff")
    assert reader.get("/knowledge/guides/inside/").status_code == 404
    assert reader.get("/knowledge/guides/draft/").status_code == 404
    assert reader.get("/knowledge/guides/label/edit/").status_code == 403
    assert engineer.get("/knowledge/guides/inside/").status_code == 200
    assert engineer.get("/knowledge/guides/draft/").status_code == 200
    assert "/knowledge/guides/inside/" not in reader.get("/search/?q=阻塞的处置").content.decode()
    assert "/knowledge/guides/inside/" in engineer.get("/search/?q=阻塞的处置").content.decode()
    assert "没写完" in engineer.get("/knowledge/?view=drafts").content.decode()
    with pytest.raises(Denied):
        services.create_guide(reader.actor, "b", GuideInput(title="甲", text="乙"))


@pytest.mark.clause("2.5")
def test_help_is_counted_once_a_reader_and_once_a_case(guide: Guide, actor: Any) -> None:
    reader, engineer = actor("reporter"), actor("onsite_engineer")
    assert services.mark_helped(reader, guide)
    assert not services.mark_helped(reader, guide)
    assert services.mark_helped(engineer, guide, subject=("desk.case", "123"))
    assert not services.mark_helped(reader, guide, subject=("desk.case", "123"))
    services.count_offer(guide)
    row = Guide.objects.get()
    assert (row.helped, row.offered, HelpMark.objects.count()) == (2, 1, 2)


def test_the_button_counts(guide: Guide, as_role: Any) -> None:
    reader = as_role("head_nurse")
    assert "谢谢" in reader.post("/knowledge/guides/label/helped/", follow=True).content.decode()
    page = reader.get("/knowledge/guides/label/").content.decode()
    assert "您说过这篇帮上了" in page
    assert "帮上 1 次" in page


def test_stale_guides_ask_to_be_checked(guide: Guide, as_role: Any, time_machine: Any) -> None:
    engineer = as_role("it_staff")
    assert "输液瓶签" not in engineer.get("/knowledge/?view=stale").content.decode()
    Guide.objects.update(checked_at=guide.checked_at - dt.timedelta(days=366))
    assert "待复核" in engineer.get("/knowledge/?view=stale").content.decode()
    engineer.post("/knowledge/guides/label/confirm/")
    assert "输液瓶签" not in engineer.get("/knowledge/?view=stale").content.decode()


def test_a_guide_out_of_use_is_not_shown_and_comes_back(guide: Guide, as_role: Any) -> None:
    head, reader = as_role("it_head"), as_role("reporter")
    head.post("/knowledge/guides/label/archive/")
    assert reader.get("/knowledge/guides/label/").status_code == 404
    assert queries.suggest("瓶签缺规格") == []
    assert "恢复使用" in head.get("/knowledge/guides/label/").content.decode()
    head.post("/knowledge/guides/label/archive/", {"back": "1"})
    assert reader.get("/knowledge/guides/label/").status_code == 200


@pytest.mark.parametrize("q", ["瓶签", "缺规格", "手写", "医嘱单", "ＰＱ瓶签"[2:]])
def test_search_finds_words_of_any_length(guide: Guide, as_role: Any, q: str) -> None:
    assert "输液瓶签缺规格" in as_role("reporter").get("/knowledge/", {"q": q}).content.decode()


def test_search_does_not_find_what_only_looks_alike(guide: Guide, writer: Any, as_role: Any) -> None:
    services.create_guide(writer, "other", GuideInput(title="瓶签与签缺", text="缺规，规格"))
    services.publish(writer, Guide.objects.get(slug="other"))
    page = as_role("reporter").get("/knowledge/", {"q": "瓶签缺规格"}).content.decode()
    assert "输液瓶签缺规格" in page
    assert "瓶签与签缺" not in page


def test_the_list_and_a_guide_need_few_queries(
    guide: Guide, writer: Any, as_role: Any, django_assert_max_num_queries: Any
) -> None:
    for n in range(12):
        row = services.create_guide(writer, f"g{n}", GuideInput(title=f"指南 {n}", text=f"见《输液瓶签缺规格》{n}"))
        services.publish(writer, row)
    client = as_role("it_staff")
    client.get("/knowledge/")
    with django_assert_max_num_queries(28):
        assert "指南 11" in client.get("/knowledge/").content.decode()
    with django_assert_max_num_queries(28):
        page = client.get("/knowledge/guides/g3/").content.decode()
    assert '<a href="/knowledge/guides/label/"' in page


def test_suggesting_takes_two_queries(guide: Guide, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(2):
        assert [g.slug for g in queries.suggest("瓶签上没有规格，护士要手写")] == ["label"]
    with django_assert_max_num_queries(1):
        queries.suggest("瓶签上没有规格")


def test_versions_are_compared_on_a_page(guide: Guide, writer: Any, as_role: Any) -> None:
    services.save_draft(writer, guide, changed(guide, "## 先核对\n\n看到瓶签缺规格，两人对照医嘱单核对。"))
    page = as_role("it_staff").get("/knowledge/guides/label/history/").content.decode()
    assert "<ins>两人</ins>" in page
    reader = as_role("reporter").get("/knowledge/guides/label/history/").content.decode()
    assert "两人" not in reader  # drafts are not for readers


def test_the_preview_shows_what_the_page_will(as_role: Any) -> None:
    client = as_role("onsite_engineer")
    page = client.post("/knowledge/preview/", {"text": "## 标题\n\n<script>x</script> ![图](p.png)"}).content.decode()
    assert '<h2 id="s1">标题</h2>' in page
    assert "<script>" not in page
    assert "还没有上传：p.png" in page


def test_writing_a_guide_from_its_page(as_role: Any, systems: Any) -> None:
    client = as_role("onsite_engineer")
    form = {"title": "新指南", "slug": "new-one", "kind": "guide", "audience": "users", "text": "## 步骤\n\n1. 打开"}
    bad = client.post("/knowledge/new/", form | {"slug": "新"})
    assert bad.status_code == 422
    assert "## 步骤" in bad.content.decode()
    client.post("/knowledge/new/", form | {"publish": "1", "system": systems["HIS"].pk})
    row = Guide.objects.get(slug="new-one")
    assert (row.published.number, row.system) == (1, systems["HIS"])


@pytest.mark.clause("9.7")
def test_reporters_see_what_is_new_on_their_home_page(guide: Guide, writer: Any, as_role: Any) -> None:
    row = services.create_guide(writer, "rel", GuideInput(title="功能变化：瓶签", text="改了", kind="release"))
    services.publish(writer, row)
    for page in (as_role("nursing").get("/"), as_role("reporter").get(reverse("desk:portal-notices"))):
        assert "新的指南与功能变化" in page.content.decode()
        assert "功能变化：瓶签" in page.content.decode()


def test_the_export_of_the_list(guide: Guide, as_role: Any) -> None:
    answer = as_role("it_staff").get("/knowledge/?format=csv")
    assert "输液瓶签缺规格" in b"".join(answer.streaming_content).decode()
