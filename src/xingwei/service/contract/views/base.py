"""What every page of the contract shares: the version shown, the tabs, and the page for when there is none."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.views import Page

from .. import queries
from ..queries import Shown

TABS = (
    ("home", "概览", "contract:home"),
    ("obligations", "履约义务", "contract:obligations"),
    ("clauses", "条款", "contract:clauses"),
    ("questions", "文本的问题", "contract:questions"),
    ("fee", "付费试算", "contract:fee"),
    ("text", "合同原文", "contract:text"),
    ("versions", "版本", "contract:versions"),
)


class ContractPage(Page, abstract=True):
    """A page about the contract. Subclasses may rely on `shown`; without any contract the page says so instead."""

    permission = "contract.version:view"
    tab: ClassVar[str] = ""

    @cached_property
    def found(self) -> Shown | None:
        return queries.shown(self.version_asked())

    @property
    def shown(self) -> Shown:
        if self.found is None:
            raise Http404("没有这个版本")
        return self.found

    def version_asked(self) -> int | None:
        """The version in ?version=, None for the one that is shown by default."""
        raw = self.request.GET.get("version", "")
        if not raw:
            return None
        if not (raw.isascii() and raw.isdecimal() and len(raw) < 9):
            raise Http404("没有这个版本")
        return int(raw)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.has_contract():
            return self.without_contract()
        return super().get(request, *args, **kwargs)

    def has_contract(self) -> bool:
        return self.version_asked() is not None or self.found is not None

    def without_contract(self) -> HttpResponseBase:
        if self.kwargs:  # a page about one thing, and there is no such thing
            raise Http404("还没有导入合同")
        context = {"title": self.title or "合同", "can_import": may(self.actor, "contract.version:import")}
        return self.response_class(self.request, "contract/none.html", context)

    def _not_holding(self) -> str:
        """Why the text that is shown does not hold today; "" when it does."""
        shown = self.shown
        if shown.holds:
            return ""
        if shown.term is None:
            return "这一版合同还没有启用，时限、义务和付费都不按它计算。"
        if shown.in_force_from and shown.in_force_from > timezone.localdate():
            return f"这一版合同 {shown.in_force_from} 起生效。"
        return f"合同已于 {shown.term.ends_on} 到期；新合同启用前，时限仍按它计算。"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "shown": self.shown,
            "today": timezone.localdate(),
            "not_holding": self._not_holding(),
            "contract": self.shown.contract,
            "tabs": TABS,
            "tab": self.tab,
            "sees_money": may(self.actor, "contract.fee:view"),
        }
