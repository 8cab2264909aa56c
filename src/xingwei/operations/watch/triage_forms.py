"""Forms of triage."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from .models.triage import LAYERS, PARTIES

_WIDE = {"class": "form-control"}
_PICK = {"class": "form-select"}


class AskForm(forms.Form):
    """A user's words, a guided path, or both; a moment of the past where it is not now."""

    said = forms.CharField(
        label="现象（用户的原话）", max_length=300, required=False,
        widget=forms.TextInput(attrs=_WIDE | {"placeholder": "例如：刷卡后一直转圈，提示中心处理超时", "autocomplete": "off"}),
    )  # fmt: skip
    path = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    node = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    at = forms.DateTimeField(
        label="时刻（空为现在）", required=False,
        widget=forms.DateTimeInput(attrs=_WIDE | {"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def clean_at(self) -> dt.datetime | None:
        at: dt.datetime | None = self.cleaned_data["at"]
        if at and at > timezone.now():
            raise forms.ValidationError("时刻在将来，请选现在或以前。")
        return at

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not any(data.get(k) for k in ("said", "path", "node")) and not self.errors:
            raise forms.ValidationError("请写下现象，或选一个指引。")
        return data


class CorrectForm(forms.Form):
    layer = forms.ChoiceField(label="实际的层", choices=LAYERS, widget=forms.Select(attrs=_PICK))
    owner = forms.ChoiceField(label="实际的责任方", choices=PARTIES, widget=forms.Select(attrs=_PICK))
    node = forms.ChoiceField(label="实际的部件", required=False, widget=forms.Select(attrs=_PICK))
    note = forms.CharField(
        label="依据", max_length=500, help_text="查到了什么、怎么查到的；改判会成为回归案例",
        widget=forms.Textarea(attrs=_WIDE | {"rows": 3}),
    )  # fmt: skip

    def __init__(self, *args: Any, nodes: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["node"].choices = [("", "不确定"), *nodes]  # type: ignore[attr-defined]


class TellForm(forms.Form):
    text = forms.CharField(
        label="请对方做什么", max_length=500, widget=forms.Textarea(attrs=_WIDE | {"rows": 4}),
    )  # fmt: skip


class CoordinateForm(forms.Form):
    parties = forms.CharField(label="参加方", max_length=300, widget=forms.TextInput(attrs=_WIDE))
    held_at = forms.DateTimeField(
        label="时间", widget=forms.DateTimeInput(attrs=_WIDE | {"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    conclusion = forms.CharField(label="结论", max_length=2000, widget=forms.Textarea(attrs=_WIDE | {"rows": 5}))
    next_step = forms.CharField(
        label="下一步与责任方", max_length=500, widget=forms.Textarea(attrs=_WIDE | {"rows": 2})
    )
