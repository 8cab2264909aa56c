"""Forms of the inspections."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import people_with_role

from .models import Item, Plan


class ArrangeForm(forms.Form):
    plan = forms.ModelChoiceField(
        Plan.objects.none(), label="计划", empty_label="请选择", widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={"required": "请选择计划", "invalid_choice": "没有这个计划"},
    )  # fmt: skip
    due_on = forms.DateField(
        label="应完成日期", widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
        error_messages={"invalid": "日期应写成 2026-03-18", "required": "请填写日期"},
    )  # fmt: skip
    label = forms.CharField(
        label="名称", max_length=80, required=False, widget=forms.TextInput(attrs={"class": "form-control"}),
        help_text="不填就用计划的名称",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].queryset = Plan.objects.filter(active=True)  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    result = forms.ChoiceField(
        label="结果", choices=[c for c in Item.Result.choices if c[0]],
        widget=forms.RadioSelect, error_messages={"required": "请选择结果"},
    )  # fmt: skip
    value = forms.CharField(
        label="看到", max_length=300, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    note = forms.CharField(
        label="说明", max_length=500, required=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": "3"}),
    )  # fmt: skip


class HazardForm(forms.Form):
    assignee: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        User.objects.none(),
        label="由谁消除",
        required=False,
        empty_label="待分派",
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    due_on = forms.DateField(
        label="最晚", required=False, widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}),
        error_messages={"invalid": "日期应写成 2026-03-18"},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = people_with_role(  # type: ignore[attr-defined]
            "onsite_engineer", "service_manager", "rnd", "vendor_support", "it_staff"
        )


class FinishForm(forms.Form):
    summary = forms.CharField(
        label="结论", max_length=4000, widget=forms.Textarea(attrs={"class": "form-control", "rows": "6"}),
        error_messages={"required": "请写结论"}, help_text="系统总体怎样，有哪些隐患，下一步做什么",
    )  # fmt: skip
