"""Finding messages, and those in quarantine."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor, Scope
from xingwei.base.policy.registry import policy

from ..forms.search import SearchForm
from ..models.numbers import parse
from ..queries import looks, messages
from ..services import text as text_index
from .common import GatewayPage
from .search_terms import PRIVATE, keep, kept

_WORDS = {"patient": "患者号", "reference": "业务号", "control_id": "控制号", "text": "正文"}


class Messages(GatewayPage):
    permission = "gateway.message:view"
    template_name = "gateway/messages.html"
    title = "消息"
    tab = "messages"
    fixed: dict[str, str] = {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        places = looks.visible(self.actor)
        values, forgotten = kept(self.request)
        values |= self.fixed
        form = kwargs.pop("form", None) or self._form(places, values)
        found = messages.Found([], "", "")
        if form.is_valid():
            wanted = criteria_of(form.cleaned_data | self.fixed, places, self.actor)
            query = self.request.GET
            found = messages.search(
                wanted,
                looks.seer(self.actor, places),
                after=query.get("after", ""),
                before=query.get("before", ""),
            )
        states = looks.states_of(found.hits)
        rows = [_row(h, places[h.channel_id], states[h.id]) for h in found.hits if h.channel_id in places]
        return super().get_context_data(**kwargs) | {
            "form": form,
            "rows": rows,
            "forgotten": forgotten,
            "reach": text_index.reach(),
            "filtered": any(v for k, v in values.items() if k not in self.fixed),
            "next_url": self._with(after=found.next),
            "previous_url": self._with(before=found.previous),
            "fixed": self.fixed,
            "stopped": found.stopped,
            "misses": messages.MISSES,
            "now": timezone.now(),
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """A search: what may stand in the address goes there, the rest into the session; recorded without values."""
        form = self._form(looks.visible(self.actor), request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        values = form.cleaned_data
        number = str(values.get("number") or "").strip()
        if number:
            if parse(number) is not None:
                return HttpResponseRedirect(reverse("gateway:message", args=[number]))
            form.add_error("number", "编号读不懂，应形如 M-261124-418829")
            return self.render_to_response(self.get_context_data(form=form), status=422)
        by = [_WORDS[k] for k in PRIVATE if values.get(k)]
        if by:
            with transaction.atomic():
                record(
                    self.actor, "gateway.message.search", ("gateway.message", "", "消息检索"), f"检索接口消息，按{'、'.join(by)}"
                )  # fmt: skip
        return HttpResponseRedirect(f"{request.path}?{keep(request, values)}")

    def _form(self, places: dict[int, looks.Place], values: Any) -> SearchForm:
        options = sorted((p.channel.code, p.channel.name) for p in places.values())
        return SearchForm(values, channels=options)

    def _with(self, **changes: str) -> str:
        value = next(iter(changes.values()))
        if not value:
            return ""
        query = self.request.GET.copy()
        query.pop("after", None)
        query.pop("before", None)
        query.update(changes)
        return f"?{query.urlencode()}"


class Quarantine(Messages):
    template_name = "gateway/messages.html"
    title = "隔离"
    tab = "quarantine"
    fixed = {"state": "quarantined"}


def criteria_of(values: dict[str, Any], places: dict[int, looks.Place], actor: Actor) -> messages.Criteria:
    code = values.get("channel") or ""
    chosen = tuple(pk for pk, p in places.items() if code in ("", p.channel.code))
    everything = not code and policy().scope(actor, "gateway.message:view") is Scope.ALL
    plain = {k: str(values.get(k) or "").strip() for k in ("state", "type", *PRIVATE)}
    since, until = values.get("since"), values.get("until")
    return messages.Criteria(
        channels=None if everything else chosen,
        since=since,
        until=until + dt.timedelta(minutes=1) if until else None,
        **plain,
    )


def _row(hit: messages.Hit, place: looks.Place, state: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "hit": hit,
        "channel": place.channel,
        "state": state,
        "patient": looks.masked_id(hit.patient),
        "reference": looks.masked_key(hit.reference, hit.patient),
        "url": reverse("gateway:message", args=[hit.number]),
    }
