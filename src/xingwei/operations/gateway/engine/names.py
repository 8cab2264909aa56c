"""What the fields of interface messages mean, in Chinese. Pure."""

from __future__ import annotations

import re

SEGMENTS = {
    "MSH": "消息头", "EVN": "事件", "PID": "患者", "PD1": "患者补充", "NK1": "联系人", "PV1": "就诊", "PV2": "就诊补充",
    "ORC": "医嘱", "OBR": "标本与项目", "OBX": "结果", "SPM": "标本", "NTE": "备注", "AL1": "过敏", "DG1": "诊断",
    "IN1": "保险", "MSA": "应答", "ERR": "错误", "TXA": "文书", "TQ1": "时间与频次", "RXO": "药品医嘱", "RXE": "药品",
    "RXR": "给药途径", "MRG": "合并", "FT1": "费用", "SCH": "预约", "QRD": "查询", "QPD": "查询参数", "QAK": "查询应答",
    "H": "消息头", "P": "患者", "O": "标本与项目", "R": "结果", "C": "备注", "Q": "查询", "L": "结束", "M": "厂方",
}  # fmt: skip
_HL7 = {
    "MSH-1": "分隔符", "MSH-2": "编码字符", "MSH-3": "发送方", "MSH-4": "发送机构", "MSH-5": "接收方", "MSH-6": "接收机构",
    "MSH-7": "消息时间", "MSH-9": "消息类型", "MSH-10": "控制号", "MSH-11": "处理方式", "MSH-12": "版本",
    "MSH-15": "接收应答", "MSH-16": "应用应答", "MSH-17": "国家", "MSH-18": "字符集", "EVN-1": "事件类型", "EVN-2": "记录时间",
    "PID-1": "序号", "PID-2": "患者号（外）", "PID-3": "患者号", "PID-4": "患者号（备）", "PID-5": "姓名", "PID-7": "出生日期",
    "PID-8": "性别", "PID-11": "地址", "PID-13": "电话", "PID-18": "账号", "PID-19": "证件号", "PV1-1": "序号",
    "PV1-2": "就诊类别", "PV1-3": "位置", "PV1-7": "接诊医生", "PV1-10": "科室", "PV1-19": "就诊号", "PV1-44": "入院时间",
    "PV1-45": "出院时间", "ORC-1": "医嘱动作", "ORC-2": "申请方医嘱号", "ORC-3": "执行方医嘱号", "ORC-5": "医嘱状态",
    "ORC-9": "时间", "ORC-12": "开单医生", "OBR-1": "序号", "OBR-2": "申请方医嘱号", "OBR-3": "条码号", "OBR-4": "项目",
    "OBR-6": "申请时间", "OBR-7": "采集时间", "OBR-8": "结束时间", "OBR-14": "收样时间", "OBR-15": "标本", "OBR-16": "开单医生",
    "OBR-22": "报告时间", "OBR-24": "专业组", "OBR-25": "结果状态", "OBR-32": "报告者", "OBX-1": "序号", "OBX-2": "值类型",
    "OBX-3": "项目", "OBX-4": "子序号", "OBX-5": "结果", "OBX-6": "单位", "OBX-7": "参考范围", "OBX-8": "标志",
    "OBX-11": "结果状态", "OBX-14": "检测时间", "OBX-16": "检验者", "NTE-3": "备注", "SPM-2": "标本号", "SPM-4": "标本类型",
    "MSA-1": "应答码", "MSA-2": "对应控制号", "MSA-3": "说明", "ERR-3": "错误代码", "DG1-3": "诊断", "AL1-3": "过敏原",
}  # fmt: skip
_ASTM = {
    "H-2": "分隔符", "H-5": "发送方", "H-12": "处理方式", "H-13": "版本", "H-14": "消息时间", "P-2": "序号", "P-3": "病历号",
    "P-4": "患者号", "P-5": "患者号（备）", "P-6": "姓名", "P-8": "出生日期", "P-9": "性别", "O-2": "序号", "O-3": "条码",
    "O-4": "仪器标本号", "O-5": "项目", "O-6": "优先级", "O-7": "申请时间", "O-8": "采集时间", "O-12": "动作", "O-16": "标本类型",
    "R-2": "序号", "R-3": "项目", "R-4": "结果", "R-5": "单位", "R-6": "参考范围", "R-7": "标志", "R-9": "结果状态",
    "R-11": "操作者", "R-12": "开始时间", "R-13": "完成时间", "R-14": "仪器", "C-4": "备注", "L-3": "结束码", "Q-3": "条码",
}  # fmt: skip
_KEYS = {
    "infno": "交易编号", "msgid": "报文号", "inf_refmsgid": "对方报文号", "infcode": "返回码", "err_msg": "错误信息",
    "mdtrtarea_admvs": "就医地", "insuplc_admdvs": "参保地", "recer_sys_code": "接收方系统", "infver": "接口版本",
    "opter": "经办人", "opter_name": "经办人姓名", "inf_time": "交易时间", "fixmedins_code": "医疗机构", "sign_no": "签到号",
    "psn_no": "人员编号", "psn_name": "姓名", "certno": "证件号", "mdtrt_id": "就诊号", "setl_id": "结算号",
    "insutype": "险种", "med_type": "医疗类别", "medfee_sumamt": "总费用", "fund_pay_sumamt": "基金支付", "psn_cash_pay": "现金支付",
    "acct_pay": "账户支付", "chrg_bchno": "收费批次", "ipt_otp_no": "门诊或住院号", "begntime": "开始时间", "resourceType": "资源",
}  # fmt: skip
_PLACE = re.compile(r"^([A-Z][A-Z0-9]{0,2})(?:\[\d+\])?-(\d+)")


def meaning(kind: str, path: str) -> str:
    """What stands at the path; "" for what nobody has named."""
    if kind in {"hl7", "astm"}:
        found = _PLACE.match(path)
        return (_HL7 if kind == "hl7" else _ASTM).get(f"{found[1]}-{found[2]}", "") if found else ""
    last = re.split(r"[./]", re.sub(r"\[\d+\]", "", path))[-1].lstrip("@")
    return _KEYS.get(last, "")


def group(kind: str, path: str) -> str:
    """The segment, record or part under which a field is listed."""
    if kind in {"hl7", "astm"}:
        name = path.split("[", maxsplit=1)[0].split("-", maxsplit=1)[0]
        return f"{name} · {SEGMENTS[name]}" if name in SEGMENTS else name
    steps = re.split(r"[./]", path)
    return "/".join(steps[:2]) if kind == "xml" else steps[0].split("[")[0]
