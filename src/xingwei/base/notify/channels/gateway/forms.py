from __future__ import annotations

import json
from typing import Any

from django import forms

from ...engine import gateways
from ...models import Gateway
from ..forms import KEEP_HINT, StyledForm, http_address, mobiles, secret_field

_PLACES = "可用 {mobile} {text} {title} {secret} {time}"


class GatewayForm(StyledForm):
    headings = {"url": "怎样请求", "success_path": "怎样算成功", "max_chars": "使用"}

    name = forms.CharField(label="名称", max_length=40, help_text="例如：移动云 MAS 短信")
    url = forms.CharField(label="地址", max_length=1000, help_text=_PLACES)
    method = forms.ChoiceField(label="方法", choices=Gateway.Method.choices)
    format = forms.ChoiceField(label="正文格式", choices=Gateway.Format.choices)
    charset = forms.ChoiceField(label="字符集", choices=Gateway.Charset.choices)
    headers = forms.CharField(
        label="请求头", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="一行一个，例如 Authorization: Bearer {secret}",
    )  # fmt: skip
    body = forms.CharField(
        label="正文", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=f"{_PLACES}；填入的值会按格式转义",
    )  # fmt: skip
    secret = secret_field("密钥", help_text="填入 {secret} 的位置")
    success_path = forms.CharField(
        label="成功标志的位置", required=False, max_length=120,
        help_text="答复是 JSON 时写路径，如 code 或 data.0.status；不是 JSON 时留空，看答复开头",
    )  # fmt: skip
    success_value = forms.CharField(label="成功标志的值", max_length=120, help_text="只有等于它才算送达，例如 0")
    max_chars = forms.IntegerField(label="最长字数", min_value=20, max_value=1000)
    duty_mobiles = forms.CharField(
        label="紧急群发号码", required=False, max_length=400,
        help_text="紧急群发通知同时发给这些值班手机，用空格隔开；一级故障不单靠群机器人",
    )  # fmt: skip
    on = forms.BooleanField(label="启用", required=False)

    def __init__(self, *args: Any, stored: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if stored:
            self.fields["secret"].help_text = f"{KEEP_HINT}；填 - 清除"

    def clean_url(self) -> str:
        return http_address(_known_places(self.cleaned_data["url"]))

    def clean_headers(self) -> str:
        text = _known_places(self.cleaned_data["headers"])
        for line in text.splitlines():
            name, colon, _ = line.partition(":")
            if line.strip() and (not colon or not name.strip().replace("-", "").isalnum() or not name.isascii()):
                raise forms.ValidationError(f"“{line[:30]}”不是请求头，应写成 名称: 值。")
        return text

    def clean_body(self) -> str:
        return _known_places(self.cleaned_data["body"])

    def clean_duty_mobiles(self) -> list[str]:
        return mobiles(self.cleaned_data["duty_mobiles"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        template = f"{data.get('url', '')}{data.get('headers', '')}{data.get('body', '')}"
        if "{mobile}" not in template:
            self.add_error(None, "地址、请求头和正文里都没有 {mobile}，不知道发给谁。")
        if "{text}" not in template and "{title}" not in template:
            self.add_error(None, "地址、请求头和正文里没有 {text} 或 {title}，不知道发什么。")
        if data.get("method") == "POST" and data.get("format") == gateways.JSON and data.get("body"):
            try:
                json.loads(gateways.fill(data["body"], dict.fromkeys(gateways.NAMES, "1"), gateways.JSON))
            except ValueError:
                self.add_error("body", "填入内容后不是有效的 JSON，请检查引号和逗号。")
        return data


def _known_places(text: str) -> str:
    if unknown := gateways.unknown_places(text):
        raise forms.ValidationError(f"不认识 {{{unknown[0]}}}。{_PLACES}。")
    return text
