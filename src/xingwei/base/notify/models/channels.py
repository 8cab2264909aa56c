"""What the channels need to know: robots, gateways, the mail server, the WeCom application, relays.

Addresses that contain a token, secrets and passwords are kept sealed (sealing.py); `hint` is what of them a
page may show.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone


class Robot(models.Model):
    """A robot in a group chat. topics: what it is told; empty for everything."""

    class Channel(models.TextChoices):
        WECOM = "wecom", "企业微信"
        DINGTALK = "dingtalk", "钉钉"
        FEISHU = "feishu", "飞书"

    channel = models.CharField("平台", max_length=10, choices=Channel.choices)
    name = models.CharField("名称", max_length=40, unique=True)
    ident = models.UUIDField(default=uuid.uuid4, editable=False)
    address = models.TextField("Webhook 地址")
    secret = models.TextField("签名密钥", blank=True)
    hint = models.CharField(max_length=120, blank=True)
    topics = ArrayField(models.CharField(max_length=80), default=list, blank=True, verbose_name="接收主题")
    per_minute = models.PositiveSmallIntegerField("每分钟最多")
    mention_all = models.BooleanField("紧急时 @所有人", default=True)
    on = models.BooleanField("启用", default=True)
    changed_at = models.DateTimeField(auto_now=True)
    last_sent_at = models.DateTimeField("最近送达", null=True, blank=True)
    last_failed_at = models.DateTimeField("最近失败", null=True, blank=True)
    last_said = models.CharField("最近结果", max_length=300, blank=True)

    class Meta:
        ordering = ["channel", "name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notify:robot", args=[self.pk])

    @property
    def lane(self) -> str:
        return f"{self.channel}:robot:{self.pk}"


class Gateway(models.Model):
    """Any HTTP interface that sends text messages or makes calls: how to ask, and which answer means yes.

    url, headers, body: templates with {mobile} {text} {title} {secret} {time}. success_path, success_value: the
    value at a path of the JSON answer (code, data.0.status); with an empty path the whole answer must begin
    with the value. duty_mobiles: who is told of urgent broadcasts, which no group robot may carry alone.
    """

    class Kind(models.TextChoices):
        SMS = "sms", "短信"
        VOICE = "voice", "语音电话"

    class Method(models.TextChoices):
        POST = "POST", "POST"
        GET = "GET", "GET"

    class Format(models.TextChoices):
        JSON = "application/json", "JSON"
        FORM = "application/x-www-form-urlencoded", "表单"
        XML = "text/xml", "XML"

    class Charset(models.TextChoices):
        UTF8 = "utf-8", "UTF-8"
        GB18030 = "gb18030", "GBK / GB18030"

    kind = models.CharField("用途", max_length=10, choices=Kind.choices)
    name = models.CharField("名称", max_length=40, unique=True)
    ident = models.UUIDField(default=uuid.uuid4, editable=False)
    url = models.CharField("地址", max_length=1000)
    method = models.CharField("方法", max_length=4, choices=Method.choices, default=Method.POST)
    format = models.CharField("正文格式", max_length=40, choices=Format.choices, default=Format.JSON)
    charset = models.CharField("字符集", max_length=10, choices=Charset.choices, default=Charset.UTF8)
    headers = models.TextField("请求头", blank=True, max_length=2000)
    body = models.TextField("正文", blank=True, max_length=4000)
    secret = models.TextField("密钥", blank=True)
    hint = models.CharField(max_length=120, blank=True)
    success_path = models.CharField("成功标志的位置", max_length=120, blank=True)
    success_value = models.CharField("成功标志的值", max_length=120)
    max_chars = models.PositiveSmallIntegerField("最长字数", default=300)
    duty_mobiles = ArrayField(models.CharField(max_length=20), default=list, blank=True, verbose_name="紧急群发号码")
    on = models.BooleanField("启用", default=True)
    changed_at = models.DateTimeField(auto_now=True)
    last_sent_at = models.DateTimeField("最近送达", null=True, blank=True)
    last_failed_at = models.DateTimeField("最近失败", null=True, blank=True)
    last_said = models.CharField("最近结果", max_length=300, blank=True)

    class Meta:
        ordering = ["kind", "id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notify:gateway", args=[self.pk])


class MailServer(models.Model):
    """The one mail account: how mail leaves (SMTP) and where it is fetched (IMAP or POP3)."""

    class Security(models.TextChoices):
        TLS = "tls", "TLS（465、993、995）"
        STARTTLS = "starttls", "STARTTLS（587、143、110）"
        NONE = "none", "不加密"

    class Protocol(models.TextChoices):
        NONE = "", "不收信"
        IMAP = "imap", "IMAP"
        POP3 = "pop3", "POP3"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    on = models.BooleanField("启用发信", default=False)
    host = models.CharField("发信服务器", max_length=200, blank=True)
    port = models.PositiveIntegerField("端口", default=465)
    security = models.CharField("加密", max_length=10, choices=Security.choices, default=Security.TLS)
    username = models.CharField("账号", max_length=200, blank=True)
    password = models.TextField("密码或授权码", blank=True)
    sender = models.EmailField("发件地址", blank=True)
    sender_name = models.CharField("发件人名称", max_length=40, default="杏维运维服务")
    check_certificate = models.BooleanField("校验服务器证书", default=True)
    protocol = models.CharField("收信方式", max_length=5, choices=Protocol.choices, blank=True)
    in_host = models.CharField("收信服务器", max_length=200, blank=True)
    in_port = models.PositiveIntegerField("端口", default=993)
    in_security = models.CharField("加密", max_length=10, choices=Security.choices, default=Security.TLS)
    in_username = models.CharField("账号", max_length=200, blank=True)
    in_password = models.TextField("密码或授权码", blank=True)
    in_folder = models.CharField("文件夹", max_length=100, default="INBOX")
    in_delete = models.BooleanField("收取后从服务器删除", default=False)
    in_checked_at = models.DateTimeField("最近收信", null=True, blank=True)
    in_error = models.CharField("收信错误", max_length=300, blank=True)
    last_sent_at = models.DateTimeField("最近送达", null=True, blank=True)
    last_failed_at = models.DateTimeField("最近失败", null=True, blank=True)
    last_said = models.CharField("最近结果", max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_mail_server")]

    def __str__(self) -> str:
        return self.host or "邮件服务器"


class WecomApp(models.Model):
    """The hospital's own WeCom application: messages to a person, and messages from one (callback)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    on = models.BooleanField("启用", default=False)
    base = models.CharField("接口地址", max_length=200, default="https://qyapi.weixin.qq.com")
    corp_id = models.CharField("企业 ID", max_length=64, blank=True)
    agent_id = models.PositiveBigIntegerField("应用 AgentId", null=True, blank=True)
    secret = models.TextField("应用 Secret", blank=True)
    callback_token = models.TextField("回调 Token", blank=True)
    callback_key = models.TextField("回调 EncodingAESKey", blank=True)
    access_token = models.TextField(blank=True)
    access_token_until = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField("最近送达", null=True, blank=True)
    last_failed_at = models.DateTimeField("最近失败", null=True, blank=True)
    last_said = models.CharField("最近结果", max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_wecom_app")]

    def __str__(self) -> str:
        return "企业微信应用"


class Relay(models.Model):
    """A process on a machine that can reach the internet; it pulls what `channels` have to send."""

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=40)
    channels = ArrayField(models.CharField(max_length=10), default=list, verbose_name="经它发送")
    on = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField("最近来取", null=True, blank=True)
    last_address = models.CharField("来源地址", max_length=64, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("notify:relay", args=[self.pk])
