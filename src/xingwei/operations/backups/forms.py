"""The form of a backup plan."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.connections.models import Connection
from xingwei.base.estate.models import System

from .models import Plan

_WEEKDAYS = [(n, f"周{c}") for n, c in enumerate("一二三四五六日", 1)]


def _text(longest: int, **attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "maxlength": str(longest), **attributes})


def _number(least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=least, max_value=most,
        widget=forms.NumberInput(attrs={"class": "form-control", "min": str(least), "max": str(most)}),
        error_messages={
            "invalid": "请填写整数", "required": "请填写", "min_value": f"不小于 {least}", "max_value": f"不大于 {most}",
        },
    )  # fmt: skip


class PlanForm(forms.Form):
    """sentinels: a line a table: `表名 最少行数 时间列 允许落后几小时`, all but the name optional."""

    code = forms.RegexField(
        r"^[a-z][a-z0-9-]{0,39}$", label="代码", widget=_text(40),
        error_messages={"invalid": "小写字母开头，只用小写字母、数字和横线", "required": "请填写"},
    )  # fmt: skip
    name = forms.CharField(label="名称", max_length=80, widget=_text(80), error_messages={"required": "请填写"})
    system = forms.ChoiceField(label="系统", required=False, widget=forms.Select(attrs={"class": "form-select"}))
    maker = forms.ChoiceField(
        label="由谁执行", choices=Plan.Maker.choices, widget=forms.Select(attrs={"class": "form-select"})
    )
    form = forms.ChoiceField(
        label="备份的形式", choices=Plan.Form.choices, widget=forms.Select(attrs={"class": "form-select"})
    )
    connection = forms.ChoiceField(
        label="连接", required=False, widget=forms.Select(attrs={"class": "form-select"}),
        help_text="由杏维执行时必选；账号要能读全部的表",
    )  # fmt: skip
    directory = forms.CharField(
        label="所在目录",
        max_length=300,
        required=False,
        widget=_text(300),
        help_text="杏维所在机器上的绝对路径；由杏维执行时可空",
    )
    pattern = forms.CharField(
        label="文件名样式", max_length=120, required=False, widget=_text(120, placeholder="his-*.dump"),
        help_text="医院自己的备份才要填",
    )  # fmt: skip
    at = forms.TimeField(
        label="几点", widget=forms.TimeInput(attrs={"type": "time", "class": "form-control"}, format="%H:%M"),
        error_messages={"invalid": "时间应写成 02:00", "required": "请填写"},
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        label="星期几", choices=_WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请至少选一天"},
    )  # fmt: skip
    late_hours = _number(1, 240)
    keep_days = _number(1, 366)
    keep_weeks = _number(0, 260)
    keep_months = _number(0, 240)
    verify_days = _number(1, 366)
    restore_days = _number(1, 366)
    sentinels = forms.CharField(
        label="恢复后核对的表", required=False,
        widget=forms.Textarea(attrs={"class": "form-control xw-mono", "rows": "4"}),
        help_text="一行一张表：表名 最少行数 时间列 最新一行允许比备份早几小时，后三项可省，例如 mz_ghxx 1000 ghsj 24",
    )  # fmt: skip
    enabled = forms.BooleanField(label="启用", required=False)
    note = forms.CharField(label="备注", max_length=200, required=False, widget=_text(200))

    LABELS = {
        "late_hours": "超过几小时算没有备份", "keep_days": "保留几天", "keep_weeks": "保留几周", "keep_months": "保留几个月",
        "verify_days": "几天内要校验过", "restore_days": "几天内要恢复演练过",
    }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.LABELS.items():
            self.fields[name].label = label
        choices: Any = self.fields
        choices["system"].choices = [("", "不限")] + [(s.code, s.short_name) for s in System.objects.order_by("order")]
        found = Connection.objects.filter(kind__in=["postgresql", "mysql"]).order_by("code")
        choices["connection"].choices = [("", "没有")] + [
            (c.code, f"{c.name}（{c.get_kind_display()}）") for c in found
        ]

    def clean_sentinels(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for number, text in enumerate(self.cleaned_data["sentinels"].splitlines(), 1):
            parts = text.split()
            if not parts:
                continue
            try:
                line: dict[str, Any] = {"table": parts[0], "rows": int(parts[1]) if len(parts) > 1 else 1}
                if len(parts) > 2:
                    line |= {"newest": parts[2], "within_hours": int(parts[3]) if len(parts) > 3 else 48}
            except ValueError:
                raise forms.ValidationError(f"第 {number} 行读不懂：行数和小时数要写数字") from None
            if len(parts) > 4:
                raise forms.ValidationError(f"第 {number} 行多于四项：各项之间用空格隔开")
            lines.append(line)
        return lines


def sentinels_text(lines: list[dict[str, Any]]) -> str:
    """What clean_sentinels read, as text again."""
    return "\n".join(
        " ".join(
            str(v)
            for v in (line["table"], line.get("rows", 1), line.get("newest", ""), line.get("within_hours", ""))
            if v != ""
        )
        for line in lines
    )
