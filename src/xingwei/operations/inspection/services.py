"""Every write about inspections: plans, occasions, findings, hazards, the signed end (clauses 9.4, 6.2b, 9.2d)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.accounts.queries import people_with_role
from xingwei.base.calendar import queries as calendar
from xingwei.base.estate.models import System
from xingwei.base.journal.services import record, snapshot
from xingwei.base.notify import services as notify
from xingwei.base.policy.engine import Actor, system_actor
from xingwei.base.policy.querysets import require
from xingwei.base.policy.registry import roles
from xingwei.base.ui.datafiles import FileProblems, Problem, Source
from xingwei.base.ui.views import ServiceRefused
from xingwei.service.desk.models import Case
from xingwei.service.desk.services import acts, intake

from . import checks, files
from .engine.occasions import occasions
from .models import Checklist, Inspection, Item, Plan

AHEAD = dt.timedelta(days=100)
_STUCK = dt.timedelta(minutes=15)


class InspectionRefused(ServiceRefused):
    """What the services refuse; the text is for the user."""


# Plans


def import_inspections(actor: Actor, path: Path) -> int:
    """Checklists and plans of a file, by their codes; how many are new or changed.

    Raises FileProblems with file and line; nothing is changed then.
    """
    require(actor, "inspection.plan:change")
    source = files.load(path)
    _check(source)
    count = 0
    with transaction.atomic():
        for line in source.document.get("checklists", []):
            count += _save(actor, Checklist, line["code"], {
                "name": line["name"], "systems": line.get("systems", []), "items": line["items"],
            })  # fmt: skip
        for line in source.document.get("plans", []):
            values = {name: value for name, value in line.items() if name != "code"}
            count += _save(actor, Plan, line["code"], values)
    return count


def _save(actor: Actor, model: type[Checklist | Plan], code: str, values: Mapping[str, Any]) -> int:
    row = model.objects.select_for_update().filter(code=code).first()
    new = row is None
    row = row or model(code=code, version=0)
    before = {} if new else snapshot(row, list(values))
    if not new and before == dict(values):
        return 0
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    what = "检查表" if model is Checklist else "巡检计划"
    record(
        actor,
        "inspection.plan.save",
        row,
        f"{'新建' if new else '修改'}{what}“{row.name}”",
        after={"version": row.version},
    )
    return 1


def _check(source: Source) -> None:
    """What the schema cannot say: systems, roles, checklists and kinds of checks must be known. Raises FileProblems."""
    problems: list[Problem] = []
    systems = set(System.objects.values_list("code", flat=True))
    known = {line["code"] for line in source.document.get("checklists", [])}
    known |= set(Checklist.objects.values_list("code", flat=True))

    def wrong(message: str, *path: str | int) -> None:
        problems.append(source.locate(Problem(message, path)))

    for n, line in enumerate(source.document.get("checklists", [])):
        for code in line.get("systems", []):
            if code not in systems:
                wrong(f"没有系统“{code}”", "checklists", n, "systems")
        for m, item in enumerate(line["items"]):
            kind = checks.kinds().get(item.get("check", {}).get("kind", ""))
            if item["how"] == "machine" and kind is None:
                wrong("机器检查要写明已有的检查方式", "checklists", n, "items", m)
            elif kind is not None and (extra := set(item["check"]) - {"kind", *kind.parameters}):
                wrong(f"“{kind.name}”没有参数 {'、'.join(sorted(extra))}", "checklists", n, "items", m)
    for n, line in enumerate(source.document.get("plans", [])):
        for code in line["checklists"]:
            if code not in known:
                wrong(f"没有检查表“{code}”", "plans", n, "checklists")
        if line.get("role") and line["role"] not in roles():
            wrong(f"没有角色“{line['role']}”", "plans", n, "role")
    if problems:
        raise FileProblems(problems)


def schedule(now: dt.datetime | None = None) -> list[Inspection]:
    """Write down what the calendar asks for in the coming days, and remind those whose work it is. The new ones.

    What the calendar no longer asks for (a holiday moved) is taken back while nobody has begun it.
    """
    today = timezone.localdate(now)
    made: list[Inspection] = []
    for plan in Plan.objects.filter(active=True):
        wanted = {o.on: o for o in occasions(plan.rule, calendar.current(), today, today + AHEAD)}
        with transaction.atomic():
            planned = plan.inspections.filter(due_on__gt=today)
            planned.filter(state=Inspection.State.PLANNED, reason="").exclude(due_on__in=wanted).delete()
            for on, occasion in wanted.items():
                row, new = Inspection.objects.get_or_create(plan=plan, due_on=on, defaults={"label": occasion.label})
                if new:
                    made.append(row)
                    record(system_actor("task"), "inspection.schedule", row, f"安排{row.label}，{on} 前完成")
    _remind(today)
    return made


def _remind(today: dt.date) -> None:
    rows = Inspection.objects.filter(state__in=["planned", "open"]).select_related("plan")
    for row in rows.filter(due_on__lte=today + AHEAD):
        late = row.due_on < today
        if not late and row.due_on - today > dt.timedelta(days=row.plan.remind_days):
            continue
        key = f"inspection:{row.pk}:{'late' if late else 'soon'}"
        people = [*people_with_role(row.plan.role), *(people_with_role("service_manager") if late else ())]
        with transaction.atomic():
            notify.tell(
                system_actor("task"), people, kind="inspection.due",
                title=f"{row.label}{'已超期' if late else f'应在 {row.due_on:%m-%d} 前完成'}",
                text=row.plan.note, url=row.get_absolute_url(), key=key, urgent=late,
            )  # fmt: skip


def arrange(actor: Actor, plan: Plan, due_on: dt.date, label: str = "") -> Inspection:
    """One more inspection than the calendar asks for. Raises InspectionRefused."""
    require(actor, "inspection.inspection:change")
    if due_on < timezone.localdate():
        raise InspectionRefused("日期已经过去，请选今天或以后。")
    try:
        with transaction.atomic():
            row: Inspection = Inspection.objects.create(
                plan=plan, due_on=due_on, label=(label.strip() or f"{plan.name}（临时）")[:80], reason="临时安排"
            )
            record(actor, "inspection.arrange", row, f"安排{row.label}，{due_on} 前完成")
    except IntegrityError:
        raise InspectionRefused("这一天已经安排了这个计划的巡检。") from None
    return row


# The course of one


def _locked(inspection: Inspection, *states: str) -> Inspection:
    row: Inspection = Inspection.objects.select_for_update().select_related("plan").get(pk=inspection.pk)
    if row.state not in states:
        raise InspectionRefused(f"这次巡检{row.get_state_display()}，不能再做这一步。请刷新页面。")
    return row


def start(actor: Actor, inspection: Inspection) -> Inspection:
    """Begin: the checklists of today become its items, and the machine begins with its own."""
    require(actor, "inspection.inspection:carry_out")
    with transaction.atomic():
        row = _locked(inspection, "planned")
        row.state, row.started_at, row.inspector_id = Inspection.State.OPEN, timezone.now(), actor.id
        row.save()
        _fill(row)
        record(actor, "inspection.start", row, f"开始{row.label}", after={"items": row.items.count()})
        _wake_machine(row)
    return row


def _fill(inspection: Inspection) -> None:
    lists = {c.code: c for c in Checklist.objects.filter(code__in=inspection.plan.checklists)}
    systems = {s.code: s for s in System.objects.all()}
    items: list[Item] = []
    for code in inspection.plan.checklists:
        for system_code in lists[code].systems or [""]:
            items += [
                Item(
                    inspection=inspection, order=len(items) + n, checklist=code, group=lists[code].name,
                    system=systems.get(system_code), code=line["code"], title=line["title"], how=line["how"],
                    method=line.get("check", {}), expect=line.get("expect", ""), advice=line.get("advice", ""),
                )
                for n, line in enumerate(lists[code].items)
            ]  # fmt: skip
    if not items:
        raise InspectionRefused("这个计划的检查表里没有项目，请先导入检查表。")
    Item.objects.bulk_create(items)


def ask_machine(actor: Actor, inspection: Inspection) -> None:
    """Let the machine look (again) at all that it can. Raises InspectionRefused where it is at it already."""
    require(actor, "inspection.inspection:carry_out")
    with transaction.atomic():
        row = _locked(inspection, "open")
        if row.running_since and timezone.now() - row.running_since < _STUCK:
            raise InspectionRefused("机器正在检查，请等它结束。")
        record(actor, "inspection.ask_machine", row, f"机器检查：{row.label}")
        _wake_machine(row)


def _wake_machine(inspection: Inspection) -> None:
    from .tasks import look

    inspection.running_since = timezone.now()
    inspection.save(update_fields=["running_since"])
    look.defer(inspection=inspection.pk)


def run_machine(inspection: Inspection) -> int:
    """The machine's items, one after the other; how many it could answer. What a person found stays."""
    answered = 0
    try:
        for item in inspection.items.filter(how=Item.How.MACHINE, by=None).select_related("system"):
            try:
                finding = checks.run(item.method, item.system.code if item.system else "")
            except Exception as error:  # one check that fails must not end the others
                finding = checks.Finding(None, f"查不了：{type(error).__name__}，请人工检查")
            answered += finding.ok is not None
            result = Item.Result.NONE if finding.ok is None else Item.Result.OK if finding.ok else Item.Result.HAZARD
            Item.objects.filter(pk=item.pk, by=None).update(
                result=result, value=finding.value[:300], figure=finding.figure, checked_at=timezone.now()
            )
    finally:
        Inspection.objects.filter(pk=inspection.pk).update(running_since=None)
    return answered


