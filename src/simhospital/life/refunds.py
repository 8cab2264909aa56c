"""The cash desk takes money back: the insurer's settlement first, then the patient's part, all in red."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .hospital import Hospital
from .world import Visit, now

SHARE = 0.03
_PAY_S = 15.0


async def refund(
    h: Hospital, v: Visit, entry: int | None, total: Decimal, fund: Decimal, account: Decimal, order: str
) -> None:
    """Take back a whole outpatient settlement. Where the insurer does not agree, nothing is given back."""
    if entry is not None:
        outcome = await h.insurance.refund(entry)
        h.count(f"insurance refund {outcome.state}")
        if outcome.state != "refunded":
            return
    cash = total - fund - account
    if order:
        await h.calls.ask("pay", "/pay/pay", {"order": order, "action": "refund", "amount": str(cash)}, _PAY_S)
    jsid = v.id * 10 + 2
    row: dict[str, Any] = {
        "jsid": jsid + 1, "jslx": "1", "jzh": v.number, "brid": v.patient.brid, "brxz": "02" if v.patient.insured else "01", "zje": -total,
        "ybje": -fund, "zhje": -account, "xjje": -cash, "yhje": 0, "wcje": 0, "jszt": "2", "cxjsid": jsid, "jssj": now(), "czgh": "10001",
        "fpid": jsid + 1, "lyqd": "1",
    }  # fmt: skip
    rows = [("finance.cw_js", row)]
    if cash:
        payment = {"id": jsid * 10 + 11, "jsid": jsid + 1, "zffs": "01", "je": -cash, "sxf": 0, "zfsj": now()}
        rows.append(("finance.cw_jszf", payment))
    await h.records.write(*rows)
    await h.records.change("finance.cw_js", {"jsid": jsid}, {"jszt": "2", "cxjsid": jsid + 1})
    h.count("refunded")
