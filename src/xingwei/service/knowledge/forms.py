"""Forms of the knowledge room's pages."""

from __future__ import annotations

from typing import Any

from django import forms

from xingwei.base.estate.models import BusinessFunction, Subsystem, System

from .engine.front import LONGEST
from .models import Guide
from .services.forum import LONGEST as LONGEST_POST

_INPUT = {"class": "form-control"}
_SELECT = {"class": "form-select"}


class _Of(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A part of the estate, with its system before it."""

    def __init__(self, rows: Any, **kwargs: Any) -> None:
        super().__init__(rows, required=False, widget=forms.Select(attrs=_SELECT), empty_label="不限", **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.system.short_name} · {obj.name}" if hasattr(obj, "system") else str(obj.short_name)


class GuideForm(forms.Form):
    """base: the version that was open when the form was drawn."""

    title = forms.CharField(label="标题", max_length=80, widget=forms.TextInput(attrs=_INPUT))
    summary = forms.CharField(
        label="一句话摘要",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs=_INPUT),
        help_text="写清解决什么问题，列表和推荐里显示",
    )
    kind = forms.ChoiceField(label="类别", choices=Guide.Kind.choices, widget=forms.Select(attrs=_SELECT))
    audience = forms.ChoiceField(label="给谁看", choices=Guide.Audience.choices, widget=forms.Select(attrs=_SELECT))
    system = _Of(System.objects.order_by("order"), label="系统")
    subsystem = _Of(Subsystem.objects.select_related("system"), label="子系统")
    function = _Of(BusinessFunction.objects.select_related("system"), label="业务功能")
    keywords = forms.CharField(
        label="关键词",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs=_INPUT),
        help_text="别人会怎么说这件事，如 刷不了 卡慢 打不开，用空格隔开",
    )
    text = forms.CharField(
        label="正文", max_length=LONGEST, widget=forms.Textarea(attrs=_INPUT | {"rows": 26, "data-md-text": ""})
    )
    note = forms.CharField(label="这次改了什么", max_length=200, required=False, widget=forms.TextInput(attrs=_INPUT))
    base = forms.IntegerField(required=False, widget=forms.HiddenInput)


class NewGuideForm(GuideForm):
    slug = forms.CharField(
        label="代号",
        max_length=60,
        widget=forms.TextInput(attrs=_INPUT | {"placeholder": "yb-cannot-charge"}),
        help_text="出现在网址里，小写字母、数字和连字符，以后不改",
    )
    field_order = ["title", "slug", "summary"]


class TopicForm(forms.Form):
    title = forms.CharField(label="标题", max_length=100, widget=forms.TextInput(attrs=_INPUT))
    system = _Of(System.objects.order_by("order"), label="系统")
    text = forms.CharField(
        label="内容",
        max_length=LONGEST_POST,
        widget=forms.Textarea(attrs=_INPUT | {"rows": 10}),
        help_text="可以用 Markdown。不要写病人的姓名、证件号和密码。",
    )


class PostForm(forms.Form):
    text = forms.CharField(
        label="内容",
        max_length=LONGEST_POST,
        widget=forms.Textarea(attrs=_INPUT | {"rows": 4}),
        error_messages={"required": "请填写内容"},
    )
