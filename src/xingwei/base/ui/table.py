"""Declarative tables and filters: one look, one export, for every list of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xingwei.base.policy.engine import Actor


def path_value(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = getattr(row, step, None)
        if callable(row):
            row = row()
        if row is None:
            return ""
    return row


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    value: attribute path ("system.short_name") or a function of the row; also what export writes.
    cell: template, or function of the row, for the screen where plain text is not enough.
    kind: text, title (the link of the row), num (right aligned), time, id. drop: hidden on the phone.
    label_on_phone: shown before the value on the phone.
    """

    key: str
    label: str
    value: str | Callable[[Any], Any] = ""
    cell: str | Callable[[Any], Any] = ""
    kind: str = "text"
    drop: bool = False
    label_on_phone: bool = False

    def plain(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        return path_value(row, self.value or self.key)

    def html(self, row: Any, request: HttpRequest) -> Any:
        if callable(self.cell):
            return self.cell(row)
        if self.cell:
            return SafeString(render_to_string(self.cell, {"row": row, "column": self}, request=request))
        return self.plain(row)


class Table:
    """columns, and what a row links to. Instances carry the rows of one page."""

    columns: ClassVar[tuple[Column, ...]] = ()
    caption: ClassVar[str] = ""

    def __init__(self, rows: Sequence[Any], request: HttpRequest) -> None:
        self.rows = rows
        self.request = request

    @staticmethod
    def url(row: Any) -> str:
        """Where the row's title leads; "" for none."""
        return str(row.get_absolute_url()) if hasattr(row, "get_absolute_url") else ""

    def body(self) -> Iterable[dict[str, Any]]:
        for row in self.rows:
            url = self.url(row)
            cells = [{"column": c, "html": c.html(row, self.request)} for c in self.columns]
            for cell in cells:
                if cell["column"].kind == "title" and url:
                    cell["html"] = format_html('<a href="{}">{}</a>', url, cell["html"])
            yield {"row": row, "url": url, "cells": cells}


Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter chip; its values stand in the URL under key.

    kind: choice (several values), text, date (key_from/key_to are two Filters), bool.
    choices: pairs, or a function of the actor that gives them. where: a lookup path, or a function
    (values, actor) → Q.
    """

    key: str
    label: str
    where: str | Callable[[list[str], Actor], Q]
    icon: str = "filter"
    kind: str = "choice"
    choices: Choices | Callable[[Actor], Choices] = ()

    def options(self, actor: Actor) -> Choices:
        return self.choices(actor) if callable(self.choices) else self.choices

    def apply(self, rows: models.QuerySet[Any], values: list[str], actor: Actor) -> models.QuerySet[Any]:
        """Narrow the rows. Values that the filter does not know are ignored, not an error: URLs grow old."""
        values = [v.strip() for v in values if v.strip() and "\x00" not in v][:50]
        if self.kind == "choice":
            known = {k for k, _ in self.options(actor)}
            values = [v for v in values if v in known]
        if not values:
            return rows
        if callable(self.where):
            return rows.filter(self.where(values, actor))
        if self.kind == "choice":
            return rows.filter(**{f"{self.where}__in": values})
        if self.kind == "bool":
            return rows.filter(**{self.where: values[0] == "1"})
        return rows.filter(**{self.where: values[0][:100]})

    def bind(self, query: QueryDict, actor: Actor) -> dict[str, Any]:
        """What the chip's template needs."""
        options = [(str(k), label) for k, label in self.options(actor)]
        chosen = query.getlist(self.key)
        labels = dict(options)
        without = query.copy()
        without.pop(self.key, None)
        for cursor in ("after", "before"):
            without.pop(cursor, None)
        shown = [labels.get(v, v) for v in chosen if v and (self.kind != "choice" or v in labels)]
        return {
            "filter": self,
            "options": options,
            "chosen": chosen,
            "text": "、".join(shown),
            "clear_url": f"?{without.urlencode()}",
            "hidden": [(k, v) for k in without for v in without.getlist(k)],
        }
