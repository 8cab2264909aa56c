"""The wizard: two files, a proposal of keys and amounts, its result, and a reconciliation that is saved."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require
from xingwei.base.ui.views import ServiceRefused

from .. import kept
from ..forms import Styled, styled
from ..kept import Kept
from ..models import Draft, Reconciliation
from ..words import plain
from . import definitions, matching, runs
from .base import ReconcileRefused

SAMPLES = 20


class ChoiceForm(forms.Form):
    """Which columns are the key, which the amount; `COLUMN|COLUMN` pairs of the left and the right file."""

    keys = forms.MultipleChoiceField(label="用什么对", widget=forms.CheckboxSelectMultiple)
    amounts = forms.MultipleChoiceField(label="对哪些金额", widget=forms.CheckboxSelectMultiple)
    day = forms.ChoiceField(label="归到哪一天", required=False)

    def __init__(self, data: Any = None, files: Any = None, *, initial: Any = None, pairs: Any = ((), (), ())):
        super().__init__(data, files, initial=initial)
        self.fields["keys"].choices = pairs[0]  # type: ignore[attr-defined]
        self.fields["amounts"].choices = pairs[1]  # type: ignore[attr-defined]
        self.fields["day"].choices = [("", "不分日子"), *pairs[2]]  # type: ignore[attr-defined]
        styled(self)


class SaveForm(Styled):
    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        label="代码",
        max_length=40,
        error_messages={"invalid": "只能用字母、数字和 . _ -"},
    )
    name = forms.CharField(label="名称", max_length=60)
    area = forms.ChoiceField(label="类别", choices=Reconciliation.Area.choices, initial="other")
    drops = forms.BooleanField(
        label="每天从渠道账单目录里取文件",
        required=False,
        help_text="不勾选：每次由人选文件；勾选：按下面的文件名自动取",
    )
    left_pattern = forms.CharField(label="第一方文件名", max_length=120, required=False, help_text="如 his/{day}.csv")
    right_pattern = forms.CharField(
        label="第二方文件名", max_length=120, required=False, help_text="如 wechat/{day}*.csv"
    )
    nightly_at = forms.TimeField(label="每日核对时间", required=False, widget=forms.TimeInput(attrs={"type": "time"}))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("drops"):
            for side in ("left_pattern", "right_pattern"):
                text = (given.get(side) or "").strip()
                if not text or text.startswith(("/", "~")) or ".." in text:
                    self.add_error(side, "自动取时要写文件名，写在账单目录之下的相对位置，如 wechat/{day}*.csv。")
        return given


def begin(actor: Actor, left: Kept, right: Kept, titles: tuple[str, str]) -> Draft:
    """Look at the two files, propose keys and amounts, run once. Raises Denied, ReconcileRefused for unreadable files."""
    require(actor, "reconcile.reconciliation:change")
    place = kept.workdir(0)
    try:
        proposal = matching.propose(left, right, titles, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if actor.id is None:
        raise ReconcileRefused("新建对账要由人来做。")
    made = Draft.objects.create(
        author_id=actor.id, files={"left": left.plain(), "right": right.plain()}, document=proposal["spec"],
        proposal=plain({k: v for k, v in proposal.items() if k != "spec"}),
    )  # fmt: skip
    _run(made)
    return made


def form_of(draft: Draft, data: Any = None) -> ChoiceForm:
    proposal = draft.proposal
    choices = tuple([(p, label) for p, label in proposal[name]] for name in ("pairs", "money", "days"))
    initial = {"keys": proposal["keys"], "amounts": proposal["amounts"], "day": proposal["day"]}
    return ChoiceForm(data, initial=initial, pairs=choices)


def choose(actor: Actor, draft: Draft, given: Mapping[str, Any]) -> Draft:
    """Other keys, other amounts; run again. Raises ReconcileRefused."""
    require(actor, "reconcile.reconciliation:change")
    keys, amounts = list(given["keys"]), list(given["amounts"])
    if set(keys) & set(amounts):
        raise ReconcileRefused("同一列不能既用来对、又当金额，请去掉一个。")
    draft.document = matching.chosen(draft.document, keys, amounts, given["day"])
    draft.proposal = draft.proposal | {"keys": keys, "amounts": amounts, "day": given["day"]}
    _run(draft)
    return draft


def _run(draft: Draft) -> None:
    place = kept.workdir(-draft.pk)
    files = {side: [Kept.of(f)] for side, f in draft.files.items()}
    try:
        problems = matching.problems_of(draft.document)
        if problems:
            raise ReconcileRefused("；".join(problems))
        outcome = matching.run({"spec": draft.document, "sources": {}}, files, place)
        draft.result = plain({
            "verdict": outcome.verdict, "gap": outcome.gap, "residual": outcome.residual, "rows": outcome.rows,
            "bridge": outcome.bridge,
            "samples": [
                {"cause": f.title, "reference": f.reference, "left": f.left, "right": f.right, "gap": f.gap,
                 "why": f.data.get("why", "")}
                for f in outcome.found(SAMPLES)
            ],
        })  # fmt: skip
    except ServiceRefused as refused:
        draft.result = {"problem": str(refused)}
    finally:
        shutil.rmtree(place, ignore_errors=True)
    draft.save()


def save(actor: Actor, draft: Draft, given: Mapping[str, Any]) -> Reconciliation:
    """Keep it as a reconciliation, and run it with the two files. Raises Denied, ReconcileRefused."""
    if Reconciliation.objects.filter(code=given["code"]).exists():
        raise ReconcileRefused(f"代码“{given['code']}”已有，请换一个。")
    if not draft.result.get("bridge"):
        raise ReconcileRefused("还没有核出结果，不能保存。")
    drops = bool(given.get("drops"))
    sources = {
        side: {"drop": given[f"{place}_pattern"].strip()} if drops else {"upload": True}
        for side, place in zip(matching.side_titles(draft.document), ("left", "right"), strict=True)
    }
    settings = {
        "name": given["name"].strip(), "area": given["area"], "position": 200,
        "nightly_at": given.get("nightly_at") if drops else None, "active": drops,
        "owner_role": "finance_office" if "finance_office" in actor.roles else "insurance_office",
    }  # fmt: skip
    with transaction.atomic():
        row = definitions.save(
            actor, given["code"], {"sources": sources, "spec": draft.document}, settings, note="由两个文件新建"
        )
        files = {side: Kept.of(f) for side, f in zip(sources, draft.files.values(), strict=True)}
        day = timezone.localdate() - dt.timedelta(days=0 if not drops else 1)
        if not drops:
            runs.ask(actor, row, day, day, uploads=files)
        record(actor, "reconcile.draft.save", row, f"由两个文件新建对账“{row.name}”", after={"drops": drops})
        draft.delete()
    return row
