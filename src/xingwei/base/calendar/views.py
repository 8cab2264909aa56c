"""The working calendar's pages: a year as a picture, its versions, and changing it with a preview of the effects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from xingwei.base.policy.registry import may
from xingwei.base.ui.datafiles import FileProblems, decode
from xingwei.base.ui.table import Column, Table
from xingwei.base.ui.views import FormPage, ListPage, Page, ServiceRefused

from . import files, forms, pictures, queries, services
from .engine import CalendarError, Change, WorkCalendar, changes, parse_notice
from .models import CalendarVersion

FIRST_YEAR, LAST_YEAR = 2000, 2100
_VERSIONS_BESIDE = 6


@dataclass(frozen=True, slots=True)
class Proposal:
    """What panels at "calendar-preview" are given: the calendar in force and the one that would be."""

    before: WorkCalendar
    after: WorkCalendar


def _known_year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Http404("日历只管 2000 到 2100 年")
    return year


class YearPage(Page):
    """The picture of one year; ?version=2025.1 shows it as an older version had it."""

    permission = "calendar.version:view"
    template_name = "calendar/year.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        year = _known_year(kwargs.get("year") or today.year)
        calendar = self._calendar()
        found = calendar.years.get(year)
        return super().get_context_data(**kwargs) | {
            "title": f"工作日历 {year} 年",
            "year": year,
            "calendar": calendar,
            "old_version": self.request.GET.get("version", "") if calendar != queries.current() else "",
            "months": pictures.year_picture(calendar, year, today=today),
            "totals": pictures.totals(calendar, year),
            "arranged": found,
            "feasts": calendar.long_holidays(dt.date(year, 1, 1), dt.date(year, 12, 31), days=1) if found else [],
            "hours": _hours_lines(calendar),
            "versions": queries.versions()[:_VERSIONS_BESIDE],
            "can_publish": may(self.actor, "calendar.version:publish"),
            "years_around": [y for y in range(year - 2, year + 3) if FIRST_YEAR <= y <= LAST_YEAR],
        }

    def _calendar(self) -> WorkCalendar:
        if not (number := self.request.GET.get("version", "")):
            return queries.current()
        return queries.build(get_object_or_404(CalendarVersion, number=number[:12].replace("\x00", "")))


class VersionTable(Table):
    caption = "工作日历的版本"
    columns = (
        Column("number", "版本", kind="title"),
        Column("published_at", "发布时间", kind="time", label_on_phone=True),
        Column("published_by", "发布人", label_on_phone=True),
        Column("years", "包含年份", lambda row: "、".join(sorted(row.years))),
        Column("note", "说明"),
    )


class Versions(ListPage):
    permission = "calendar.version:view"
    title = "工作日历的版本"
    table = VersionTable
    export_name = "工作日历版本"
    empty = ("还没有日历版本", "由系统管理员导入随产品提供的日历文件，或粘贴国务院办公厅的通知。")

    def get_queryset(self) -> Any:
        return CalendarVersion.objects.restrict(self.actor, "calendar.version:view")


class VersionPage(Page):
    """One version, and what it changed against the one before."""

    permission = "calendar.version:view"
    template_name = "calendar/version.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(CalendarVersion, number=kwargs["number"])
        earlier = queries.before(row)
        return super().get_context_data(**kwargs) | {
            "title": f"工作日历 {row.number}",
            "row": row,
            "earlier": earlier,
            "difference": _difference(earlier, row),
            "years": sorted(row.years.items()),
        }


class _Preview(FormPage, abstract=True):
    """A form whose first sending shows the effects, and whose second publishes."""

    permission = "calendar.version:publish"
    template_name = "calendar/edit.html"
    submit_label = "预览影响"

    def act(self, form: Any) -> HttpResponseBase:
        years, hours = self.content(form)
        base = form.cleaned_data["base"]
        if "publish" in self.request.POST:
            row = services.publish(self.actor, years, hours, form.cleaned_data["note"], base=base)
            return self.done(f"已发布工作日历 {row.number}，有关时限正在重新计算", self.get_back_url())
        return self.render_to_response(self.get_context_data(form=form, **self.preview(years, hours)))

    def content(self, form: Any) -> tuple[dict[int, dict[str, Any]] | None, dict[str, Any] | None]:
        raise NotImplementedError

    def preview(self, years: Any, hours: Any) -> dict[str, Any]:
        in_force = queries.latest()
        proposed = services.draft(years, hours, base=in_force)
        difference = _difference(in_force, proposed)
        after = queries.build(proposed)
        context: dict[str, Any] = {
            "difference": difference,
            "nothing_changes": not difference,
            "proposal": Proposal(queries.current(), after),
        }
        if years:
            year = next(iter(years))
            context["months"] = pictures.year_picture(after, year, today=timezone.localdate(), other=queries.current())
        return context


class EditYear(_Preview):
    form_class = forms.YearForm

    @property
    def year(self) -> int:
        return _known_year(self.kwargs["year"])

    def get_title(self) -> str:
        return f"修改 {self.year} 年日历"

    def get_initial(self) -> dict[str, Any]:
        latest = queries.latest()
        data = latest.year_data(self.year) if latest else None
        return forms.initial_of(data, latest.number if latest else queries.NO_VERSION)

    def get_back_url(self) -> str:
        return reverse("calendar:year", args=[self.year])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("notice_form", forms.NoticeForm())
        kwargs.setdefault("file_form", forms.FileForm())
        return super().get_context_data(**kwargs) | {"year": self.year}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "read_notice" in request.POST:
            return self._filled("notice_form", forms.NoticeForm(request.POST))
        if "read_file" in request.POST:
            return self._filled("file_form", forms.FileForm(request.POST, request.FILES))
        return super().post(request, *args, **kwargs)

    def content(self, form: Any) -> tuple[dict[int, dict[str, Any]] | None, dict[str, Any] | None]:
        return {self.year: form.year_data(self.year)}, None

    def _filled(self, name: str, source: Any) -> HttpResponseBase:
        """The year's form filled from a notice or a file, with the preview; or that form with what is wrong."""
        try:
            if source.is_valid():
                data, remarks = self._read(name, source)
                latest = queries.latest()
                base = latest.number if latest else queries.NO_VERSION
                form = forms.YearForm({**forms.initial_of(data, base), "note": remarks[0]})
                form.is_valid()
                preview = self.preview({self.year: data}, None)
                return self.render_to_response(self.get_context_data(form=form, outside=remarks[1], **preview))
        except (CalendarError, FileProblems, ServiceRefused) as error:
            source.add_error(None, str(error))
        return self.render_to_response(self.get_context_data(**{name: source}), status=422)

    def _read(self, name: str, source: Any) -> tuple[dict[str, Any], tuple[str, tuple[str, ...]]]:
        if name == "notice_form":
            notice = parse_notice(source.cleaned_data["notice"], self.year)
            return notice.data, (f"按 {notice.data['source']} 录入", notice.outside)
        upload = source.cleaned_data["file"]
        years, _ = files.read_texts({upload.name: decode(upload.read())})
        if self.year not in years:
            held = "、".join(str(y) for y in years) or "上班时间"
            raise CalendarError(f"{upload.name} 里是 {held}，不是 {self.year} 年")
        return years[self.year], (f"导入 {upload.name}"[:200], ())


