"""Forms of the reconciliations."""

from __future__ import annotations

from typing import Any

import yaml
from django import forms

from xingwei.base.policy.registry import roles

from .models import Reconciliation

OWNERS = ("insurance_office", "finance_office", "it_staff", "service_manager", "onsite_engineer")


def styled(form: forms.BaseForm) -> None:
    """The house's look for plain widgets."""
    for field in form.fields.values():
        widget = field.widget
        if isinstance(widget, (forms.CheckboxInput, forms.CheckboxSelectMultiple)):
            continue
        look = "form-select" if isinstance(widget, forms.Select) else "form-control"
        widget.attrs["class"] = f"{look} {widget.attrs.get('class', '')}".strip()


class Styled(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        styled(self)


def _owners() -> list[tuple[str, str]]:
    return [(r, str(roles()[r]["label"])) for r in OWNERS]


class AskForm(forms.Form):
    """Over which days, and the files where sides are uploads (field `file_SIDE`)."""

    since = forms.DateField(label="起", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="止", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(
        self, data: Any = None, files: Any = None, *, initial: Any = None, sides: dict[str, str] | None = None
    ):
        super().__init__(data, files, initial=initial)
        self.sides = sides or {}
        for side, title in self.sides.items():
            self.fields[f"file_{side}"] = forms.FileField(
                label=f"{title}的文件", help_text="CSV、Excel、Parquet、3202 的 TXT 或 ZIP"
            )
        styled(self)


class SettingsForm(Styled):
    """When it runs and whose it is."""

    name = forms.CharField(label="名称", max_length=60)
    area = forms.ChoiceField(label="类别", choices=Reconciliation.Area.choices)
    owner_role = forms.ChoiceField(label="归口", choices=_owners)
    due_hours = forms.IntegerField(label="处理时限（小时）", min_value=1, max_value=2160)
    active = forms.BooleanField(label="自动核对", required=False)
    nightly_at = forms.TimeField(label="每日核对时间", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    days = forms.IntegerField(label="一次核对几天", min_value=1, max_value=366)
    every_minutes = forms.IntegerField(label="白天每隔几分钟核对当日", required=False, min_value=1, max_value=1440)
    clearing_day = forms.IntegerField(
        label="清算日", required=False, min_value=1, max_value=31, help_text="每月这一天清算前核对上月整月"
    )
    document = forms.CharField(
        label="口径", widget=forms.Textarea(attrs={"rows": 24, "class": "font-monospace", "spellcheck": "false"}),
        help_text="YAML：sources 是各方从哪里来，spec 是怎么对。改动即成新版本，以往的核对仍按原版本重放。",
    )  # fmt: skip
    note = forms.CharField(label="改了什么", max_length=300, required=False)

    def clean_document(self) -> dict[str, Any]:
        text = self.cleaned_data["document"]
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else ""
            raise forms.ValidationError(f"{where}不是正确的 YAML，请检查缩进与冒号。") from None
        if not isinstance(found, dict) or set(found) != {"sources", "spec"}:
            raise forms.ValidationError("要写且只写 sources 与 spec 两项。")
        return found


class NewForm(Styled):
    """The two files of the wizard."""

    left = forms.FileField(label="第一方的文件")
    right = forms.FileField(label="第二方的文件")
    left_title = forms.CharField(label="第一方叫什么", max_length=20, initial="院内")
    right_title = forms.CharField(label="第二方叫什么", max_length=20, initial="对方")
