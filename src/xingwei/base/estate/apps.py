from django.apps import AppConfig


class EstateConfig(AppConfig):
    name = "xingwei.base.estate"
    label = "estate"
    verbose_name = "系统"

    def ready(self) -> None:
        from xingwei.base.ui.registry import NavItem, Served, registry

        from .finding import hits

        registry.nav.append(NavItem("基础", 10, "系统", "server-2", "estate:systems", "estate.system:view"))
        registry.search.append(hits)
        registry.served_by.extend(
            (
                Served("2.2", "系统参数字典：含义、取值、影响、建议、历史", "estate:parameters"),
                Served("1.7a", "接口与部件台账、依赖图、故障影响", "estate:graph"),
                Served("1.7b", "每个接口两边的负责人与中断时怎么办", "estate:interfaces"),
                Served("9.1", "各系统与接口的负责人", "estate:systems", "xingwei estate import"),
                Served("8.3", "政策性接口登记", "estate:interfaces"),
            )
        )
