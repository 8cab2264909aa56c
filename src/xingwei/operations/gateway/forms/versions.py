"""Drafts of routes and code maps."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.estate.models import System
from xingwei.base.ui.datafiles import FileProblems

from ..engine import routefile
from ..models import Channel
from ..queries import released

_BOX = {"class": "form-control"}
_SELECT = {"class": "form-select"}


def _code() -> forms.SlugField:
    return forms.SlugField(
        label="代码",
        max_length=40,
        widget=forms.TextInput(attrs=_BOX),
        help_text="字母、数字和 -，建立后不能改",
        error_messages={"invalid": "只能用字母、数字和 _ -"},
    )


class NewRouteForm(forms.Form):
    code = _code()
    name = forms.CharField(label="名称", max_length=60, widget=forms.TextInput(attrs=_BOX))
    source = forms.ModelChoiceField(
        Channel.objects.filter(direction="in"),
        label="来源通道",
        empty_label="请选择",
        widget=forms.Select(attrs=_SELECT),
    )


class NewMapForm(forms.Form):
    code = _code()
    name = forms.CharField(label="名称", max_length=60, widget=forms.TextInput(attrs=_BOX))
    system = forms.ModelChoiceField(
        System.objects.all(), label="系统", empty_label="请选择", widget=forms.Select(attrs=_SELECT)
    )


class DraftForm(forms.Form):
    """A route's document as YAML."""

    text = forms.CharField(
        label="规则",
        strip=False,
        max_length=400_000,
        widget=forms.Textarea(attrs={"class": "form-control op-code-area", "rows": 26, "spellcheck": "false"}),
        help_text="YAML：when 受理哪些消息，key 顺序键，rules 从上到下执行，to 送往哪些通道",
        error_messages={"required": "内容不能为空"},
    )
    note = forms.CharField(
        label="改了什么",
        max_length=300,
        widget=forms.TextInput(attrs=_BOX),
        error_messages={"required": "请写改了什么，复核的人要看"},
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_text(self) -> dict[str, Any]:
        try:
            return routefile.document_of(self.cleaned_data["text"], released.schema())
        except FileProblems as error:
            raise forms.ValidationError([str(p) for p in error.problems[:20]]) from None


class MapDraftForm(forms.Form):
    """A code map's pairs: two lists of the same length, and what becomes of other codes."""

    missing = forms.ChoiceField(
        label="对不上时",
        choices=[("keep", "保留原值"), ("refuse", "隔离消息"), ("default", "用默认值")],
        widget=forms.Select(attrs=_SELECT),
    )
    default = forms.CharField(label="默认值", required=False, max_length=200, widget=forms.TextInput(attrs=_BOX))
    note = forms.CharField(
        label="改了什么",
        max_length=300,
        widget=forms.TextInput(attrs=_BOX),
        error_messages={"required": "请写改了什么，复核的人要看"},
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def pairs(self) -> dict[str, str]:
        """From the posted lists; a code that stands twice is refused."""
        data: Any = self.data
        codes, values = data.getlist("from"), data.getlist("into")
        found: dict[str, str] = {}
        stripped = ((c.strip(), v.strip()) for c, v in zip(codes, values, strict=False))
        for code, value in stripped:
            if not code and not value:
                continue
            if not code:
                raise forms.ValidationError(f"“{value}”前面缺原编码")
            if code in found:
                raise forms.ValidationError(f"原编码“{code}”写了两遍")
            found[code] = value
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        pairs = self.pairs()
        cleaned["document"] = {"pairs": pairs, "missing": cleaned.get("missing", "keep")}
        if cleaned.get("default"):
            cleaned["document"]["default"] = cleaned["default"]
        return cleaned
