from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "xingwei.operations.backups"
    label = "backups"
    verbose_name = "备份证明"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.ui.registry import HomeCard, NavItem, Served, registry
        from xingwei.service.contract import evidence as contract

        from . import board, evidence

        contract.register("backup", evidence.backups)
        registry.nav.append(
            NavItem(
                "运行", 50, "备份证明", "database-export", "backups:plans", "backups.plan:view", count=board.trouble
            )
        )
        registry.home_cards.append(HomeCard(70, "backups.plan:view", "backups/cards/home.html", board.card))
        registry.served_by += [
            Served("6.1a", "备份计划、保留与恢复演练的证明", "backups:plans", "xingwei backups look"),
            Served("6.1b", "没有经过恢复演练的备份视同没有，自动登记隐患", "backups:plans"),
        ]