def answer(actor: Actor, item: Item, *, result: str, value: str = "", note: str = "") -> Item:
    """What a person found; it stands before what the machine said. A hazard has to say what was seen."""
    require(actor, "inspection.inspection:carry_out")
    value, note = value.strip(), note.strip()
    if result not in Item.Result.values or result == Item.Result.NONE:
        raise InspectionRefused("请选择正常、隐患或本次不检查。")
    if result == Item.Result.HAZARD and not (value or note):
        raise InspectionRefused("是隐患的，请写明看到了什么。")
    if result == Item.Result.SKIPPED and not note:
        raise InspectionRefused("本次不检查的，请写明原因。")
    with transaction.atomic():
        _locked(item.inspection, "open")
        row: Item = Item.objects.select_for_update().get(pk=item.pk)
        if row.case_id and result != Item.Result.HAZARD:
            raise InspectionRefused("这一项已登记隐患，要改结果请先在隐患单上说明。")
        before = snapshot(row, ["result", "value", "note"])
        row.result, row.value, row.note = result, value[:300] or row.value, note[:500]
        row.by_id, row.checked_at = actor.id, timezone.now()
        row.save()
        said = f"{row.inspection.label}：{row.title} {row.get_result_display()}"
        record(actor, "inspection.answer", row, said, before=before, after=snapshot(row, ["result", "value", "note"]))
    return row


