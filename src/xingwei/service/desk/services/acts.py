"""Acts on a case beside the moves of its workflow: hand to somebody, grade, correct, note, tag, merge, split, link,
watch, rate. Each in one transaction with its line of the timeline and its journal entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from xingwei.base.accounts.models import User
from xingwei.base.journal.services import changes, record, snapshot
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from ..models import Case, CaseEvent, CaseLink, Watcher
from ..workflow import kind_of, workflow
from . import clocks, escalation, files, telling
from .base import LEVELS, Refused, include, lock, save, say
from .intake import NewCase, clean, open_case
from .text import index_words

EDITABLE = (
    "title", "description", "system", "subsystem", "function", "interface", "department", "reporter", "reporter_name",
    "phone", "tried", "party", "party_organisation",
)  # fmt: skip
MAX_TAGS = 10


def assign(actor: Actor, case: Case, assignee: User | None, *, note: str = "", version: int | None = None) -> Case:
    """Hand the case to somebody of the vendor or the IT department; None takes it off everybody's desk."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:assign", version)
        _still_open(row)
        if assignee is not None and not assignee.in_force():
            raise Refused(f"{assignee} 的账号已停用，请另选办理人。")
        if row.assignee_id == (assignee.pk if assignee else None):
            return row
        before = str(row.assignee) if row.assignee else "未指派"
        row.assignee = assignee
        save(row, "assignee")
        include(row, assignee.pk if assignee else None)
        said = f"转派：{before} → {assignee or '未指派'}"
        say(actor, row, "assigned", said, text=clean(note), data={"assignee": assignee and assignee.pk})
        record(actor, "desk.case.assign", row, f"{row.number} {said}", before={"assignee": before},
               after={"assignee": str(assignee or "")})  # fmt: skip
        telling.tell_assigned(actor, row)
    return row


def grade(actor: Actor, case: Case, severity: int, *, reason: str, version: int | None = None) -> Case:
    """Change the level of a fault (clause 9.2b). A level 1 or 2 goes to the vendor at once, IT's diagnosis or not."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:grade", version)
        _still_open(row)
        if not kind_of(row).graded:
            raise Refused(f"{kind_of(row).label}不定级。")
        if severity not in {1, 2, 3}:
            raise Refused("级别只有一级、二级、三级。")
        if severity == row.severity:
            return row
        if not clean(reason):
            raise Refused("请写明为什么改级别：级别决定到场时限。")
        before, row.severity = row.severity, severity
        save(row, "severity")
        said = f"级别由{LEVELS[before]}改为{LEVELS[severity]}"
        say(actor, row, "graded", said, text=clean(reason), data={"severity": severity})
        if row.state == "it_first" and severity in {1, 2}:
            _hand_over(actor, row, severity)
        clocks.refresh(row)
        if severity < before:
            escalation.regrade(row)
        record(actor, "desk.case.grade", row, f"{row.number} {said}", before={"severity": before},
               after={"severity": severity, "reason": clean(reason)})  # fmt: skip
        people = {p for p in (row.assignee_id, row.reporter_id) if p}
        telling.tell(actor, people, row, kind="desk.case", title=f"{row.number} {said}", text=clean(reason),
                     key=f"graded:{row.pk}:{row.version}", urgent=severity in {1, 2})  # fmt: skip
    return row


def edit(actor: Actor, case: Case, values: Mapping[str, Any], *, version: int | None = None) -> Case:
    """Correct what is known of the case; only the named fields. Raises Refused, StaleEdit."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:edit", version)
        names = [n for n in EDITABLE if n in values]
        old = snapshot(row, names)
        for name in names:
            value = values[name]
            setattr(row, name, clean(value) if isinstance(value, str) else value)
        if len(row.title) < 2 or len(row.title) > 120:
            raise Refused("标题要 2 到 120 个字。")
        if not row.description:
            raise Refused("现象不能为空。")
        before, after = changes(old, snapshot(row, names))
        if not after:
            return row
        save(row, *after_names(after, names))
        index_words(row)
        include(row, row.reporter_id)
        labels = "、".join(str(Case._meta.get_field(n).verbose_name) for n in after_names(after, names))  # type: ignore[union-attr]
        say(actor, row, "edited", f"修改了{labels}", data={"fields": sorted(after)})
        record(actor, "desk.case.edit", row, f"{row.number} 修改{labels}", before=before, after=after)
    return row


