"""Every act on the contract: import a text, put it in force, sign a reading, record that an obligation was kept."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.views import ServiceRefused

from . import obligations, queries
from .engine import agreement
from .engine.agreement import SIDES
from .engine.model import Question
from .engine.readings import readings
from .files import load_directory
from .models import Agreement, ContractVersion, Performance, Terms

_FIRST_YEAR, _LONGEST_YEARS = 2000, 20
_TERMS_FIELDS = ["contract_number", "total", "starts_on", "ends_on", "in_force_from"]


def import_contract(actor: Actor, directory: Path | str) -> ContractVersion:
    """The contract in a directory as a version, not yet in force; the same text again gives the same version.

    Raises FileProblems with every problem of the files: file, line, a Chinese sentence.
    """
    require(actor, "contract.version:import")
    loaded = load_directory(Path(directory))
    with transaction.atomic():
        with connection.cursor() as cursor:  # numbers follow one another, and a text is imported once
            cursor.execute(f"LOCK TABLE {ContractVersion._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        if known := ContractVersion.objects.filter(digest=loaded.digest).first():
            return known
        last = ContractVersion.objects.order_by("-number").values_list("number", flat=True).first()
        version = ContractVersion.objects.create(
            number=(last or 0) + 1,
            code=loaded.contract.code,
            title=loaded.contract.title,
            digest=loaded.digest,
            document=loaded.document,
            imported_by_id=actor.id,
        )
        record(
            actor,
            "contract.version.import",
            version,
            f"导入合同“{version.title}”{version}",
            after={"code": version.code, "digest": version.digest},
        )
    return version


def put_in_force(
    actor: Actor,
    version: ContractVersion,
    *,
    starts_on: dt.date,
    ends_on: dt.date,
    in_force_from: dt.date | None = None,
    contract_number: str = "",
    total: Decimal | None = None,
) -> ContractVersion:
    """Let this text hold from in_force_from (default: starts_on) to ends_on. Again: corrects dates and amount.

    total: 合同总金额 in yuan. Raises ServiceRefused for dates that contradict one another.
    """
    require(actor, "contract.version:publish")
    since = in_force_from or starts_on
    if ends_on <= starts_on:
        raise ServiceRefused("合同终止日应晚于起始日")
    if starts_on.year < _FIRST_YEAR or ends_on.year - starts_on.year > _LONGEST_YEARS:
        raise ServiceRefused(f"合同应在 {_FIRST_YEAR} 年以后，最长 {_LONGEST_YEARS} 年，请核对日期")
    if not starts_on <= since <= ends_on:
        raise ServiceRefused("本版本的生效日应在合同起始日与终止日之间")
    if total is not None and not Decimal(0) < total < Decimal(10) ** 12:
        raise ServiceRefused("合同总金额应大于 0、小于一万亿元")
    with transaction.atomic():
        row = ContractVersion.objects.select_for_update().get(pk=version.pk)
        old = snapshot(row, _TERMS_FIELDS)
        row.starts_on, row.ends_on, row.in_force_from = starts_on, ends_on, since
        row.contract_number, row.total = _text(contract_number, 60, "合同编号"), total
        before, after = changes(old, snapshot(row, _TERMS_FIELDS))
        if not after:
            return row
        row.save(update_fields=_TERMS_FIELDS)
        _renew_terms(row.code)
        said = f"启用合同{row}，{since} 起，至 {ends_on}"
        record(actor, "contract.version.publish", row, said, before=before, after=after)
    return row


def agree(
    actor: Actor, question: str, reading: str, *, note: str = "", version: ContractVersion | None = None
) -> Agreement:
    """Sign a reading for the actor's side; it holds once the other side has signed the same.

    version: the text that is signed, by default the one that queries.shown_version() gives. Raises ServiceRefused.
    """
    asked, version = _question(question, version)
    offered = {r.id: r.label for r in asked.readings}
    if reading not in offered:
        raise ServiceRefused(f"没有这种读法，可选的是：{'；'.join(offered.values())}")
    return _sign(actor, version, asked, reading, offered[reading], note)


def withdraw(actor: Actor, question: str, *, note: str = "", version: ContractVersion | None = None) -> Agreement:
    """Take the signature of the actor's side back. What both sides signed holds until both have taken it back."""
    asked, version = _question(question, version)
    return _sign(actor, version, asked, "", "", note)


