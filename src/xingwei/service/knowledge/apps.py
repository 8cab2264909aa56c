from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "xingwei.service.knowledge"
    label = "knowledge"
    verbose_name = "知识"

    def ready(self) -> None:
        from xingwei.base.journal.services import after
        from xingwei.base.notify.kinds import Kind, register
        from xingwei.base.ui.registry import HomeCard, NavItem, Panel, Served, registry

        from . import board, settings  # noqa: F401 - settings declares the room's settings
        from .queries import guides

        register(Kind("knowledge.post", "论坛与指南评论", "知识", "关注的话题有新发言"))
        registry.nav.append(NavItem("服务", 30, "知识", "book-2", "knowledge:guides", "knowledge.guide:view"))
        registry.search.append(board.search)
        registry.home_cards.append(HomeCard(60, "knowledge.guide:view", "knowledge/cards/newest.html", board.newest))
        registry.panels.append(
            Panel("portal-notices", 50, "knowledge.guide:view", "knowledge/parts/news.html", board.news)
        )
        registry.served_by += [
            Served(
                "2.5", "按系统、子系统与功能的操作指南，登记问题时推荐", "knowledge:guides", "xingwei knowledge import"
            ),
            Served("9.2d", "双方技术人员的论坛", "knowledge:forum"),
            Served("9.7", "功能变化说明", "knowledge:guides"),
        ]
        acts = ("create", "edit", "publish", "archive", "help")
        after(*(f"knowledge.guide.{a}" for a in acts))(guides.forget)
