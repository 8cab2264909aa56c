"""Forms of the estate: one for each kind of part, written from its table."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from xingwei.base.accounts.models import Organisation

from .models import (
    BusinessFunction,
    Component,
    Interface,
    Ownership,
    Parameter,
    ServiceWindow,
    Subsystem,
    System,
)

_WEEKDAYS = tuple(zip("1234567", "一二三四五六日", strict=True))
MOST_ALIASES = 20


class WordsField(forms.CharField):
    """Words divided by 、 or commas or line breaks; gives a list without repetitions."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "电话里常用的叫法，用顿号分开，每个 2 到 30 字；登记问题时按这些词认出系统")
        super().__init__(label="别名", required=False, max_length=600, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "、".join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        words = list(dict.fromkeys(w.strip() for w in re.split(r"[、,，;；\n]+", text) if w.strip()))
        if wrong := [w for w in words if not 2 <= len(w) <= 30]:
            raise forms.ValidationError(f"“{wrong[0][:32]}”应是 2 到 30 字")
        if len(words) > MOST_ALIASES:
            raise forms.ValidationError(f"最多 {MOST_ALIASES} 个别名")
        return words


class PartForm(forms.ModelForm):  # type: ignore[type-arg]
    """seen: the stamp of what the form was drawn from, so that a stale edit is noticed."""

    seen = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "code" in self.fields:
            del self.fields["code"]  # owners, dependencies and files refer to it
        for field in self.fields.values():
            _dress(field)
            if isinstance(field, forms.ModelChoiceField) and not isinstance(field, forms.ModelMultipleChoiceField):
                field.empty_label = "（不选）"
        if "code" in self.fields:
            self.fields["code"].help_text = "字母、数字和 . _ -，登记后不能再改"
        for name in ("vendor", "responsible", "peer_organisation"):
            if name in self.fields:
                organisations = Organisation.objects.filter(active=True)
                self.fields[name].queryset = organisations  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        """The service checks the row; here only the form's own fields count."""

    def validate_unique(self) -> None:
        """The service does it, in its transaction."""


def _dress(field: forms.Field) -> None:
    widget = field.widget
    if isinstance(widget, (forms.Select, forms.SelectMultiple)) and not isinstance(
        widget, forms.CheckboxSelectMultiple
    ):
        widget.attrs.setdefault("class", "form-select")
        if isinstance(widget, forms.SelectMultiple):
            widget.attrs.setdefault("size", 8)
    elif isinstance(widget, forms.Textarea):
        widget.attrs.update({"class": "form-control", "rows": 3})
    elif not isinstance(widget, (forms.CheckboxInput, forms.HiddenInput, forms.CheckboxSelectMultiple)):
        widget.attrs.setdefault("class", "form-control")


class SystemForm(PartForm):
    aliases = WordsField()

    class Meta:
        model = System
        fields = ["code", "name", "short_name", "tier", "aliases", "order", "description", "vendor", "clause"]


class SubsystemForm(PartForm):
    aliases = WordsField()

    class Meta:
        model = Subsystem
        fields = ["system", "code", "name", "aliases", "description", "clause", "active"]


class FunctionForm(PartForm):
    aliases = WordsField()

    class Meta:
        model = BusinessFunction
        fields = [
            "system", "subsystem", "code", "name", "window", "aliases", "departments", "description", "active",
        ]  # fmt: skip
        help_texts = {
            "window": "挂号处、药房、收费室、结账处要用：中断就是二级以上故障",
            "departments": "按住 Ctrl 可选多个",
        }


class ComponentForm(PartForm):
    aliases = WordsField()

    class Meta:
        model = Component
        fields = [
            "system", "code", "name", "kind", "aliases", "location", "address", "version", "responsible", "note",
            "active",
        ]  # fmt: skip
        help_texts = {"system": "几个系统共用的主机、链路不选", "address": "只给维护人员看"}


class InterfaceForm(PartForm):
    aliases = WordsField()

    class Meta:
        model = Interface
        fields = [
            "system", "code", "name", "protocol", "direction", "peer", "peer_organisation", "policy", "aliases",
            "clause", "fallback", "note", "active",
        ]  # fmt: skip
        help_texts = {"fallback": "对方不通时，业务怎样继续"}


class ParameterForm(PartForm):
    class Meta:
        model = Parameter
        fields = [
            "system", "subsystem", "code", "name", "meaning", "allowed", "default", "effect", "advice", "since",
            "active",
        ]  # fmt: skip


FORMS: dict[str, type[PartForm]] = {
    "system": SystemForm,
    "subsystem": SubsystemForm,
    "function": FunctionForm,
    "component": ComponentForm,
    "interface": InterfaceForm,
    "parameter": ParameterForm,
}


class WindowForm(forms.Form):
    kind = forms.ChoiceField(
        label="类别", choices=ServiceWindow.Kind.choices, widget=forms.Select(attrs={"class": "form-select"})
    )
    weekdays = forms.MultipleChoiceField(
        label="星期", choices=_WEEKDAYS, initial=list("1234567"), widget=forms.SelectMultiple(attrs={"size": 7})
    )
    start = forms.TimeField(
        label="起", widget=forms.TimeInput(attrs={"class": "form-control", "type": "time"}, format="%H:%M")
    )
    end = forms.TimeField(
        label="止",
        widget=forms.TimeInput(attrs={"class": "form-control", "type": "time"}, format="%H:%M"),
        help_text="早于“起”就是跨过零点",
    )
    note = forms.CharField(
        label="说明", required=False, max_length=120, widget=forms.TextInput(attrs={"class": "form-control"})
    )


class ValueForm(forms.Form):
    """Setting a parameter: the value, and why."""

    value = forms.CharField(
        label="新值", max_length=300, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    reason = forms.CharField(
        label="原因",
        max_length=300,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 2}),
        help_text="谁要求、为什么、何时在系统里改的；记入历史，不能再改",
    )
    seen = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)


class OwnerForm(forms.Form):
    person = forms.CharField(label="人员", max_length=40)
    part = forms.ChoiceField(label="职责", choices=Ownership.Part.choices)
