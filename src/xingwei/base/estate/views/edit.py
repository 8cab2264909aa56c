"""Editing: parts and parameters by form, links between them by button."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from xingwei.base.ui.views import Act, FormPage

from .. import codes, forms, services
from ..models import Dependency, Ownership, Parameter, ServiceWindow, System
from ..services.parameters import FIELDS as PARAMETER_FIELDS
from ..services.parts import FIELDS, LABELS, PARTS

_KINDS = frozenset(PARTS)


def _part_or_404(kind: str, code: str) -> Any:
    if kind not in _KINDS:
        raise Http404("没有这一类")
    return get_object_or_404(PARTS[kind], code=code)


def _url(row: Any) -> str:
    return str(row.get_absolute_url())


class NewPart(FormPage):
    """A new system, subsystem, function, component or interface; ?system=HIS presets the system."""

    permission = "estate.system:change"
    submit_label = "登记"

    @property
    def kind(self) -> str:
        kind = str(self.kwargs["kind"])
        if kind not in _KINDS:
            raise Http404("没有这一类")
        return kind

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return forms.FORMS[self.kind](data, files, initial=self.get_initial())

    def get_title(self) -> str:
        return f"新增{LABELS[self.kind]}"

    def get_initial(self) -> dict[str, Any]:
        found = System.objects.filter(code=self.request.GET.get("system", "").replace("\x00", "")).first()
        return {"system": found, "active": True}

    def get_back_url(self) -> str:
        found = self.get_initial()["system"]
        return _url(found) if found else reverse("estate:systems")

    def act(self, form: Any) -> HttpResponseBase:
        row = services.add_part(self.actor, self.kind, form.cleaned_data)
        return self.done(f"已登记{LABELS[self.kind]}“{row}”", _url(row))


class EditPart(FormPage):
    permission = "estate.system:change"

    def get_row(self) -> Any:
        return _part_or_404(self.kwargs["kind"], self.kwargs["code"])

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        row = self.get_row()
        seen = services.stamp(row, FIELDS[row.KIND])
        return forms.FORMS[row.KIND](data, files, instance=row, initial={"seen": seen})

    def get_title(self) -> str:
        return f"修改：{self.get_row().name}"

    def get_back_url(self) -> str:
        return _url(self.get_row())

    def act(self, form: Any) -> HttpResponseBase:
        row = services.change_part(self.actor, self.get_row(), form.cleaned_data, seen=form.cleaned_data["seen"])
        return self.done("已保存", _url(row))


class RemovePart(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = _part_or_404(kwargs["kind"], kwargs["code"])
        name = row.name
        services.remove_part(self.actor, row)
        self.gone = True
        return f"已删除“{name}”"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("estate:systems") if getattr(self, "gone", False) else super().get_next(request)


class NewParameter(FormPage):
    permission = "estate.parameter:change"
    title = "新增参数"
    submit_label = "登记"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        found = System.objects.filter(code=self.request.GET.get("system", "").replace("\x00", "")).first()
        return forms.ParameterForm(data, files, initial={"system": found, "active": True})

    def get_back_url(self) -> str:
        return reverse("estate:parameters")

    def act(self, form: Any) -> HttpResponseBase:
        row = services.change_parameter(self.actor, None, form.cleaned_data)
        return self.done(f"已登记参数“{row.name}”", _url(row))


class EditParameter(FormPage):
    permission = "estate.parameter:change"

    def get_row(self) -> Parameter:
        return get_object_or_404(Parameter, system__code=self.kwargs["system"], code=self.kwargs["code"])

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        row = self.get_row()
        return forms.ParameterForm(data, files, instance=row, initial={"seen": services.stamp(row, PARAMETER_FIELDS)})

    def get_title(self) -> str:
        return f"修改参数：{self.get_row().name}"

    def get_back_url(self) -> str:
        return _url(self.get_row())

    def act(self, form: Any) -> HttpResponseBase:
        values = form.cleaned_data
        row = services.change_parameter(self.actor, self.get_row(), values, seen=values["seen"])
        return self.done("已保存", _url(row))


class RemoveParameter(Act):
    permission = "estate.parameter:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Parameter, system__code=kwargs["system"], code=kwargs["code"])
        services.remove_parameter(self.actor, row)
        self.gone = True
        return f"已删除参数“{row.name}”"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("estate:parameters") if getattr(self, "gone", False) else super().get_next(request)


class AddDependency(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        post = request.POST
        row = services.add_dependency(self.actor, post.get("source", ""), post.get("target", ""), post.get("kind", ""))
        return f"已登记依赖：{row.get_kind_display()}"


class RemoveDependency(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.remove_dependency(self.actor, get_object_or_404(Dependency, pk=kwargs["pk"]))
        return "已删除这条依赖"


class AddOwner(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        person = codes.person_of(request.POST.get("person", ""))
        row = services.add_owner(self.actor, request.POST.get("subject", ""), person, request.POST.get("part", ""))
        return f"已登记{row.get_part_display()} {person}"


class RemoveOwner(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        row = get_object_or_404(Ownership.objects.select_related("person"), pk=kwargs["pk"])
        services.remove_owner(self.actor, row)
        return f"{row.person}不再是{row.get_part_display()}"


class NewWindow(FormPage):
    permission = "estate.system:change"
    form_class = forms.WindowForm
    title = "登记时段"
    submit_label = "登记"
    lead = "服务时段：系统必须可用的时间；维护窗口：可以停下来维护的时间"

    def get_system(self) -> System:
        return get_object_or_404(System, code=self.kwargs["code"])

    def get_title(self) -> str:
        return f"登记时段：{self.get_system().short_name}"

    def get_back_url(self) -> str:
        return _url(self.get_system())

    def act(self, form: Any) -> HttpResponseBase:
        v = form.cleaned_data
        row = services.add_window(
            self.actor, self.get_system(), v["kind"], "".join(v["weekdays"]), v["start"], v["end"], v["note"]
        )
        return self.done(f"已登记{row.get_kind_display()}", self.get_back_url())


class RemoveWindow(Act):
    permission = "estate.system:change"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        services.remove_window(
            self.actor, get_object_or_404(ServiceWindow.objects.select_related("system"), pk=kwargs["pk"])
        )
        return "已删除这个时段"
