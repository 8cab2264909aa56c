"""What may be done about a difference. Pure data: the services check, send and prove.

by: "insurer" where the interface has a transaction for it (sent through the gateway), "people" where somebody does it in
another system and says so here. Sources: 两定接口 2601, 2208, 2305, 5203; reference reconciliation, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """precondition: what must hold, in words. infno: the transaction that does it. enquiry: what is asked before."""

    title: str
    precondition: str
    by: str = "people"
    infno: str = ""
    enquiry: str = ""
    needs: str = ""


ACTIONS: dict[str, Action] = {
    "2601": Action("2601 冲正", "5203 查到这笔结算，且未退费", "insurer", "2601", "5203",
                      "医保已结、院内没有收成的，冲正后患者可重新结算"),
    "2208": Action("2208 撤销", "5203 查到这笔结算，且未退费", "insurer", "2208", "5203",
                         "院内已退或重复结算的，撤销医保一侧；反向金额计入下次清算"),
    "2305": Action("2305 撤销", "5203 查到这笔住院结算，且未退费", "insurer", "2305", "5203",
                        "住院结算撤销；反向金额计入下次清算"),
    "backfill": Action("补记 HIS", "5203 查到结算，患者确已就诊", "people", "", "5203", "按医保结算信息在 HIS 补记"),
    "void": Action("HIS 补作废", "医保一侧已退，收回原票", "people", "", "5203", "在 HIS 作废原单"),
    "refund_channel": Action("渠道退款", "渠道账单有这笔收款，HIS 没有对应结算", "people", "", "",
                             "在支付平台原路退回"),
    "book_channel": Action("补记收款", "渠道账单有这笔收款，患者确已缴费", "people", "", "", "在 HIS 补记这笔收款"),
    "repost": Action("更正凭证", "金额在另一科目上找得到", "people", "", "", "红字冲销后记入正确科目"),
    "regroup": Action("更正险种或清算类别", "两组差额相等、方向相反", "people", "", "", "更正院内险种与清算类别后重发 3202"),
    "adjust": Action("记入舍入差", "单笔与当日合计都在容差之内", "people", "", "", "记入舍入科目，不逐笔处理"),
    "correct": Action("核对金额后更正", "两侧同一笔，金额不同", "people", "", "5203", "以医保结算信息为准更正院内"),
    "carry": Action("结转到下一账期", "对方账上已在次日或下期", "people", "", "", "写明结转到哪一期"),
    "wait": Action("等下一次核对", "对方账单还在出账期内", "people", "", "", "到期仍在再查"),
    "investigate": Action("人工查证", "规则没有说明原因", "people", "", "", "查两侧原始记录"),
}  # fmt: skip

# What else may be chosen where this is proposed.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "2601": ("backfill",), "backfill": ("2601",), "2208": ("correct",), "void": ("2208",), "correct": ("2208",),
    "refund_channel": ("book_channel",), "book_channel": ("refund_channel",), "investigate": ("2601", "2208", "backfill"),
}  # fmt: skip
