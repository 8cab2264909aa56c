"""How one wants to hear of what."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from xingwei.base.ui.views import SIGNED_IN, Page

from .. import kinds, queries, services
from ..engine.routing import ALWAYS_WHEN_URGENT, EVERY_KIND, PERSONAL
from ..kinds import Kind
from ..models import Outbox, Preference, QuietHours
from ..services.base import Refused
from ..services.telling import contact_of

_CHOICES = (("", "默认"), ("1", "发"), ("0", "不发"))
_EVERY = Kind(EVERY_KIND, "所有通知", "全部", "没有单独选择的种类都按这一行")


class Preferences(Page):
    permission = SIGNED_IN
    template_name = "notify/preferences.html"
    title = "通知偏好"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mine = {(p.kind, p.channel): p.on for p in Preference.objects.filter(person_id=self.actor.id)}
        quiet = QuietHours.objects.filter(person_id=self.actor.id).first()
        configured = queries.configured_channels()
        contact = contact_of(self.request.user)
        channels = [
            {
                "key": c,
                "label": Outbox.Channel(c).label,
                "address": contact.address(c),
                "configured": c in configured,
                "urgent_always": c in ALWAYS_WHEN_URGENT,
            }
            for c in PERSONAL
        ]
        context = super().get_context_data(**kwargs) | {
            "groups": self._groups(mine),
            "channels": channels,
            "choices": _CHOICES,
            "quiet_since": quiet.since.strftime("%H:%M") if quiet else "",
            "quiet_until": quiet.until.strftime("%H:%M") if quiet else "",
        }
        return context | kwargs

    def _groups(self, mine: dict[tuple[str, str], bool]) -> list[dict[str, Any]]:
        known = sorted(kinds.kinds().values(), key=lambda k: k.group)
        groups = []
        for name, members in groupby([_EVERY, *known], key=lambda k: k.group):
            rows = []
            for kind in members:
                cells = [
                    {
                        "channel": c,
                        "label": Outbox.Channel(c).label,
                        "name": f"{kind.key}|{c}",
                        "value": _raw(mine.get((kind.key, c))),
                    }
                    for c in PERSONAL
                ]
                rows.append({"kind": kind, "cells": cells})
            groups.append({"name": name, "rows": rows})
        return groups

    def post(self, request: HttpRequest) -> HttpResponseBase:
        choices: dict[tuple[str, str], bool | None] = {}
        for key in (EVERY_KIND, *kinds.kinds()):
            for channel in PERSONAL:
                raw = request.POST.get(f"{key}|{channel}", "")
                choices[key, channel] = {"1": True, "0": False}.get(raw)
        try:
            services.set_preferences(self.actor, choices, _quiet(request))
        except Refused as refusal:
            typed = {"quiet_since": request.POST.get("since", ""), "quiet_until": request.POST.get("until", "")}
            return self.render_to_response(self.get_context_data(trouble=str(refusal), **typed), status=422)
        messages.success(request, "已保存通知偏好")
        return HttpResponseRedirect(reverse("notify:preferences"))


def _raw(on: bool | None) -> str:
    return "" if on is None else "1" if on else "0"


def _quiet(request: HttpRequest) -> tuple[dt.time, dt.time] | None:
    since, until = request.POST.get("since", "").strip(), request.POST.get("until", "").strip()
    if not since and not until:
        return None
    try:
        return dt.time.fromisoformat(since), dt.time.fromisoformat(until)
    except ValueError:
        raise Refused("免打扰时间应写成 22:00 这样，起止都要填；都留空表示不设。") from None
