"""What is not delivered yet, what never will be by itself, and what people do about it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui import keyset
from xingwei.base.ui.views import Act

from ..models import Channel, Message, Queued
from ..queries import looks
from ..services import queue as services
from ..services.base import GatewayRefused
from .common import GatewayPage

_ALL = [(s.value, s.label) for s in Queued.State]


class Queue(GatewayPage):
    permission = "gateway.message:view"
    template_name = "gateway/queue.html"
    title = "队列"
    tab = "queue"
    states: tuple[str, ...] = ("waiting", "sending", "uncertain", "held")
    acts: tuple[str, ...] = ("hold", "release", "cancel")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        allowed = {c.pk: c for c in Channel.objects.restrict(self.actor, self.permission)}
        query = self.request.GET
        state, code = query.get("state", ""), query.get("channel", "")
        states = [state] if state in self.states else list(self.states)
        ids = [pk for pk, c in allowed.items() if code in ("", c.code)]
        rows = Queued.objects.filter(channel_id__in=ids, state__in=states).defer("payload")
        shown = keyset.page(rows, ("id",), after=query.get("after", ""), before=query.get("before", ""))
        messages = _messages(shown.rows)
        now = timezone.now()
        lines = [
            {
                "row": r,
                "channel": allowed[r.channel_id],
                "message": messages.get(r.message_id),
                "age": now - r.queued_at,
                "key": looks.masked_key(r.order_key, getattr(messages.get(r.message_id), "patient", "")),
            }
            for r in shown.rows
        ]
        total = keyset.capped_count(rows)
        return super().get_context_data(**kwargs) | {
            "lines": lines,
            "total": total[1],
            "channels": sorted(
                ((c.code, c.name) for c in allowed.values() if c.direction == "out"), key=lambda p: p[1]
            ),
            "chosen": {"state": state, "channel": code},
            "state_choices": [(s, label) for s, label in _ALL if s in self.states],
            "acts": [(a, services.ACTS[a][0]) for a in self.acts if may(self.actor, services.ACTS[a][2])],
            "next": shown.next,
            "previous": shown.previous,
            "query": _without(query),
        }


class Dead(Queue):
    title = "死信"
    tab = "dead"
    states = ("dead",)
    acts = ("retry", "cancel")


class QueueAct(Act):
    """One act on the chosen deliveries."""

    permission = "gateway.message:view"  # the service asks for the right to do this very act

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        what = request.POST.get("what", "")
        ids = [int(v) for v in request.POST.getlist("ids") if v.isdigit() and len(v) < 19]
        if not ids:
            raise GatewayRefused("还没有选中任何一条")
        n = services.act(self.actor, ids, what, request.POST.get("reason", ""))
        left = len(set(ids)) - n
        return f"已{services.ACTS[what][0]} {n} 条" + (f"，{left} 条已不在原来的状态，没有动" if left else "")


class Decide(Act):
    """Say what became of an uncertain delivery."""

    permission = "gateway.message:settle"

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        if request.POST.get("arrived") not in {"yes", "no"}:
            raise GatewayRefused("请选择“已送达”或“没有送达”")
        arrived = request.POST["arrived"] == "yes"
        services.decide(self.actor, int(kwargs["pk"]), arrived=arrived, reason=request.POST.get("reason", ""))
        return "已裁定：送达，不再发送" if arrived else "已裁定：没有送达，重新投递"


def queued_or_404(actor: Any, pk: int, permission: str) -> Queued:
    ids = Channel.objects.restrict(actor, permission).values_list("pk", flat=True)
    row: Queued | None = Queued.objects.filter(pk=pk, channel_id__in=list(ids)).first()
    if row is None:
        raise Http404("没有这条投递，它可能已经完成")
    return row


def _messages(rows: list[Queued]) -> dict[int, Message]:
    """The messages of the rows; their times say in which days they lie."""
    if not rows:
        return {}
    times = [r.message_at for r in rows]
    found = Message.objects.filter(
        id__in=[r.message_id for r in rows], received_at__gte=min(times), received_at__lte=max(times)
    )
    return {m.id: m for m in found.defer("raw", "answer", "digest")}


def _without(query: Any) -> str:
    left = query.copy()
    left.pop("after", None)
    left.pop("before", None)
    return str(left.urlencode())
