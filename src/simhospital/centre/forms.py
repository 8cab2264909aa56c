"""What goes into the hospital's insurance flows and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .benefit import money
from .line import Degraded, LineError, Lost


@dataclass(frozen=True, slots=True)
class Patient:
    """Who is at the window: the identity card is the voucher."""

    name: str
    certno: str


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of the bill: the hospital's item, its national code, count and price a unit in yuan."""

    serial: int
    national: str
    local: str
    count: Decimal
    price: Decimal
    total: Decimal | None = None
    approved: str = "0"

    @property
    def amount(self) -> Decimal:
        """The line's amount: as given, else count × price, two places."""
        return self.total if self.total is not None else money(self.count * self.price)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of the hospital; `number` is its own visit number (unique), `doctor` the national code."""

    number: str
    department: str
    department_name: str
    doctor: str
    doctor_name: str
    diagnosis: str = "J06.900"
    diagnosis_name: str = "急性上呼吸道感染"
    med_type: str = "11"
    category: str = "A03"
    bed: str = "01"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a flow ended. `setlinfo` is the insurer's own account of it (empty unless settled or refunded)."""

    state: str
    text: str = ""
    entry: int | None = None
    psn_no: str = ""
    mdtrt_id: str = ""
    msgid: str = ""
    setl_id: str = ""
    insutype: str = ""
    total: Decimal = Decimal(0)
    fund: Decimal = Decimal(0)
    account: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    elapsed_ms: int = 0
    setlinfo: Mapping[str, Any] = field(default_factory=dict)


def state_of(error: LineError) -> str:
    """The state of a settlement that ended with this."""
    if isinstance(error, Degraded):
        return "selfpay"
    return "unknown" if isinstance(error, Lost) else "refused"
