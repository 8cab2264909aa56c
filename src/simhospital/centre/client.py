"""What the HIS does with the insurer: whole flows through the integration platform, as a cashier's system would.

Every flow ends in an `Outcome` and never raises for anything that the insurer, the platform or the line does:
settled, refused (show the text, ask for another way to pay), selfpay (the platform cut the insurer off: collect the
whole amount now, settle later), unknown (never settle again: `clear_up` asks first).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from simhospital.faults.board import Board
from simhospital.faults.board import board as common_board
from simhospital.home import home

from .aftermath import Aftermath, written
from .book import Book
from .forms import FeeLine, Outcome, Patient, Visit, state_of
from .line import Caller, Declined, Line, LineError, Lost
from .profile import profile
from .signing import account

__all__ = ["FeeLine", "InsuranceClient", "Outcome", "Patient", "Visit", "with_parts"]

SIGNED_OUT = "签到"
LEFTOVER = "已存在"


class InsuranceClient(Aftermath):
    """The HIS of one hospital; one instance a process, flows of many windows at once."""

    def __init__(
        self,
        base_url: str,
        *,
        caller: Caller,
        profile_name: str = "guangyuan",
        directory: Path | None = None,
        timeout_s: float = 12.0,
        board: Board | None = None,
    ) -> None:
        place = directory or home()
        self.profile = profile(profile_name)
        self.board = board or (Board(place / "faults") if directory else common_board())
        who = account(place / "insurance-account.json")
        self.line = Line(base_url, who, self.profile, caller, self.board, timeout_s)
        self.book = Book(place / "his" / "insurance-book.sqlite")
        self._signing = asyncio.Lock()

    async def close(self) -> None:
        """Close connections and book."""
        await self.line.close()
        self.book.close()

    # ----- single steps
    async def sign_in(self, stale: str = "") -> None:
        """9001; once, where many windows find the number `stale` no longer good. Raises LineError."""
        async with self._signing:
            if self.line.sign_no != stale:
                return
            here = {"opter_no": self.line.caller.opter, "mac": "00-16-3E-00-00-01", "ip": "10.10.3.21"}
            told = await self.line.call("9001", {"signIn": here})
            self.line.sign_no = told["signinoutb"]["sign_no"]

    async def ask(self, infno: str, data: Mapping[str, Any], *, insuplc: str = "", msgid: str = "") -> Any:
        """One transaction; signs in where that has not been done today, or has been lost, and tries once more."""
        if not self.line.sign_no:
            await self.sign_in()
        used = self.line.sign_no
        try:
            return await self.line.call(infno, data, insuplc=insuplc, msgid=msgid)
        except Declined as declined:
            if SIGNED_OUT not in declined.text or self.board.active("his-no-relogin"):
                raise
            await self.sign_in(used)
            return await self.line.call(infno, data, insuplc=insuplc, msgid=msgid)

    async def person(self, patient: Patient) -> dict[str, Any]:
        """1101: number, insurance, balance and place of the patient. Raises LineError."""
        told = await self.ask(
            "1101",
            {
                "data": {
                    "mdtrt_cert_type": "02", "mdtrt_cert_no": patient.certno, "card_sn": "", "begntime": "",
                    "psn_cert_type": "01", "certno": patient.certno, "psn_name": patient.name,
                }
            },
        )  # fmt: skip
        insurance = next((i for i in told["insuinfo"] if i["psn_insu_stas"] == "1"), told["insuinfo"][0])
        return {**told["baseinfo"], **insurance}

    # ----- outpatients
    async def outpatient(
        self, patient: Patient, visit: Visit, lines: Sequence[FeeLine], *, batch: str = "", use_account: bool = True
    ) -> Outcome:
        """1101 → 2201 → 2203 → 2204 → 2206 → 2207: settle one bill. `batch` defaults to the visit's number."""
        total = sum((line.amount for line in lines), Decimal(0))
        person: dict[str, Any] = {}
        began = time.monotonic()
        flow = written(patient, visit, lines, use_account)
        try:
            person = await self.person(patient)
            mdtrt_id = await self._register(patient, visit, person)
            await self._upload(person, mdtrt_id, visit, lines, batch or visit.number)
            wanted = self._wanted(patient, person, mdtrt_id, visit, total, batch or visit.number, use_account)
            told = await self.ask(
                "2206", {"data": wanted | {"psn_type": person["psn_type"]}}, insuplc=person["insuplc_admdvs"]
            )
        except LineError as error:
            return self._not_settled(visit.number, "2207", error, total, person, began, flow)
        return await self._settle("2207", visit.number, with_parts(wanted, told["setlinfo"]), person, flow)

    async def _register(self, patient: Patient, visit: Visit, person: Mapping[str, Any]) -> str:
        now = f"{self.line.now():%Y-%m-%d %H:%M:%S}"
        told = await self.ask(
            "2201",
            {
                "data": {
                    "psn_no": person["psn_no"], "insutype": person["insutype"], "begntime": now,
                    "mdtrt_cert_type": "02", "mdtrt_cert_no": patient.certno, "card_sn": "", "psn_cert_type": "01",
                    "certno": patient.certno, "psn_type": person["psn_type"], "psn_name": self.line.fit(patient.name, 20),
                    "ipt_otp_no": visit.number, "atddr_no": visit.doctor, "dr_name": visit.doctor_name,
                    "dept_code": visit.department, "dept_name": visit.department_name, "caty": visit.category,
                }
            },
            insuplc=person["insuplc_admdvs"],
        )  # fmt: skip
        mdtrt_id = str(told["data"]["mdtrt_id"])
        await self.ask(
            "2203",
            {
                "mdtrtinfo": {
                    "mdtrt_id": mdtrt_id, "psn_no": person["psn_no"], "med_type": visit.med_type, "begntime": now,
                    "main_cond_dscr": "", "dise_codg": visit.diagnosis, "dise_name": visit.diagnosis_name,
                },
                "diseinfo": [self._diagnosis(visit, now)],
            },
            insuplc=person["insuplc_admdvs"],
        )  # fmt: skip
        return mdtrt_id

    def _diagnosis(self, visit: Visit, at: str) -> dict[str, Any]:
        return {
            "diag_type": "1", "diag_srt_no": 1, "diag_code": visit.diagnosis, "diag_name": visit.diagnosis_name,
            "diag_dept": visit.department_name, "dise_dor_no": visit.doctor, "dise_dor_name": visit.doctor_name,
            "diag_time": at, "vali_flag": "1",
        }  # fmt: skip

    def _fee(self, person: Mapping[str, Any], mdtrt_id: str, visit: Visit, line: FeeLine) -> dict[str, Any]:
        return {
            "feedetl_sn": line.serial, "mdtrt_id": mdtrt_id, "psn_no": person["psn_no"],
            "fee_ocur_time": f"{self.line.now():%Y-%m-%d %H:%M:%S}", "med_list_codg": line.national,
            "medins_list_codg": line.local, "det_item_fee_sumamt": str(line.amount), "cnt": str(line.count),
            "pric": str(line.price), "bilg_dept_codg": visit.department, "bilg_dept_name": visit.department_name,
            "bilg_dr_codg": visit.doctor, "bilg_dr_name": visit.doctor_name, "hosp_appr_flag": line.approved,
        }  # fmt: skip

    async def _upload(
        self, person: Mapping[str, Any], mdtrt_id: str, visit: Visit, lines: Sequence[FeeLine], batch: str
    ) -> None:
        """2204; where an attempt of unknown outcome left lines behind, take them back (2205) and send once more."""
        rows = [
            self._fee(person, mdtrt_id, visit, line) | {"chrg_bchno": batch, "rxno": visit.number, "rx_circ_flag": "0"}
            for line in lines
        ]
        place = person["insuplc_admdvs"]
        for attempt in (1, 2):
            try:
                await self.ask("2204", {"feedetail": rows}, insuplc=place)
                return
            except Lost:
                if attempt == 2:
                    raise
            except Declined as declined:
                if attempt == 2 or LEFTOVER not in declined.text:
                    raise
            try:
                mine = {"mdtrt_id": mdtrt_id, "chrg_bchno": batch, "psn_no": person["psn_no"]}
                await self.ask("2205", {"data": mine}, insuplc=place)
            except Declined:
                continue  # nothing was left behind

    def _wanted(
        self, patient: Patient, person: Mapping[str, Any], mdtrt_id: str, visit: Visit, total: Decimal, batch: str,
        use_account: bool,
    ) -> dict[str, Any]:  # fmt: skip
        wrong = self.board.active("his-rounding")
        return {
            "psn_no": person["psn_no"], "mdtrt_cert_type": "02", "mdtrt_cert_no": patient.certno, "card_sn": "",
            "psn_cert_type": "01", "certno": patient.certno, "psn_name": self.line.fit(patient.name, 20), "med_type": visit.med_type,
            "medfee_sumamt": str(total + Decimal(str(wrong["yuan"])) if wrong else total), "psn_setlway": "01",
            "mdtrt_id": mdtrt_id, "chrg_bchno": batch, "acct_used_flag": "1" if use_account else "0",
            "insutype": person["insutype"],
        }  # fmt: skip

    async def _settle(
        self, infno: str, reference: str, wanted: Mapping[str, Any], person: Mapping[str, Any], flow: str = ""
    ) -> Outcome:
        """The settlement itself: booked before it is sent."""
        msgid = self.line.msgid()
        entry = self.book.open(reference, infno, msgid, wanted, flow=flow)
        began = time.monotonic()
        place = str(person.get("insuplc_admdvs") or "")
        double = self.board.strikes("his-double-click")
        try:
            told = await self.ask(infno, {"data": wanted}, insuplc=place, msgid=msgid)
        except LineError as error:
            return self._ended(entry, state_of(error), error.text, began)
        outcome = self._ended(entry, "settled", "", began, told["setlinfo"])
        if double:  # the cashier pressed twice: a second row of ours, and nothing new at the insurer
            twin = self.book.open(reference, infno, msgid, wanted)
            self.book.close_entry(twin, "settled", answer=told["setlinfo"])
            self.board.did(double, msgid=msgid, entry=entry, twin=twin)
        return outcome

    def _ended(
        self, entry: int, state: str, text: str, began: float, setlinfo: Mapping[str, Any] | None = None
    ) -> Outcome:
        elapsed = int((time.monotonic() - began) * 1000)
        self.book.close_entry(entry, state, text=text, answer=setlinfo, elapsed_ms=elapsed)
        row = self.book.entry(entry)
        return Outcome(
            state, text, entry, row.psn_no, row.mdtrt_id, row.msgid, row.setl_id or "",
            row.insutype or str(row.request.get("insutype") or ""), row.total, row.fund or Decimal(0),
            row.account or Decimal(0), row.cash or (row.total if state == "selfpay" else Decimal(0)), elapsed,
            setlinfo or {},
        )  # fmt: skip

    def _not_settled(
        self, reference: str, infno: str, error: LineError, total: Decimal, person: Mapping[str, Any], began: float,
        flow: str = "",
    ) -> Outcome:  # fmt: skip
        """The flow broke before the settlement was sent: nothing is owed at the insurer, so it is never unknown."""
        state = "refused" if isinstance(error, Declined) else "selfpay"
        data = {"psn_no": person.get("psn_no"), "medfee_sumamt": total, "insutype": person.get("insutype")}
        entry = self.book.open(reference, infno, "", data, flow=flow)
        return self._ended(entry, state, error.text, began)

    async def rehearse(self, patient: Patient, visit: Visit, lines: Sequence[FeeLine]) -> None:
        """1101 → 2201 → 2203 → 2204 → 2206, then back by 2205 and 2202: the way of a bill without its settlement.

        Nothing of it is written into the book. Raises LineError.
        """
        person = await self.person(patient)
        place, total = person["insuplc_admdvs"], sum((line.amount for line in lines), Decimal(0))
        mdtrt_id = await self._register(patient, visit, person)
        ids = {"mdtrt_id": mdtrt_id, "psn_no": person["psn_no"]}
        try:
            await self._upload(person, mdtrt_id, visit, lines, visit.number)
            wanted = self._wanted(patient, person, mdtrt_id, visit, total, visit.number, use_account=False)
            await self.ask("2206", {"data": wanted | {"psn_type": person["psn_type"]}}, insuplc=place)
        finally:
            with contextlib.suppress(Declined):  # nothing was left behind
                await self.ask("2205", {"data": ids | {"chrg_bchno": visit.number}}, insuplc=place)
            await self.ask("2202", {"data": ids | {"ipt_otp_no": visit.number}}, insuplc=place)

    async def visits_of(self, psn_no: str, days: int = 1, med_type: str = "11") -> list[dict[str, Any]]:
        """5201: this hospital's visits of a person in the last days. Raises LineError."""
        now = self.line.now()
        told = await self.ask(
            "5201",
            {
                "data": {
                    "psn_no": psn_no, "med_type": med_type, "mdtrt_id": "",
                    "begntime": f"{now - timedelta(days=days):%Y-%m-%d %H:%M:%S}",
                    "endtime": f"{now + timedelta(hours=1):%Y-%m-%d %H:%M:%S}",
                }
            },
        )  # fmt: skip
        return list(told["mdtrtinfo"])


def with_parts(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """The settlement's input carries back the parts that the pre-settlement showed."""
    names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    return {**wanted, **{name: f"{Decimal(str(seen[name])):.2f}" for name in names}}
