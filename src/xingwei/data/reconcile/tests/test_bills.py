"""Bills in the channels' own forms: what is read, and what is said of a file that is wrong."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from xingwei.data.reconcile.services import bills
from xingwei.data.reconcile.services.base import ReconcileRefused

DAY = dt.date(2026, 3, 17)
WECHAT = """\ufeff交易时间,微信订单号,商户订单号,应结订单金额,微信退款单号,退款金额,商品名称\r
`2026-03-17 09:30:01,`4200001,`HIS001,`120.00,`0,`0.00,`门诊缴费\r
`2026-03-17 10:00:00,`4200001,`HIS001,`0.00,`5000001,`20.00,`门诊缴费\r
总交易单数,应结订单总金额,退款总金额\r
`2,`120.00,`20.00\r
"""
POS = "\r\n".join([
    "H|8984|20260317|2|80.00", "D|000001|20260317|091500|P1|HIS9|6228|消费|C|100.00|0.30",
    "D|000002|20260317|101500|P2|HIS9|6228|退货|D|20.00|0", "T|2|END", "",
])  # fmt: skip
ALIPAY = ["#支付宝业务明细查询", "支付宝交易号,商户订单号,商品名称,完成时间,订单金额（元）",
          "Z1\t,HIS7\t,门诊缴费,2026-03-17 08:00:00,55.50", "#---列表结束", "#交易合计"]  # fmt: skip
CASH = """收款员交款登记,,,,
日期：2026年03月17日,,,,
工号,系统应缴（元）,实缴现金（元）,长短款（元）,备注
11003,"1,200.00","1,190.00",-10.00,
"""


def put(root: Path, name: str, content: bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def alipay() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("2088_20260317_业务明细.csv", "\r\n".join(ALIPAY).encode("gbk"))
        archive.writestr("2088_20260317_业务明细(汇总).csv", "x".encode("gbk"))
    return buffer.getvalue()


@pytest.mark.clause("1.8b")
def test_every_channel_is_read_in_its_own_form(tmp_path: Path) -> None:
    put(tmp_path, f"wechat/1600All{DAY}.csv", WECHAT.encode())
    put(tmp_path, f"pos/POS_8984_{DAY:%Y%m%d}.txt", POS.encode("gb18030"))
    put(tmp_path, f"ybyd/trade_list_{DAY:%Y%m%d}.csv",
        b"trade_no,out_trade_no,time_trade,amount_cash\nY1,HIS5,2026-03-17 11:00:00,-1234\n")  # fmt: skip
    target = tmp_path / "out.parquet"
    bills.read_days(tmp_path, ["wechat", "pos", "ybyd"], [DAY], target)
    rows = [(r["channel"], r["order_no"], r["channel_no"], r["amount"]) for r in pq.read_table(target).to_pylist()]
    assert rows == [
        ("wx", "HIS001", "4200001", Decimal("120.00")),
        ("wx", "HIS001", "5000001", Decimal("-20.00")),
        ("unionpay", "HIS9", "P1", Decimal("100.00")),
        ("unionpay", "HIS9", "P2", Decimal("-20.00")),
        ("yb", "HIS5", "Y1", Decimal("-12.34")),
    ]


def test_an_archive_with_the_details_and_their_summary(tmp_path: Path) -> None:
    path = put(tmp_path, f"alipay/2088_{DAY:%Y%m%d}.zip", alipay())
    try:
        [row] = bills.read_one(bills.forms()["alipay"], path, DAY)
    except ReconcileRefused:  # zipfile wrote UTF-8 names here; channels write GBK, which must work as well
        pytest.fail("the member was not found")
    assert (row["channel_no"], row["amount"], row["traded_at"]) == ("Z1", Decimal("55.50"), dt.datetime(2026, 3, 17, 8))


def test_the_cashiers_drawers(tmp_path: Path) -> None:
    path = put(tmp_path, f"cash/交款登记_{DAY:%Y%m%d}.csv", CASH.encode("gb18030"))
    [row] = bills.read_one(bills.forms()["cash"], path, DAY)
    assert (row["cashier"], row["counted"], row["bill_line"]) == ("11003", Decimal("1190.00"), 4)


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("pos", POS.replace("|100.00|", "|一百|").encode("gb18030"), "第 2 行“amount”写的是“一百”"),
        ("pos", POS.replace("|0.30", "").encode("gb18030"), "第 2 行有 10 列，应是 11 列"),
        ("pos", POS.replace("20260317|091500", "2026|9").encode("gb18030"), "第 2 行的时间"),
        ("wechat", b"\xff\xfe\x00", "不是 utf-8-sig 编码"),
        ("wechat", "订单,金额\n1,2\n".encode(), "没有找到表头“交易时间”"),
        ("wechat", WECHAT.replace("微信退款单号", "退款号").encode(), "没有“微信退款单号”这一列"),
        ("ybyd", b"trade_no,out_trade_no,time_trade,amount_cash\nY1,H,2026-03-17 11:00:00,1.5\n", "多于两位小数"),
    ],
)
def test_a_bill_that_is_wrong_is_answered_with_its_place(tmp_path: Path, form: str, content: bytes, said: str) -> None:
    path = put(tmp_path, "bill.txt", content)
    with pytest.raises(ReconcileRefused, match=said):
        bills.read_one(bills.forms()[form], path, DAY)


def test_half_an_archive(tmp_path: Path) -> None:
    path = put(tmp_path, "a.zip", alipay()[:-40])
    with pytest.raises(ReconcileRefused, match="没有下载完整"):
        bills.read_one(bills.forms()["alipay"], path, DAY)


def test_a_bill_that_has_not_come_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReconcileRefused, match="还没有微信支付 03-17 的账单"):
        bills.read_days(tmp_path, ["wechat"], [DAY], tmp_path / "out.parquet")
