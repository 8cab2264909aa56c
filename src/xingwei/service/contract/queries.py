"""Reading the contract: which text holds, under which readings, and what follows for the clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.db.models import QuerySet
from django.utils import timezone

from .engine.agreement import Signature, Standing, agreed, replay
from .engine.loader import build
from .engine.model import Contract
from .engine.periods import Term
from .engine.readings import Readings, readings
from .engine.service import ServicePolicy
from .engine.service import service_policy as policy_of
from .models import Agreement, ContractVersion, Terms


class NoContract(LookupError):
    """No contract was ever put in force, or the version asked for does not exist. The message is Chinese."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A contract that holds. version: "NUMBER.REVISION", the text and its readings; it names the same for good."""

    version: str
    number: int
    contract: Contract
    readings: Readings
    starts_on: dt.date
    ends_on: dt.date
    contract_number: str
    total: Decimal | None


def in_force(on: dt.date | None = None) -> InForce | None:
    """What holds on a day (default: today, in China), with its newest readings; None where nothing does."""
    day = on or timezone.localdate()
    return _found(_terms().filter(version__in_force_from__lte=day, version__ends_on__gte=day))


def latest(on: dt.date | None = None) -> InForce | None:
    """What holds on a day, or else the last that did: what the two sides agreed does not lapse overnight."""
    return in_force(on) or _found(_terms().filter(version__in_force_from__lte=on or timezone.localdate()))


def at_version(label: str) -> InForce:
    """The text and readings of a version label such as "3.1"; raises NoContract."""
    number, _, revision = label.partition(".")
    if number.isdecimal() and revision.isdecimal() and len(label) < 20:
        found = _found(_terms().filter(version__number=int(number), revision=int(revision)))
        if found is not None:
            return found
    raise NoContract(f"没有合同版本 {label[:20]}")


def service_policy(version: str = "") -> ServicePolicy:
    """Response and arrival under a version label, by default under what holds today or held last.

    Raises NoContract where no contract was ever put in force or the label names none.
    """
    found = at_version(version) if version else latest()
    if found is None:
        raise NoContract("还没有启用合同，时限无从计算。请先导入并启用合同。")
    return policy_of(found.contract, found.readings, found.version)


def contract_of(version: ContractVersion) -> Contract:
    """The typed contract of a version, whether in force or not."""
    return _built(version.pk, version.digest)


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as pages show it. term: None until it is put in force. holds: it is in force today."""

    number: int
    label: str
    contract: Contract
    readings: Readings
    term: Term | None
    in_force_from: dt.date | None
    contract_number: str
    total: Decimal | None
    holds: bool


def shown(number: int | None = None) -> Shown | None:
    """One version, by default the one that shown_version() gives; None where there is none."""
    rows = _terms()
    if number is None:
        terms = rows.filter(version__in_force_from__lte=timezone.localdate()).first()
        version = terms.version if terms else shown_version()
    else:
        terms = rows.filter(version__number=number).first()
        version = terms.version if terms else ContractVersion.objects.defer("document").filter(number=number).first()
    if version is None:
        return None
    contract = contract_of(version)
    if terms is not None:
        under = Readings(terms.chosen, frozenset(terms.agreed))
    else:
        under = readings(contract.questions, agreed(contract.questions, standings(version.code)))
    term = Term(version.starts_on, version.ends_on) if version.starts_on and version.ends_on else None
    return Shown(
        number=version.number,
        label=f"{version.number}.{terms.revision}" if terms else str(version.number),
        contract=contract,
        readings=under,
        term=term,
        in_force_from=version.in_force_from,
        contract_number=version.contract_number,
        total=version.total,
        holds=bool(term and version.in_force_from and version.in_force_from <= timezone.localdate() <= term.ends_on),
    )


def shown_version() -> ContractVersion | None:
    """What is in force today, else what was last, else what was imported last."""
    found = latest()
    rows = ContractVersion.objects.defer("document")
    return rows.filter(number=found.number).first() if found else rows.order_by("-number").first()


def standings(code: str) -> dict[str, Standing]:
    """Question → who signed what, and what both agreed."""
    rows = Agreement.objects.filter(code=code).values_list("question", "side", "reading", "label")
    return replay(Signature(*row) for row in rows)


def _terms() -> QuerySet[Terms]:
    newest_first = ("-version__in_force_from", "-version__number", "-revision")
    return Terms.objects.select_related("version").defer("version__document").order_by(*newest_first)


def _found(rows: QuerySet[Terms]) -> InForce | None:
    terms = rows.first()
    if terms is None:
        return None
    version = terms.version
    assert version.starts_on is not None  # terms exist once a version is in force
    assert version.ends_on is not None
    return InForce(
        version=terms.label,
        number=version.number,
        contract=contract_of(version),
        readings=Readings(terms.chosen, frozenset(terms.agreed)),
        starts_on=version.starts_on,
        ends_on=version.ends_on,
        contract_number=version.contract_number,
        total=version.total,
    )


@lru_cache(maxsize=8)
def _built(pk: int, digest: str) -> Contract:
    """A text is immutable, so its parse is kept; the digest keeps apart what shares a key (tests, restores)."""
    return build(ContractVersion.objects.values_list("document", flat=True).get(pk=pk, digest=digest))
