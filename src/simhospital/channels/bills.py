"""Bills of a day: WeChat's CSV, Alipay's zipped GBK CSVs, the bank's POS file, the insurer's mobile payment, the cash book.

Every form is the channel's own, with its head, tail, totals and habits: back-quotes before each value, tabs behind
numbers, refunds in a column of their own or with a sign, amounts in yuan or in fen.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

DROP = "drop"
MERCHANT, ALIPAY, POS = "1600300001", "2088441205330156", "898440580620001"
_ZERO = Decimal("0.00")
_WX = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_WX_TAIL = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
_ZFB = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
Row = Mapping[str, Any]


def goods(row: Row) -> str:
    """What was paid for, as the order says."""
    return "住院预交金" if str(row["ddh"] or "").startswith("YJ") else "门诊缴费"


def wechat(day: date, rows: Sequence[Row]) -> bytes:
    """The trade bill of a day (all trades), UTF-8 with a mark, a back-quote before each value."""
    lines = [_WX]
    paid = back = fees = _ZERO
    for r in rows:
        refund = r["je"] < 0
        amount, returned = (_ZERO, -r["je"]) if refund else (r["je"], _ZERO)
        paid, back, fees = paid + amount, back + returned, fees + Decimal(r["sxf"] or 0)
        values = (
            f"{r['sj']:%Y-%m-%d %H:%M:%S}", "wx44058d0a1c7be001", MERCHANT, "0", "", r["lsh"], r["ddh"], "", "MICROPAY",
            "REFUND" if refund else "SUCCESS", "OTHERS", "CNY", f"{amount:.2f}", "0.00", r["lsh"] if refund else "0",
            f"R{r['ddh']}" if refund else "0", f"{returned:.2f}", "0.00", "ORIGINAL" if refund else "", "SUCCESS" if refund else "",
            goods(r), "", f"{Decimal(r['sxf'] or 0):.5f}", "0.20%", f"{amount:.2f}", f"{returned:.2f}", "",
        )  # fmt: skip
        lines.append(",".join(f"`{v}" for v in values))
    totals = (str(len(rows)), f"{paid:.2f}", f"{back:.2f}", "0.00", f"{fees:.5f}", f"{paid:.2f}", f"{back:.2f}")
    lines += [_WX_TAIL, ",".join(f"`{v}" for v in totals)]
    return b"\xef\xbb\xbf" + ("\r\n".join(lines) + "\r\n").encode()


def alipay(day: date, rows: Sequence[Row]) -> bytes:
    """The ZIP of a day: 业务明细 and its summary, both GBK, names GBK as well."""
    begin, end = (
        datetime.combine(day, datetime.min.time()),
        datetime.combine(day + timedelta(days=1), datetime.min.time()),
    )
    head = [
        "#支付宝业务明细查询", f"#账号：[{ALIPAY}]",
        f"#起始日期：[{begin:%Y年%m月%d日 %H:%M:%S}]   终止日期：[{end:%Y年%m月%d日 %H:%M:%S}]",
    ]  # fmt: skip
    body = [
        *head,
        "#-----------------------------------------业务明细列表----------------------------------------",
        _ZFB,
    ]
    paid = [r for r in rows if r["je"] > 0]
    back = [r for r in rows if r["je"] < 0]
    for r in rows:
        values = (
            f"{r['lsh']}\t", f"{r['ddh']}\t", "退款" if r["je"] < 0 else "交易", goods(r), f"{r['sj']:%Y-%m-%d %H:%M:%S}",
            f"{r['sj']:%Y-%m-%d %H:%M:%S}", "", "", "", "", "***(***)", f"{r['je']:.2f}", f"{r['je']:.2f}", "0.00", "0.00", "0.00", "0.00",
            "0.00", "", "0.00", "0.00", f"R{r['ddh']}\t" if r["je"] < 0 else "", f"{-Decimal(r['sxf'] or 0):.2f}", "0.00", "",
        )  # fmt: skip
        body.append(",".join(values))
    total, returned = sum((r["je"] for r in paid), _ZERO), sum((r["je"] for r in back), _ZERO)
    stamp = f"#导出时间：[{end + timedelta(hours=9):%Y年%m月%d日 %H:%M:%S}]"
    body += [
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{len(paid)}笔，商家实收共{total:.2f}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{returned:.2f}元，商家优惠退款共0.00元",
        stamp,
    ]  # fmt: skip
    summary = [
        *head, "#-----------------------------------------业务汇总列表----------------------------------------",
        "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）",
        f"合计,,{len(paid)},{len(back)},{total + returned:.2f},{total + returned:.2f},0.00,0.00,0.00,0.00,0.00,{total + returned:.2f}",
        "#-----------------------------------------业务汇总列表结束------------------------------------", stamp,
    ]  # fmt: skip
    return _zip({f"{ALIPAY}_{day:%Y%m%d}_业务明细.csv": body, f"{ALIPAY}_{day:%Y%m%d}_业务明细(汇总).csv": summary})


class _Packed(zipfile.ZipInfo):
    """A name in GBK without the mark of UTF-8, as the channel packs it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def _zip(files: Mapping[str, Sequence[str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in files.items():
            place = _Packed(name, (2026, 1, 1, 0, 0, 0))
            place.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(place, ("\r\n".join(lines) + "\r\n").encode("gbk"))
    return buffer.getvalue()


def pos(day: date, rows: Sequence[Row]) -> bytes:
    """The bank's file of the card machines: GBK, `|` between columns, sign in a column, head and tail with totals."""
    total = sum((r["je"] for r in rows), _ZERO)
    lines = [f"H|{POS}|{day:%Y%m%d}|{len(rows)}|{total:.2f}"]
    for n, r in enumerate(rows, 1):
        kind = "退货" if r["je"] < 0 else "消费"
        lines.append(
            f"D|{n:06d}|{r['sj']:%Y%m%d}|{r['sj']:%H%M%S}|{r['lsh']}|{r['ddh'] or ''}|622848******{n % 10000:04d}|{kind}|"
            f"{'D' if r['je'] < 0 else 'C'}|{abs(r['je']):.2f}|{Decimal(r['sxf'] or 0):.2f}"
        )
    lines.append(f"T|{len(rows)}|END")
    return ("\r\n".join(lines) + "\r\n").encode("gbk")


def insurer_mobile(day: date, rows: Sequence[Row]) -> bytes:
    """医保移动支付: UTF-8, amounts in fen, minus for a refund."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "trade_no",
            "out_trade_no",
            "reconciliation_no",
            "time_payed",
            "time_trade",
            "amount_si",
            "amount_acc",
            "amount_cash",
            "trade_type",
        ]
    )
    for r in rows:
        at = f"{r['sj']:%Y-%m-%d %H:%M:%S}"
        kind = "REFUND" if r["je"] < 0 else "PAY"
        writer.writerow([r["lsh"], r["ddh"], f"{day:%Y%m%d}{MERCHANT}", at, at, 0, 0, int(r["je"] * 100), kind])
    return buffer.getvalue().encode()


Form = Callable[[date, Sequence[Row]], bytes]
FORMS: dict[str, tuple[str, Callable[[date], str], Form]] = {
    "wx": ("wechat", lambda day: f"{MERCHANT}All{day}.csv", wechat),
    "zfb": ("alipay", lambda day: f"{ALIPAY}_{day:%Y%m%d}.zip", alipay),
    "unionpay": ("pos", lambda day: f"POS_{POS}_{day:%Y%m%d}.txt", pos),
    "yb": ("ybyd", lambda day: f"trade_list_{day:%Y%m%d}.csv", insurer_mobile),
}


def write_days(place: Path, rows: Iterable[Row], first: date, last: date) -> int:
    """Write the bills of every day from `first` on, `last` excluded, over those that were there; how many files.

    place: the drop directory. rows: lines as in `finance.dz_qd`; the day of the bill is `zdrq`.
    """
    days: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in rows:
        days[(row["qd"], row["zdrq"])].append(row)
    count, day = 0, first
    while day < last:
        for channel, (folder, name, form) in FORMS.items():
            lines = sorted(days[(channel, day)], key=lambda r: (r["sj"], str(r["lsh"])))
            _put(place / folder / name(day), form(day, lines))
            count += 1
        day += timedelta(days=1)
    return count


def write_drawers(place: Path, rows: Iterable[Row]) -> None:
    """The cash book of each day, GB18030, as the cashiers' office keeps it."""
    days: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        days[row["day"]].append(row)
    for day, found in days.items():
        lines = [
            "收款员交款登记,,,,",
            f"日期：{day:%Y年%m月%d日},,,,",
            "工号,系统应缴（元）,实缴现金（元）,长短款（元）,备注",
        ]
        for r in sorted(found, key=lambda r: r["cashier"]):
            off = r["counted"] - r["due"]
            lines.append(f'{r["cashier"]},"{r["due"]:,.2f}","{r["counted"]:,.2f}",{off:.2f},')
        _put(place / "cash" / f"交款登记_{day:%Y%m%d}.csv", ("\r\n".join(lines) + "\r\n").encode("gb18030"))


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.part")
    fresh.write_bytes(content)
    fresh.replace(path)
