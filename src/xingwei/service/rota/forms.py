"""Forms of the rota's pages."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import in_force, people_with_role
from xingwei.base.calendar.engine import DayKind
from xingwei.base.policy.registry import roles

from .engine.chain import DUTIES
from .engine.patterns import DutyKind
from .models import Shift, ShiftRule

TEAM_ROLES = ("service_manager", "onsite_engineer", "vendor_support", "rnd", "consultant")
_WEEKDAYS = [(n, f"周{c}") for n, c in enumerate("一二三四五六日")]


def team() -> Any:
    """The vendor's people who may take shifts."""
    return people_with_role(*TEAM_ROLES)


class _Moment(forms.DateTimeField):
    """A local date and time as browsers send it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget",
            forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"),
        )
        kwargs.setdefault("error_messages", {"invalid": "时间读不懂，应写成 2026-03-18 17:30"})
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"], **kwargs)


class _Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"))
        kwargs.setdefault("error_messages", {"invalid": "日期读不懂，应写成 2026-03-18"})
        super().__init__(input_formats=["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"], **kwargs)


class _Person(forms.ModelChoiceField):  # type: ignore[type-arg]
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Select(attrs={"class": "form-select"}))
        kwargs.setdefault("empty_label", "请选择")
        super().__init__(queryset=User.objects.none(), **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj}（{obj.title or obj.name}）"


def _text(longest: int, **kwargs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "form-control"})
    return forms.CharField(max_length=longest, widget=widget, required=False, **kwargs)


class _Picked(forms.MultipleChoiceField):
    """Several of many, in order: rota.js makes a box of it in which one types."""

    def __init__(self, hint: str, **kwargs: Any) -> None:
        super().__init__(widget=forms.SelectMultiple(attrs={"data-pick": hint}), **kwargs)


class _ClockField(forms.CharField):
    """A time of day in a rule: 8：00 and 下班 are understood; what is wrong the service says."""

    _WORDS: ClassVar = {"上班": "open", "下班": "close"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=8, widget=forms.TextInput(attrs={"class": "form-control"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return {v: k for k, v in self._WORDS.items()}.get(value, value)

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFKC", super().to_python(value) or "").strip()
        text = self._WORDS.get(text, text)
        return f"0{text}" if len(text) == 4 and text[1] == ":" else text


class OverrideForm(forms.Form):
    """Somebody stands in, for the whole shift or a part."""

    person = _Person(label="由谁替班")
    start = _Moment(label="从", required=False, help_text="不改就是整个班次")
    end = _Moment(label="到", required=False)
    reason = _text(200, label="原因")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = team()  # type: ignore[attr-defined]


class CancelForm(forms.Form):
    reason = forms.CharField(max_length=200, label="撤销原因", widget=forms.TextInput(attrs={"class": "form-control"}))


class AddShiftForm(forms.Form):
    kind = forms.ChoiceField(
        label="类别",
        choices=[(k.value, k.label) for k in DutyKind],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    person = _Person(label="人员")
    start = _Moment(label="从")
    end = _Moment(label="到")
    label = _text(40, label="名称", help_text="如 迎检值守、升级保障；不写就用类别的名字")
    place = _text(40, label="地点")
    reason = _text(200, label="原因")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = team()  # type: ignore[attr-defined]


class SwapForm(forms.Form):
    """other: who shall take it; in_return: one of their shifts, by number."""

    other = _Person(label="换给谁")
    in_return = forms.TypedChoiceField(
        label="换回对方的班次",
        required=False,
        coerce=int,
        empty_value=None,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    reason = _text(200, label="原因")

    def __init__(self, shift: Shift, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["other"].queryset = team().exclude(pk=shift.person_id)  # type: ignore[attr-defined]
        rows = Shift.objects.live().filter(
            starts_at__gt=timezone.now(), starts_at__lt=timezone.now() + dt.timedelta(days=30)
        )
        rows = rows.exclude(person=shift.person_id).exclude(kind=DutyKind.SUPPORT.value).select_related("person")
        choices = [(r.pk, f"{r.person}：{r}") for r in rows.order_by("starts_at", "pk")[:200]]
        self.fields["in_return"].choices = [("", "不用换回"), *choices]  # type: ignore[attr-defined]


class LeaveForm(forms.Form):
    person = _Person(label="谁")
    first = _Day(label="自")
    last = _Day(label="至")
    reason = _text(100, label="事由")

    def __init__(self, people: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]


class CorrectForm(forms.Form):
    person = _Person(label="人员")
    start = _Moment(label="签到")
    end = _Moment(label="签退", required=False, help_text="还在岗就不填")
    place = _text(40, label="地点")
    why = forms.CharField(max_length=200, label="更正原因", widget=forms.TextInput(attrs={"class": "form-control"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = team()  # type: ignore[attr-defined]


class RuleForm(forms.Form):
    """people and stand_ins keep the order in which they were picked: it is the order of turn."""

    label = forms.CharField(max_length=40, label="名称", widget=forms.TextInput(attrs={"class": "form-control"}))
    kind = forms.ChoiceField(
        label="类别",
        choices=[(k.value, k.label) for k in DutyKind],
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="驻场在院内；听班接电话、远程；支撑在后台，不算有人值班",
    )
    days = forms.MultipleChoiceField(
        label="适用的日子", choices=[(d.value, d.label) for d in DayKind], widget=forms.CheckboxSelectMultiple
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="只在星期",
        choices=_WEEKDAYS,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="不选就是每天",
    )
    start = _ClockField(label="开始", help_text="如 08:00；写 上班、下班 就随作息时间")
    end = _ClockField(label="结束", help_text="如 17:30、24:00、下班；不晚于开始就算到第二天")
    people = _Picked("按轮换次序选", label="人员")
    stand_ins = _Picked("按次序选", label="替补", required=False, help_text="有人请假时依次顶上")
    rotation = forms.ChoiceField(
        label="轮换", choices=ShiftRule.Rotation.choices, widget=forms.Select(attrs={"class": "form-select"})
    )
    at_once = forms.IntegerField(
        label="每班人数",
        min_value=1,
        max_value=20,
        initial=1,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
        help_text="轮换时每班几人",
    )
    anchor = _Day(label="轮换从哪天算起", required=False)
    place = _text(40, label="地点")
    valid_from = _Day(label="自", required=False)
    valid_until = _Day(label="至", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_id = {str(p.pk): p for p in team()}
        for name in ("people", "stand_ins"):
            first = [str(v) for v in (self.data.getlist(name) if self.is_bound else self.initial.get(name, ()))]  # type: ignore[attr-defined]
            ordered = [*(p for p in first if p in self.by_id), *(p for p in self.by_id if p not in first)]
            self.fields[name].choices = [(p, str(self.by_id[p])) for p in ordered]  # type: ignore[attr-defined]

    def clean_people(self) -> list[User]:
        return [self.by_id[p] for p in self.cleaned_data["people"]]

    def clean_stand_ins(self) -> list[User]:
        return [self.by_id[p] for p in self.cleaned_data["stand_ins"]]


def target_choices() -> list[Any]:
    """Whom a step of a chain may call, grouped."""
    held = [(f"role:{key}", spec["label"]) for key, spec in roles().items() if spec.get("contact")]
    people = [
        (f"person:{u.pk}", f"{u}（{u.organisation.short_name}）")
        for u in in_force()
        .filter(assignments__role__in=[k for k, s in roles().items() if s.get("contact")])
        .select_related("organisation")
        .distinct()
        .order_by("organisation", "username")
    ]
    return [("值班", list(DUTIES.items())), ("角色", held), ("人员", people)]


class StepForm(forms.Form):
    """One step of a chain; a row left empty is no step."""

    after_minutes = forms.IntegerField(
        label="分钟后",
        required=False,
        min_value=0,
        max_value=10080,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    label = _text(40, label="名称")
    to = _Picked("值班、角色或人员", label="通知", required=False)
    urgent = forms.BooleanField(label="短信和电话", required=False)

    def __init__(self, *args: Any, targets: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = targets  # type: ignore[attr-defined]

    @property
    def is_empty(self) -> bool:
        data = self.cleaned_data
        return data.get("after_minutes") is None and not data.get("label") and not data.get("to")


StepFormSet = forms.formset_factory(StepForm, extra=2, max_num=12, validate_max=True)


class ChainForm(forms.Form):
    name = forms.CharField(max_length=60, label="名称", widget=forms.TextInput(attrs={"class": "form-control"}))
    note = _text(200, label="这次改了什么")
