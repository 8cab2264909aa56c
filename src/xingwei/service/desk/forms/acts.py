"""Forms of what people do with a case besides its moves."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from xingwei.base.accounts.models import User

from ..models import CaseLink
from .fields import FilesField, Line, LocalTime, Long, half_width

LEVELS = [("1", "一级"), ("2", "二级"), ("3", "三级")]


class Versioned(forms.Form):
    """A form over one case as the person saw it."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class AssignForm(Versioned):
    assignee = forms.ModelChoiceField(
        User.objects.none(),
        label="交给谁",
        empty_label="请选择",
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={"required": "请选择交给谁。", "invalid_choice": "这个人不能办理问题，请从列表里选。"},
    )
    note = Line("交代一句", limit=300, required=False)

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assignee"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people


class _Outsider(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.organisation.short_name} {obj}"


class AskForm(forms.Form):
    """Tell the contact of a third party what is asked of them."""

    person = _Outsider(
        User.objects.none(),
        label="第三方联系人",
        empty_label="请选择",
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={"required": "请选择联系人。", "invalid_choice": "这个人不是第三方联系人。"},
    )
    text = Long("请对方做什么", rows=3)

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people


class GradeForm(Versioned):
    severity = forms.TypedChoiceField(
        label="级别",
        choices=LEVELS,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "请选择级别。", "invalid_choice": "级别只有一级、二级、三级。"},
    )
    reason = Line("为什么", limit=300, error_messages={"required": "请写明为什么改级别，考核时要看。"})


class TagsForm(forms.Form):
    tags = Line("标签", limit=200, required=False, help_text="用空格或逗号隔开，每个最长 20 字，最多 10 个")

    def clean_tags(self) -> list[str]:
        words = [
            w for w in str(half_width(self.cleaned_data["tags"])).replace(",", " ").replace("、", " ").split() if w
        ]
        if len(words) > 10:
            raise forms.ValidationError(f"最多 10 个标签，现在是 {len(words)} 个。")
        for word in words:
            if len(word) > 20:
                raise forms.ValidationError(f"标签“{word[:20]}…”太长，最长 20 字。")
        return list(dict.fromkeys(words))


class OtherCaseForm(forms.Form):
    """Names another case by its number."""

    number = Line("编号", limit=20, help_text="如 2603-187", error_messages={"required": "请写另一件的编号。"})

    def clean_number(self) -> str:
        return str(half_width(self.cleaned_data["number"])).upper()


class MergeForm(OtherCaseForm):
    reason = Line("理由", limit=300, required=False)


class LinkForm(OtherCaseForm):
    kind = forms.ChoiceField(
        label="关系",
        choices=[(k, label) for k, label in CaseLink.Kind.choices if k != CaseLink.Kind.CHILD],
        initial=CaseLink.Kind.RELATED,
        widget=forms.RadioSelect,
        error_messages={"required": "请选择关系。", "invalid_choice": "没有这种关系。"},
    )


class SplitForm(forms.Form):
    title = Line("另一件的标题", limit=120)
    description = Long("另一件的现象", rows=3)


class NoteForm(forms.Form):
    text = Long("处理情况", rows=2, error_messages={"required": "请写下处理情况。"})
    visible = forms.BooleanField(label="反映人可见", required=False)
    files = FilesField()  # type: ignore[assignment]  # a field; Django keeps it apart


class RateForm(forms.Form):
    score = forms.TypedChoiceField(
        label="满意度",
        choices=[("5", "很满意"), ("4", "满意"), ("3", "一般"), ("2", "不满意"), ("1", "很不满意")],
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "请选一项。", "invalid_choice": "请从五项里选一项。"},
    )
    note = Line("评价", limit=500, required=False)


class FeedbackForm(forms.Form):
    """The formal written feedback of clause 9.7."""

    found = Long("排查经过", rows=6, help_text="做过哪些检查，各得出什么")
    conclusion = Long("目前结论", rows=4, limit=3000, help_text="已排除什么，最可能的原因，为什么没有彻底解决")
    plan = Long("后续安排", rows=4, limit=3000, help_text="谁、在什么时间前做什么；再次出现时怎么办")


class CoordinationForm(forms.Form):
    """A three-party coordination (clause 1.9b)."""

    parties = Line("参加方", limit=300, help_text="如 医保信息中心李工、信息科何科长、锦云医信王工")
    held_at = LocalTime("时间")
    conclusion = Long("结论", rows=4, limit=3000)
    next_step = Line("下一步与责任方", limit=500)

    def clean_held_at(self) -> Any:
        held = self.cleaned_data["held_at"]
        if held > timezone.now() + dt.timedelta(minutes=5):
            raise forms.ValidationError("时间在将来。开完以后再记录。")
        return held
