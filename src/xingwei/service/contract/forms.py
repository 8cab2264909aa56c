from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

_TEXT = {"class": "form-control"}


def _date(label: str, *, required: bool = True, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, help_text=help_text, widget=widget)


class PublishForm(forms.Form):
    """What putting a version in force needs."""

    starts_on = _date("合同起始日")
    ends_on = _date("合同终止日")
    in_force_from = _date(
        "本版本生效日", required=False, help_text="合同期内改过条文的，写新条文的生效日；不填即合同起始日"
    )
    contract_number = forms.CharField(
        label="合同编号", required=False, max_length=60, widget=forms.TextInput(attrs=_TEXT)
    )
    total = forms.DecimalField(
        label="合同总金额（元）",
        required=False,
        max_digits=14,
        decimal_places=2,
        widget=forms.TextInput(attrs=_TEXT | {"inputmode": "decimal"}),
        help_text="付费与扣款按它计算；只有信息科、财务科、服务经理和审计员能看到",
    )


class AgreeForm(forms.Form):
    reading = forms.CharField(max_length=60, error_messages={"required": "请选一种读法"})
    note = forms.CharField(max_length=500, required=False)


class RecordForm(forms.Form):
    """That an obligation was kept. dues: (day, label) of its due times; systems: (code, name)."""

    done_on = _date("完成日期")
    due_on = forms.TypedChoiceField(
        label="完成的是哪一次",
        required=False,
        coerce=dt.date.fromisoformat,
        empty_value=None,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    system = forms.ChoiceField(label="系统", required=False, widget=forms.Select(attrs={"class": "form-select"}))
    note = forms.CharField(
        label="做了什么", max_length=500, widget=forms.Textarea(attrs=_TEXT | {"rows": 3, "maxlength": 500})
    )
    reference = forms.CharField(
        label="佐证",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=_TEXT | {"maxlength": 200}),
        help_text="文件编号、问题单号或存放位置",
    )

    def __init__(self, *args: Any, dues: list[tuple[str, str]], systems: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_on"].choices = [("", "按完成日期归入"), *dues]  # type: ignore[attr-defined]
        self.fields["system"].choices = [("", "全部"), *systems]  # type: ignore[attr-defined]
        if not dues:
            del self.fields["due_on"]
        if not systems:
            del self.fields["system"]


class StrikeForm(forms.Form):
    why = forms.CharField(label="作废的原因", max_length=200, widget=forms.TextInput(attrs=_TEXT))
