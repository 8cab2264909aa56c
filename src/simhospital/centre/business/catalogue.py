"""The catalogue: its entries, 3301/3302 mappings of a hospital, and the queries and downloads of both.

Entries named in `data/insurance/catalogue.yaml` are as written there. Any other well-formed code is an entry too: its
level and share follow from a digest of the code, so that a hospital's own price list of any size can be settled.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ..benefit import Item
from ..refused import Refused
from ..tables import codes, shape
from .call import Call, transaction
from .files import keep

FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{4,49}", re.ASCII)
LISTS = {"1301": "101", "1302": "102", "1303": "103", "1305": "201", "1306": "301"}


@cache
def entries() -> dict[str, dict[str, Any]]:
    """The written entries by national code."""
    text = resources.files("simhospital").joinpath("data/insurance/catalogue.yaml").read_text("utf-8")
    return {str(row["code"]): row for row in yaml.safe_load(text)["items"]}


def item(call: Call, code: str) -> Item:
    """The entry of a national code, or Refused where there is none (or the fault of the dictionary says so)."""
    lost = call.board.active("yb-item-unmapped")
    if lost and code in str(lost.get("codes", "")).split(","):
        call.board.did(lost, code=code, msgid=call.msgid)
        raise Refused(f"FSI-医疗目录编码[{code}]未查询到对应的医保目录信息，请核对目录对照")
    if not FORM.fullmatch(code):
        raise Refused(f"FSI-医疗目录编码[{code}]未查询到对应的医保目录信息，请核对目录对照")
    written = entries().get(code)
    if written:
        limit = Decimal(str(written["limit"])) if written.get("limit") else None
        found = Item(
            code,
            written["level"],
            Decimal(str(written.get("prepaid", 0))),
            limit,
            written["class"],
            bool(written.get("restricted")),
        )
    else:
        seed = hashlib.sha256(code.encode()).digest()
        level = "01" if seed[0] < 140 else "02" if seed[0] < 222 else "03"
        prepaid = Decimal(1) if level == "03" else Decimal("0.10") if level == "02" else Decimal(0)
        found = Item(code, level, prepaid, None, "09" if code[0] in "XZ" else "08" if code[0] == "C" else "14")
    changed = call.board.active("yb-limit-changed")
    if changed and code in str(changed.get("codes", "")).split(","):
        found = Item(code, found.level, found.prepaid, Decimal(str(changed["limit"])), found.charge_class)
    return found


def _row(entry: dict[str, Any], call: Call) -> dict[str, Any]:
    return {
        "hilist_code": entry["code"],
        "hilist_name": entry["name"],
        "insu_admdvs": call.profile.admdvs,
        "begndate": "2024-01-01",
        "med_chrgitm_type": entry["class"],
        "chrgitm_lv": entry["level"],
        "lmt_used_flag": "1" if entry.get("restricted") else "0",
        "list_type": entry["list"],
        "med_use_flag": "1",
        "matn_used_flag": "0",
        "hilist_use_type": "1",
        "lmt_cpnd_type": "1",
        "vali_flag": "1",
        "rid": f"R{entry['code']}",
        "updt_time": "2024-01-01",
        "crte_time": "2024-01-01",
        "hilist_lmtpric_type": "3",
        "overlmt_dspo_way": "1",
        "hilist_pric_uplmt_amt": entry.get("limit") or 0,
        "selfpay_prop_psn_type": "310",
        "selfpay_prop_type": "10",
        "selfpay_prop": entry.get("prepaid", 0),
    }


def _page(given: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    size = min(100, max(1, int(given["page_size"])))
    start = (max(1, int(given["page_num"])) - 1) * size
    return rows[start : start + size]


@transaction("1312", "1318", "1319")
def query(call: Call) -> dict[str, Any]:
    """1312 entries, 1318 price limits, 1319 shares paid beforehand: by code, name or list, a page of at most 100."""
    given = call.input["data"]
    found = [
        entry
        for code, entry in sorted(entries().items())
        if (not given.get("hilist_code") or code == given["hilist_code"])
        and (not given.get("hilist_name") or given["hilist_name"] in entry["name"])
        and (not given.get("list_type") or entry["list"] == given["list_type"])
        and (call.infno != "1318" or entry.get("limit"))
    ]
    return {"data": [shape(call.infno, "data", _row(entry, call)) for entry in _page(given, found)]}


@transaction("1301", "1302", "1303", "1305", "1306")
def download(call: Call) -> dict[str, Any]:
    """A list of the catalogue as a file for 9102: code, name, level, limit, version; tabs between."""
    wanted = LISTS[call.infno]
    version = f"F{wanted}_20240101000000_A"
    rows = [
        "\t".join([code, entry["name"], entry["level"], str(entry.get("limit") or "null"), "1", version])
        for code, entry in sorted(entries().items())
        if entry["list"] == wanted and call.input["data"]["ver"] < version
    ]
    number, name, until = keep(call, f"{call.infno}.txt", "\n".join(rows), owner="plc")
    return {"file_qury_no": number, "filename": name, "dld_end_time": until, "data_cnt": len(rows)}


@transaction("1901")
def dictionary(call: Call) -> dict[str, Any]:
    """1901: the values of a code list."""
    given = call.input["data"]
    found = codes().get(str(given["type"]).lower())
    rows = [] if found is None else list(found["values"].items())
    return {
        "list": [
            {
                "type": given["type"], "label": label, "value": value, "parentValue": given["parent_value"],
                "sort": index + 1, "valiFlag": "1", "createUser": "sys", "createDate": "2024-01-01", "version": 1,
            }
            for index, (value, label) in enumerate(rows)
        ]
    }  # fmt: skip


@transaction("3301")
def map_items(call: Call) -> dict[str, Any]:
    """3301: a hospital says which national code its item is."""
    for row in call.input["data"]:
        item(call, row["med_list_codg"])
        call.store.db.execute(
            "insert into mapping values (?, ?, ?, ?) on conflict do update set info = excluded.info",
            (call.fixmedins, row["fixmedins_hilist_id"], row["med_list_codg"], json.dumps(row, ensure_ascii=False)),
        )
    return {}


@transaction("3302")
def unmap_item(call: Call) -> dict[str, Any]:
    """3302: take a mapping back."""
    given = call.input["data"]
    gone = call.store.db.execute(
        "delete from mapping where fixmedins = ? and medins_list_codg = ? and med_list_codg = ?",
        (given["fixmedins_code"], given["fixmedins_hilist_id"], given["med_list_codg"]),
    )
    if not gone.rowcount:
        raise Refused("FSI-未查询到目录对照信息")
    return {}


@transaction("1317")
def mappings(call: Call) -> dict[str, Any]:
    """1317: the mappings of this hospital, a page."""
    given = call.input["data"]
    rows = call.store.all("select * from mapping where fixmedins = ? order by medins_list_codg", call.fixmedins)
    found = []
    for row in rows:
        info = json.loads(row["info"])
        if given.get("medins_list_codg") and row["medins_list_codg"] != given["medins_list_codg"]:
            continue
        info |= {
            "fixmedins_code": call.fixmedins, "medins_list_codg": row["medins_list_codg"],
            "medins_list_name": info["fixmedins_hilist_name"], "insu_admdvs": call.profile.admdvs, "vali_flag": "1",
            "rid": f"M{row['medins_list_codg']}", "updt_time": call.stamp[:10], "crte_time": call.stamp[:10],
        }  # fmt: skip
        found.append(info)
    return {"data": [shape("1317", "data", info) for info in _page(given, found)]}