def after_names(changed: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [n for n in names if n in changed]


def note(
    actor: Actor, case: Case, text: str, *, internal: bool = False, attachments: Sequence[UploadedFile[Any]] = ()
) -> CaseEvent:
    """A line in the timeline. internal: the reporter does not see it."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:note")
        words = clean(text)
        if not words and not attachments:
            raise Refused("请写下情况，或附上文件。")
        if len(words) > 5000:
            raise Refused(f"最长 5,000 字，现在是 {len(words):,} 字。长日志请存成附件。")
        if internal:
            require(actor, "desk.case:view_internal", row)
        save(row)
        include(row, actor.id)
        event = say(actor, row, "noted", "补充" + ("（内部）" if internal else ""), text=words, internal=internal)
        files.attach(actor, row, attachments, event=event, internal=internal)
        record(
            actor, "desk.case.note", row, f"{row.number} 补充", after={"internal": internal, "files": len(attachments)}
        )
        people = set(row.watchers.values_list("person_id", flat=True)) | (
            {row.assignee_id} if row.assignee_id else set()
        )
        if internal:
            people.discard(row.reporter_id or 0)
        telling.tell(actor, {p for p in people if p}, row, kind="desk.case", title=f"{row.number} 有新情况：{row.title}",
                     text=words[:200], key=f"noted:{event.pk}")  # fmt: skip
    return event


def tag(actor: Actor, case: Case, tags: Iterable[str]) -> Case:
    """Add tags."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:edit")
        fresh = [t for t in dict.fromkeys(clean(t)[:20] for t in tags) if t and t not in row.tags]
        if not fresh:
            return row
        if len(row.tags) + len(fresh) > MAX_TAGS:
            raise Refused(f"一件最多 {MAX_TAGS} 个标签。")
        row.tags = [*row.tags, *fresh]
        save(row, "tags")
        index_words(row)
        say(actor, row, "tagged", f"加标签：{'、'.join(fresh)}")
        record(actor, "desk.case.tag", row, f"{row.number} 加标签 {'、'.join(fresh)}", after={"tags": row.tags})
    return row


def merge(actor: Actor, into: Case, others: Iterable[Case], reason: str = "") -> Case:
    """Duplicates become part of `into`: they close, their people are told there, their story stays readable."""
    ids = sorted({into.pk, *(c.pk for c in others)})
    with transaction.atomic():
        rows = {r.pk: r for r in Case.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")}
        target: Case = rows.pop(into.pk)
        require(actor, "desk.case:merge", target)
        if target.merged_into_id:
            raise Refused(f"{target.number} 自己已并入别的问题，请换一件作主件。")
        if not rows:
            raise Refused("请至少选两件再合并。")
        for row in rows.values():
            require(actor, "desk.case:merge", row)
            _merge_one(actor, target, row, clean(reason))
        include(target, *(p for r in rows.values() for p in r.people))
        save(target)
        numbers = "、".join(r.number for r in rows.values())
        say(actor, target, "merged", f"并入重复的问题：{numbers}", text=clean(reason))
        record(actor, "desk.case.merge", target, f"{numbers} 并入 {target.number}", after={"merged": numbers})
    return target


def split(actor: Actor, case: Case, title: str, description: str) -> Case:
    """A part of the case becomes a case of its own, of the same kind and place, linked to this one."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:merge")
        child = open_case(
            actor,
            NewCase(
                kind=row.kind, title=title, description=description, channel=row.channel, severity=row.severity,
                system=row.system, subsystem=row.subsystem, department=row.department, reporter=row.reporter,
                reporter_name=row.reporter_name, phone=row.phone, assignee=row.assignee,
            ),
        )  # fmt: skip
        CaseLink.objects.create(source=row, target=child, kind=CaseLink.Kind.CHILD)
        save(row)
        say(actor, row, "split", f"拆分出 {child.number}", text=child.title)
        say(actor, child, "split", f"由 {row.number} 拆分")
        record(actor, "desk.case.split", row, f"{row.number} 拆分出 {child.number}", after={"child": child.number})
    return child


def link(actor: Actor, case: Case, other: Case, kind: str = CaseLink.Kind.RELATED) -> CaseLink:
    with transaction.atomic():
        row = lock(actor, case, "desk.case:edit")
        require(actor, "desk.case:view", other)
        if row.pk == other.pk:
            raise Refused("不能关联到自己。")
        if kind not in CaseLink.Kind.values:
            raise Refused("没有这种关系。")
        made, fresh = CaseLink.objects.get_or_create(source=row, target=other, kind=kind)
        if fresh:
            save(row)
            say(actor, row, "linked", f"关联 {other.number}（{made.get_kind_display()}）", text=other.title)
            record(actor, "desk.case.link", row, f"{row.number} 关联 {other.number}", after={"kind": kind})
    return made


def unlink(actor: Actor, case: Case, link_id: int) -> None:
    with transaction.atomic():
        row = lock(actor, case, "desk.case:edit")
        found = CaseLink.objects.filter(pk=link_id, source=row).select_related("target").first()
        if found is None:
            raise Refused("这条关联已经不在了。")
        found.delete()
        save(row)
        say(actor, row, "linked", f"取消关联 {found.target.number}")
        record(actor, "desk.case.unlink", row, f"{row.number} 取消关联 {found.target.number}")


def watch(actor: Actor, case: Case) -> None:
    """Be told of everything that happens to the case."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:view")
        _, fresh = Watcher.objects.get_or_create(case=row, person_id=actor.id)
        if fresh:
            include(row, actor.id)
            record(actor, "desk.case.watch", row, f"关注 {row.number}")


