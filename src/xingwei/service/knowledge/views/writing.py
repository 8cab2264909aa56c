"""Writing guides: the editor with its preview and pictures, history, publication."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import mark_safe

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage, Guarded, Page, ServiceRefused

from .. import forms, queries, services
from ..engine import diffing, markup
from ..engine.front import LONGEST
from ..models import Guide, GuideVersion
from .guides import _OfGuide

_HEAD = ("title", "summary", "kind", "audience", "keywords")
_STARTER = """## 什么时候用

## 步骤

1.
2.

## 还不行怎么办

"""


class _Editor(FormPage, abstract=True):
    permission = "knowledge.guide:write"
    template_name = "knowledge/edit.html"

    def given(self, data: dict[str, Any]) -> services.GuideInput:
        return services.GuideInput(**{k: v for k, v in data.items() if k != "slug"})

    def finish(self, guide: Guide, said: str) -> HttpResponseBase:
        """On to the guide; published first where the second button was pressed."""
        if "publish" in self.request.POST:
            version = services.publish(self.actor, guide)
            return self.done(f"已发布第 {version.number} 版", guide.get_absolute_url())
        return self.done(said, guide.get_absolute_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"can_publish": may(self.actor, "knowledge.guide:publish")}


class NewGuide(_Editor):
    title = "写指南"
    form_class = forms.NewGuideForm

    def get_initial(self) -> dict[str, Any]:
        return {"text": _STARTER, "title": self.request.GET.get("title", "")[:80]}

    def get_back_url(self) -> str:
        return reverse("knowledge:guides")

    def act(self, form: Any) -> HttpResponseBase:
        guide = services.create_guide(self.actor, form.cleaned_data["slug"], self.given(form.cleaned_data))
        return self.finish(guide, "已存为草稿，可以继续加图片")


class EditGuide(_OfGuide, _Editor):
    form_class = forms.GuideForm

    def get_title(self) -> str:
        return f"修改：{self.guide()}"

    def get_initial(self) -> dict[str, Any]:
        guide = self.guide()
        last = guide.versions.all()[0]
        head = {name: getattr(guide, name) for name in (*_HEAD, "system", "subsystem", "function")}
        return head | {"text": last.text, "base": last.number}

    def get_back_url(self) -> str:
        return reverse("knowledge:guide", args=[self.kwargs["slug"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        guide = self.guide()
        return super().get_context_data(**kwargs) | {"guide": guide, "pictures": _pictures(guide)}

    def act(self, form: Any) -> HttpResponseBase:
        guide = self.guide()
        version = services.save_draft(self.actor, guide, self.given(form.cleaned_data))
        return self.finish(guide, f"已保存第 {version.number} 版草稿，发布后读者才看到")


class Preview(Guarded):
    """The text of the editor as the page will show it (htmx)."""

    permission = "knowledge.guide:write"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        text = request.POST.get("text", "")[:LONGEST]
        slug = request.POST.get("of", "")[:60]
        guide = queries.readable(self.actor, drafts=True).filter(slug=slug).first() if slug else None
        page = markup.render(text, queries.pictures_of(guide) if guide else None)
        return render(request, "knowledge/parts/preview.html", {"page": page, "html": mark_safe(page.html)})  # noqa: S308 - made by nh3


class Upload(_OfGuide):
    """A picture for the guide; answers with the list of pictures, so that the text being typed stays (htmx)."""

    permission = "knowledge.guide:write"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        guide, refused = self.guide(), ""
        if (file := request.FILES.get("file")) is None:
            refused = "请先选择图片"
        else:
            try:
                services.upload_picture(self.actor, guide, file, caption=request.POST.get("caption", ""))
            except ServiceRefused as refusal:
                refused = str(refusal)
        return render(
            request, "knowledge/parts/pictures.html", {"pictures": _pictures(guide), "refused": refused, "guide": guide}
        )


class History(_OfGuide, Page):
    """All versions, and what lies between two of them: ?a=1&b=2 (default: the newest two)."""

    permission = "knowledge.guide:view"
    template_name = "knowledge/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        guide = self.guide()
        writes = may(self.actor, "knowledge.guide:write")
        rows = guide.versions.select_related("author", "published_by")
        versions = list(rows if writes else rows.exclude(published_at=None))[:200]
        if not versions:
            raise Http404("没有版本")
        after = self._chosen(versions, "b", versions[0])
        before = self._chosen(versions, "a", versions[min(versions.index(after) + 1, len(versions) - 1)])
        return super().get_context_data(**kwargs) | {
            "title": f"版本：{guide}",
            "guide": guide,
            "versions": versions,
            "before": before,
            "after": after,
            "rows": diffing.rows(before.text, after.text) if before != after else [],
            "can_write": writes,
            "can_publish": may(self.actor, "knowledge.guide:publish"),
        }

    def _chosen(self, versions: list[GuideVersion], key: str, default: GuideVersion) -> GuideVersion:
        return next((v for v in versions if str(v.number) == self.request.GET.get(key)), default)


class Publish(_OfGuide, Act):
    permission = "knowledge.guide:publish"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        guide = self.guide()
        version = services.publish(self.actor, guide, _version(guide, request.POST.get("version", "")))
        return f"已发布第 {version.number} 版"


class Restore(_OfGuide, Act):
    permission = "knowledge.guide:write"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        guide = self.guide()
        old = _version(guide, request.POST.get("version", ""))
        if old is None:
            raise Http404("没有这个版本")
        made = services.restore_version(self.actor, guide, old)
        return f"已把第 {old.number} 版恢复为第 {made.number} 版草稿，发布后读者才看到"


class Confirm(_OfGuide, Act):
    permission = "knowledge.guide:publish"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.confirm_valid(self.actor, self.guide())
        return "已记下：内容仍然有效"


class Archive(_OfGuide, Act):
    permission = "knowledge.guide:archive"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        back = request.POST.get("back") == "1"
        services.archive(self.actor, self.guide(), back=back)
        return "已恢复使用" if back else "已停用，读者不再看到"


def _version(guide: Guide, number: str) -> GuideVersion | None:
    if not number:
        return None
    return get_object_or_404(GuideVersion, guide=guide, number=number if number.isdigit() and len(number) < 9 else 0)


def _pictures(guide: Guide) -> list[dict[str, Any]]:
    addresses = queries.pictures_of(guide)
    return [
        {"file": f, "url": addresses[f.name], "code": f"![{f.caption or '图'}]({f.name})"} for f in guide.files.all()
    ]