class EditHours(_Preview):
    form_class = forms.HoursForm
    title = "修改上班时间"

    def get_initial(self) -> dict[str, Any]:
        latest = queries.latest()
        hours = latest.hours if latest else queries.DEFAULT_HOURS
        return forms.hours_initial(hours, latest.number if latest else queries.NO_VERSION)

    def get_back_url(self) -> str:
        return reverse("calendar:current")

    def content(self, form: Any) -> tuple[dict[int, dict[str, Any]] | None, dict[str, Any] | None]:
        return None, form.hours


def _hours_lines(calendar: WorkCalendar) -> list[tuple[str, str]]:
    def text(windows: Any) -> str:
        return "，".join(f"{a:%H:%M}–{b:%H:%M}" for a, b in windows)

    seasons = [
        (f"{a[0]} 月 {a[1]} 日至 {b[0]} 月 {b[1]} 日", text(windows)) for a, b, windows in calendar.hours.seasons
    ]
    return [("平时" if seasons else "全年", text(calendar.hours.default)), *seasons]


@dataclass(frozen=True, slots=True)
class Difference:
    """What one version changes: days by year, and sentences for what is not a day."""

    days: list[Change]
    sentences: list[str]

    def __bool__(self) -> bool:
        return bool(self.days or self.sentences)


def _difference(old: CalendarVersion | None, new: CalendarVersion) -> Difference:
    before = queries.build(old) if old else queries.version(queries.NO_VERSION)
    after = queries.build(new)
    days: list[Change] = []
    sentences: list[str] = []
    for year in sorted(after.years):
        was, becomes = before.years.get(year) if old else None, after.years[year]
        if was == becomes:
            continue
        if was is None:
            sentences.append(f"新增 {year} 年（{'已公布' if becomes.published else '暂定'}）")
        elif was.published != becomes.published:
            sentences.append(
                f"{year} 年由{'已公布' if was.published else '暂定'}改为{'已公布' if becomes.published else '暂定'}"
            )
        if was and was.source != becomes.source:
            sentences.append(f"{year} 年的依据改为“{becomes.source}”")
        days += changes(before, after, dt.date(year, 1, 1), dt.date(year, 12, 31))
    if before.hours != after.hours:
        lines = "；".join(f"{when} {hours}" for when, hours in _hours_lines(after))
        sentences.append(f"上班时间：{lines}")
    return Difference(days, sentences)