def record_obligation(
    actor: Actor,
    obligation: str,
    *,
    done_on: dt.date,
    note: str,
    reference: str = "",
    system: str = "",
    due_on: dt.date | None = None,
    version: ContractVersion | None = None,
) -> Performance:
    """Record that an obligation was kept on a day. due_on: the due day that it answers, by default that of its day.

    Raises ServiceRefused for what the contract does not know.
    """
    require(actor, "contract.obligation:record")
    version = version or _shown()
    contract = queries.contract_of(version)
    due = next((o for o in contract.obligations if o.id == obligation), None)
    if due is None:
        raise ServiceRefused("合同没有这项义务")
    if system and system not in (due.systems or [s.code for s in contract.systems]):
        raise ServiceRefused(f"这项义务不涉及系统 {system[:10]}")
    if due_on is not None and due_on not in _due_days(version, due.id):
        raise ServiceRefused(f"这项义务没有 {due_on} 这个到期日")
    if done_on > timezone.localdate():
        raise ServiceRefused("完成日期不能晚于今天")
    if version.starts_on and done_on < version.starts_on - dt.timedelta(days=366):
        raise ServiceRefused(f"完成日期比合同起始日（{version.starts_on}）早了一年以上，请核对")
    if not note.strip():
        raise ServiceRefused("请写明做了什么")
    with transaction.atomic():
        row = Performance.objects.create(
            code=version.code,
            obligation=obligation,
            system=system,
            done_on=done_on,
            due_on=due_on,
            note=_text(note, 500, "说明"),
            reference=_text(reference, 200, "佐证"),
            recorded_by_id=actor.id,
        )
        said = f"登记履约：{due.what}，{done_on}"
        record(actor, "contract.obligation.record", row, said, after=_plain(row))
    return row


def strike_obligation(actor: Actor, performance: Performance, why: str) -> Performance:
    """Strike a wrong record out; it stays readable and no longer counts. Raises ServiceRefused without a reason."""
    require(actor, "contract.obligation:record")
    if not why.strip():
        raise ServiceRefused("请写明作废的原因")
    with transaction.atomic():
        row = Performance.objects.select_for_update().get(pk=performance.pk)
        if row.struck_at:
            raise ServiceRefused("这条登记已经作废")
        row.struck_at, row.struck_why = timezone.now(), _text(why, 200, "原因")
        row.save(update_fields=["struck_at", "struck_why"])
        said = f"作废履约登记：{row}"
        record(actor, "contract.obligation.strike", row, said, after={"struck_why": row.struck_why})
    return row


def _due_days(version: ContractVersion, obligation: str) -> set[dt.date]:
    shown = queries.shown(version.number)
    rows = obligations.kept(shown, only={obligation}) if shown else []
    return {standing.due.due for row in rows for standing in row.standings}


def _plain(row: Performance) -> dict[str, Any]:
    return snapshot(row, ["obligation", "system", "done_on", "due_on", "reference"])


def _text(raw: str, length: int, what: str) -> str:
    text = raw.replace("\x00", "").strip()
    if len(text) > length:
        raise ServiceRefused(f"{what}最长 {length} 字，现在有 {len(text)} 字")
    return text


def _shown() -> ContractVersion:
    version = queries.shown_version()
    if version is None:
        raise ServiceRefused("还没有导入合同")
    return version


def _question(ident: str, version: ContractVersion | None) -> tuple[Question, ContractVersion]:
    version = version or _shown()
    for question in queries.contract_of(version).questions:
        if question.id == ident:
            return question, version
    raise ServiceRefused("合同没有这个问题")


def _sign(actor: Actor, version: ContractVersion, question: Question, reading: str, label: str, note: str) -> Agreement:
    require(actor, "contract.question:agree")
    if actor.side not in SIDES or actor.id is None:
        raise ServiceRefused("只有医院和运维服务商的人员可以代表本方确认")
    with transaction.atomic():
        ContractVersion.objects.select_for_update().get(pk=version.pk)  # signatures come one after another
        standing = queries.standings(version.code).get(question.id, agreement.Standing())
        if standing.signed(actor.side) == reading:
            raise ServiceRefused("本方已经确认这种读法" if reading else "本方没有确认过，不用撤回")
        row = Agreement.objects.create(
            code=version.code,
            question=question.id,
            side=actor.side,
            reading=reading,
            label=label,
            note=_text(note, 500, "说明"),
            signed_by_id=actor.id,
        )
        before = {"reading": standing.signed(actor.side), "agreed": standing.agreed and standing.agreed.reading}
        now = queries.standings(version.code)[question.id]
        after = {"reading": reading, "agreed": now.agreed and now.agreed.reading}
        _renew_terms(version.code)
        act = f"确认读法“{label}”" if reading else "撤回确认"
        said = f"{row.get_side_display()}就“{question.title}”{act}"
        record(actor, "contract.question.agree", row, said, before=before, after=after)
    return row


def _renew_terms(code: str) -> None:
    """A further Terms row for every text of this contract that is in force and now read differently."""
    standings = queries.standings(code)
    for version in ContractVersion.objects.filter(code=code, in_force_from__isnull=False).defer("document"):
        questions = queries.contract_of(version).questions
        now = readings(questions, agreement.agreed(questions, standings))
        chosen, agreed = dict(now.chosen), sorted(now.agreed)
        last = version.terms.order_by("-revision").first()
        if last is None or (last.chosen, last.agreed) != (chosen, agreed):
            revision = last.revision + 1 if last else 0
            Terms.objects.create(version=version, revision=revision, chosen=chosen, agreed=agreed)
