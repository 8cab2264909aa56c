"""Persons: 1101, 2001, and how the population comes to be.

An open population (the profile's word) insures whoever is asked for: insurance, kind, balance and the few who are not
insured follow from a digest of the certificate number, so the same person is the same on every run. A closed one knows
only whom `load` gave it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ..benefit import Insured, Year
from ..refused import NO_PERSON, Refused
from ..store import Store
from ..tables import shape
from .call import Call, transaction


def _digest(certno: str) -> bytes:
    return hashlib.sha256(certno.encode()).digest()


def born(certno: str) -> str:
    """The birth date in an 18-digit identity number, else the empty text."""
    digits = certno[6:14]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat() if len(certno) == 18 else ""
    except ValueError:
        return ""


def age_on(brdy: str | None, today: date) -> Decimal:
    """The age in years with one place; 0 where the birth date is not known."""
    if not brdy:
        return Decimal(0)
    days = max(0, (today - date.fromisoformat(brdy)).days)
    return (Decimal(days) / Decimal("365.25")).quantize(Decimal("0.1"))


def imagine(
    certno: str, cert_type: str, name: str, admdvs: str, today: date, elsewhere: bool = False
) -> dict[str, Any]:
    """A person as the register would have them: a function of the certificate number."""
    seed = _digest(certno)
    brdy = born(certno)
    age = int(age_on(brdy, today)) if brdy else 20 + seed[0] % 60
    if seed[1] < 3:
        insutype, psn_type = "340", "13"
    elif age >= 60:
        insutype, psn_type = ("310", "12") if seed[2] < 150 else ("390", "16")
    elif 22 <= age < 60:
        insutype, psn_type = ("310", "11") if seed[2] < 160 else ("390", "15")
    else:
        insutype, psn_type = "390", "15"
    places = ("440100", "430100", "500100")
    return {
        "cert_type": cert_type,
        "certno": certno,
        "name": name,
        "gend": "1" if (int(certno[16]) if len(certno) == 18 and certno[16].isdigit() else seed[3]) % 2 else "2",
        "brdy": brdy or None,
        "insutype": insutype,
        "psn_type": psn_type,
        "status": "2" if seed[4] < 3 else "1",
        "civil": int(insutype == "310" and seed[5] < 20),
        "aid": int(insutype == "390" and seed[5] < 12),
        "insuplc": places[seed[6] % 3] if elsewhere or seed[7] < 20 else admdvs,
        "emp_name": "某单位" if insutype == "310" else None,
        "balance": Decimal(seed[8] * 20 + seed[9]) if insutype == "310" else Decimal(0),
    }


def load(store: Store, people: Iterable[Mapping[str, Any]], admdvs: str) -> int:
    """Put persons into the register (fields of `imagine`; `certno` and `name` at least). Returns how many were new."""
    count = 0
    with store.transaction():
        for given in people:
            row = imagine(given["certno"], given.get("cert_type", "01"), given["name"], admdvs, date.today())  # noqa: DTZ011
            row |= dict(given)
            if store.one("select 1 from person where certno = ?", row["certno"]) is None:
                store.insert("person", psn_no=f"{admdvs}{store.next('person'):014d}", **row)
                count += 1
    return count


def find(call: Call, certno: str, name: str = "", cert_type: str = "01") -> sqlite3.Row:
    """The insured person of a certificate, or Refused as the real platform says it."""
    row = call.store.one("select * from person where certno = ?", certno)
    if row is None:
        insured = int.from_bytes(_digest(certno)[10:12]) / 65536 < float(call.profile.insured_share)
        if call.profile.population != "open" or not name or not insured:
            raise Refused(NO_PERSON)
        made = imagine(certno, cert_type, name, call.profile.admdvs, call.now.date())
        call.store.insert("person", psn_no=f"{call.profile.admdvs}{call.store.next('person'):014d}", **made)
        row = call.store.one("select * from person where certno = ?", certno)
    assert row is not None
    if name and row["name"] != name:
        raise Refused("FSI-人员信息校验失败：姓名与证件号码不一致")
    return row


def person(call: Call, psn_no: str) -> sqlite3.Row:
    """The person of a number, or Refused."""
    row = call.store.one("select * from person where psn_no = ?", psn_no)
    if row is None:
        raise Refused("FSI-未查询到人员编号对应的参保人信息")
    return row


def must_enjoy(call: Call, row: sqlite3.Row, insutype: str) -> None:
    """Raise Refused where the person has no benefit under this insurance today, or its sub-system is out of order."""
    if row["insutype"] != insutype:
        raise Refused(f"FSI-该参保人未参加险种[{insutype}]")
    if row["status"] != "1":
        raise Refused("FSI-该参保人参保状态异常（暂停参保），不能享受待遇")
    if call.board.strikes("yb-insutype", insutype):
        raise Refused(f"FSI-调用险种[{insutype}]待遇子系统失败：服务不可用[trtBO_5031]")
    if row["insuplc"] != call.profile.admdvs and call.board.strikes("yb-elsewhere", row["insuplc"]):
        raise Refused(f"FSI-异地业务转发失败：参保地[{row['insuplc']}]平台无响应[crossBO_7002]")


def insured(row: sqlite3.Row) -> Insured:
    """The person as the funds see them."""
    return Insured(row["insutype"], row["psn_type"], bool(row["civil"]), bool(row["aid"]), Decimal(row["balance"]))


def year_of(store: Store, psn_no: str, year: str) -> Year:
    """What the person has used up in this year."""
    row = store.one("select * from year where psn_no = ? and year = ?", psn_no, year)
    if row is None:
        return Year()
    return Year(Decimal(row["deductible"]), Decimal(row["pooled"]), Decimal(row["burden"]), row["admissions"])


def basics(row: sqlite3.Row, today: date) -> dict[str, Any]:
    """The fields about the person that most answers repeat."""
    return {
        "psn_no": row["psn_no"],
        "psn_cert_type": row["cert_type"],
        "certno": row["certno"],
        "psn_name": row["name"],
        "gend": row["gend"],
        "naty": "01",
        "brdy": row["brdy"],
        "age": age_on(row["brdy"], today),
        "insutype": row["insutype"],
        "psn_type": row["psn_type"],
        "cvlserv_flag": str(row["civil"]),
        "maf_psn_flag": str(row["aid"]),
        "flxempe_flag": "0",
        "nwb_flag": "0",
        "insu_optins": row["insuplc"],
        "emp_name": row["emp_name"],
    }


@transaction("1101")
def person_information(call: Call) -> dict[str, Any]:
    """1101: who this is and how insured."""
    given = call.input["data"]
    row = find(call, given["certno"], given["psn_name"], given["psn_cert_type"])
    insurance = {
        "balc": row["balance"],
        "insutype": row["insutype"],
        "psn_type": row["psn_type"],
        "psn_insu_stas": row["status"],
        "psn_insu_date": "2020-01-01",
        "cvlserv_flag": str(row["civil"]),
        "insuplc_admdvs": row["insuplc"],
        "emp_name": row["emp_name"],
    }
    identities = []
    if row["aid"]:
        identities.append({"psn_idet_type": "23", "psn_type_lv": None, "begntime": "2020-01-01 00:00:00"})
    return {
        "baseinfo": shape("1101", "baseinfo", basics(row, call.now.date())),
        "insuinfo": [shape("1101", "insuinfo", insurance)],
        "idetinfo": [shape("1101", "idetinfo", identity) for identity in identities],
    }


@transaction("2001")
def benefit_check(call: Call) -> dict[str, Any]:
    """2001: whether the person's funds would pay for a kind of visit."""
    given = call.input["data"]
    row = person(call, given["psn_no"])
    reason = ""
    try:
        must_enjoy(call, row, given["insutype"])
    except Refused as refused:
        reason = refused.text
    return {
        "trtinfo": [
            shape(
                "2001",
                "trtinfo",
                {
                    "psn_no": row["psn_no"],
                    "trt_chk_type": "01",
                    "fund_pay_type": "310100" if given["insutype"] == "310" else "390100",
                    "trt_enjymnt_flag": "0" if reason else "1",
                    "begndate": given["begntime"][:10],
                    "trt_chk_rslt": reason,
                },
            )
        ]
    }
