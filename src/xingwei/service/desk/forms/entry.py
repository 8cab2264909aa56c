"""The phone entry. Only the words must be there; what is not chosen is guessed."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.accounts.models import Department, User
from xingwei.base.estate.models import System

from ..models import Case
from ..workflow import kind_choices
from .fields import FilesField, Line, Long, half_width


class EntryForm(forms.Form):
    caller = Line("谁打来的", limit=60, required=False)
    reporter = forms.ModelChoiceField(
        User.objects.select_related("department"),
        required=False,
        error_messages={"invalid_choice": "这个人已不在名册里，请重新找。"},
    )
    department = forms.ModelChoiceField(
        Department.objects.filter(active=True),
        required=False,
        error_messages={"invalid_choice": "没有这个科室，请重新选择。"},
    )
    phone = Line("回电", limit=40, required=False)
    description = Long("什么现象", error_messages={"required": "请写下现象：哪里不好用、提示了什么。"})
    system = forms.ModelChoiceField(
        System.objects.all(),
        required=False,
        to_field_name="code",
        error_messages={"invalid_choice": "没有这个系统，请重新选择。"},
    )
    kind = forms.ChoiceField(
        choices=lambda: [("", ""), *kind_choices()],
        required=False,
        error_messages={"invalid_choice": "没有这个类别，请重新选择。"},
    )
    severity = forms.TypedChoiceField(
        choices=[("", ""), ("0", ""), ("1", ""), ("2", ""), ("3", "")],
        coerce=int,
        empty_value=None,
        required=False,
        error_messages={"invalid_choice": "级别只有一级、二级、三级和不定级。"},
    )
    assignee = forms.ModelChoiceField(
        User.objects.all(), required=False, error_messages={"invalid_choice": "没有这个人，请重新选择。"}
    )
    channel = forms.ChoiceField(
        choices=[("", ""), *Case.Channel.choices],
        required=False,
        error_messages={"invalid_choice": "没有这个渠道。"},
    )
    it_first = forms.BooleanField(required=False)
    files = FilesField()  # type: ignore[assignment]  # a field; Django keeps it apart
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def clean_caller(self) -> str:
        return str(half_width(self.cleaned_data["caller"]))

    def clean_phone(self) -> str:
        return str(half_width(self.cleaned_data["phone"]))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("caller") and not said.get("reporter") and "caller" not in self.errors:
            self.add_error("caller", "请写谁打来的：分机、姓名、拼音首字母都行。")
        return said
