"""The form of a connection: what its kind asks for, and how it may be read."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from xingwei.base.estate.models import System

from .drivers import driver_of
from .engine import throttle
from .models import Connection


def _text(**kwargs: Any) -> forms.CharField:
    return forms.CharField(widget=forms.TextInput(attrs={"class": "form-control"}), **kwargs)


class KindForm(forms.Form):
    """Step one."""

    kind = forms.ChoiceField(
        label="种类", choices=Connection.Kind.choices, widget=forms.Select(attrs={"class": "form-select"})
    )


class ConnectionForm(forms.Form):
    """kind: of the connection; row: the one that is changed, None for a new one."""

    def __init__(self, *args: Any, kind: str, row: Connection | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.driver = driver_of(kind)
        self.kind = kind
        if row is None:
            self.fields["code"] = _text(
                label="代码", max_length=40, help_text="小写字母开头，只用小写字母、数字、横线和下划线；映射按它引用"
            )
        self.fields["name"] = _text(label="名称", max_length=80)
        self.fields["system"] = forms.ModelChoiceField(
            System.objects.all(),
            label="哪个系统的库",
            required=False,
            empty_label="（不选）",
            to_field_name="code",
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        for name, (label, help_text, required) in self.driver.fields.items():
            self.fields[f"s_{name}"] = _text(label=label, help_text=help_text, required=required, max_length=300)
        if self.driver.has_password:
            self.fields["password"] = forms.CharField(
                label="口令",
                required=False,
                max_length=200,
                help_text="加密存放，不再显示；不改就留空" if row else "加密存放，不再显示",
                widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"}),
            )
        self.fields["windows"] = _text(
            label="读取时段",
            required=False,
            max_length=200,
            help_text="只在这些时段抽取，如 00:30-05:30、12:30-13:30；不写就是全天",
        )
        number = forms.NumberInput(attrs={"class": "form-control"})
        self.fields["rows_per_second"] = forms.IntegerField(
            label="每秒最多行数", min_value=0, max_value=10_000_000, initial=20_000, help_text="0 为不限", widget=number
        )
        self.fields["timeout_s"] = forms.IntegerField(
            label="语句最长秒数", min_value=1, max_value=7200, initial=300, widget=number
        )
        self.fields["account_only"] = forms.BooleanField(
            label="只接受只读账号（账号本身能写就不读）",
            required=False,
            widget=forms.CheckboxInput(attrs={"class": "xw-check"}),
        )
        self.fields["note"] = _text(label="备注", required=False, max_length=200)

    def clean_windows(self) -> list[list[str]]:
        text = self.cleaned_data["windows"]
        pairs = [re.split(r"\s*[-—~至]\s*", part.strip()) for part in re.split(r"[、,，;；]", text) if part.strip()]
        try:
            throttle.windows(pairs)
        except throttle.WindowProblem as problem:
            raise forms.ValidationError(str(problem)) from None
        return pairs

    def values(self) -> tuple[dict[str, Any], str | None]:
        """What `services.save` takes, and the password, None where it stays."""
        data = self.cleaned_data
        values = {k: data[k] for k in ("name", "windows", "rows_per_second", "timeout_s", "account_only", "note")}
        values["kind"] = self.kind
        values["system"] = data["system"].code if data["system"] else ""
        values["settings"] = {n: data[f"s_{n}"].strip() for n in self.driver.fields if data[f"s_{n}"].strip()}
        return values, data.get("password") or None


def initial_of(row: Connection) -> dict[str, Any]:
    return {
        "name": row.name,
        "system": row.system.code if row.system else None,
        "windows": "、".join("-".join(pair) for pair in row.windows),
        "rows_per_second": row.rows_per_second,
        "timeout_s": row.timeout_s,
        "account_only": row.account_only,
        "note": row.note,
        **{f"s_{k}": v for k, v in row.settings.items()},
    }
