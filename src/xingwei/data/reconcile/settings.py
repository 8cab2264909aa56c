"""What an installation may set for the reconciliations."""

from xingwei.base.site.registry import Setting, register

GROUP = "对账"

register(
    Setting(
        "reconcile.drop", GROUP, "渠道账单目录", "simhospital/drop", kind="text",
        why="条款 1.8b：支付渠道、银行的账单文件放在这里；不是绝对路径时在运行目录之下",
    ),
    Setting("reconcile.keep_days", GROUP, "输入与结果保留", 1100, unit="天", low=31, high=3650,
            why="条款 1.8a：保留期内任何一次核对都能重放；医保结算资料按三年"),
    Setting("reconcile.insurance.institution", GROUP, "定点医药机构编号", "", kind="text",
            why="发 3201、3202、5203、2601、2208 用；与 HIS 报文里的一致"),
    Setting("reconcile.insurance.name", GROUP, "定点医药机构名称", "", kind="text", why="与 HIS 报文里的一致"),
    Setting("reconcile.insurance.area", GROUP, "就医地医保区划", "", kind="text", why="mdtrtarea_admvs，六位"),
    Setting("reconcile.insurance.office", GROUP, "结算经办机构", "", kind="text", why="setl_optins，3201、3202 用"),
    Setting("reconcile.insurance.refunds", GROUP, "退费结算是否计入对账", "0", kind="choice",
            choices=(("0", "计入，正反两条"), ("1", "不计入，只算未退费的")),
            why="refd_setl_flag：各省口径不同，先试两种，再定"),
    Setting("reconcile.insurance.opter", GROUP, "对账经办人编号", "RECON", kind="text", why="报文里的经办人编号"),
)  # fmt: skip
