from __future__ import annotations

from typing import Any

from django import forms

from .engine import CalendarError, hours_data, parse_hours, read_lines, written_lines

LARGEST_UPLOAD = 200_000  # bytes; a year's file has about two thousand
_AREA = {"class": "form-control xw-mono", "spellcheck": "false"}


def _control(widget: type[forms.Widget], **attrs: Any) -> forms.Widget:
    return widget(attrs={"class": "form-control", **attrs})


class YearForm(forms.Form):
    """A year's arrangement as lines; `data_of` gives what a calendar file holds."""

    status = forms.ChoiceField(
        label="状态",
        choices=[("published", "已公布（国务院办公厅已发通知）"), ("provisional", "暂定（只有法定节日，调休未定）")],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    source = forms.CharField(
        label="依据",
        min_length=4,
        max_length=120,
        widget=_control(forms.TextInput),
        help_text="例如：国办发明电〔2025〕7 号",
    )
    holidays = forms.CharField(
        label="放假的日子",
        max_length=4000,
        widget=forms.Textarea(attrs={**_AREA, "rows": 9}),
        help_text="一行一个节日，例如：春节 2026-02-15 至 2026-02-23",
    )
    makeup = forms.CharField(
        label="调休工作日（周末上班）",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={**_AREA, "rows": 7}),
        help_text="一行一天，例如：2026-02-14 春节",
    )
    note = forms.CharField(
        label="说明",
        required=False,
        max_length=200,
        widget=_control(forms.TextInput),
        help_text="为什么改，记入版本与审计日志",
    )
    base = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            lines = read_lines(cleaned.get("holidays", ""), cleaned.get("makeup", ""))
            self.days_off, self.worked = lines
        except CalendarError as error:
            raise forms.ValidationError(str(error)) from None
        return cleaned

    def year_data(self, year: int) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "year": year,
            "status": cleaned["status"],
            "source": cleaned["source"],
            "holidays": self.days_off,
            "makeup": self.worked,
        }


def initial_of(data: dict[str, Any] | None, base: str) -> dict[str, str]:
    """The form's first content for a year that is known, or not yet."""
    if data is None:
        return {"status": "provisional", "base": base}
    holidays, makeup = written_lines(data)
    return {
        "status": data["status"],
        "source": data["source"],
        "holidays": holidays,
        "makeup": makeup,
        "base": base,
    }


class HoursForm(forms.Form):
    """Working hours: the default and seasons, one a line."""

    default = forms.CharField(
        label="平时",
        max_length=200,
        widget=_control(forms.TextInput),
        help_text="用逗号分开各段，例如：08:00-12:00，14:00-17:30",
    )
    seasons = forms.CharField(
        label="季节作息",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={**_AREA, "rows": 4}),
        help_text="一行一季：起 至 止 各段，例如：05-01 至 09-30 08:00-12:00，14:30-18:00。没有就空着",
    )
    note = forms.CharField(label="说明", required=False, max_length=200, widget=_control(forms.TextInput))
    base = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            seasons = [
                _season(n, line) for n, line in enumerate(cleaned.get("seasons", "").splitlines(), 1) if line.strip()
            ]
            self.hours = hours_data(parse_hours({"default": _parts(cleaned.get("default", "")), "seasons": seasons}))
        except CalendarError as error:
            raise forms.ValidationError(str(error)) from None
        return cleaned


def hours_initial(hours: dict[str, Any], base: str) -> dict[str, str]:
    return {
        "default": "，".join(hours["default"]),
        "seasons": "\n".join(f"{s['from']} 至 {s['to']} {'，'.join(s['windows'])}" for s in hours["seasons"]),
        "base": base,
    }


def _parts(text: str) -> list[str]:
    for mark in "，、;；":
        text = text.replace(mark, ",")
    return [p.strip() for p in text.split(",") if p.strip()]


def _season(n: int, line: str) -> dict[str, Any]:
    words = line.replace("至", " 至 ", 1).split(maxsplit=3)
    if len(words) != 4 or words[1] != "至":
        raise CalendarError(f"季节作息第 {n} 行读不懂，应写成：05-01 至 09-30 08:00-12:00，14:30-18:00")
    return {"from": words[0], "to": words[2], "windows": _parts(words[3])}


class NoticeForm(forms.Form):
    notice = forms.CharField(
        label="粘贴通知全文",
        max_length=20_000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 6}),
        help_text="国务院办公厅关于某年部分节假日安排的通知，连标题一起粘贴；星期与天数会自动核对",
    )


class FileForm(forms.Form):
    file = forms.FileField(
        label="日历文件（YAML）", widget=forms.FileInput(attrs={"class": "form-control", "accept": ".yaml,.yml"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise forms.ValidationError("文件太大：一年的日历不会超过 200 KB，请检查是否选错了文件")
        return file
