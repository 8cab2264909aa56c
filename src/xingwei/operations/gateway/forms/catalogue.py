"""Forms of the service catalogue."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.estate.models import System

from ..models import Channel, Service

_BOX = {"class": "form-control"}
_SELECT = {"class": "form-select"}


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    types = forms.CharField(
        label="消息类型", required=False, help_text="逗号分开，例：ADT^A01, ADT^A03", widget=forms.TextInput(attrs=_BOX)
    )

    class Meta:
        model = Service
        fields = ("code", "name", "kind", "system", "interface", "channel", "types", "protocol", "description", "sample",
                  "limits")  # fmt: skip
        widgets = {
            "description": forms.Textarea(attrs=_BOX | {"rows": 3}),
            "sample": forms.Textarea(attrs=_BOX | {"rows": 5}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs |= _SELECT if isinstance(field.widget, forms.Select) else _BOX
            if name in {"interface", "channel"}:
                field.required = False
        if self.instance.pk:
            self.fields["code"].disabled = True
            self.initial["types"] = "，".join(self.instance.types)

    def clean_types(self) -> list[str]:
        text = self.cleaned_data["types"].replace("，", ",").replace("、", ",")
        return [t.strip()[:40] for t in text.split(",") if t.strip()][:40]

    def validate_unique(self) -> None:
        """The service says it, with the row locked."""

    def _post_clean(self) -> None:
        """Nothing is put into the instance: the service does that."""


class SubscribeForm(forms.Form):
    system = forms.ModelChoiceField(System.objects.all(), label="订阅方系统", widget=forms.Select(attrs=_SELECT))
    purpose = forms.CharField(
        label="用途",
        max_length=300,
        help_text="谁用、做什么、要哪些内容",
        widget=forms.Textarea(attrs=_BOX | {"rows": 2}),
    )
    volume = forms.CharField(label="预计量", max_length=80, required=False, widget=forms.TextInput(attrs=_BOX))
    channel = forms.ModelChoiceField(
        Channel.objects.filter(direction="out"), label="推送到（送出通道）", required=False,
        widget=forms.Select(attrs=_SELECT),
    )  # fmt: skip
