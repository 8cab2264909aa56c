"""What an installation may set for the desk."""

from xingwei.base.site.registry import Setting, register

register(
    Setting(
        "desk.hotline", "服务台", "值班电话", "8120", kind="text", why="显示在报修页和登录页；条款 9.2a 要求 7×24 小时响应"
    ),
    Setting(
        "desk.attachment.max_mb", "服务台", "单个附件上限", 20, unit="MB", low=1, high=200, why="更大的文件请分开或压缩"
    ),
    Setting(
        "desk.confirm.hours", "服务台", "反映人不确认视为同意", 24, unit="小时", low=1, high=240,
        why="办结后请反映人确认，过时自动关闭",
    ),
    Setting(
        "desk.open_to", "服务台", "台账开放对象", "信息科、医务科、护理部、医保办", kind="text",
        why="条款 1.6：问题台账向医院指定的人员开放；实际权限以角色为准",
    ),
)  # fmt: skip
