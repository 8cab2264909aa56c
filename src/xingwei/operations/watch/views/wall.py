"""The big screen. It needs no account: a screen is let in by a token of its own, once, and stays in by a cookie that
holds for this page alone; so there is no sign-in to expire, and no page that leads to one."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import PUBLIC, Act, FormPage, Guarded

from ..forms import ScreenForm
from ..models import Token
from ..queries import wall
from ..services import base, tokens
from .common import WatchList, shown_once, tabs

COOKIE = "xw_screen"
SALT = "watch.screen"
YEAR_S = 400 * 86_400


class _OfAScreen(Guarded, abstract=True):
    """Lets in a screen by its cookie, and people who may see it."""

    permission = PUBLIC
    http_method_names = ["get"]

    def allowed(self) -> bool:
        if self.actor.signed_in and may(self.actor, "watch.screen:view"):
            return True
        try:
            digest = signing.loads(self.request.COOKIES.get(COOKIE, ""), salt=SALT)
        except signing.BadSignature:
            return False
        return Token.objects.filter(purpose="screen", digest=str(digest), revoked_at=None).exists()


class Wall(_OfAScreen):
    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.allowed():
            return render(request, "watch/wall_closed.html", status=403)
        return render(request, "watch/wall.html", {"title": "机房大屏"})


class WallData(_OfAScreen):
    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.allowed():
            return JsonResponse({"detail": "这块屏没有开通，或已停用。"}, status=403)
        response = JsonResponse(wall.board())
        response["Cache-Control"] = "no-store"
        return response


class OpenScreen(Guarded):
    """The address that is opened on the screen once."""

    permission = PUBLIC
    http_method_names = ["get"]

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        found = tokens.find("screen", token)
        if found is None:
            return render(request, "watch/wall_closed.html", status=403)
        response = HttpResponseRedirect(reverse("watch:wall"))
        response.set_cookie(
            COOKIE, signing.dumps(found.digest, salt=SALT), max_age=YEAR_S, httponly=True, samesite="Lax",
            secure=request.is_secure(), path=reverse("watch:wall"),
        )  # fmt: skip
        return response


class _Table(Table):
    columns = (
        Column("subject", "屏"),
        Column("state", "状态", value=lambda t: "已停用" if t.revoked_at else "使用中"),
        Column("seen_at", "最近打开", kind="time", label_on_phone=True),
        Column("by", "开通人", value=lambda t: t.created_by.name if t.created_by else "系统"),
        Column("created_at", "开通时间", kind="time", drop=True),
        Column("acts", "", cell="watch/parts/screen_acts.html"),
    )

    def body(self) -> Any:
        can = may(self.request.actor, "watch.screen:change")  # type: ignore[attr-defined]
        for row in self.rows:
            row.can_end = can and not row.revoked_at
        return super().body()

    @staticmethod
    def url(row: Any) -> str:
        return ""


class Screens(WatchList):
    tab = "screens"
    permission = "watch.screen:view"
    title = "大屏"
    lead = "机房大屏不用账号登录：开通时得到一个地址，在屏上打开一次即可，随时可以停用"
    template_name = "watch/screens.html"
    table = _Table
    order = ("-created_at", "-pk")
    empty = ("还没有开通大屏", "开通后把地址在大屏的浏览器里打开一次，以后一直有效，不会跳到登录页。")

    def get_queryset(self) -> Any:
        return Token.objects.filter(purpose="screen").select_related("created_by")


class NewScreen(FormPage):
    permission = "watch.screen:change"
    template_name = "watch/form.html"
    title = "开通大屏"
    form_class = ScreenForm
    submit_label = "开通"
    refusals = (base.WatchRefused,)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": tabs(self.actor, "screens")}

    def get_back_url(self) -> str:
        return reverse("watch:screens")

    def act(self, form: Any) -> HttpResponseBase:
        row, text = tokens.issue(self.actor, "screen", form.cleaned_data["subject"])
        address = self.request.build_absolute_uri(reverse("watch:open-screen", args=[text]))
        return shown_once(self.request, f"{row.subject}：大屏地址", text, reverse("watch:screens"),
                          [("在大屏的浏览器里打开一次（之后地址栏里不再有口令）：", address)])  # fmt: skip


class CloseScreen(Act):
    permission = "watch.screen:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = Token.objects.filter(pk=kwargs["pk"], purpose="screen").first()
        if row is None:
            raise Http404("没有这块屏")
        tokens.revoke(self.actor, row)
        return f"{row.subject} 已停用"
