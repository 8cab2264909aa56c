"""A case's page: what it is, whose turn it is, until when, what happened, and everything that can be done now."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from xingwei.base.policy.registry import Denied
from xingwei.base.ui import keyset
from xingwei.base.ui.views import Page, ServiceRefused, succeed

from ..forms.acts import NoteForm
from ..forms.moves import MoveForm
from ..models import CaseEvent
from ..queries import similar
from ..queries.inside import attachments_for, events_for, sees_inside
from ..services import acts, moves
from ..services.base import StaleEdit
from . import case_parts, timeline
from .common import OfCase, is_portal_person
from .guides import guides_for
from .ledger_query import LedgerQuery
from .sheets import Sheet, act_sheets, can, move_of, move_sheets

LINES = 40
SHOWN = 4  # buttons in the head; the rest under "更多"


class CaseView(OfCase, Page):
    """?from=: the ledger's list that one came from (J and K walk it). ?open=: the sheet to open. ?line=: people, auto."""

    permission = "desk.case:view"
    template_name = "desk/case.html"
    related = (
        "timing", "system", "subsystem", "function", "interface", "department", "reporter", "registered_by",
        "assignee__organisation", "party_organisation", "merged_into",
    )  # fmt: skip

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_portal_person(self.actor):
            return redirect("desk:portal-case", self.case.number)
        if self.kwargs["number"] != self.case.number:
            return redirect(self.case)
        return super().get(request, *args, **kwargs)

    def get_title(self) -> str:
        return f"{self.case.number} {self.case.title}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        case, actor = self.case, self.actor
        sent: Sheet | None = kwargs.pop("sent", None)
        sheets = [*move_sheets(actor, case), *act_sheets(actor, case)]
        if sent is not None:
            sheets = [sent if s.key == sent.key else s for s in sheets]
            if all(s.key != sent.key for s in sheets):  # somebody else has moved the case on meanwhile
                sheets.append(sent)
        opened = sent.key if sent else self.request.GET.get("open", "")
        context = super().get_context_data(**kwargs)
        return (
            context
            | self._timeline()
            | self._list()
            | case_parts.sections(actor, case, self.request)
            | {
                "case": case,
                "clocks": case_parts.clocks_of([case])[case.pk],
                "sheets": sheets,
                "buttons": _buttons(sheets),
                "opened": opened,
                "note_form": kwargs.get("note_form") or NoteForm(initial={"visible": True}),
                "can_note": can(actor, "desk.case:note", case),
                "can_edit": can(actor, "desk.case:edit", case),
                "inside": sees_inside(actor),
                "attachments": list(attachments_for(actor, case)),
                "similar": similar.similar(actor, case),
                "guides": guides_for(actor, f"{case.title}\n{case.description}", case.system_id),
                "watching": case.watchers.filter(person_id=actor.id).exists(),
                "stale": kwargs.get("stale", ()),
            }
        )

    def _timeline(self) -> dict[str, Any]:
        events = events_for(self.actor, self.case)
        wanted = self.request.GET.get("line", "all")
        counted = timeline.counts(events)
        page = keyset.page(
            timeline.only(events, wanted).select_related("actor"),
            ("-at", "-id"),
            after=self.request.GET.get("after", ""),
            size=LINES,
        )
        files = attachments_for(self.actor, self.case).exclude(event=None)
        filters = [
            {"label": label, "n": counted[key], "url": self._here(line=key), "current": key == wanted}
            for key, label in (("all", "全部"), ("people", "人"), ("auto", "自动"))
        ]
        return {
            "lines": timeline.lines(self.case, page.rows, files),
            "timeline_filters": filters,
            "older_url": self._here(line=wanted, after=page.next) if page.next else "",
            "newest_url": self._here(line=wanted) if self.request.GET.get("after") else "",
        }

    def _list(self) -> dict[str, Any]:
        """The cases before and after in the list, and the way back to it."""
        came_from = self.request.GET.get("from", "")[:1000]
        asked = LedgerQuery(self.actor, QueryDict(came_from))
        around = asked.neighbours(self.case)
        suffix = f"?{urlencode({'from': came_from})}" if came_from else ""
        return {
            "around": around,
            "came_from": came_from,
            "suffix": suffix,
            "previous_case": f"{around.previous.get_absolute_url()}{suffix}" if around.previous else "",
            "next_case": f"{around.next.get_absolute_url()}{suffix}" if around.next else "",
            "ledger_url": reverse("desk:ledger") + (f"?{came_from}" if came_from else ""),
        }

    def _here(self, **changes: str) -> str:
        query = {k: v for k in ("from",) if (v := self.request.GET.get(k))} | {k: v for k, v in changes.items() if v}
        return f"?{urlencode(query)}#timeline"


