"""Phone entry in four answers: who rang, what they say, which system, how bad; everything preset from the words."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from xingwei.base.accounts import queries as accounts
from xingwei.base.ui.views import Guarded, Page, ServiceRefused, succeed

from ..forms.entry import EntryForm
from ..models import Draft
from ..services import acts, calls, intake
from ..services.base import Refused
from .common import NoSuchCase, case_of
from .entry_presets import as_query, new_case, preset, respond_by, with_history
from .guides import count_offered

DRAFT = "quick-entry"


class Entry(Page):
    """The drawer. Asked for by htmx it lies over the page one is on; opened as a page it stands alone."""

    permission = "desk.case:register"
    template_name = "desk/quick_entry.html"
    title = "电话快录"

    def get_template_names(self) -> list[str]:
        return ["desk/parts/drawer.html" if self.request.headers.get("HX-Request") else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form: EntryForm | None = kwargs.get("form")
        restored = None
        if form is None:
            draft = Draft.objects.filter(person_id=self.actor.id, form=DRAFT).first()
            restored = draft.saved_at if draft else None
            said = (draft.data if draft else {}) | {k: v for k, v in self.request.GET.items() if k == "caller"}
            said.setdefault("key", uuid.uuid4().hex)
            form = EntryForm(initial=said)
        asked: Any = form.data if form.is_bound else as_query(form.initial)
        return (
            super().get_context_data(**kwargs)
            | preset(self.actor, asked)
            | {
                "form": form,
                "restored": restored,
                "over": bool(self.request.headers.get("HX-Request")),
                "back_url": reverse("desk:ledger"),
                "respond_by": respond_by(),
                "it": self.actor.side == "hospital",
            }
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.POST.get("act") == "draft":
            return self._keep_draft(request)
        form = EntryForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                return self._left(self._register(form.cleaned_data, request.POST.get("merge_into", "")))
            except ServiceRefused as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _register(self, said: dict[str, Any], merge_into: str) -> str:
        new = new_case(self.actor, said)
        case = intake.open_case(self.actor, new)
        calls.answered(self.actor, case, said["caller"] if said["caller"].isdigit() else "")
        count_offered(self.actor, case)
        Draft.objects.filter(person_id=self.actor.id, form=DRAFT).delete()
        if merge_into:
            try:
                target = case_of(self.actor, merge_into)
            except NoSuchCase:
                raise Refused(f"已登记 {case.number}，但没有“{merge_into}”这件可以并入。") from None
            acts.merge(self.actor, target, [case], "登记时认出是同一件事")
            return f"已登记 {case.number}，并入 {target.number}"
        to = f"，交给{case.assignee}" if case.assignee else "，还没有指派"
        return f"已登记 {case.number}{to}"

    def _keep_draft(self, request: HttpRequest) -> HttpResponseBase:
        kept = {k: v[:5000] for k, v in request.POST.items() if k in EntryForm.base_fields and k != "key"}
        intake.save_draft(self.actor, DRAFT, kept)
        return self._left("草稿已存，下次打开电话快录时还在")

    def _left(self, said: str) -> HttpResponseBase:
        """Back to the page underneath, drawn anew so that it shows the new case."""
        succeed(self.request, said)
        if self.request.headers.get("HX-Request"):
            response = HttpResponse(status=204)
            response["HX-Refresh"] = "true"
            return response
        return HttpResponseRedirect(reverse("desk:ledger"))


class Callers(Guarded):
    """Who rang: by extension, mobile, name or pinyin. One hit is taken at once."""

    permission = "desk.case:register"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        asked = request.GET.get("caller", "").replace("\x00", "").strip()[:60]
        found = accounts.find_people(asked) if asked else []
        callers = with_history(found)
        chosen = callers[0] if len(callers) == 1 else None
        return render(request, "desk/parts/callers.html", {"people": callers, "chosen": chosen, "asked": asked})


class Guessing(Guarded):
    """What the words say: the preset answers anew, what the person chose himself left as it is."""

    permission = "desk.case:register"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return render(request, "desk/parts/guess.html", preset(self.actor, request.POST))
