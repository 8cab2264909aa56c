"""Correcting what is known of a case."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms

from xingwei.base.accounts.models import Department, Organisation
from xingwei.base.estate.models import BusinessFunction, Interface, Subsystem, System

from ..models import Case
from .fields import Line, Long, half_width

_UNKNOWN = {"invalid_choice": "列表里没有这一项，请重新选择。"}


class _Grouped(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Parts of systems, under the names of their systems."""

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        super().__init__(queryset, required=False, empty_label="不清楚", error_messages=_UNKNOWN, **kwargs)
        self.widget.attrs["class"] = "form-select"

    def fill(self) -> None:
        rows = self.queryset.select_related("system").order_by("system__order", "code")  # type: ignore[union-attr]
        groups = [
            (system.short_name, [(row.pk, row.name) for row in part])
            for system, part in groupby(rows, key=lambda r: r.system)
        ]
        self.choices = [("", "不清楚"), *groups]


def _select(queryset: Any, label: str, empty: str) -> forms.ModelChoiceField[Any]:
    return forms.ModelChoiceField(
        queryset,
        label=label,
        required=False,
        empty_label=empty,
        error_messages=_UNKNOWN,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class EditForm(forms.Form):
    """Every field also carries, hidden, what stood there when the page was opened: only what this person changed is
    sent to the service, so that two people who correct different things do not undo one another."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    title = Line("标题")
    description = Long("现象", rows=4)
    system = _select(System.objects.all(), "系统", "不清楚")
    subsystem = _Grouped(Subsystem.objects.all(), label="子系统")
    function = _Grouped(BusinessFunction.objects.all(), label="业务功能")
    interface = _Grouped(Interface.objects.all(), label="接口")
    department = _select(Department.objects.filter(active=True), "反映科室", "没有")
    reporter_name = Line("反映人", limit=40, required=False)
    phone = Line("回电", limit=40, required=False)
    party = forms.ChoiceField(
        label="归属",
        choices=Case.Party.choices,
        error_messages=_UNKNOWN,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    party_organisation = _select(Organisation.objects.filter(active=True), "归属单位", "没有")
    tried = Long("信息科先行诊断", rows=3, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = name != "version"
        for name in ("subsystem", "function", "interface"):
            field = self.fields[name]
            assert isinstance(field, _Grouped)
            field.fill()

    def clean_phone(self) -> str:
        return str(half_width(self.cleaned_data["phone"]))

    def clean(self) -> dict[str, Any]:
        """A part brings its system along; a part of another system is an error."""
        said = super().clean() or {}
        for name in ("subsystem", "function", "interface"):
            part = said.get(name)
            if part is None:
                continue
            if said.get("system") is None:
                said["system"] = part.system
            elif part.system_id != said["system"].pk:
                self.add_error(name, f"“{part.name}”属于{part.system.short_name}，不属于{said['system'].short_name}。")
        return said
