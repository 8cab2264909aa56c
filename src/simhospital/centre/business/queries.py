"""Queries: 1201, 5201 visits, 5202 diagnoses, 5206 the year's sums, 5303 who is in hospital."""

from __future__ import annotations

import json
from typing import Any

from ..refused import Refused
from ..tables import shape
from .call import Call, transaction
from .people import basics, person, year_of
from .visits import visit


@transaction("1201")
def hospital(call: Call) -> dict[str, Any]:
    """1201: the hospital itself."""
    given = call.input["medinsinfo"]
    if not given.get("fixmedins_name") and not given.get("fixmedins_code"):
        raise Refused("FSI-定点医药机构名称和编号至少填写一项")
    if given.get("fixmedins_code") not in (None, "", call.fixmedins):
        raise Refused("FSI-未查询到定点医药机构信息")
    told = {
        "fixmedins_code": call.fixmedins,
        "fixmedins_name": call.head.get("fixmedins_name"),
        "uscc": f"12{call.profile.admdvs}0000000000",
        "fixmedins_type": given["fixmedins_type"],
        "hosp_lv": "2",
    }
    return {"medinsinfo": [shape("1201", "medinsinfo", told)]}


@transaction("5201")
def visits(call: Call) -> dict[str, Any]:
    """5201: the visits of a person here in a span of time."""
    given = call.input["data"]
    who = person(call, given["psn_no"])
    rows = call.store.all(
        "select * from visit where psn_no = ? and fixmedins = ? and begntime >= ? and begntime <= ? and med_type = ?"
        " and status != 'cancelled' order by begntime desc limit 100",
        who["psn_no"],
        call.fixmedins,
        given["begntime"] if len(given["begntime"]) > 10 else given["begntime"] + " 00:00:00",
        given["endtime"] if len(given["endtime"]) > 10 else given["endtime"] + " 23:59:59",
        given["med_type"],
    )
    told = []
    for row in rows:
        if given.get("mdtrt_id") not in (None, "", row["mdtrt_id"]):
            continue
        info = json.loads(row["info"])
        known = basics(who, call.now.date()) | info
        known |= {
            "mdtrt_id": row["mdtrt_id"],
            "endtime": row["endtime"] or row["begntime"],
            "med_type": row["med_type"],
            "ipt_otp_no": row["number"],
            "inhosp_stas": "1" if row["kind"] == "in" and row["status"] == "open" else "0",
            "begntime": row["begntime"],
        }
        told.append(shape("5201", "mdtrtinfo", known))
    return {"mdtrtinfo": told}


@transaction("5202")
def diagnoses(call: Call) -> dict[str, Any]:
    """5202: the diagnoses of a visit."""
    given = call.input["data"]
    row = visit(call, given["mdtrt_id"], given["psn_no"], "", "")
    found = call.store.all("select * from diagnosis where mdtrt_id = ? order by type, srt_no", row["mdtrt_id"])
    told = []
    for line in found:
        info = {"maindiag_flag": "1" if line["srt_no"] == 1 else "0"} | json.loads(line["info"])
        info |= {
            "diag_info_id": f"{row['mdtrt_id']}{line['srt_no']:02d}",
            "mdtrt_id": row["mdtrt_id"],
            "psn_no": row["psn_no"],
            "inout_diag_type": "1" if row["kind"] == "in" else "2",
        }
        told.append(shape("5202", "diseinfo", info))
    return {"diseinfo": told}


@transaction("5206")
def sums(call: Call) -> dict[str, Any]:
    """5206: what a person has used up this year."""
    who = person(call, call.input["data"]["psn_no"])
    year = year_of(call.store, who["psn_no"], call.stamp[:4])
    rows = [
        ("起付线累计", "Y_DEDC", year.deductible),
        ("统筹累计", "Y_POOL", year.pooled),
        ("住院次数", "Y_IPT", year.admissions),
    ]
    return {
        "cuminfo": [
            shape(
                "5206",
                "cuminfo",
                {
                    "insutype": who["insutype"],
                    "year": call.stamp[:4],
                    "cum_ym": call.now.strftime("%Y%m"),
                    "cum_type_code": code,
                    "cum": value,
                },
            )
            for _, code, value in rows
        ]
    }


@transaction("5303")
def in_hospital(call: Call) -> dict[str, Any]:
    """5303: who is in hospital here, admitted in a span of time."""
    given = call.input["data"]
    rows = call.store.all(
        "select * from visit where kind = 'in' and status = 'open' and fixmedins = ? and begntime >= ? and begntime <= ?"
        " order by begntime limit 1000",
        call.fixmedins,
        given["begntime"],
        given["endtime"],
    )
    told = []
    for row in rows:
        if given.get("psn_no") in (None, "", row["psn_no"]):
            known = basics(person(call, row["psn_no"]), call.now.date())
            known |= {
                "mdtrt_id": row["mdtrt_id"],
                "begndate": row["begntime"][:10],
                "med_type": row["med_type"],
                "ipt_otp_no": row["number"],
                "out_flag": "0" if row["insuplc"] == call.profile.admdvs else "1",
            }
            told.append(shape("5303", "data", known))
    return {"data": told}
