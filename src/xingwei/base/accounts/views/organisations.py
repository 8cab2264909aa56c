"""Organisations, their departments as a tree, and one department."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import FormPage, Page

from .. import queries
from ..forms import DepartmentForm, OrganisationForm
from ..models import Department, Organisation, User
from ..services import organisations
from .people import VIEW as SEE_PEOPLE

VIEW, CHANGE = "accounts.organisation:view", "accounts.organisation:change"
PEOPLE_SHOWN = 50


class Organisations(Page):
    permission = VIEW
    template_name = "accounts/organisations.html"
    title = "单位与科室"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = Count("people", filter=Q(people__is_active=True), distinct=True)
        departments = Count("departments", filter=Q(departments__active=True), distinct=True)
        rows = Organisation.objects.annotate(n_people=people, n_departments=departments)
        sides = [(label, [o for o in rows if o.side == side]) for side, label in Organisation.Side.choices]
        return super().get_context_data(**kwargs) | {
            "sides": [(label, found) for label, found in sides if found],
            "can_change": may(self.actor, CHANGE),
        }


class OrganisationPage(Page):
    permission = VIEW
    template_name = "accounts/organisation.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(Organisation, pk=kwargs["pk"])
        people = User.visible.restrict(self.actor, SEE_PEOPLE).filter(organisation=row, is_active=True)
        counts = dict(people.values_list("department").annotate(n=Count("pk")).values_list("department", "n"))
        return super().get_context_data(**kwargs) | {
            "title": row.name,
            "organisation": row,
            "tree": [r | {"people": counts.get(r["department"].pk, 0)} for r in queries.tree(row)],
            "people": people.filter(department=None).order_by("username")[:PEOPLE_SHOWN],
            "can_change": may(self.actor, CHANGE),
        }


class DepartmentPage(Page):
    permission = VIEW
    template_name = "accounts/department.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Department.objects.select_related("organisation", "parent")
        row = get_object_or_404(rows, pk=kwargs["pk"])
        people = User.visible.restrict(self.actor, SEE_PEOPLE).filter(department=row, is_active=True)
        return super().get_context_data(**kwargs) | {
            "title": row.name,
            "department": row,
            "children": row.children.order_by("code"),
            "people": people.prefetch_related("assignments").order_by("username")[:PEOPLE_SHOWN],
            "can_change": may(self.actor, CHANGE),
        }


class SaveOrganisation(FormPage):
    """Create one (no pk) or change it."""

    permission = CHANGE
    form_class = OrganisationForm

    @property
    def row(self) -> Organisation | None:
        return get_object_or_404(Organisation, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    def get_title(self) -> str:
        return f"修改{self.row.name}" if self.row else "新建单位"

    def get_form(self, data: Any = None, files: Any = None) -> OrganisationForm:
        return OrganisationForm(data, instance=self.row)

    def get_back_url(self) -> str:
        return self.row.get_absolute_url() if self.row else reverse("accounts:organisations")

    def act(self, form: Any) -> HttpResponseBase:
        row = organisations.save_organisation(self.actor, self.row, form.values(), seen=form.cleaned_data["seen"])
        return self.done("已保存。", row.get_absolute_url())


class SaveDepartment(FormPage):
    """Create one (no pk) or change it."""

    permission = CHANGE
    form_class = DepartmentForm

    @property
    def row(self) -> Department | None:
        return get_object_or_404(Department, pk=self.kwargs["pk"]) if "pk" in self.kwargs else None

    def get_title(self) -> str:
        return f"修改{self.row.name}" if self.row else "新建科室"

    def get_form(self, data: Any = None, files: Any = None) -> DepartmentForm:
        hospital = queries.hospital()
        initial = {"organisation": self.request.GET.get("organisation") or (hospital.pk if hospital else None)}
        return DepartmentForm(data, instance=self.row, initial=None if self.row else initial)

    def get_back_url(self) -> str:
        return self.row.get_absolute_url() if self.row else reverse("accounts:organisations")

    def act(self, form: Any) -> HttpResponseBase:
        row = organisations.save_department(self.actor, self.row, form.values(), seen=form.cleaned_data["seen"])
        return self.done("已保存。", row.get_absolute_url())
