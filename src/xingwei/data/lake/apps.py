from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "xingwei.data.lake"
    label = "lake"
    verbose_name = "数据湖"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Panel, Served, registry

        from . import panels

        registry.nav.append(
            NavItem("数据", 10, "数据湖", "database", "lake:home", "lake.dataset:view", count=panels.trouble)
        )
        registry.panels.append(
            Panel("connection-main", 10, "lake.mapping:view", "lake/panel_mappings.html", panels.mappings_of)
        )
        registry.search.append(panels.hits)
        registry.served_by += [
            Served("1.8a", "规范数据集、映射、逐行溯源", "lake:home", "xingwei lake extract"),
            Served("1.8b", "数据质量：规则、趋势、问题单", "lake:quality", "xingwei lake status"),
        ]
