"""What the desk hands down to lower rooms: which clauses it serves."""

from __future__ import annotations

from xingwei.base.ui.registry import Served, registry

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
