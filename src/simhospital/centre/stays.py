"""Stays and statements: 2401 → 2301 → 2303 → 2304 (with 2402), and 3201/3202 from the hospital's book."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .book import Entry
from .client import InsuranceClient, with_parts
from .forms import FeeLine, Outcome, Patient, Visit
from .line import LineError


@dataclass(frozen=True, slots=True)
class Statement:
    """3201's word on one insurance and clearing class; `agrees` by this region's code."""

    insutype: str
    clr_type: str
    agrees: bool
    text: str
    total: Decimal
    count: int


class StayClient(InsuranceClient):
    """The client of a hospital with wards, and its day-end."""

    async def admit(self, patient: Patient, visit: Visit) -> Outcome:
        """1101 → 2401. `state` is settled when the insurer has taken the admission (`mdtrt_id`)."""
        began = time.monotonic()
        person: dict[str, Any] = {}
        try:
            person = await self.person(patient)
            now = f"{self.line.now():%Y-%m-%d %H:%M:%S}"
            told = await self.ask(
                "2401",
                {
                    "mdtrtinfo": self._stay(patient, visit, person, now),
                    "diseinfo": [
                        self._diagnosis(visit, now) | {"psn_no": person["psn_no"], "maindiag_flag": "1", "adm_cond": ""}
                    ],
                },
                insuplc=person["insuplc_admdvs"],
            )
        except LineError as error:
            return self._not_settled(visit.number, "2401", error, Decimal(0), person, began)
        return Outcome(
            "settled", "", None, person["psn_no"], str(told["result"]["mdtrt_id"]), insutype=person["insutype"]
        )

    def _stay(self, patient: Patient, visit: Visit, person: dict[str, Any], now: str) -> dict[str, Any]:
        return {
            "psn_no": person["psn_no"], "insutype": person["insutype"], "begntime": now, "mdtrt_cert_type": "02",
            "mdtrt_cert_no": patient.certno, "cert_type": "01", "certno": patient.certno, "med_type": "2101",
            "ipt_no": visit.number, "atddr_no": visit.doctor, "chfpdr_name": visit.doctor_name,
            "adm_diag_dscr": visit.diagnosis_name, "adm_dept_codg": visit.department,
            "adm_dept_name": visit.department_name, "adm_bed": visit.bed, "dscg_maindiag_code": visit.diagnosis,
            "dscg_maindiag_name": visit.diagnosis_name, "insuplc_admdvs": person["insuplc_admdvs"],
            "mdtrtarea_admvs": self.profile.admdvs,
        }  # fmt: skip

    async def upload_stay(self, patient: Patient, visit: Visit, mdtrt_id: str, lines: Sequence[FeeLine]) -> None:
        """2301 for a day's lines, in portions of 100. Raises LineError."""
        person = await self.person(patient)
        rows = [self._fee(person, mdtrt_id, visit, line) | {"med_type": "2101"} for line in lines]
        for start in range(0, len(rows), 100):
            await self.ask("2301", {"feedetail": rows[start : start + 100]}, insuplc=person["insuplc_admdvs"])

    async def discharge(
        self, patient: Patient, visit: Visit, mdtrt_id: str, total: Decimal, use_account: bool = True
    ) -> Outcome:
        """2402 → 2303 → 2304."""
        began = time.monotonic()
        person: dict[str, Any] = {}
        try:
            person = await self.person(patient)
            place = person["insuplc_admdvs"]
            now = f"{self.line.now():%Y-%m-%d %H:%M:%S}"
            ids = {"mdtrt_id": mdtrt_id, "psn_no": person["psn_no"]}
            leave = {
                "insutype": person["insutype"], "endtime": now, "dscg_dept_codg": visit.department,
                "dscg_dept_name": visit.department_name, "dscg_way": "1",
            }  # fmt: skip
            diagnosis = self._diagnosis(visit, now) | {"maindiag_flag": "1", "psn_no": person["psn_no"]}
            await self.ask("2402", {"dscginfo": ids | leave, "diseinfo": [diagnosis | ids]}, insuplc=place)
            wanted = self._wanted(patient, person, mdtrt_id, visit, total, "", use_account)
            wanted |= {
                "psn_type": person["psn_type"], "mid_setl_flag": "0", "insuplc_admdvs": place,
                "mdtrtarea_admvs": self.profile.admdvs,
            }  # fmt: skip
            told = await self.ask("2303", {"data": wanted}, insuplc=place)
        except LineError as error:
            return self._not_settled(visit.number, "2304", error, total, person, began)
        return await self._settle("2304", visit.number, with_parts(wanted, told["setlinfo"]), person)

    # ----- day-end
    async def statements(self, day: str) -> list[Statement]:
        """3201 for every insurance and clearing class of a day in the hospital's book. Raises LineError."""
        keys = {(row.insutype or "", row.clr_type or "") for row in self.book.settled_on(day, day)}
        return [await self._statement(day, *key) for key in sorted(keys)]

    async def _statement(self, day: str, insutype: str, clr_type: str) -> Statement:
        group = (insutype, clr_type)
        rows = [row for row in self.book.settled_on(day, day) if (row.insutype or "", row.clr_type or "") == group]
        total = sum((row.total for row in rows), Decimal(0))
        data = self._sums(day, clr_type, rows) | {"insutype": insutype}
        told = (await self.ask("3201", {"data": data}))["stmtinfo"]
        agrees = told["stmt_rslt"] == self.profile.statement["equal"]
        return Statement(insutype, clr_type, agrees, told["stmt_rslt_dscr"] or "", total, len(rows))

    def _sums(self, day: str, clr_type: str, rows: list[Entry]) -> dict[str, Any]:
        def add(name: str) -> str:
            return f"{sum((getattr(row, name) or Decimal(0) for row in rows), Decimal(0)):.2f}"

        data = {
            "clr_type": clr_type, "setl_optins": self.profile.office, "stmt_begndate": day, "stmt_enddate": day,
            "medfee_sumamt": add("total"), "fund_pay_sumamt": add("fund"), "acct_pay": add("account"),
            "cash_payamt": add("cash"), "fixmedins_setl_cnt": len(rows), "fixmedins_refd_setl_flag": "0",
        }  # fmt: skip
        if self.profile.refund_flag != "none":
            data[self.profile.refund_flag] = "0"
        return data

    async def details(self, day: str, clr_type: str) -> list[list[str]]:
        """9101 → 3202 → 9102: the centre's verdict on every row of a day and class. Raises LineError."""
        rows = [row for row in self.book.settled_on(day, day) if row.clr_type == clr_type]
        text = "\n".join(
            "\t".join(
                [row.setl_id or "null", row.mdtrt_id, row.psn_no, f"{row.total:.2f}", f"{row.fund or 0:.2f}",
                 f"{row.account or 0:.2f}", "1" if row.of or self._refunded(row) else "0"]
            )
            for row in rows
        )  # fmt: skip
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("3202.txt", text.encode())
        upload = {
            "in": list(buffer.getvalue()), "filename": "3202.zip", "fixmedins_code": self.line.caller.fixmedins_code,
        }  # fmt: skip
        sent = await self.ask("9101", {"fsUploadIn": upload})
        data = self._sums(day, clr_type, rows) | {"file_qury_no": sent["file_qury_no"]}
        told = (await self.ask("3202", {"data": data}))["fileinfo"]
        fetch = {"file_qury_no": told["file_qury_no"], "filename": told["filename"], "fixmedins_code": "plc"}
        content = await self.ask("9102", {"fsDownloadIn": fetch})
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            lines = archive.read(archive.infolist()[0]).decode().splitlines()
        return [line.split("\t") for line in lines]

    def _refunded(self, row: Entry) -> bool:
        return any(other.of == row.id and other.state == "refunded" for other in self.book.in_state("refunded"))
