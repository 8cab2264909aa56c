"""What is to be replayed."""

from __future__ import annotations

from typing import Any

from django import forms

from .search import Moment

_BOX = {"class": "form-control"}
_SELECT = {"class": "form-select"}


class ReplayForm(forms.Form):
    channel = forms.ChoiceField(label="来源通道", required=False, widget=forms.Select(attrs=_SELECT))
    since = Moment("自")
    until = Moment("到")
    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "全部"), ("accepted", "已接收"), ("quarantined", "隔离")],
        widget=forms.Select(attrs=_SELECT),
    )
    type = forms.CharField(label="类型", required=False, max_length=60, widget=forms.TextInput(attrs=_BOX))
    patient = forms.CharField(
        label="患者号", required=False, max_length=60, widget=forms.TextInput(attrs={**_BOX, "autocomplete": "off"})
    )
    numbers = forms.CharField(
        label="消息编号",
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={**_BOX, "rows": 3}),
        help_text="一行一个；填了编号，就不看上面的条件",
    )
    targets = forms.MultipleChoiceField(
        label="只送往",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "xw-check"}),
        help_text="不选则送往现行路由的全部目的通道",
    )

    def __init__(self, *args: Any, channels: list[tuple[str, str]], outs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = [("", "请选择"), *channels]  # type: ignore[attr-defined]
        self.fields["targets"].choices = outs  # type: ignore[attr-defined]
