"""The ledger (问题台账, clause 1.6): one table of everything."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode

from xingwei.base.policy.registry import may
from xingwei.base.site import queries as site
from xingwei.base.ui.export import export_response
from xingwei.base.ui.views import Act, Page, ServiceRefused

from ..forms.acts import TagsForm
from ..models import Case, SavedView
from ..queries import ledger
from ..queries.counts import CAP, count_text
from ..services import acts, exporting
from ..services import views as saved
from ..tables import LedgerTable
from .ledger_query import MORE, LedgerQuery
from .rows import HEAVY, RELATED, rows
from .sheets import workers

PAGE = 50
BULK = 200
WORDS_CAP = 200  # where words are searched, each case that is counted is read


class Ledger(Page):
    """Everything that decides what is shown stands in the address; a number in the find box jumps to its case."""

    permission = "desk.case:view"
    template_name = "desk/ledger.html"
    title = "问题台账"

    @cached_property
    def asked(self) -> LedgerQuery:
        return LedgerQuery(self.actor, self.request.GET)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if found := self._by_number():
            return HttpResponseRedirect(found.get_absolute_url())
        if request.GET.get("format") in {"xlsx", "csv"} and may(self.actor, "desk.case:export"):
            return self._export(request.GET["format"])
        return super().get(request, *args, **kwargs)

    def _by_number(self) -> Case | None:
        """ "2603-187", or "187" for the one of this month."""
        words = self.asked.words
        if words.isdigit() and 3 <= len(words) <= 4:
            words = f"{timezone.localtime():%y%m}-{words}"
        return ledger.by_number(self.actor, words) if words else None

    def _export(self, kind: str) -> HttpResponseBase:
        asked = self.asked
        found = ledger.search(asked.rows, asked.words, asked.facets) if asked.words else asked.rows
        exporting.exported(self.actor, kind, asked.filter_only)
        table_rows = found.select_related("timing", "system", "department", "assignee").order_by(*asked.order)
        return export_response(kind, "问题台账", LedgerTable, table_rows)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked, get = self.asked, self.request.GET
        found = asked.listed.select_related(*RELATED).defer(*HEAVY)
        cap = WORDS_CAP if asked.words else CAP
        page = asked.page(found, after=get.get("after", ""), before=get.get("before", ""), size=PAGE, count=cap)
        shown = rows(page.rows, asked.now)
        by_due = asked.sort == "due" and not asked.words
        counted = self._counted(page)
        context = super().get_context_data(**kwargs)
        return (
            context
            | self._views(counted)
            | self._chips()
            | {
                "groups": _groups(shown) if by_due else [("", shown)] if shown else [],
                "total": count_text(counted["shown"], cap),
                "next_url": asked.with_(after=page.next) if page.next else "",
                "previous_url": asked.with_(before=page.previous) if page.previous else "",
                "from": urlencode({"from": asked.kept}) if asked.kept else "",
                "asked": asked,
                "by_due": by_due,
                "open_to": site.value("desk.open_to") if asked.sees_all else "",
                "export_urls": {k: asked.with_(format=k) for k in ("xlsx", "csv")}
                if may(self.actor, "desk.case:export")
                else {},
                "can_bulk": may(self.actor, "desk.case:assign"),
                "assignees": asked.people,
                "can_register": may(self.actor, "desk.case:register"),
            }
        )

    def _counted(self, page: Any) -> dict[str, int]:
        """How many there are in each view, and ("shown") in the list."""
        asked = self.asked
        of_open = {v.key: v.where(self.actor, asked.now) for v in ledger.VIEWS if v.key != "all"}
        more = {"all": ledger.visible(self.actor)}
        known = page.total if asked.words else CAP + 1 if asked.many else None
        if known is None and (asked.used or asked.sort == "closed"):
            more["shown"] = asked.found
        counted = ledger.counts(self.actor, of_open, more)
        return {"shown": counted[asked.view.key] if known is None else known} | counted

    def _views(self, counted: dict[str, int]) -> dict[str, Any]:
        own = SavedView.objects.filter(owner_id=self.actor.id) | SavedView.objects.filter(
            shared=True, owner__organisation__short_name=self.actor.organisation
        )
        kept = self.asked.kept
        known: list[dict[str, Any]] = [
            {"view": v, "url": f"?{v.query}", "current": v.query == kept} for v in own.select_related("owner")[:30]
        ]
        mine = next((v["view"] for v in known if v["current"] and v["view"].owner_id == self.actor.id), None)
        home = reverse("desk:ledger")
        system_views = [
            {
                "label": v.label,
                "url": home if v.key == "open" else f"{home}?view={v.key}",
                "current": v.key == self.asked.view.key and not any(k["current"] for k in known),
                "count": count_text(counted[v.key]),
                "hot": v.hot and counted[v.key] > 0,
            }
            for v in ledger.VIEWS
        ]
        return {"views": system_views, "saved_views": known, "current_saved": mine}

    def _chips(self) -> dict[str, Any]:
        asked = self.asked
        bound = [f.bind(self.request.GET, self.actor) for f in asked.filters]
        hidden = [(k, v) for k in self.request.GET for v in self.request.GET.getlist(k) if k not in {"after", "before"}]
        return {
            "filters": [b for b in bound if b["filter"].key not in MORE or b["text"]],
            "more_filters": [b for b in bound if b["filter"].key in MORE],
            "more_hidden": [(k, v) for k, v in hidden if k not in MORE],
            "find_hidden": [(k, v) for k, v in hidden if k not in {"q", "sort"}],
            "filtered": bool(asked.used or asked.words),
            "clear_url": f"?view={asked.view.key}",
            "sorts": [
                {"label": label, "url": asked.with_(sort=key), "current": key == asked.sort}
                for key, (label, _) in ledger.SORTS.items()
            ],
            "sort_label": "相关时间" if asked.words else ledger.SORTS[asked.sort][0],
        }


def _groups(shown: list[Any]) -> list[tuple[str, list[Any]]]:
    """Neighbouring rows under the heading of their due time; the order of the list is not touched."""
    return [(key[1], list(part)) for key, part in groupby(shown, key=lambda r: ledger.due_group(r.case, r.now))]


class Bulk(Act):
    """One act on many chosen cases, each in a transaction of its own: what is refused is named, the rest is done."""

    permission = "desk.case:assign"

    def act(self, request: HttpRequest, **kwargs: Any) -> str | HttpResponseBase:
        chosen = [int(v) for v in request.POST.getlist("case") if v.isdigit()][:BULK]
        cases = list(ledger.visible(self.actor).filter(pk__in=chosen).select_related("assignee").order_by("pk"))
        if not cases:
            raise ServiceRefused("请先选中要处理的问题。")
        what = request.POST.get("act", "")
        if what == "export":
            exporting.exported(self.actor, "xlsx", f"选中 {len(cases)} 件")
            picked = Case.objects.filter(pk__in=[c.pk for c in cases]).select_related(
                "timing", "system", "department", "assignee"
            )
            return export_response("xlsx", "问题台账", LedgerTable, picked.order_by("-pk"))
        if what == "merge":
            acts.merge(self.actor, cases[0], cases[1:])
            return f"已并入 {cases[0].number}，共 {len(cases)} 件"
        doing = {"assign": self._assign, "grade": self._grade, "tag": self._tag}.get(what)
        if doing is None:
            raise ServiceRefused("没有这个批量操作。")
        return self._each(cases, *doing(request))

    def _each(self, cases: list[Case], said: str, one: Any) -> str:
        refused: list[str] = []
        for case in cases:
            try:
                one(case)
            except ServiceRefused as refusal:
                refused.append(str(refusal))
        done = len(cases) - len(refused)
        if not done:
            raise ServiceRefused(refused[0])
        return f"{done} 件{said}" + (f"；{len(refused)} 件没有办：{refused[0]}" if refused else "")

    def _assign(self, request: HttpRequest) -> tuple[str, Any]:
        wanted = request.POST.get("assignee", "")
        person = workers().filter(pk=int(wanted)).first() if wanted.isdigit() else None
        if person is None:
            raise ServiceRefused("请选择转派给谁。")
        return f"已转派给{person}", lambda case: acts.assign(self.actor, case, person)

    def _grade(self, request: HttpRequest) -> tuple[str, Any]:
        level = request.POST.get("severity", "")
        if level not in {"1", "2", "3"}:
            raise ServiceRefused("请选择级别。")
        return f"已定为{'一二三'[int(level) - 1]}级", lambda case: acts.grade(
            self.actor, case, int(level), reason=request.POST.get("reason", "") or "台账批量定级"
        )

    def _tag(self, request: HttpRequest) -> tuple[str, Any]:
        form = TagsForm({"tags": request.POST.get("tag", "")})
        if not form.is_valid() or not form.cleaned_data["tags"]:
            raise ServiceRefused("请写标签，每个最长 20 字。")
        tags = form.cleaned_data["tags"]
        return f"已加标签 {'、'.join(tags)}", lambda case: acts.tag(self.actor, case, tags)


class SaveView(Act):
    permission = "desk.case:view"

    def act(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase | str:
        view = saved.save_view(
            self.actor, request.POST.get("name", ""), request.POST.get("query", ""), shared="shared" in request.POST
        )
        self.kept = f"{reverse('desk:ledger')}?{view.query}"
        return f"已存为视图“{view.name}”"

    def get_next(self, request: HttpRequest) -> str:
        return getattr(self, "kept", super().get_next(request))


class DropView(Act):
    permission = "desk.case:view"

    def act(self, request: HttpRequest, pk: int = 0, **kwargs: Any) -> str:
        saved.drop_view(self.actor, pk)
        return "视图已删除"

    def get_next(self, request: HttpRequest) -> str:
        return reverse("desk:ledger")
