from django.apps import AppConfig


class InspectionConfig(AppConfig):
    name = "xingwei.operations.inspection"
    label = "inspection"
    verbose_name = "巡检"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.notify.kinds import Kind, register
        from xingwei.base.ui.registry import HomeCard, NavItem, Served, registry
        from xingwei.service.contract import evidence as contract

        from . import board, evidence

        register(Kind("inspection.due", "巡检到期", "巡检", "提前提醒与超期"))
        contract.register("inspection", evidence.inspections)
        contract.register("site_visit", evidence.visits)
        contract.register("inspection_plan", evidence.plans)
        registry.nav.append(
            NavItem(
                "运行",
                60,
                "巡检",
                "clipboard-check",
                "inspection:inspections",
                "inspection.inspection:view",
                count=board.late,
            )
        )
        registry.home_cards.append(HomeCard(75, "inspection.inspection:view", "inspection/cards/home.html", board.card))
        registry.served_by += [
            Served(
                "9.4", "按日历安排的巡检、机器检查、隐患与报告", "inspection:inspections", "xingwei inspection schedule"
            ),
            Served("6.2b", "重大节假日前的巡检与报告", "inspection:plans"),
            Served("9.2d", "每季度到医院巡查的记录", "inspection:inspections"),
        ]
