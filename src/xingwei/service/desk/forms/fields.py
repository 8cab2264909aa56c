"""Form fields that take what people really type: full-width digits, several files, local times."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

TEXT_LIMIT = 5000
LINE_LIMIT = 120
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def half_width(value: Any) -> Any:
    """Full-width digits, colons and dashes as a Chinese input method gives them → half-width."""
    return unicodedata.normalize("NFKC", value).replace("。", ".").strip() if isinstance(value, str) else value


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; cleaned to a list. Their size and type are the service's matter."""

    widget = FilesInput

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"data-files": "", "multiple": True}
        super().__init__(**{"required": False, "label": "附件", "widget": FilesInput(attrs=attrs), **kwargs})

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        given = data if isinstance(data, (list, tuple)) else [data]
        return [f for f in given if f]


class Line(forms.CharField):
    """One line. The length is said with the number that was typed."""

    def __init__(self, label: str, *, limit: int = LINE_LIMIT, **kwargs: Any) -> None:
        self.limit = limit
        messages = {"required": f"请填写：{label}"} | kwargs.pop("error_messages", {})
        widget = forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "maxlength": limit})
        super().__init__(label=label, error_messages=messages, **{"widget": widget, **kwargs})

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and "\ufffd" in value:
            raise forms.ValidationError(f"{self.label}里有乱码，可能是编码不对（应为 UTF-8），请重新输入。")
        if value and len(value) > self.limit:
            raise forms.ValidationError(f"{self.label}最长 {self.limit:,} 字，现在是 {len(value):,} 字。")


class Long(Line):
    """Several lines, 5,000 characters at most."""

    def __init__(self, label: str, *, rows: int = 3, limit: int = TEXT_LIMIT, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"class": "form-control", "rows": rows, "maxlength": limit})
        super().__init__(label, limit=limit, **{"widget": widget, **kwargs})


class _Sane:
    """A year that was mistyped is no date: said here, before anything is kept."""

    def _check(self, year: int) -> None:
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise forms.ValidationError(f"年份是 {year}，请核对。")


class LocalTime(forms.DateTimeField, _Sane):
    """Date and time of the hospital's clock."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M")
        messages = {"required": f"请填写：{label}", "invalid": "时间写成 2026-03-18 10:30 这样。"}
        formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"]
        super().__init__(label=label, widget=widget, error_messages=messages, input_formats=formats, **kwargs)

    def to_python(self, value: Any) -> dt.datetime | None:
        try:
            found: dt.datetime | None = super().to_python(half_width(value))
        except OverflowError:
            raise forms.ValidationError(self.error_messages["invalid"]) from None
        if found is not None:
            self._check(found.year)
        return found


class Day(forms.DateField, _Sane):
    def __init__(self, label: str, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d")
        messages = {"required": f"请填写：{label}", "invalid": "日期写成 2026-03-18 这样。"}
        formats = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]
        super().__init__(label=label, widget=widget, error_messages=messages, input_formats=formats, **kwargs)

    def to_python(self, value: Any) -> dt.date | None:
        found: dt.date | None = super().to_python(half_width(value))
        if found is not None:
            self._check(found.year)
        return found