def raise_hazard(actor: Actor, item: Item, *, assignee: User | None = None, due_on: dt.date | None = None) -> Case:
    """Make the hazard a case on the desk, with an owner and a date to which it is agreed. Once for each item."""
    require(actor, "inspection.inspection:carry_out")
    with transaction.atomic():
        inspection = _locked(item.inspection, "open")
        row: Item = Item.objects.select_for_update(of=("self",)).select_related("system", "case").get(pk=item.pk)
        if row.case is not None:
            return row.case
        if row.result != Item.Result.HAZARD:
            raise InspectionRefused("这一项不是隐患。")
        where = f"{row.system.short_name} " if row.system else ""
        until = f"\n要求在 {due_on:%Y-%m-%d} 前消除。" if due_on else ""
        row.case = intake.open_case(
            actor,
            intake.NewCase(
                kind="hazard", channel=Case.Channel.INSPECTION, title=f"{where}{row.title}"[:80],
                description=f"{inspection.label}发现：{row.value or row.note}\n正常应是：{row.expect or '—'}\n"
                f"建议：{row.advice or '—'}{until}",
                system=row.system, assignee=assignee, key=f"inspection:{row.pk}", tags=["巡检"],
            ),
        )  # fmt: skip
        row.save(update_fields=["case"])
        record(actor, "inspection.hazard", row, f"登记隐患 {row.case.number}：{row.title}")
    return row.case


def finish(actor: Actor, inspection: Inspection, summary: str) -> Inspection:
    """Sign: every item is answered, every hazard is a case. Raises InspectionRefused with what is missing."""
    require(actor, "inspection.inspection:carry_out")
    if not summary.strip():
        raise InspectionRefused("请写结论：系统总体怎样，有哪些隐患，下一步做什么。")
    with transaction.atomic():
        row = _locked(inspection, "open")
        if row.running_since and timezone.now() - row.running_since < _STUCK:
            raise InspectionRefused("机器还在检查，请等它结束。")
        if missing := row.items.filter(result=Item.Result.NONE).count():
            raise InspectionRefused(f"还有 {missing} 项没有检查。")
        for item in row.items.filter(result=Item.Result.HAZARD, case=None):
            raise_hazard(actor, item)
        row.state, row.done_at, row.summary = Inspection.State.DONE, timezone.now(), summary.strip()
        row.inspector_id = actor.id
        row.version += 1
        row.save()
        hazards = row.items.filter(result=Item.Result.HAZARD).count()
        record(actor, "inspection.finish", row, f"完成{row.label}，发现隐患 {hazards} 项", after={"hazards": hazards})
        for item in row.items.filter(case__isnull=False).select_related("case"):
            if item.case is not None and item.case.category not in {"resolved", "closed"}:
                acts.note(actor, item.case, f"已写入{row.label}的报告。", internal=True)
    return row


def cancel(actor: Actor, inspection: Inspection, reason: str) -> Inspection:
    """Not to be done, and why."""
    require(actor, "inspection.inspection:change")
    if not reason.strip():
        raise InspectionRefused("请写明为什么取消。")
    with transaction.atomic():
        row = _locked(inspection, "planned", "open")
        row.state, row.reason = Inspection.State.CANCELLED, reason.strip()[:200]
        row.save()
        record(actor, "inspection.cancel", row, f"取消{row.label}：{row.reason}")
    return row
