"""What a reporter fills in on the phone."""

from __future__ import annotations

from django import forms

from .fields import FilesField, Line, Long, half_width

IMPACTS = (
    ("stop", "hand-stop", "窗口停了，办不了"),
    ("slow", "walk", "能干，但不方便"),
    ("ask", "message-question", "想问个事，或提需求"),
)


class ReportForm(forms.Form):
    """Three answers: what is wrong, a photo if there is one, whether work goes on."""

    description = Long("现象", rows=3, error_messages={"required": "请写下哪里不好用、提示了什么。"})
    impact = forms.ChoiceField(
        label="现在还能干活吗",
        choices=[(key, text) for key, _, text in IMPACTS],
        error_messages={"required": "请选一项：现在还能干活吗。", "invalid_choice": "请从三项里选一项。"},
    )
    phone = Line("回电", limit=40, required=False)
    files = FilesField(label="照片")  # type: ignore[assignment]  # a field; Django keeps it apart
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def clean_phone(self) -> str:
        return str(half_width(self.cleaned_data["phone"]))


class WordsForm(forms.Form):
    """A supplement of the reporter, with photos."""

    text = Long("补充说明", rows=3, error_messages={"required": "请写一句要补充的话。"})
    files = FilesField(label="照片")  # type: ignore[assignment]  # a field; Django keeps it apart


class NotYetForm(forms.Form):
    reason = Long("还差什么", rows=2, error_messages={"required": "请写一句哪里还不行，好让办理人知道从哪查。"})


class RateForm(forms.Form):
    score = forms.TypedChoiceField(
        label="满意吗",
        choices=[("5", "很满意"), ("4", "满意"), ("3", "一般"), ("2", "不满意"), ("1", "很不满意")],
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "请选一项。", "invalid_choice": "请从五项里选一项。"},
    )
    note = Line("说一句", limit=500, required=False)
