from __future__ import annotations

from django import forms

from ...models import Outbox
from ..forms import StyledForm


class RelayForm(StyledForm):
    code = forms.SlugField(label="代码", max_length=40, help_text="中转命令里用它说明自己是谁，例如 DMZ1")
    name = forms.CharField(label="名称", max_length=40, help_text="例如：外网区前置机")
    channels = forms.MultipleChoiceField(
        label="经它发送",
        choices=Outbox.Channel.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "nf-checks"}),
        error_messages={"required": "请至少选一个渠道。"},
    )
    on = forms.BooleanField(label="启用", required=False, initial=True)