def unwatch(actor: Actor, case: Case) -> None:
    with transaction.atomic():
        row = lock(actor, case, "desk.case:view")
        if Watcher.objects.filter(case=row, person_id=actor.id).delete()[0]:
            record(actor, "desk.case.unwatch", row, f"取消关注 {row.number}")


def rate(actor: Actor, case: Case, score: int, note: str = "") -> Case:
    """Satisfaction of the person who reported it, 1 to 5; once it is resolved."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:rate")
        if row.reporter_id != actor.id and row.department_id not in actor.departments:
            raise Refused("满意度由反映人或其科室评价。")
        if row.category not in {"resolved", "answered", "closed"}:
            raise Refused("办结以后才能评价。")
        if score not in range(1, 6):
            raise Refused("满意度是 1 到 5 分。")
        row.satisfaction, row.satisfaction_note = score, clean(note)[:500]
        save(row, "satisfaction", "satisfaction_note")
        say(actor, row, "rated", f"评价 {score} 分", text=row.satisfaction_note)
        record(actor, "desk.case.rate", row, f"{row.number} 满意度 {score} 分", after={"satisfaction": score})
    return row


def ask_third_party(actor: Actor, case: Case, person: User, text: str) -> Case:
    """Tell the contact of a third party, who from then on sees this case (clause 1.9b: 及时告知)."""
    with transaction.atomic():
        row = lock(actor, case, "desk.case:ask_third")
        if person.organisation.side != "third":
            raise Refused(f"{person} 不是第三方联系人。")
        if not clean(text):
            raise Refused("请写明请对方做什么。")
        include(row, person.pk)
        row.party_organisation = row.party_organisation or person.organisation
        save(row, "party_organisation")
        said = f"告知 {person.organisation.short_name} {person}"
        say(actor, row, "told_third", said, text=clean(text))
        record(actor, "desk.case.ask_third", row, f"{row.number} {said}", after={"person": person.pk})
        telling.tell(actor, {person.pk}, row, kind="desk.assigned", title=f"请协助：{row.number} {row.title}",
                     text=clean(text), key=f"asked:{row.pk}:{row.version}", urgent=row.severity in {1, 2})  # fmt: skip
    return row


def _merge_one(actor: Actor, target: Case, row: Case, reason: str) -> None:
    if row.merged_into_id:
        raise Refused(f"{row.number} 已并入别的问题。")
    kind = workflow().kinds[row.kind]
    closed = next(s for s in kind.states.values() if s.category == "closed")
    row.merged_into, row.state, row.category = target, closed.key, closed.category
    row.closed_at = timezone.now()
    save(row, "merged_into", "state", "category", "closed_at")
    CaseLink.objects.get_or_create(source=row, target=target, kind=CaseLink.Kind.DUPLICATE)
    for person in row.watchers.values_list("person_id", flat=True):
        Watcher.objects.get_or_create(case=target, person_id=person)
    say(actor, row, "merged", f"并入 {target.number}", text=reason, data={"state": row.state})
    escalation.acknowledge(actor, row)
    clocks.refresh(row)
    people = {p for p in (row.reporter_id, row.assignee_id) if p}
    telling.tell(actor, people, target, kind="desk.case", title=f"{row.number} 与 {target.number} 是同一件事，已合并办理",
                 text=target.title, key=f"merged:{row.pk}")  # fmt: skip


def _hand_over(actor: Actor, row: Case, severity: int) -> None:
    kind = kind_of(row)
    row.state, row.category = kind.start, kind.states[kind.start].category
    save(row, "state", "category")
    said = f"移交运维服务商：{LEVELS[severity]}故障不等信息科诊断"
    say(actor, row, "handed_over", said, data={"state": row.state})
    escalation.begin(row)


def _still_open(row: Case) -> None:
    if row.merged_into_id:
        raise Refused(f"{row.number} 已并入 {row.merged_into}，请到那一件办理。")
    if row.category == "closed":
        raise Refused(f"{row.number} 已关闭。如果问题还在，请先“重新打开”。")