def _buttons(sheets: list[Sheet]) -> dict[str, list[Sheet]]:
    """Which sheets stand in the head as buttons. What cannot be sent now stands below, with the reason."""
    ready = [s for s in sheets if s.move and not s.blocked]
    shown = ready[:SHOWN]
    assign = [s for s in sheets if s.key == "assign"]
    if assign and len(shown) >= SHOWN:
        shown = shown[: SHOWN - 1]
    shown = [*shown[:1], *assign, *shown[1:]]
    return {"shown": shown, "rest": [s for s in sheets if s not in shown]}


class CaseForm(CaseView, abstract=True):
    """A form of the page: done and back, or the page again with what was typed, what is wrong, what changed."""

    http_method_names = ["post", "get"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Somebody reloads after an error, or comes back from signing in."""
        opened = self.kwargs.get("key", "")
        return HttpResponseRedirect(self._back(opened))

    def refused(self, sheet: Sheet, refusal: Exception) -> HttpResponseBase:
        """The sheet again, with the sentence; after somebody else's change with theirs beside it."""
        changes: list[CaseEvent] = []
        if isinstance(refusal, StaleEdit):
            changes = refusal.changes
            del self.case  # what the other one wrote
            data = sheet.form.data.copy()  # type: ignore[attr-defined]
            data["version"] = str(self.case.version)  # he has seen it now: sending again is his decision
            sheet.form.data = data
        sheet.form.add_error(None, str(refusal))
        status = 409 if isinstance(refusal, StaleEdit) else 422
        return self.render_to_response(self.get_context_data(sent=sheet, stale=changes), status=status)

    def invalid(self, sheet: Sheet) -> HttpResponseBase:
        return self.render_to_response(self.get_context_data(sent=sheet), status=422)

    def done(self, said: str) -> HttpResponseBase:
        succeed(self.request, said)
        return HttpResponseRedirect(self._back(""))

    def _back(self, opened: str) -> str:
        came_from = self.request.GET.get("from", "") or self.request.POST.get("from", "")
        query = {k: v for k, v in (("from", came_from[:1000]), ("open", opened)) if v}
        return self.case.get_absolute_url() + (f"?{urlencode(query)}" if query else "")


class Move(CaseForm):
    """One move of the workflow."""

    permission = "desk.case:move"

    def post(self, request: HttpRequest, number: str, key: str, **kwargs: Any) -> HttpResponseBase:
        step = move_of(self.case, key)
        form = MoveForm(step, self.case, request.POST, request.FILES)
        sheet = Sheet(key, step.label, step.icon, request.path, form, move=True)
        if not form.is_valid():
            return self.invalid(sheet)
        try:
            moves.move(
                self.actor,
                self.case,
                key,
                form.values,
                version=form.cleaned_data["version"],
                attachments=form.cleaned_data.get("files", ()),
            )
        except (ServiceRefused, Denied) as refusal:
            return self.refused(sheet, refusal)
        return self.done(f"{self.case.number} {step.label}")


class Note(CaseForm):
    """A line of the timeline. The same words sent twice within a minute are kept once."""

    permission = "desk.case:note"
    again: ClassVar[dt.timedelta] = dt.timedelta(minutes=1)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        form = NoteForm(request.POST, request.FILES)
        inside = sees_inside(self.actor)
        if form.is_valid():
            said = form.cleaned_data
            if self._said_just_now(said["text"]):
                return self.done("已记录")
            try:
                acts.note(
                    self.actor,
                    self.case,
                    said["text"],
                    internal=inside and not said["visible"],
                    attachments=said["files"],
                )
                return self.done("已记录" if said["visible"] or not inside else "已记录，仅内部可见")
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(note_form=form), status=422)

    def _said_just_now(self, text: str) -> bool:
        recent = self.case.events.filter(type="noted", actor_id=self.actor.id, at__gte=timezone.now() - self.again)
        return bool(recent.filter(text=text).exists())
