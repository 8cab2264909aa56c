"""What an installation may set for the knowledge room."""

from xingwei.base.site.registry import Setting, register

register(
    Setting(
        "knowledge.second_person", "知识", "发布指南要由第二人", False, kind="bool",
        why="写的人与发布的人不是同一人，内容多看一眼",
    ),
    Setting(
        "knowledge.stale_days", "知识", "多少天没有更新就请复核", 365, unit="天", low=30, high=1095,
        why="系统在变，指南不能一直不看",
    ),
    Setting("knowledge.picture.max_mb", "知识", "单张图片上限", 8, unit="MB", low=1, high=50, why="更大的请先缩小"),
)  # fmt: skip
