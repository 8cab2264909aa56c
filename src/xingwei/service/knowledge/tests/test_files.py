from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from typer.testing import CliRunner

from xingwei.base.accounts.services.tokens import create_token
from xingwei.base.policy.engine import system_actor
from xingwei.base.ui.datafiles import FileProblems
from xingwei.base.ui.files import FileRefused
from xingwei.service.knowledge import files, queries, services
from xingwei.service.knowledge.cli import app
from xingwei.service.knowledge.engine import markup
from xingwei.service.knowledge.models import Guide, GuideFile

pytestmark = pytest.mark.django_db
SYSTEM = system_actor("command")


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "media")}}
    }


def picture(name: str = "shot.png", kind: str = "PNG", exif: bool = False) -> SimpleUploadedFile:
    out = io.BytesIO()
    image = Image.new("RGB", (40, 20), (1, 2, 3))
    if exif:
        tags = Image.Exif()
        tags[0x010E] = "taken in ward 9"
        image.save(out, kind, exif=tags)
    else:
        image.save(out, kind)
    return SimpleUploadedFile(name, out.getvalue())


def test_a_picture_is_kept_and_shown_to_readers(guide: Guide, writer: Any, as_role: Any) -> None:
    row = services.upload_picture(writer, guide, picture("window 1.png"), caption="收费窗口")
    assert row.name == "window-1.png"
    text = f"看图：\n\n![收费窗口]({row.name})"
    services.save_draft(writer, guide, services.GuideInput(title=guide.title, text=text))
    services.publish(writer, guide)
    reader = as_role("reporter")
    assert 'src="/knowledge/guides/label/files/window-1.png"' in reader.get("/knowledge/guides/label/").content.decode()
    answer = reader.get("/knowledge/guides/label/files/window-1.png")
    assert answer["Content-Type"] == "image/png"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert reader.get("/knowledge/guides/label/files/other.png").status_code == 404


