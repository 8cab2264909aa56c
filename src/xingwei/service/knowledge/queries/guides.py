"""Guides: readable ones, search, suggestions."""

from __future__ import annotations

import datetime as dt
import time
from functools import lru_cache

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.engine import Actor
from xingwei.base.policy.registry import may
from xingwei.base.site import queries as site
from xingwei.base.ui.grams import normal, query_grams, terms

from ..engine import markup, ranking
from ..models import Guide, GuideVersion
from ..models.guides import GuideQuerySet

INDEX_TTL_S = 30.0
_kept: tuple[float, ranking.Index] | None = None


def readable(actor: Actor, *, drafts: bool = False) -> GuideQuerySet:
    """Guides that the actor may read. drafts: those not published too, for who may write."""
    rows: GuideQuerySet = Guide.objects.restrict(actor, "knowledge.guide:view")
    if not may(actor, "knowledge.internal:view"):
        rows = rows.filter(audience=Guide.Audience.USERS)
    if not (drafts and may(actor, "knowledge.guide:write")):
        rows = rows.published()
    return rows.select_related("system", "subsystem", "function")


def matching(q: str) -> Q:
    """Guides that hold every word of the query, in title, keywords, summary or text."""
    wanted = Q()
    if found := query_grams(q):
        wanted = Q(grams__contains=found)
    for term in terms(q):
        if len(term) > 2:  # pairs may all stand there without the word itself
            words = Q(title__icontains=term) | Q(keywords__icontains=term) | Q(summary__icontains=term)
            wanted &= words | Q(plain__icontains=term)
    return wanted


def search(actor: Actor, q: str, limit: int = 8) -> list[Guide]:
    """The best hits: title before text, then what helped most."""
    if not terms(q):
        return []
    rows = list(readable(actor).filter(matching(q)).order_by("-helped", "-updated_at")[:60])
    wanted = [normal(t) for t in terms(q)]
    rows.sort(key=lambda g: -sum(t in normal(g.title) for t in wanted))
    return rows[:limit]


def suggest(text: str, system_id: int | None = None, limit: int = 3) -> list[Guide]:
    """Published guides that may help with what somebody is typing, best first; two queries at most.

    Guides for technicians are among them: callers that show them to reporters pass through `readable`.
    """
    best = _index().rank(text, system_id, limit)
    found = Guide.objects.published().select_related("system").in_bulk(best) if best else {}
    return [found[n] for n in best if n in found]


def related(guide: Guide, actor: Actor, limit: int = 5) -> list[Guide]:
    """Other guides about the same."""
    ranked = _index().rank(f"{guide.title} {guide.keywords}", guide.system_id, limit + 3, near=0)
    best = [n for n in ranked if n != guide.pk]
    found = readable(actor).in_bulk(best)
    return [found[n] for n in best if n in found][:limit]


def newest(actor: Actor, *, days: int = 60, limit: int = 5) -> list[Guide]:
    """What was published lately, release notes first among what is of the same day."""
    since = timezone.now() - dt.timedelta(days=days)
    rows = readable(actor).filter(published__published_at__gte=since).select_related("system", "published")
    return list(rows.order_by("-published__published_at", "-id")[:limit])


def stale_before() -> dt.datetime:
    """Guides not checked since then ask for it."""
    return timezone.now() - dt.timedelta(days=int(site.value("knowledge.stale_days")))


def pictures_of(guide: Guide) -> dict[str, str]:
    """File name → address of the guide's pictures."""
    return {f.name: reverse("knowledge:picture", args=[guide.slug, f.name]) for f in guide.files.all()}


def rendered(version: GuideVersion, pictures: dict[str, str], actor: Actor) -> markup.Rendered:
    """A version's page, 《titles》 of guides that the actor may read being links. Kept: a version never changes."""
    links: dict[str, str] = {}
    if named := markup.titles(version.text):
        wanted = Q()
        for title in named:
            wanted |= Q(title=title) | Q(title__startswith=f"{title}：")
        for guide in readable(actor).filter(wanted).defer("plain", "grams"):
            address = guide.get_absolute_url()
            links |= {t: address for t in named if t in (guide.title, guide.title.partition("：")[0])}
    return _rendered(version.text, tuple(sorted(pictures.items())), tuple(sorted(links.items())))


def forget(*_: object) -> None:
    """Drop this process's index: after any change of a guide, and between tests."""
    global _kept
    _kept = None


@lru_cache(maxsize=256)
def _rendered(text: str, pictures: tuple[tuple[str, str], ...], links: tuple[tuple[str, str], ...]) -> markup.Rendered:
    return markup.render(text, dict(pictures), dict(links))


def _index() -> ranking.Index:
    """All published guides as the ranking needs them, kept for some seconds: hundreds of them, a few milliseconds."""
    global _kept
    now = time.monotonic()
    if _kept is None or not 0 <= now - _kept[0] < INDEX_TTL_S:
        rows = Guide.objects.published().values_list(
            "pk", "system_id", "title", "keywords", "grams", "offered", "helped"
        )
        entries = (
            ranking.Entry(
                pk, system, ranking.pairs(f"{title}\n{words}"), frozenset(g for g in grams if g >> 16), off, hlp
            )
            for pk, system, title, words, grams, off, hlp in rows
        )
        _kept = (now, ranking.index(entries))
    return _kept[1]
