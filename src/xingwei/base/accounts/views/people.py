"""The list of people, and what the security administrator does with one account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from xingwei.base.journal.services import record
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage, Guarded, ListPage, Page, ServiceRefused

from .. import lockout, mfa, queries
from ..access import held
from ..forms import PersonForm, ReasonForm
from ..models import Session, User
from ..services import people
from ..services.roles import administration_of
from ..tables import PEOPLE_FILTERS, PeopleTable, status

VIEW, CHANGE = "accounts.person:view", "accounts.person:change"


def visible(request: Any, pk: int) -> User:
    """The account, where the actor may see it; 404 otherwise, as for one that does not exist."""
    rows = User.visible.restrict(request.actor, VIEW).select_related("organisation", "department")
    found: User = get_object_or_404(rows, pk=pk)
    return found


class People(ListPage):
    permission = VIEW
    template_name = "accounts/people.html"
    title = "人员与账号"
    table = PeopleTable
    filters = PEOPLE_FILTERS
    order = ("organisation_id", "username", "pk")
    export_name = "人员"
    empty = ("还没有人员", "建立第一个账号，或用 Excel 导入。")

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = User.visible.restrict(self.actor, VIEW)
        return rows.select_related("organisation", "department").prefetch_related("assignments")

    def exported(self, kind: str) -> None:
        require(self.actor, "accounts.person:export")
        with transaction.atomic():
            chosen = {k: self.request.GET.getlist(k) for k in self.request.GET if k != "format"}
            record(self.actor, "accounts.person.export", None, f"导出人员名册（{kind}）", after={"filter": chosen})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if not may(self.actor, "accounts.person:export"):
            context["export_urls"] = {}
        # the search box above says it already
        context["filters"] = [f for f in context["filters"] if f["filter"].key != "q" or f["text"]]
        return context | {"can_change": may(self.actor, CHANGE), "q": "", "typed": self.request.GET.get("q", "")}


class Person(Page):
    permission = VIEW
    template_name = "accounts/person.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = visible(self.request, kwargs["pk"])
        assignments = list(person.assignments.order_by("role"))
        can_end = may(self.actor, "accounts.session:end")
        sees_tokens = may(self.actor, "accounts.token:revoke")
        _, locked_until = lockout.failures(person.username)
        return super().get_context_data(**kwargs) | {
            "title": person.name,
            "person": person,
            "status": status(person),
            "assignments": [{"row": a, "administration": administration_of(a.role)} for a in assignments],
            "proposals": queries.open_proposals().filter(user=person),
            "held": held(queries.actor_of(person)),
            "sessions": _sessions(person) if can_end else None,
            "tokens": person.api_tokens.order_by("-created_at")[:20] if sees_tokens else None,
            "mfa": mfa.enrolled(person),
            "locked_until": locked_until,
            "oneself": self.actor.id == person.pk,
            "can_change": may(self.actor, CHANGE) and self.actor.id != person.pk,
            "can_grant": may(self.actor, "accounts.role:grant") and self.actor.id != person.pk,
            "can_end": can_end,
        }


def _sessions(person: User) -> models.QuerySet[Session]:
    return Session.objects.filter(user=person, ended="").order_by("-seen_at")


class CreatePerson(FormPage):
    permission = CHANGE
    template_name = "accounts/person_form.html"
    title = "新建账号"
    form_class = PersonForm
    lead = "建立之后再授予角色；初始密码只显示一次"
    submit_label = "建立账号"

    def get_back_url(self) -> str:
        return reverse("accounts:people")

    def act(self, form: Any) -> HttpResponseBase:
        person, first = people.create_person(self.actor, form.values())
        if not first:
            said = f"已建立{person.name}的账号，请授予角色。"
            messages.success(self.request, said, extra_tags="person-new")
            return HttpResponseRedirect(person.get_absolute_url())
        return first_password(self.request, person, first)


class EditPerson(FormPage):
    permission = CHANGE
    template_name = "accounts/person_form.html"
    form_class = PersonForm

    @property
    def person(self) -> User:
        return visible(self.request, self.kwargs["pk"])

    def get_title(self) -> str:
        return f"修改{self.person.name}的账号"

    def get_form(self, data: Any = None, files: Any = None) -> PersonForm:
        return PersonForm(data, instance=self.person)

    def get_back_url(self) -> str:
        return self.person.get_absolute_url()

    def act(self, form: Any) -> HttpResponseBase:
        person = people.edit_person(self.actor, self.person, form.values(), seen=form.cleaned_data["seen"])
        return self.done("已保存。", person.get_absolute_url())


class DisablePerson(FormPage):
    permission = CHANGE
    form_class = ReasonForm
    submit_label = "停用账号"
    lead = "立即不能登录，正在登录的会退出，令牌失效；账号和记录都保留"

    @property
    def person(self) -> User:
        return visible(self.request, self.kwargs["pk"])

    def get_title(self) -> str:
        return f"停用{self.person.name}的账号"

    def get_back_url(self) -> str:
        return self.person.get_absolute_url()

    def act(self, form: Any) -> HttpResponseBase:
        person = people.disable_person(self.actor, self.person, form.cleaned_data["reason"])
        return self.done(f"已停用{person.name}的账号。", person.get_absolute_url())


class EnablePerson(Act):
    permission = CHANGE

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        return f"已启用{people.enable_person(self.actor, visible(request, kwargs['pk'])).name}的账号。"


class ResetPassword(Guarded):
    permission = CHANGE

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponseRedirect(visible(request, pk).get_absolute_url())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = visible(request, pk)
        try:
            first = people.reset_password(self.actor, person)
        except ServiceRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(person.get_absolute_url())
        return first_password(request, person, first)


class UnlockPerson(Act):
    permission = CHANGE

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        person = visible(request, kwargs["pk"])
        lockout.unlock(self.actor, person)
        return f"{person.name}现在可以再登录了。"


class ResetMfa(Act):
    permission = CHANGE

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        person = visible(request, kwargs["pk"])
        mfa.reset(self.actor, person)
        return f"已解除{person.name}的动态码绑定，下次登录时重新绑定。"


def first_password(request: HttpRequest, person: User, first: str) -> HttpResponse:
    """The one page that ever shows it."""
    context = {"person": person, "first": first, "title": "初始密码"}
    return render(request, "accounts/first_password.html", context)
