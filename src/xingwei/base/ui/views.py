"""What every page is built from. A view states its permission, or it does not start.

Guarded     the check itself; base of all others
Page        a page: GET, a template, a title
ListPage    a table with filters in the URL, keyset paging, CSV and Excel export
FormPage    a form whose valid data is handed to one service
Act         a POST that calls one service and returns to where it came from
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import TemplateView, View

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import Denied, policy

from . import keyset
from .export import export_response
from .table import Filter, Table

PUBLIC = "public"  # no sign-in: sign-in pages, health, status page
SIGNED_IN = "signed-in"  # every account: own profile, own notifications

Refusal = type[Exception]


class ServiceRefused(Exception):
    """Base of what services raise when they refuse an act; str() is the Chinese sentence for the user."""


class Guarded(View):
    """permission: "resource:action", PUBLIC or SIGNED_IN. Anything else fails at import."""

    permission: ClassVar[str] = ""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract and not cls.permission:
            raise ImproperlyConfigured(f"{cls.__module__}.{cls.__qualname__} states no permission")

    @property
    def actor(self) -> Actor:
        return cast(Actor, self.request.actor)  # type: ignore[attr-defined]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.permission == PUBLIC:
            return super().dispatch(request, *args, **kwargs)
        if not self.actor.signed_in:
            return to_sign_in(request)
        if self.permission != SIGNED_IN:
            decision = policy().decide(self.actor, self.permission)
            if not decision.allowed:
                raise Denied(decision.reason)
        return super().dispatch(request, *args, **kwargs)


def succeed(request: HttpRequest, sentence: str) -> None:
    """The toast of a kept form; it names the form's draft, which the browser then forgets."""
    messages.success(request, sentence, extra_tags=request.POST.get("draft_key", "")[:80])


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back. A fragment request is told so; what was typed stays in the page."""
    back = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    if request.headers.get("HX-Request") or request.headers.get("Accept", "").startswith("application/json"):
        response = HttpResponse("登录已过期，填写的内容还在。请在新窗口登录后再提交。", status=401)
        response["HX-Trigger"] = json.dumps({"xw:signed-out": {}})
        return response
    return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': back})}")


class Page(Guarded, TemplateView, abstract=True):
    title: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"title": self.get_title()}

    def get_title(self) -> str:
        return self.title


class ListPage(Page, abstract=True):
    """A table of rows. Everything that decides what is shown stands in the URL.

    Subclasses give `table` (a Table), `filters`, `get_queryset()`, `order` (keyset; last column unique).
    `?format=csv|xlsx` exports all rows of the same filter, streamed.
    """

    template_name = "ui/list.html"
    table: ClassVar[type[Table]]
    export_table: ClassVar[type[Table] | None] = None  # where an export has more columns than the screen
    filters: ClassVar[tuple[Filter, ...]] = ()
    order: ClassVar[tuple[str, ...]] = ("-pk",)
    page_size: ClassVar[int] = 50
    export_name: ClassVar[str] = ""
    empty: ClassVar[tuple[str, str]] = ("还没有内容", "")

    def get_queryset(self) -> models.QuerySet[Any]:
        raise NotImplementedError

    def get_order(self) -> tuple[str, ...]:
        return self.order

    def filtered(self) -> models.QuerySet[Any]:
        rows = self.get_queryset()
        for f in self.filters:
            rows = f.apply(rows, self.request.GET.getlist(f.key), self.actor)
        return rows

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("format") in {"csv", "xlsx"} and self.export_name:
            rows = self.filtered().order_by(*self.get_order())
            self.exported(request.GET["format"])
            return export_response(request.GET["format"], self.export_name, self.export_table or self.table, rows)
        return super().get(request, *args, **kwargs)

    def exported(self, kind: str) -> None:
        """Called before an export leaves; rooms whose rows are sensitive record it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = self.filtered()
        shown = keyset.page(
            rows,
            self.get_order(),
            after=self.request.GET.get("after", ""),
            before=self.request.GET.get("before", ""),
            size=self.page_size,
        )
        query = self.request.GET
        context = super().get_context_data(**kwargs)
        return context | {
            "table": self.table(shown.rows, self.request),
            "rows": shown.rows,
            "filters": [f.bind(query, self.actor) for f in self.filters],
            "filtered_by": [k for k in query if k in {f.key for f in self.filters}],
            "total": keyset.capped_count(rows)[1],
            "next_url": self._with(after=shown.next) if shown.next else "",
            "previous_url": self._with(before=shown.previous) if shown.previous else "",
            "export_urls": {k: self._with(format=k) for k in ("xlsx", "csv")} if self.export_name else {},
            "empty": self.empty,
        }

    def _with(self, **changes: str | None) -> str:
        query = self.request.GET.copy()
        for key in ("after", "before", "format"):
            query.pop(key, None)
        for key, value in changes.items():
            if value:
                query[key] = value
        return f"?{query.urlencode()}"


class FormPage(Page, abstract=True):
    """A form page: valid data goes to `act`, refusals of the service come back as form errors, text kept."""

    template_name = "ui/form.html"
    form_class: ClassVar[type[forms.BaseForm]]
    refusals: ClassVar[tuple[Refusal, ...]] = (ServiceRefused,)
    submit_label: ClassVar[str] = "保存"
    lead: ClassVar[str] = ""

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        return self.form_class(data, files, initial=self.get_initial())

    def get_initial(self) -> dict[str, Any]:
        return {}

    def act(self, form: Any) -> HttpResponseBase:
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context.setdefault("form", self.get_form())
        return context | {
            "submit_label": self.submit_label,
            "lead": self.lead,
            "back_url": self.get_back_url(),
        }

    def get_back_url(self) -> str:
        return ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST, request.FILES)
        if form.is_valid():
            try:
                return self.act(form)
            except self.refusals as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(form=form, **kwargs), status=422)

    def done(self, message: str, url: str) -> HttpResponse:
        succeed(self.request, message)
        return HttpResponseRedirect(url)


class Act(Guarded, abstract=True):
    """A button: POST, one service call, back to the page with a sentence."""

    http_method_names = ["post"]
    refusals: ClassVar[tuple[Refusal, ...]] = (ServiceRefused, Denied)

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        """Do it; return the sentence for the toast, or a response of its own."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            said = self.act(request, **kwargs)
            if isinstance(said, HttpResponseBase):
                return said
            succeed(request, said)
        except self.refusals as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(self.get_next(request))

    def get_next(self, request: HttpRequest) -> str:
        for candidate in (request.POST.get("next"), request.headers.get("Referer")):
            if candidate and url_has_allowed_host_and_scheme(candidate, {request.get_host()}):
                return candidate
        return "/"


def guard(permission: str) -> Callable[[type[View]], type[View]]:
    """For a third-party class-based view: put the check before it."""

    def wrap(view: type[View]) -> type[View]:
        return type(view.__name__, (Guarded, view), {"permission": permission, "__module__": view.__module__})

    return wrap


def error_page(request: HttpRequest, status: int, *, reason: str = "", reference: str = "") -> HttpResponse:
    """One of the error pages (ui/errors/STATUS.html): what happened, is anything lost, what to do now."""
    return render(request, f"ui/errors/{status}.html", {"reason": reason, "reference": reference}, status=status)
