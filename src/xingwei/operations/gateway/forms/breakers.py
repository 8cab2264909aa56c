"""Forms of breakers: thresholds, drills."""

from __future__ import annotations

from typing import Any

from django import forms

from ..models import Channel, Drill
from ..services.breakers import THRESHOLDS, thresholds_of

_PERCENT = {"failure_rate", "slow_rate"}


class ThresholdForm(forms.Form):
    """Shares are typed in per cent."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    budget_s = forms.FloatField(label="单笔期限（秒）", required=False, help_text="业务系统等一次调用，最多等这么久")
    reason = forms.CharField(label="为什么改", max_length=300, widget=forms.TextInput(attrs={"class": "form-control"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields.pop("reason")
        self.fields["budget_s"].widget.attrs |= {"class": "form-control", "inputmode": "decimal", "step": "any"}
        for key, (label, low, high, unit) in THRESHOLDS.items():
            percent = key in _PERCENT
            self.fields[key] = forms.FloatField(
                label=f"{label}（{'%' if percent else unit}）",
                min_value=low * 100 if percent else low,
                max_value=high * 100 if percent else high,
                widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "decimal", "step": "any"}),
            )
        self.fields["reason"] = reason

    @staticmethod
    def initial_of(channel: Channel) -> dict[str, Any]:
        limits: dict[str, Any] = {
            k: round(v * 100, 2) if k in _PERCENT else v for k, v in thresholds_of(channel).items()
        }
        return limits | {"version": channel.version, "budget_s": channel.call.get("budget_s")}

    def document(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {k: data[k] / 100 if k in _PERCENT else data[k] for k in THRESHOLDS}


class DrillForm(forms.Form):
    planned_for = forms.DateTimeField(
        label="计划时间", widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"},
                                                 format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )  # fmt: skip
    minutes = forms.IntegerField(
        label="时长（分）", min_value=1, max_value=240, initial=15,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )  # fmt: skip
    scenario = forms.CharField(
        label="演练内容", max_length=300, help_text="怎么断、看什么，例：断开前置机网线，收费处按方案收费",
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control"}),
    )  # fmt: skip
    participants = forms.CharField(
        label="参加人员", max_length=300, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    cut = forms.BooleanField(label="开始时由本系统切断（不选：在现场断开）", required=False, initial=True)


class FinishDrillForm(forms.Form):
    result = forms.ChoiceField(label="结果", choices=Drill.Result.choices, widget=forms.RadioSelect)
    participants = forms.CharField(
        label="参加人员", max_length=300, widget=forms.TextInput(attrs={"class": "form-control"})
    )
    findings = forms.CharField(
        label="发现的问题与改进", max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control"}),
    )  # fmt: skip
    next_due = forms.DateField(
        label="下次演练", required=False, widget=forms.DateInput(attrs={"type": "date", "class": "form-control"})
    )
