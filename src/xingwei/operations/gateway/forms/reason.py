"""The reason that an act asks for."""

from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="原因",
        min_length=2,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "form-control"}),
        help_text="记入审计；不要写患者姓名和证件号",
        error_messages={"required": "请写明原因", "min_length": "请把原因写清楚，至少 2 个字"},
    )
