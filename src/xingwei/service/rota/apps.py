from django.apps import AppConfig


class RotaConfig(AppConfig):
    name = "xingwei.service.rota"
    label = "rota"
    verbose_name = "值班"

    def ready(self) -> None:
        from xingwei.base.journal.services import after
        from xingwei.base.notify.kinds import Kind, register
        from xingwei.base.ui.registry import HomeCard, NavItem, Served, registry

        from . import board, live, settings  # noqa: F401 - settings declares the room's settings

        register(
            Kind("rota.week", "排班发布", "值班", "自己一周的班次"),
            Kind("rota.shift", "排班调整", "值班", "替班、加班次、撤销"),
            Kind("rota.swap", "换班", "值班", "请求、答复与批准"),
            Kind("rota.leave", "请假", "值班"),
            Kind("rota.gap", "缺岗与无人值班", "值班", "条款 9.2a：7×24 小时响应"),
        )
        registry.nav.append(NavItem("服务", 20, "值班", "phone-call", "rota:week", "rota.shift:view"))
        registry.topbar.append(board.pill)
        registry.banners.append(board.banner)
        registry.home_cards.append(HomeCard(40, "rota.shift:view", "rota/cards/today.html", board.card))
        registry.served_by += [
            Served("9.1", "值班表与升级链：谁当班、找谁、多久升级", "rota:chains", "xingwei rota show"),
            Served("9.2a", "7×24 小时值班，无人值班即告警；升级链与推演", "rota:week"),
            Served("9.2d", "值班与巡查人员安排", "rota:month"),
            Served("9.5", "驻场考勤逐日对照合同，节假日远程值班", "rota:attendance", "xingwei rota attendance"),
        ]
        acts = (
            "rota.week.publish", "rota.shift.override", "rota.shift.add", "rota.shift.cancel", "rota.swap.approve",
            "rota.leave.enter", "rota.leave.cancel", "rota.rule.save", "rota.rule.end", "calendar.version.publish",
            "site.setting.change",
        )  # fmt: skip
        after(*acts)(live.forget)
