"""Rules that hold for every reconciliation, after those of the spec: a difference always gets a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COMMON: Sequence[Mapping[str, Any]] = (
    {
        "code": "rounding", "rule": "G01", "title": "分差抹零", "detail": "在容差之内",
        "why": "两侧相差不超过容差，当日合计没有超过上限", "when": [{"kind": ["rounding"]}], "expected": True,
    },
    {
        "code": "duplicate", "rule": "G02", "title": "重复", "detail": "同一个号出现多次",
        "why": "同一个号在这一侧多出一行", "when": [{"kind": ["duplicate_left", "duplicate_right"]}],
    },
    {
        "code": "wrong_group", "rule": "G03", "title": "错组", "detail": "金额相同，分组不同",
        "why": "同一笔在两侧记在不同的组，总额不变", "when": [{"kind": ["group"]}],
    },
    {
        "code": "day_cutoff", "rule": "G04", "title": "跨日", "detail": "同一笔记在不同的日子",
        "why": "同一笔在两侧的日期不同，金额相同", "when": [{"kind": ["day"]}], "expected": True,
    },
    {
        "code": "partial_refund", "rule": "G05", "title": "部分退费", "detail": "全撤重结，多行对一行",
        "why": "两侧的行数不同，合计一分不差", "when": [{"kind": ["combined"]}], "expected": True,
    },
    {
        "code": "reversed_pair", "rule": "G06", "title": "已冲销成对", "detail": "同一侧一正一负",
        "why": "同一侧一正一负相抵，另一侧都没有", "when": [{"kind": ["netted"]}], "expected": True,
    },
    {
        "code": "number_differs", "rule": "G07", "title": "编号不一致", "detail": "靠次一级的凭据对上",
        "why": "主要的号对不上，次一级的凭据与金额都对得上", "when": [{"kind": ["linked"]}], "confidence": 0.9,
        "expected": True,
    },
    {
        "code": "amount_differs", "rule": "G08", "title": "金额不一致", "why": "号相同，字段不同",
        "when": [{"kind": ["differs"]}, {"not": {"gap": {"sign": "zero"}}}],
    },
    {
        "code": "field_differs", "rule": "G09", "title": "内容不一致", "detail": "总额相同，别的字段不同",
        "why": "号与总额相同，别的字段不同", "when": [{"kind": ["differs"]}],
    },
    {
        "code": "refund_left_only", "rule": "G10", "title": "退费单边", "detail": "左侧已退，右侧未退",
        "why": "只有左侧有这笔负数", "when": [{"kind": ["only_left"]}, {"gap": {"sign": "positive"}}], "confidence": 0.8,
    },
    {
        "code": "refund_right_only", "rule": "G11", "title": "退费单边", "detail": "右侧已退，左侧未退",
        "why": "只有右侧有这笔负数", "when": [{"kind": ["only_right"]}, {"gap": {"sign": "negative"}}], "confidence": 0.8,
    },
    {
        "code": "left_only", "rule": "G12", "title": "左侧单边", "detail": "右侧没有这一笔",
        "why": "按各级凭据在右侧都没有找到", "when": [{"kind": ["only_left"]}], "confidence": 0.6,
    },
    {
        "code": "right_only", "rule": "G13", "title": "右侧单边", "detail": "左侧没有这一笔",
        "why": "按各级凭据在左侧都没有找到", "when": [{"kind": ["only_right"]}], "confidence": 0.6,
    },
)  # fmt: skip
