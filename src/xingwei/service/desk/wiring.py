"""What the desk hands down to lower rooms: which clauses it serves, what people can be told about."""

from __future__ import annotations

from xingwei.base.notify.kinds import Kind, Topic, register
from xingwei.base.ui.registry import Served, registry

GROUP = "服务台"

registry.served_by += [
    Served("1.3", "需求：受理、评估、书面答复、转研发", "desk:ledger"),
    Served("1.5", "缺陷：双方同意后转研发，进展留痕", "desk:ledger"),
    Served("1.6", "问题台账", "desk:ledger"),
    Served("1.9b", "故障处理、告知第三方、三方协调记录", "desk:ledger"),
    Served("9.2a", "响应时钟、升级上报", "desk:ledger"),
    Served("9.2b", "定级与到场时钟", "desk:ledger"),
    Served("9.6", "电话、网页、邮件、微信、接口报修；来电记录", "desk:new"),
    Served("9.7", "信息科先行诊断、书面反馈", "desk:ledger"),
]

register(
    Kind("desk.assigned", "交给我的问题", GROUP, "转派给您，或请您协助"),
    Kind("desk.case", "我参与的问题有进展", GROUP, "响应、答复、办结、改级别、补充说明"),
    Kind("desk.bulletin", "故障通报", GROUP, "影响窗口的故障现在怎样、先怎么办"),
    Kind("desk.clock", "时限提醒", GROUP, "快到点和已超时"),
    Kind("desk.escalation", "升级上报", GROUP, "没有人响应，轮到您（条款 9.2a）"),
    Kind("desk.alarm", "值班告警", GROUP, "无人可呼，或升级没有按时发出"),
    Kind("desk.feedback", "书面反馈", GROUP, "待签收的正式书面反馈（条款 9.7）"),
    Topic("bulletin", "故障通报"),
)