def test_where_a_photo_was_taken_does_not_leave(guide: Guide, writer: Any) -> None:
    from xingwei.base.ui.files import path_of

    row = services.upload_picture(writer, guide, picture("a.jpg", "JPEG", exif=True))
    assert b"ward 9" not in path_of(row.digest).read_bytes()


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (SimpleUploadedFile("a.png", b"<svg onload=alert(1)>"), "不是可以上传的类型"),
        (SimpleUploadedFile("a.png", b"<html><script>1</script>"), "不是可以上传的类型"),
        (SimpleUploadedFile("a.pdf", b"%PDF-1.7 x"), "不是可以上传的类型"),
        (SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n broken"), "打不开"),
        (SimpleUploadedFile("空.png", b""), "“空.png”是空文件"),
        (SimpleUploadedFile("big.png", b"\x89PNG\r\n\x1a\n" + b"0" * (9 * 2**20)), "超过 8 MB"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(
    guide: Guide, writer: Any, upload: SimpleUploadedFile, said: str
) -> None:
    with pytest.raises(FileRefused, match=said):
        services.upload_picture(writer, guide, upload)
    assert not GuideFile.objects.exists()


def test_a_refused_upload_leaves_what_is_being_typed(guide: Guide, as_role: Any) -> None:
    client = as_role("onsite_engineer")
    answer = client.post("/knowledge/guides/label/upload/", {"file": SimpleUploadedFile("a.exe", b"MZ\x00\x00")})
    assert (answer.status_code, "不是可以上传的类型" in answer.content.decode()) == (200, True)
    done = client.post("/knowledge/guides/label/upload/", {"file": picture("截图.png"), "caption": "截图"})
    assert "![截图](tu-1.png)" in done.content.decode()


@pytest.mark.clause("2.5")
def test_the_shipped_guides_answer_what_people_ask(systems: Any) -> None:
    done = services.import_guides(SYSTEM, files.SHIPPED)
    assert done.created >= 24
    assert {g.system.code for g in Guide.objects.exclude(system=None).select_related("system")} == set(systems)
    asked = csv.DictReader(Path(__file__).with_name("suggestions.tsv").open(encoding="utf-8"), delimiter="\t")
    wrong = []
    for row in asked:
        best = queries.suggest(row["text"], systems[row["system"]].pk)
        if not best or best[0].slug != row["first"]:
            wrong.append((row["text"], row["first"], [g.slug for g in best]))
    assert wrong == []


def test_shipped_guides_are_whole(systems: Any) -> None:
    """Every guide has a summary, more than one heading or list, and names other guides only as they are called."""
    services.import_guides(SYSTEM, files.SHIPPED)
    titles = {g.title for g in Guide.objects.all()} | {g.title.partition("：")[0] for g in Guide.objects.all()}
    for guide in Guide.objects.select_related("published"):
        page = markup.render(guide.published.text)
        assert guide.summary, guide.slug
        assert len(page.headings) > 1, guide.slug
        assert page.missing == (), guide.slug
        for named in markup.titles(guide.published.text):
            assert named in titles, (guide.slug, named)


def test_importing_again_changes_nothing_and_keeps_what_people_wrote(tmp_path: Path, writer: Any, systems: Any) -> None:
    path = tmp_path / "a-guide.md"
    path.write_text("---\ntitle: 甲\nsystem: HIS\nsubsystem: 没有的子系统\n---\n\n第一版", encoding="utf-8")
    done = services.import_guides(SYSTEM, tmp_path)
    assert (done.created, done.unknown) == (1, {"没有的子系统"})
    assert str(services.import_guides(SYSTEM, tmp_path)).startswith("新增指南 0 篇，更新 0 篇")
    path.write_text("---\ntitle: 甲\nsystem: HIS\n---\n\n第二版", encoding="utf-8")
    assert services.import_guides(SYSTEM, path).changed == 1
    guide = Guide.objects.get()
    services.save_draft(writer, guide, services.GuideInput(title="甲", text="人改的", system=guide.system))
    path.write_text("---\ntitle: 甲\nsystem: HIS\n---\n\n第三版", encoding="gb18030")
    assert services.import_guides(SYSTEM, tmp_path).kept == 1
    assert guide.versions.all()[0].text == "人改的"
    assert services.import_guides(SYSTEM, tmp_path, overwrite=True).changed == 1
    assert Guide.objects.get().published.text == "第三版"


def test_pictures_beside_a_guide_come_with_it(tmp_path: Path, systems: Any) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: 甲\n---\n\n![图](p.png)", encoding="utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "p.png").write_bytes(picture().read())
    services.import_guides(SYSTEM, tmp_path)
    services.import_guides(SYSTEM, tmp_path)
    assert [f.name for f in GuideFile.objects.all()] == ["p.png"]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("没有说明")
    (tmp_path / "b.md").write_text("---\nsystem: HIS\n---\n正文", encoding="utf-8")
    with pytest.raises(FileProblems) as refused:
        services.import_guides(SYSTEM, tmp_path)
    assert str(refused.value) == "a.md：开头应有两行 --- 之间的说明（title、system …）\nb.md：缺少 title"
    done = CliRunner().invoke(app, ["import", str(tmp_path / "nothing")])
    assert done.exit_code == 1
    assert "没有 .md 文件" in done.output


def test_the_commands(tmp_path: Path, systems: Any) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: 瓶签缺规格\n---\n\n对照医嘱", encoding="utf-8")
    assert "新增指南 1 篇" in CliRunner().invoke(app, ["import", str(tmp_path)]).output
    assert "a  瓶签缺规格" in CliRunner().invoke(app, ["suggest", "瓶签没有规格"]).output


def test_the_api(guide: Guide, actor: Any, client: Any) -> None:
    scopes = ["knowledge.guide:view", "knowledge.internal:view", "knowledge.forum:view", "knowledge.forum:post"]
    _, token = create_token(actor("it_staff"), "测试", scopes, 1)
    head = {"Authorization": f"Bearer {token}"}

    def call(method: str, path: str, **data: Any) -> Any:
        extra = {"data": data, "content_type": "application/json"} if method == "post" else {}
        return getattr(client, method)(f"/api/v1/knowledge/{path}", headers=head, **extra)

    assert [g["slug"] for g in call("get", "guides?q=瓶签").json()] == ["label"]
    assert call("get", "guides?q=瓶签&system=YB").json() == []
    assert call("get", "guides/label").json()["version"] == 1
    assert [g["slug"] for g in call("get", "suggest?text=瓶签没有规格").json()] == ["label"]
    assert call("post", "guides/label/helped", subject_type="desk.case", subject_id="7").json() == {"counted": True}
    topic = call("post", "topics", title="话题", text="内容").json()
    assert topic["posts_count"] == 1
    assert call("post", f"topics/{topic['id']}", text="回复").json()["text"] == "回复"
    assert len(call("get", f"topics/{topic['id']}").json()) == 2
    assert call("post", "topics", title="", text="x").status_code == 409
