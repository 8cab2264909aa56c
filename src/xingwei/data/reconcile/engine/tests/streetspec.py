"""The reconciliation that the street is held against: insurer and channels, three ways, rules over evidence."""

from __future__ import annotations


def text(title):
    return {"title": title, "type": "text"}


def money(title):
    return {"title": title, "type": "money"}


def field(name, **tests):
    return {"field": {"name": name, **tests}}


PLUS, MINUS = field("total", sign="positive"), field("total", sign="negative")
AGAIN = {"partner": {"where": "right", "on": {"batch": "batch"}, "amount": "same", "within_seconds": 180}}
UNKNOWN = {"partner": {"where": "calls", "on": {"msgid": "msgid"}, "filter": {"state": ["uncertain", "sending"]}}}
NO_CALL = {"partner": {"where": "calls", "on": {"msgid": "msgid"}, "exists": False}}


def cause(code, rule, *when, **other):
    return {"code": code, "title": code, "rule": rule, "when": list(when), **other}


def kind(*kinds):
    return {"kind": list(kinds)}


INSURANCE = [
    cause("cancel_after_clearing", "T01", kind("day"), MINUS, {"not": field("at", side="right", hours=["23:40", "00:20"])}, expected=True),
    cause("recalculated", "T02", kind("differs", "rounding"), {"changed": {"only": ["fund", "acct"]}}),
    cause("refund_his_only", "T03", kind("only_left"), MINUS),
    cause("refund_centre_only", "T04", kind("only_right"), MINUS),
    cause("duplicate_settlement", "T05", kind("only_right"), PLUS, AGAIN,
          remedy={"act": "2208", "title": "撤销后一笔",
                  "requires": [{"not": {"partner": {"where": "right", "on": {"visit": "visit"}, "amount": "opposite"}}}]}),
    cause("timeout", "T06", kind("only_right"), PLUS, UNKNOWN, why="网关 {at} 没有等到应答，中心已结算 {total}",
          remedy={"act": "2601", "title": "冲正", "precondition": "5203 查到且未退费"}),
    cause("log_missing", "T07", kind("only_right"), PLUS, NO_CALL),
    cause("in_flight", "T08", kind("only_left"), PLUS, {"age": {"most_hours": 3}}, expected=True),
    cause("his_only", "T09", kind("only_left"), PLUS),
]  # fmt: skip
PAID = [
    cause("channel_cutoff", "C01", kind("day"), expected=True),
    cause("channel_duplicate", "C02", kind("duplicate_right")),
    cause("his_duplicate", "C03", kind("duplicate_left")),
    cause("channel_amount", "C04", kind("differs", "rounding")),
    cause("channel_late", "C05", kind("only_left"), {"age": {"most_hours": 4}}, expected=True),
    cause("channel_missing", "C06", kind("only_left")),
    cause("channel_only", "C07", kind("only_right")),
    cause("linked", "C08", kind("linked"), expected=True),
]
DOCUMENT = {
    "code": "street",
    "title": "街上的账",
    "sides": [{"name": "his", "title": "HIS"}, {"name": "centre", "title": "中心"}, {"name": "channel", "title": "渠道"}],
    "fields": {
        "uid": text("真相"), "setl_id": text("结算号"), "msgid": text("报文号"), "visit": text("就诊号"), "psn": text("人"),
        "batch": text("批次"),
        "insutype": text("险种"), "clr_type": text("清算类别"), "refd": text("退费标志"), "total": money("总额"), "fund": money("基金"),
        "acct": money("账户"), "cash": money("现金"), "order_no": text("订单号"),
        "paid": money("实付"), "method": text("方式"), "at": {"title": "时间", "type": "time"},
    },
    "evidence": {"calls": {"title": "报文", "fields": {"msgid": "msgid", "state": "state", "at": "at"}, "types": {"at": "time"}}},
    "day": "at",
    "show": ["uid"],
    "pairs": [
        {
            "left": "his", "right": "centre", "amount": "total", "groups": ["insutype", "clr_type"],
            "keys": [{"fields": ["setl_id"]}, {"fields": ["msgid"]}, {"fields": ["visit", "total"]}],
            "compare": [{"field": "total", "tolerance": "0.01", "cap": "100.00"}, "fund", "acct"],
            "refund": {"flag": "refd"}, "combine": [{"fields": ["visit"]}], "net": [["visit"]], "causes": INSURANCE,
        },
        {
            "left": "his", "right": "channel", "left_where": {"method": ["wx"]}, "amount": "paid",
            "keys": [{"fields": ["order_no"]}], "compare": ["paid"],
            "window": {"seconds": 300, "fields": {"psn": 2}, "accept": 0.8, "margin": 0.2}, "causes": PAID,
        },
    ],
}  # fmt: skip
