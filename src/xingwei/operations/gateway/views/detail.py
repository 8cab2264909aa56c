"""One message: how it went, its bytes, its fields before and after; and what may be done with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Act, FormPage

from ..engine import frames, masking, shown, text
from ..forms.edit import EditForm
from ..models import Channel, Edit, Message, Queued, RouteVersion
from ..queries import detail, fields, looks
from ..services import looks as look_services
from ..services import queue as queue_services
from .common import GatewayPage, tabs
from .queue import queued_or_404

REVEALED = "gateway.revealed"
REVEALED_FOR = dt.timedelta(minutes=10)


def message_or_404(actor: Actor, number: str, permission: str = "gateway.message:view") -> tuple[Message, looks.Place]:
    message = detail.find(number)
    place = looks.visible(actor, permission).get(message.channel_id) if message is not None else None
    if message is None or place is None:
        raise Http404("没有这条消息，或您不能看它")
    return message, place


def revealed(request: HttpRequest, actor: Actor, message: Message, place: looks.Place) -> bool:
    """Whether the reader gave a reason for this very message some minutes ago, and still holds the right."""
    until = (request.session.get(REVEALED) or {}).get(str(message.id))
    if until is None or dt.datetime.fromisoformat(until) < timezone.now():
        return False
    return Channel.objects.restrict(actor, looks.REVEAL).filter(pk=place.channel.pk).exists()


class MessagePage(GatewayPage):
    permission = "gateway.message:view"
    template_name = "gateway/message.html"
    tab = "messages"

    def get_title(self) -> str:
        return f"消息 {self.kwargs['number']}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        message, place = message_or_404(self.actor, str(self.kwargs["number"]))
        whole = revealed(self.request, self.actor, message, place)
        look_services.look(self.actor, message, whole=whole)
        queued, done, attempts = looks.deliveries(message.id, message.received_at)
        versions, channels = detail.ends_of([*queued, *done])
        states = looks.word_of(message.state, [q.state for q in queued], [d.outcome for d in done], message.targets)
        version = self._chosen(versions)
        compared = fields.compare(message, place.document, place.charset, version.pk if version else None, whole=whole)
        previous, following = detail.neighbours(message)
        spent = detail.total(message, done)
        steps = detail.steps(message, place.document, queued, done, attempts, channels, versions)
        return super().get_context_data(**kwargs) | {
            "message": message,
            "channel": place.channel,
            "state": states,
            "whole": whole,
            "may_reveal": may(self.actor, looks.REVEAL),
            "steps": steps if whole else [_covered(s) for s in steps],
            "spent": spent,
            "raw": self._raw(message, place, whole),
            "compared": compared,
            "version": version,
            "versions": list(versions.values()),
            "route_versions": _history(version),
            "previous": previous,
            "following": following,
            "repeats": detail.repeats(message),
            "key": message.key if whole else looks.masked_key(message.key, message.patient),
            "patient": message.patient if whole else looks.masked_id(message.patient),
            "reference": message.reference if whole else looks.masked_key(message.reference, message.patient),
            "digest": bytes(message.digest).hex(),
            "replay_of": detail.number_by_id(message.replay_of) if message.replay_of else "",
            "answers": self._answers(place, done, whole),
            "editable": [q for q in queued if q.state in {"dead", "held"}]
            if may(self.actor, "gateway.content:edit")
            else [],
            "uncertain": [q for q in queued if q.state == "uncertain"],
            "channels_by_id": channels,
            "edits": list(Edit.objects.filter(message_id=message.id).select_related("author").defer("before", "after")),
        }

    def _chosen(self, versions: dict[int, RouteVersion]) -> RouteVersion | None:
        """The route whose work is compared: the one asked for, else the first."""
        asked = self.request.GET.get("version", "")
        if asked.isdigit() and len(asked) < 10 and int(asked) in versions:
            return versions[int(asked)]
        return next(iter(versions.values()), None)

    def _raw(self, message: Message, place: looks.Place, whole: bool) -> dict[str, Any]:
        raw = bytes(message.raw)
        view = self.request.GET.get("raw", "text")
        found: dict[str, Any] = {"view": view, "hex": "", "pieces": [], "frames": [], "segments": raw.count(b"\r")}
        body = detail.shown_text(place.document, raw, message.charset or place.charset, whole=whole)
        if view == "hex":
            found["hex"] = shown.hexadecimal(raw if whole else _as_bytes(body))
        else:
            found["pieces"] = list(shown.pieces(body, segments=place.document in {"hl7"}))
        if place.document == "astm" and b"\x02" in raw:
            found["frames"] = [_frame(f, place, whole) for f in frames.frames(raw)]
        return found

    def _answers(self, place: looks.Place, done: list[Any], whole: bool) -> list[dict[str, Any]]:
        """What the receivers answered, masked as the message is."""
        found = []
        for row in done:
            if row.response:
                body = detail.shown_text(place.document, bytes(row.response), place.charset, whole=whole)
                found.append({"row": row, "pieces": list(shown.pieces(body, segments=place.document == "hl7"))})
        return found


class Reveal(Act):
    permission = "gateway.content:reveal"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        message, _ = message_or_404(self.actor, str(kwargs["number"]), "gateway.content:reveal")
        look_services.reveal(self.actor, message, request.POST.get("reason", ""))
        now = timezone.now()
        kept = {k: v for k, v in (request.session.get(REVEALED) or {}).items() if dt.datetime.fromisoformat(v) > now}
        request.session[REVEALED] = kept | {str(message.id): (now + REVEALED_FOR).isoformat()}
        return "显示原值 10 分钟，事由已记入审计"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("gateway:message", args=[self.kwargs["number"]])


class EditDelivery(FormPage):
    """Other bytes for a dead or held delivery. The text is shown in the clear: it asks for the data right, and opening
    the page is recorded as such a look."""

    permission = "gateway.content:edit"
    template_name = "gateway/edit.html"
    submit_label = "保存并重新投递"

    def get_title(self) -> str:
        return "编辑后重放"

    @property
    def queued(self) -> Queued:
        return queued_or_404(self.actor, int(self.kwargs["pk"]), self.permission)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = self.queued
        message = Message.objects.filter(id=row.message_id, received_at=row.message_at).first()
        if message is None:
            raise Http404("消息已归档，不能再编辑")
        look_services.look(self.actor, message, whole=True)
        return super().get(request, *args, **kwargs)

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        if data is not None:
            return EditForm(data)
        raw, kind, codec = queue_services.content(self.queued)
        plain = text.decoded(raw, codec)
        return EditForm(
            initial={"text": plain.replace("\r\n", "\n").replace("\r", "\n") if kind in {"hl7", "astm"} else plain}
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.queued
        message = Message.objects.filter(id=row.message_id, received_at=row.message_at).defer("raw").first()
        channel = Channel.objects.get(pk=row.channel_id)
        return super().get_context_data(**kwargs) | {
            "tabs": tabs(self.actor, "dead"), "row": row, "message": message, "channel": channel,
        }  # fmt: skip

    def get_back_url(self) -> str:
        row = self.queued
        number = detail.number_by_id(row.message_id)
        return reverse("gateway:message", args=[number]) if number else reverse("gateway:dead")

    def act(self, form: Any) -> HttpResponseBase:
        back = self.get_back_url()
        queue_services.edit(self.actor, int(self.kwargs["pk"]), form.cleaned_data["text"], form.cleaned_data["reason"])
        return self.done("已按改后的内容重新投递，改前改后都已保存", back)


def _history(version: RouteVersion | None) -> list[RouteVersion]:
    if version is None:
        return []
    rows = RouteVersion.objects.filter(route=version.route).exclude(state=RouteVersion.State.DRAFT)
    return list(rows.select_related("author", "approver").order_by("-number")[:4])


def _covered(step: detail.Step) -> detail.Step:
    """Identity cards and telephone numbers in what the other side said."""
    return detail.Step(step.kind, step.icon, step.title, step.when, masking.plainly(step.text), step.end)


def _frame(frame: frames.Frame, place: looks.Place, whole: bool) -> dict[str, Any]:
    body = detail.shown_text("astm", frame.body, place.charset, whole=whole)
    return {"frame": frame, "pieces": [p for p in shown.pieces(body, segments=False) if p.text != "\n"]}


def _as_bytes(masked: str) -> bytes:
    return "".join("*" * len(p.text) if p.covered else p.text for p in masking.parts(masked)).encode()
