"""What an installation may set for the rota."""

from xingwei.base.site.registry import Setting, register

register(
    Setting(
        "rota.onsite.minimum", "值班", "工作日驻场人数下限", 2, unit="人", low=1, high=20,
        why="条款 9.5：工作日提供不少于 2 人的驻场人员服务",
    ),
    Setting(
        "rota.attendance.hours", "值班", "在岗满多少小时算一人出勤", 6, unit="小时", low=1, high=12,
        why="合同没有写明，由双方约定；只算上班时间之内的在岗",
    ),
    Setting(
        "rota.publish.weeks", "值班", "自动发布未来几周的排班", 2, unit="周", low=0, high=12,
        why="发布后通知到人，此后改动要走替班或换班；0 表示只由服务经理手工发布",
    ),
    Setting(
        "rota.gap.days", "值班", "提前几天提醒缺岗", 7, unit="天", low=1, high=31,
        why="缺岗在发生之前补上；无人值班本身就是告警",
    ),
)  # fmt: skip
