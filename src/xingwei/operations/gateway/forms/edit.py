"""The bytes that a person writes anew, as text."""

from __future__ import annotations

from django import forms

from .reason import ReasonForm


class EditForm(ReasonForm):
    text = forms.CharField(
        label="内容",
        strip=False,
        widget=forms.Textarea(attrs={"class": "form-control op-code-area", "rows": 22, "spellcheck": "false"}),
        help_text="一行一段；保存时按对方的字符集写回，并检查能否读懂",
        error_messages={"required": "内容不能为空"},
    )
    field_order = ["text", "reason"]
