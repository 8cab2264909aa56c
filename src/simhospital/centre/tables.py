"""The field tables of the interface, as data, and the checks of what comes in against them.

`data/insurance/fields.json`: for each infno its nodes and their fields
[name, Chinese name, type s|n|d|t|b, length, code list, required]; `codes.json`: the code lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any

from .refused import Refused

DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
MOMENT = re.compile(DAY.pattern + r"( ([01]\d|2[0-3]):[0-5]\d:[0-5]\d)?")
ENVELOPE = """infno 交易编号 5 1|msgid 发送方报文ID 30 1|mdtrtarea_admvs 就医地医保区划 6 1|insuplc_admdvs 参保地医保区划 6 0
recer_sys_code 接收方系统代码 10 1|dev_no 设备编号 100 0|dev_safe_info 设备安全信息 2000 0|cainfo 数字签名信息 1024 0
signtype 签名类型 10 0|infver 接口版本号 6 1|opter_type 经办人类别 3 1|opter 经办人 30 1|opter_name 经办人姓名 50 1
inf_time 交易时间 19 1|fixmedins_code 定点医药机构编号 12 1|fixmedins_name 定点医药机构名称 20 1|sign_no 交易签到流水号 30 0"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `kind` s string, n number, d day, t moment, b bytes; `length` as printed ("30", "16,2")."""

    name: str
    label: str
    kind: str
    length: str
    codes: str
    required: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A named part of `input` or `output`: one row, or many."""

    name: str
    many: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Interface:
    """One transaction of the interface."""

    infno: str
    name: str
    path: str
    input: tuple[Node, ...]
    output: tuple[Node, ...]
    file: Mapping[str, Node]


def _nodes(raw: Mapping[str, Any]) -> tuple[Node, ...]:
    return tuple(
        Node(name, node["many"], tuple(Field(a, b, c, d, e, bool(f)) for a, b, c, d, e, f in node["fields"]))
        for name, node in raw.items()
    )


def _data(name: str) -> Any:
    return json.loads(resources.files("simhospital").joinpath("data/insurance", name).read_text("utf-8"))


@cache
def interfaces() -> dict[str, Interface]:
    """Every transaction that the centre serves, by infno."""
    return {
        infno: Interface(
            infno,
            raw["name"],
            raw["path"],
            _nodes(raw.get("in", {})),
            _nodes(raw.get("out", {})),
            dict(zip(raw.get("file", {}), _nodes(raw.get("file", {})), strict=True)),
        )
        for infno, raw in _data("fields.json").items()
    }


@cache
def codes() -> dict[str, dict[str, Any]]:
    """The code lists: name → {"name": Chinese name, "values": {code: meaning}}."""
    found: dict[str, dict[str, Any]] = _data("codes.json")
    return found


@cache
def envelope_fields() -> tuple[Field, ...]:
    """The eighteen fields around `input` (table 1 of the specification)."""
    rows = [row.split(" ") for row in ENVELOPE.replace("\n", "|").split("|")]
    return tuple(Field(name, label, "s", length, "", required == "1") for name, label, length, required in rows)


def check_envelope(head: Mapping[str, Any], measure: str = "characters") -> None:
    """Raise Refused where a field around `input` is absent or too long."""
    for field in envelope_fields():
        _check(field, head.get(field.name), "报文头", measure)


def check_input(
    interface: Interface, given: Any, measure: str = "characters", optional: Container[str] = ()
) -> dict[str, Any]:
    """The input with every node as the table says (a list where it may be many), or Refused with the first fault.

    `optional`: fields that this region does not insist on although the table does.
    """
    if not isinstance(given, Mapping):
        raise Refused("FSI-交易报文不正确：交易输入不是对象")
    checked: dict[str, Any] = {}
    for node in interface.input:
        raw = given.get(node.name)
        if not raw:
            raise Refused(f"FSI-入参校验失败：缺少节点[{node.name}]")
        rows = raw if isinstance(raw, list) else [raw]
        if not node.many and len(rows) != 1:
            raise Refused(f"FSI-入参校验失败：节点[{node.name}]应为单行数据")
        for row in rows:
            if not isinstance(row, Mapping):
                raise Refused(f"FSI-入参校验失败：节点[{node.name}]不是对象")
            for field in node.fields:
                if field.name not in optional or row.get(field.name):
                    _check(field, row.get(field.name), node.name, measure)
            if str(row.get("mdtrt_cert_type") or "") == "03" and "card_sn" in row and not row.get("card_sn"):
                raise Refused(f"FSI-入参校验失败：节点[{node.name}]参数[card_sn]卡识别码不能为空")
        checked[node.name] = list(rows) if node.many else dict(rows[0])
    return checked


def _check(field: Field, value: Any, node: str, measure: str) -> None:
    where = f"FSI-入参校验失败：节点[{node}]参数[{field.name}]{field.label}"
    if value is None or value == "":
        if field.required:
            raise Refused(f"{where}不能为空")
        return
    if field.kind == "b":
        return
    if field.kind == "n":
        _check_number(field, value, where)
        return
    if isinstance(value, (dict, list, bool)):
        raise Refused(f"{where}类型不正确")
    text = str(value)
    if field.kind == "d" and not DAY.fullmatch(text[:10]):
        raise Refused(f"{where}日期格式不正确，应为yyyy-MM-dd")
    if field.kind == "t" and not MOMENT.fullmatch(text):
        raise Refused(f"{where}日期格式不正确，应为yyyy-MM-dd HH:mm:ss")
    if field.kind == "s" and field.length and length_of(text, measure) > int(field.length):
        raise Refused(f"{where}长度超过{field.length}")
    if field.codes and text not in codes()[field.codes]["values"]:
        raise Refused(f"{where}的值[{text[:20]}]不在字典[{field.codes}]中")


def _check_number(field: Field, value: Any, where: str) -> None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Refused(f"{where}不是数值") from None
    if not number.is_finite():
        raise Refused(f"{where}不是数值")
    if not field.length:
        return
    whole, _, scale = field.length.partition(",")
    places = int(scale or 0)
    if max(0, -int(number.normalize().as_tuple().exponent)) > places:
        raise Refused(f"{where}小数位数超过{places}位")
    if len(str(abs(int(number)))) > int(whole) - places:
        raise Refused(f"{where}超过长度{field.length}")


def length_of(text: str, measure: str) -> int:
    """The length of a text as the province counts it: characters, or bytes of gbk (2 a character) or utf8 (3)."""
    if measure == "characters":
        return len(text)
    return len(text.encode("gb18030" if measure == "gbk" else "utf-8"))


def shape(infno: str, node_name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the answer with exactly the fields of its table; amounts as JSON numbers, absent ones null."""
    node = next(n for n in interfaces()[infno].output if n.name == node_name)
    row: dict[str, Any] = {}
    for field in node.fields:
        value = document.get(field.name)
        if field.kind == "n":
            row[field.name] = float(value) if value not in (None, "") else (0 if field.required else None)
        else:
            row[field.name] = value if value is None else str(value)
    return row
