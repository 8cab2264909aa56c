from __future__ import annotations

from typing import Any

from django import forms

from ...models import MailServer
from ..forms import KEEP_HINT, StyledForm, secret_field


def _port(label: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=65535)


class MailForm(StyledForm):
    headings = {"on": "发信", "protocol": "收信"}

    on = forms.BooleanField(label="启用发信", required=False)
    host = forms.CharField(
        label="发信服务器（SMTP）", max_length=200, required=False, help_text="例如 smtp.exmail.qq.com"
    )
    port = _port("发信端口")
    security = forms.ChoiceField(label="发信加密", choices=MailServer.Security.choices)
    username = forms.CharField(label="发信账号", max_length=200, required=False)
    password = secret_field("发信密码或授权码")
    sender = forms.EmailField(label="发件地址", required=False)
    sender_name = forms.CharField(label="发件人名称", max_length=40)
    check_certificate = forms.BooleanField(
        label="校验服务器证书", required=False, help_text="只有院内自建邮箱用自签证书时才可以关闭"
    )
    protocol = forms.ChoiceField(
        label="收信方式", choices=MailServer.Protocol.choices, required=False, help_text="来信登记为问题，每分钟收一次"
    )
    in_host = forms.CharField(label="收信服务器", max_length=200, required=False, help_text="例如 imap.exmail.qq.com")
    in_port = _port("收信端口")
    in_security = forms.ChoiceField(label="收信加密", choices=MailServer.Security.choices)
    in_username = forms.CharField(label="收信账号", max_length=200, required=False)
    in_password = secret_field("收信密码或授权码")
    in_folder = forms.CharField(label="收信文件夹", max_length=100, help_text="IMAP 才用得到")
    in_delete = forms.BooleanField(label="收取后从服务器删除", required=False)

    def __init__(self, *args: Any, stored: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        """stored: the secrets that are there already."""
        super().__init__(*args, **kwargs)
        self.stored = stored
        for name in stored:
            self.fields[name].help_text = f"{KEEP_HINT}；填 - 清除"

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("on"):
            for name, words in (("host", "请填写发信服务器。"), ("sender", "请填写发件地址。")):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, words)
        if data.get("protocol"):
            for name, words in (("in_host", "请填写收信服务器。"), ("in_username", "请填写收信账号。")):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, words)
            if not data.get("in_password") and "in_password" not in self.stored:
                self.add_error("in_password", "请填写收信密码或授权码。")
        return data
