"""What the HIS does afterwards: refunds, unknown outcomes, reversals, and settling later what was self-paid."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from .book import Book, Entry
from .forms import FeeLine, Outcome, Patient, Visit, state_of
from .line import Declined, Degraded, Line, LineError, Lost

ASKED = "经查询"


class Aftermath:
    """Part of the client; the rest gives it line, book and the single steps."""

    line: Line
    book: Book

    async def ask(self, infno: str, data: Mapping[str, Any], *, insuplc: str = "", msgid: str = "") -> Any:
        """One transaction."""
        raise NotImplementedError

    async def person(self, patient: Patient) -> dict[str, Any]:
        """1101."""
        raise NotImplementedError

    async def outpatient(
        self, patient: Patient, visit: Visit, lines: Sequence[FeeLine], *, batch: str = "", use_account: bool = True
    ) -> Outcome:
        """The whole flow of one bill."""
        raise NotImplementedError

    def _ended(
        self, entry: int, state: str, text: str, began: float, setlinfo: Mapping[str, Any] | None = None
    ) -> Outcome:
        raise NotImplementedError

    # ----- taking back
    async def refund(self, entry: int) -> Outcome:
        """2208 or 2305 for a settled entry."""
        row = self.book.entry(entry)
        infno = "2208" if row.infno == "2207" else "2305"
        data = {"setl_id": row.setl_id, "mdtrt_id": row.mdtrt_id, "psn_no": row.psn_no}
        msgid = self.line.msgid()
        mine = self.book.open(row.reference, infno, msgid, data | {"medfee_sumamt": str(-row.total)}, of=entry)
        began = time.monotonic()
        try:
            told = await self.ask(infno, {"data": data}, msgid=msgid)
        except LineError as error:
            return self._ended(mine, state_of(error), error.text, began)
        info = {"insutype": row.insutype, "clr_type": row.clr_type} | _known(told["setlinfo"])
        return self._ended(mine, "refunded", "", began, info)

    # ----- what is not known
    async def clear_up(self) -> list[Outcome]:
        """Ask about every unknown outcome (5203 by the visit): adopt what stands, let go what does not.

        A settlement that was sent and then answered by degradation is asked about too: the patient has paid all, and
        if the insurer has settled nevertheless, the difference is the patient's.
        """
        self.book.give_up(60)
        doubtful = [row for row in self.book.in_state("selfpay") if row.msgid and not row.text.startswith(ASKED)]
        asked = [await self._clear(row) for row in [*self.book.in_state("unknown"), *doubtful]]
        return asked + await self.catch_up()

    async def catch_up(self, limit: int = 20) -> list[Outcome]:
        """Settle what was collected as self-pay while the insurer was cut off, oldest first; the patient is owed
        what the funds and the account pay. Stops at the first sign that the insurer is still away."""
        made: list[Outcome] = []
        for row in self.book.in_state("selfpay"):
            if not row.flow or (row.msgid and not row.text.startswith(ASKED)) or len(made) >= limit:
                continue
            patient, visit, lines, use_account = read(row.flow)
            try:
                await self.person(patient)
            except (Degraded, Lost):
                break
            except Declined as declined:
                self.book.close_entry(row.id, "selfpay", text=f"补结被拒：{declined.text}", flow="")
                continue
            outcome = await self.outpatient(patient, visit, lines, use_account=use_account)
            back = outcome.fund + outcome.account
            told = f"已补结，应退患者 {back} 元" if outcome.state == "settled" else f"补结：{outcome.text}"
            self.book.close_entry(row.id, "resettled", text=f"{told}（第 {outcome.entry} 笔）")
            made.append(outcome)
        return made

    async def enquire(self, entry: int) -> Outcome:
        """5203 for one settlement: settled, refused (the insurer has none: it may be settled anew), or as it was."""
        return await self._clear(self.book.entry(entry))

    async def _clear(self, row: Entry) -> Outcome:
        began = time.monotonic()
        try:
            told = await self.ask(
                "5203", {"data": {"psn_no": row.psn_no, "setl_id": row.setl_id or "", "mdtrt_id": row.mdtrt_id}}
            )
        except Declined as declined:
            if "未查询到" in declined.text:
                return self._absent(row, began)
            return self._ended(row.id, row.state, declined.text, began)
        except LineError as error:
            return self._ended(row.id, row.state, error.text, began)
        info = told["setlinfo"]
        if row.of is not None:
            state = "refunded" if info["refd_setl_flag"] == "1" else "refused"
            return self._ended(row.id, state, f"{ASKED}确认", began)
        if info["medins_setl_id"] != row.msgid:
            return self._absent(row, began)
        paid = "，患者已按自费付款，应退差额" if row.state == "selfpay" else ""
        return self._ended(row.id, "settled", f"{ASKED}确认，中心已结算{paid}", began, info)

    def _absent(self, row: Entry, began: float) -> Outcome:
        state = "selfpay" if row.state == "selfpay" else "refused"
        return self._ended(row.id, state, f"{ASKED}，中心没有这笔结算，可以重新结算", began)

    async def reverse(self, entry: int) -> Outcome:
        """2601: have the insurer forget an unknown settlement. Used where the patient has left or paid otherwise."""
        row = self.book.entry(entry)
        began = time.monotonic()
        data = {"psn_no": row.psn_no, "omsgid": row.msgid, "oinfno": row.infno}
        try:
            await self.ask("2601", {"data": data})
        except (Degraded, Lost) as error:
            return self._ended(entry, "unknown", error.text, began)
        except Declined as declined:
            return self._ended(entry, row.state, declined.text, began)
        return self._ended(entry, "refused", "已冲正", began)


def _known(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if value is not None}


def written(patient: Patient, visit: Visit, lines: Sequence[FeeLine], use_account: bool) -> str:
    """A flow as text, so that it can be done later."""
    document = {
        "patient": asdict(patient), "visit": asdict(visit), "account": use_account, "lines": [asdict(x) for x in lines],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, default=str)


def read(text: str) -> tuple[Patient, Visit, list[FeeLine], bool]:
    """The flow again, under a visit number of its own (the first one may have been registered)."""
    document = json.loads(text)
    lines = [
        FeeLine(**line | {name: Decimal(line[name]) for name in ("count", "price", "total") if line[name] is not None})
        for line in document["lines"]
    ]
    visit = Visit(**document["visit"])
    return Patient(**document["patient"]), replace(visit, number=f"{visit.number}B"), lines, document["account"]
