"""Making and changing reconciliations: by two files in the wizard, by settings and document on the edit page; and a run
over other days or with files."""

from __future__ import annotations

import datetime as dt
from typing import Any

import yaml
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.ui.views import FormPage

from .. import kept
from ..forms import AskForm, NewForm, SettingsForm
from ..kept import Kept
from ..models import Draft as DraftRow
from ..models import Reconciliation
from ..queries import board
from ..services import definitions, matching, runs, wizard
from ..services.base import ReconcileRefused
from .board import result_parts
from .common import reconciliation_or_404

LARGEST = 500 * 2**20


ORDER = (
    "sources", "spec", "code", "name", "title", "profile", "schedule", "note", "datasets", "days_before", "days_after", "sql",
    "sides", "fields", "evidence", "pairs", "left", "right", "where", "left_where", "right_where", "type", "types", "keys", "amount",
    "compare", "day", "groups", "refund", "combine", "net", "window", "show", "causes", "rule", "detail", "why", "when",
    "confidence", "expected", "owner", "sla_hours", "remedy", "act", "precondition",
)  # fmt: skip


def ordered(value: Any) -> Any:
    """A document as people write it: the database keeps keys in its own order."""
    if isinstance(value, dict):
        place = {key: n for n, key in enumerate(ORDER)}
        return {k: ordered(value[k]) for k in sorted(value, key=lambda k: (place.get(k, len(ORDER)), k))}
    return [ordered(v) for v in value] if isinstance(value, list) else value


def taken(file: UploadedFile[Any]) -> Kept:
    """An upload kept under its digest. Raises ReconcileRefused for what is empty or too large."""
    name = (file.name or "文件")[-120:]
    if not file.size:
        raise ReconcileRefused(f"“{name}”是空文件，请重新选择。")
    try:
        return kept.keep_chunks(file.chunks(), name, most=LARGEST)
    except ValueError:
        raise ReconcileRefused(f"“{name}”超过 500 MB，请在服务器上用 xingwei reconcile files 核对。") from None


class RoomForm(FormPage, abstract=True):
    template_name = "reconcile/form.html"
    current = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"tabs": board.tabs(self.actor), "current": self.current}


class OfOne(RoomForm, abstract=True):
    @property
    def row(self) -> Reconciliation:
        if not hasattr(self, "_row"):
            self._row = reconciliation_or_404(self.actor, self.kwargs["code"], self.permission)
            self.current = self._row.code
        return self._row

    @property
    def document(self) -> dict[str, Any]:
        version = self.row.versions.filter(number=self.row.current).first()
        return version.document if version else {"sources": {}, "spec": {}}

    def get_back_url(self) -> str:
        return self.row.get_absolute_url()


class Ask(OfOne):
    """Run it over other days, or with the files that it takes."""

    permission = "reconcile.reconciliation:run"
    submit_label = "开始核对"

    def get_title(self) -> str:
        return f"核对一次 · {self.row.name}"

    def get_initial(self) -> dict[str, Any]:
        yesterday = timezone.localdate() - dt.timedelta(days=1)
        return {"since": yesterday, "until": yesterday}

    def get_form(self, data: Any = None, files: Any = None) -> AskForm:
        document = self.document
        titles = matching.side_titles(document["spec"]) if document["spec"] else {}
        sides = {s: titles.get(s, s) for s, source in document["sources"].items() if source.get("upload")}
        return AskForm(data, files, initial=self.get_initial(), sides=sides)

    def act(self, form: AskForm) -> HttpResponseBase:
        given = form.cleaned_data
        uploads = {side: taken(given[f"file_{side}"]) for side in form.sides}
        run = runs.ask(self.actor, self.row, given["since"], given["until"], uploads=uploads)
        return self.done("已开始核对", run.get_absolute_url())


class Edit(OfOne):
    """When it runs, whose it is, and what it compares: another document is a new version."""

    permission = "reconcile.reconciliation:change"
    form_class = SettingsForm
    lead = "时间与归口改后立即生效；口径改动成为新版本，以往的结果不变。"

    def get_title(self) -> str:
        return f"口径与时间 · {self.row.name}"

    def get_initial(self) -> dict[str, Any]:
        values = {k: getattr(self.row, k) for k in definitions.SETTINGS if k not in {"position", "proof"}}
        return values | {
            "document": yaml.safe_dump(ordered(self.document), allow_unicode=True, sort_keys=False, width=110)
        }

    def act(self, form: SettingsForm) -> HttpResponseBase:
        given = dict(form.cleaned_data)
        document, note = given.pop("document"), given.pop("note")
        definitions.save(self.actor, self.row.code, document, given, note=note)
        return self.done("已保存", self.get_back_url())


class New(RoomForm):
    """The wizard, first page: drop two files."""

    permission = "reconcile.reconciliation:change"
    template_name = "reconcile/new.html"
    title = "新建对账"
    form_class = NewForm
    current = "new"
    submit_label = "认一认，核一次"

    def act(self, form: NewForm) -> HttpResponseBase:
        given = form.cleaned_data
        made = wizard.begin(
            self.actor, taken(given["left"]), taken(given["right"]),
            (given["left_title"].strip() or "院内", given["right_title"].strip() or "对方"),
        )  # fmt: skip
        return HttpResponseRedirect(reverse("reconcile:draft", args=[made.pk]))


class DraftPage(RoomForm, abstract=True):
    permission = "reconcile.reconciliation:change"
    current = "new"

    @property
    def row(self) -> DraftRow:
        if not hasattr(self, "_row"):
            self._row: DraftRow = get_object_or_404(DraftRow, pk=self.kwargs["pk"], author_id=self.actor.id)
        return self._row

    def get_back_url(self) -> str:
        return reverse("reconcile:new")


class Draft(DraftPage):
    """Second page: the keys and amounts proposed, changed, and what comes of them."""

    template_name = "reconcile/draft.html"
    title = "新建对账 · 看结果"
    form_class = wizard.ChoiceForm
    submit_label = "按这样再核一次"

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        return wizard.form_of(self.row, data)

    def act(self, form: Any) -> HttpResponseBase:
        wizard.choose(self.actor, self.row, form.cleaned_data)
        return HttpResponseRedirect(reverse("reconcile:draft", args=[self.row.pk]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return (
            context
            | {"row": self.row, "proposal": self.row.proposal, "save_form": wizard.SaveForm()}
            | (
                result_parts(self.row.result)
                if self.row.result.get("bridge")
                else {"problem": self.row.result.get("problem")}
            )
        )


class SaveDraft(DraftPage):
    """Third: its name and when it runs. Later runs take new files, or files from a directory."""

    title = "保存对账"
    form_class = wizard.SaveForm
    submit_label = "保存"

    def act(self, form: Any) -> HttpResponseBase:
        made = wizard.save(self.actor, self.row, form.cleaned_data)
        return self.done(f"对账“{made.name}”已保存，第一次核对正在进行", made.get_absolute_url())

    def get_back_url(self) -> str:
        return reverse("reconcile:draft", args=[self.row.pk])
