from __future__ import annotations

import re
from typing import Any

from django import forms

from ..forms import KEEP_HINT, RobotForm, StyledForm, http_address, secret_field
from .transport import PER_MINUTE, USUAL_PER_MINUTE


class WecomRobotForm(RobotForm):
    needs = "key="
    example = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
    most_per_minute = PER_MINUTE
    usual_per_minute = USUAL_PER_MINUTE


class WecomAppForm(StyledForm):
    headings = {"on": "发消息", "callback_token": "接收消息"}

    on = forms.BooleanField(label="启用", required=False)
    corp_id = forms.CharField(label="企业 ID", max_length=64, help_text="管理后台“我的企业”页底部，以 ww 开头")
    agent_id = forms.IntegerField(label="应用 AgentId", min_value=1, max_value=2**53)
    secret = secret_field("应用 Secret")
    base = forms.CharField(label="接口地址", max_length=200, help_text="私有化部署才需要改")
    callback_token = secret_field("回调 Token", help_text="“接收消息”里的 Token；不收消息可不填")
    callback_key = secret_field("回调 EncodingAESKey", help_text="“接收消息”里的 EncodingAESKey，43 位")

    def __init__(self, *args: Any, stored: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        """stored: the secrets that are there already."""
        super().__init__(*args, **kwargs)
        self.stored = stored
        for name in stored:
            self.fields[name].help_text = KEEP_HINT if name == "secret" else f"{KEEP_HINT}；填 - 清除"

    def clean_base(self) -> str:
        return http_address(self.cleaned_data["base"]).rstrip("/")

    def clean_callback_key(self) -> str:
        key: str = self.cleaned_data["callback_key"].strip()
        if key and key != "-" and not re.fullmatch(r"[A-Za-z0-9]{43}", key):
            raise forms.ValidationError("EncodingAESKey 应是 43 位字母和数字。")
        return key

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "secret" not in self.stored and not data.get("secret"):
            self.add_error("secret", "请填写应用 Secret。")
        return data
