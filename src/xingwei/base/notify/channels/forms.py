"""What the channels' forms share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms

from .. import kinds
from ..engine.gateways import is_mobile

KEEP_HINT = "已录入，留空表示不变"


def secret_field(label: str, *, required: bool = False, help_text: str = "") -> forms.CharField:
    """A secret: typed, never shown again."""
    widget = forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "new-password"})
    return forms.CharField(label=label, required=required, max_length=600, widget=widget, help_text=help_text)


def http_address(text: str) -> str:
    """A http(s) address without an account in it; raises ValidationError."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise forms.ValidationError("地址写法不对，请从平台原样复制。") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or " " in text or not text.isprintable():
        raise forms.ValidationError("地址应以 https:// 开头，请从平台原样复制。")
    if parts.username or parts.password:
        raise forms.ValidationError("地址里不要带用户名和口令。")
    return text


class StyledForm(forms.Form):
    """Every control in the product's look. headings: the field before which a heading stands."""

    headings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "xw-check")
            elif isinstance(field.widget, forms.Select) and not isinstance(field.widget, forms.RadioSelect):
                field.widget.attrs.setdefault("class", "form-select")
            elif not isinstance(field.widget, forms.CheckboxSelectMultiple):
                field.widget.attrs.setdefault("class", "form-control")

    def rows(self) -> list[tuple[str, forms.BoundField]]:
        """The fields, each with the heading that stands before it, "" for none."""
        return [(self.headings.get(field.name, ""), field) for field in self]


class RobotForm(StyledForm):
    """A robot of any platform. Subclasses say what its address must contain and how fast it may be."""

    needs: ClassVar[str] = ""
    example: ClassVar[str] = ""
    signed: ClassVar[bool] = False
    most_per_minute: ClassVar[int] = 20
    usual_per_minute: ClassVar[int] = 18

    name = forms.CharField(label="名称", max_length=40, help_text="例如：信息科运维群")
    address = forms.CharField(label="Webhook 地址", max_length=600, required=False)
    secret = secret_field("签名密钥")
    topics = forms.MultipleChoiceField(
        label="接收主题",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "nf-checks"}),
        help_text="一个都不选，表示接收全部群发通知",
    )
    per_minute = forms.IntegerField(label="每分钟最多", min_value=1)
    mention_all = forms.BooleanField(label="紧急通知 @所有人", required=False)
    on = forms.BooleanField(label="启用", required=False)

    def __init__(
        self, *args: Any, stored: bool = False, initial: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        usual = {"per_minute": self.usual_per_minute, "mention_all": True, "on": True}
        super().__init__(*args, initial=usual | dict(initial or {}), **kwargs)
        self.stored = stored
        chosen = (initial or {}).get("topics") or []
        known = {t.key: t.label for t in kinds.topics().values()} | {k: k for k in chosen if k not in kinds.topics()}
        self.fields["topics"].choices = list(known.items())  # type: ignore[attr-defined]
        if not known:
            del self.fields["topics"]
        self.fields["address"].help_text = KEEP_HINT if stored else f"形如 {self.example}"
        self.fields["per_minute"].help_text = f"平台上限每分钟 {self.most_per_minute} 条，超出的自动并成一条汇总"
        if not self.signed:
            del self.fields["secret"]
        elif stored:
            self.fields["secret"].help_text = f"{KEEP_HINT}；填 - 清除"

    def clean_address(self) -> str:
        text = self.cleaned_data["address"]
        if not text:
            if self.stored:
                return ""
            raise forms.ValidationError("请填写 Webhook 地址。")
        text = http_address(text)
        if self.needs not in text:
            raise forms.ValidationError(f"这不像是该平台的机器人地址，应含有 {self.needs} 。")
        return text

    def clean_per_minute(self) -> int:
        number: int = self.cleaned_data["per_minute"]
        if number > self.most_per_minute:
            raise forms.ValidationError(f"平台每分钟最多 {self.most_per_minute} 条。")
        return number

    def clean(self) -> dict[str, Any]:
        return {"topics": [], "secret": ""} | (super().clean() or self.cleaned_data)


def mobiles(text: str) -> list[str]:
    """Mobile numbers from free text, each once; raises ValidationError naming the one that is none."""
    found = list(dict.fromkeys(text.replace("，", " ").replace(",", " ").replace("、", " ").split()))
    for number in found:
        if not is_mobile(number):
            raise forms.ValidationError(f"“{number[:20]}”不是 11 位手机号。")
    return found
