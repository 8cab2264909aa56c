from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    name = "xingwei.data.reconcile"
    label = "reconcile"
    verbose_name = "对账"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.notify import kinds
        from xingwei.base.ui.registry import NavItem, Served, registry

        from . import finding, settings  # noqa: F401 - settings register themselves

        kinds.register(
            kinds.Kind("reconcile.assigned", "对账差异交给我", "对账"),
            kinds.Kind("reconcile.remedy", "差异处理待批准与结果", "对账"),
            kinds.Kind("reconcile.late", "对账差异超时", "对账"),
        )
        registry.nav.append(
            NavItem("数据", 10, "对账", "scale", "reconcile:home", "reconcile.reconciliation:view", count=finding.count)
        )
        registry.search.append(finding.hits)
        registry.served_by += [
            Served("1.8a", "医保总账与明细账逐笔核对，原因与处理", "reconcile:home", "xingwei reconcile run"),
            Served("1.8b", "收费、支付渠道与财务逐笔核对，原因与处理", "reconcile:home", "xingwei reconcile run"),
            Served("1.8a", "差异处理：双人批准、办理、再核证明", "reconcile:remedies"),
        ]
