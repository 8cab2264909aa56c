"""What messages are searched by."""

from __future__ import annotations

from typing import Any

from django import forms

from ..engine import text

_BOX = {"class": "form-control"}
_STATES = [("", "全部"), ("accepted", "已接收"), ("quarantined", "隔离"), ("refused", "已拒绝")]


class Moment(forms.DateTimeField):
    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
            widget=forms.DateTimeInput(attrs={**_BOX, "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            error_messages={"invalid": "时间读不懂，应写成 2026-03-18 10:00"},
        )


def _text(label: str, most: int = 100, hint: str = "") -> forms.CharField:
    box = forms.TextInput(attrs={**_BOX, "autocomplete": "off", "placeholder": hint})
    return forms.CharField(label=label, max_length=most, required=False, widget=box)


class SearchForm(forms.Form):
    text = _text("正文", 80, "中文任意两字以上；编号与英文按整个词")
    number = _text("编号", 40, "M-261124-418829")
    patient = _text("患者号")
    reference = _text("业务号", hint="条码、医嘱号、结算号")
    control_id = _text("控制号")
    channel = forms.ChoiceField(label="通道", required=False, widget=forms.Select(attrs={"class": "form-select"}))
    type = _text("类型", 60, "ORU^R01、2207")
    state = forms.ChoiceField(
        label="状态", required=False, choices=_STATES, widget=forms.Select(attrs={"class": "form-select"})
    )
    since = Moment("自")
    until = Moment("到")

    def __init__(self, *args: Any, channels: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = [("", "全部"), *channels]  # type: ignore[attr-defined]

    def clean_text(self) -> str:
        value = str(self.cleaned_data["text"]).replace("\x00", "").strip()
        if value and not text.terms(value):
            raise forms.ValidationError("正文里没有可检索的字：请写两个以上汉字，或完整的编号、英文。")
        return value

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and since >= until:
            self.add_error("until", "结束时间应晚于开始时间")
        return found
