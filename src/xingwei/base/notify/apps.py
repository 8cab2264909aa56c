from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "xingwei.base.notify"
    label = "notify"
    verbose_name = "通知"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Served, registry

        from . import queries, settings  # noqa: F401
        from .views import inbox

        registry.bell.append(queries.unread)
        registry.topbar.append(inbox.watch)
        registry.banners.append(queries.alarm)
        registry.nav += [
            NavItem("基础", 70, "发件箱", "send", "notify:outbox", "notify.outbox:view"),
            NavItem("基础", 71, "来信", "mail", "notify:messages", "notify.inbound:view", queries.inbound_count),
            NavItem("基础", 72, "通知渠道", "bell-cog", "notify:channels", "notify.channel:view"),
        ]
        registry.served_by += [
            Served("9.6", "站内、邮件、企业微信、钉钉、飞书、短信、语音通知", "notify:outbox"),
            Served("9.6", "邮件、企业微信来信登记", "notify:messages"),
            Served("9.2a", "紧急通知多渠道送达，发不出去有提示", "notify:outbox"),
        ]
