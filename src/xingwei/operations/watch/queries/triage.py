"""Reading verdicts: the agreed list, the guided paths, how often it was right."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F, Q
from django.utils import timezone

from ..engine.triage import Rule
from ..files import SHIPPED
from ..models import ResponsibilityList, Verdict
from ..paths import GuidedPath, shipped
from ..responsibility import read, rule_of

DAYS = 90


def paths() -> tuple[GuidedPath, ...]:
    return shipped(SHIPPED / "triage")


def rules_in_force() -> tuple[ResponsibilityList | None, tuple[Rule, ...]]:
    """The agreed list; until there is one, the draft that was imported last, else the file that ships."""
    row = ResponsibilityList.objects.filter(state=ResponsibilityList.State.AGREED).first()
    row = row or ResponsibilityList.objects.order_by("-number").first()
    if row is not None:
        return row, tuple(rule_of(r) for r in row.rows)
    path = SHIPPED / "triage" / "responsibility.yaml"
    return None, read(path) if path.is_file() else ()


@dataclass(frozen=True, slots=True)
class HitRate:
    layer: str
    hit: int
    judged: int

    @property
    def share(self) -> float:
        return 100 * self.hit / self.judged if self.judged else 0.0


def hit_rates(days: int = DAYS) -> list[HitRate]:
    """By the layer that it really was, the last days; what nobody reviewed is not counted. "" is the sum."""
    rows = Verdict.objects.exclude(review=Verdict.Review.OPEN).filter(
        created_at__gte=timezone.now() - dt.timedelta(days=days)
    )
    right = Q(layer=F("actual_layer"), owner=F("actual_owner"), unknown=False)
    found = rows.values("actual_layer").annotate(n=Count("pk"), hit=Count("pk", filter=right))
    by_layer = defaultdict(lambda: (0, 0), {r["actual_layer"]: (r["hit"], r["n"]) for r in found})
    each = [HitRate(layer, *by_layer[layer]) for layer in by_layer]
    total = HitRate("", sum(h.hit for h in each), sum(h.judged for h in each))
    return [total, *sorted(each, key=lambda h: (-h.judged, h.layer))]


def regression() -> list[Verdict]:
    """Corrected verdicts that can be judged again, oldest first."""
    rows = Verdict.objects.filter(review=Verdict.Review.CORRECTED).exclude(snapshot=None)
    return list(rows.select_related("snapshot").order_by("pk"))
