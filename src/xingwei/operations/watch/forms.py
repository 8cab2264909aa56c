"""Forms of the watch."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml
from django import forms
from django.utils import timezone
from django.utils.html import format_html

from xingwei.base.estate import queries as estate
from xingwei.base.estate.models import System

from .models import Job, Probe
from .probes.base import ProbeProblem, all_kinds
from .runner.secrets import fields
from .services import probes as services

HIDDEN = "（不显示，原样保留）"
_LIMITS = format_html("YAML 列表，如 <code>{}</code>；不写用这种方式的默认值", "- {signal: ms, warn: 500, down: 3000}")
CODE = {"class": "form-control xw-mono", "spellcheck": "false", "translate": "no"}


def node_choices(*, empty: str = "") -> list[tuple[str, Any]]:
    """The parts of the estate, by kind."""
    words = {"application": "应用", "database": "数据库", "host": "主机", "link": "网络链路", "device": "设备",
             "third_party": "第三方", "interface": "接口", "function": "业务功能"}  # fmt: skip
    groups: dict[str, list[tuple[str, str]]] = {}
    for node in sorted(estate.graph(), key=lambda n: (n.kind, n.label)):
        groups.setdefault(words.get(node.kind, node.kind), []).append((node.key, node.label))
    return ([("", empty)] if empty else []) + list(groups.items())


class ProbeForm(forms.Form):
    code = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9._-]*$", label="代码", max_length=60, help_text="字母、数字、点、横线；建好后不再改"
    )
    name = forms.CharField(label="名称", max_length=60)
    kind = forms.ChoiceField(label="方式")
    node = forms.ChoiceField(label="对象", help_text="拨测说明的是谁的好坏")
    walks = forms.BooleanField(label="端到端走这项业务（由它判定业务通不通）", required=False)
    settings = forms.CharField(label="参数", widget=forms.Textarea(attrs=CODE | {"rows": 10}),
                               help_text="YAML，每行一项，写法见右侧；口令会加密保存")  # fmt: skip
    limits = forms.CharField(label="界限", required=False, widget=forms.Textarea(attrs=CODE | {"rows": 4}),
                             help_text=_LIMITS)  # fmt: skip
    every_s = forms.IntegerField(label="间隔（秒）", min_value=2, max_value=86400, initial=60)
    timeout_s = forms.FloatField(label="超时（秒）", min_value=0.1, max_value=600, initial=5)
    fails = forms.IntegerField(label="连续几次算不通", min_value=1, max_value=20, initial=2)
    severity = forms.TypedChoiceField(
        label="故障等级", coerce=int, choices=[(1, "一级"), (2, "二级"), (3, "三级")], initial=3
    )
    note = forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, *args: Any, probe: Probe | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.probe = probe
        self.fields["kind"].choices = [(k.code, k.title) for k in all_kinds().values()]  # type: ignore[attr-defined]
        self.fields["node"].choices = node_choices()  # type: ignore[attr-defined]
        if probe is not None:
            del self.fields["code"]

    @staticmethod
    def initial_of(probe: Probe) -> dict[str, Any]:
        settings = dict(probe.settings)
        with suppress(ProbeProblem):
            settings |= {name: HIDDEN for name in fields(probe.kind) if settings.get(name)}
        return {
            "name": probe.name, "kind": probe.kind, "node": probe.node, "walks": probe.function_id is not None,
            "settings": yaml.safe_dump(settings, allow_unicode=True, sort_keys=False),
            "limits": yaml.safe_dump(probe.limits, allow_unicode=True, sort_keys=False) if probe.limits else "",
            "every_s": probe.every_s, "timeout_s": probe.timeout_s, "fails": probe.fails, "severity": probe.severity,
            "note": probe.note,
        }  # fmt: skip

    def _yaml(self, name: str, empty: Any) -> Any:
        text = self.cleaned_data[name]
        if len(text) > 20_000:
            raise forms.ValidationError("太长了，最多 2 万字。")
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise forms.ValidationError(f"不是正确的 YAML{f'，看第 {mark.line + 1} 行' if mark else ''}。") from None
        found = empty if found is None else found
        if not isinstance(found, type(empty)):
            raise forms.ValidationError("应是“键: 值”" if isinstance(empty, dict) else "应是列表，每项以 - 开头")
        return found

    def clean_settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self._yaml("settings", {})
        for name, value in list(found.items()):
            if value == HIDDEN and self.probe is not None:
                found[name] = self.probe.settings.get(name, "")
            elif hasattr(value, "isoformat"):
                found[name] = value.isoformat()  # YAML reads dates by itself
        return found

    def clean_limits(self) -> list[Any]:
        found: list[Any] = self._yaml("limits", [])
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "settings" in data and "limits" in data and "kind" in data:
            for text, path in services.problems_of(data):
                where = str(path[0]) if path and path[0] in self.fields else None
                inside = ".".join(map(str, path[1:]))
                self.add_error(where, f"{inside}：{text}" if inside else text)
        return data

    @property
    def help_of_kinds(self) -> list[dict[str, Any]]:
        """For the page's side: what each kind takes."""
        out = []
        for found in all_kinds().values():
            required = set(found.schema.get("required", ()))
            lines = [(n, str(f.get("title") or n), n in required) for n, f in found.schema["properties"].items()]
            out.append({"code": found.code, "title": found.title, "does": found.does, "lines": lines})
        return out


class ReasonForm(forms.Form):
    reason = forms.CharField(label="原因", max_length=300, min_length=2)


class JobForm(forms.Form):
    code = forms.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", label="代码", max_length=60)
    name = forms.CharField(label="名称", max_length=60)
    kind = forms.ChoiceField(label="类别", choices=Job.Kind.choices)
    node = forms.ChoiceField(label="对象", required=False)
    every_minutes = forms.IntegerField(
        label="每隔（分）", min_value=1, max_value=44640, required=False, help_text="与“每天”二选一"
    )
    daily_at = forms.TimeField(label="每天", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    weekdays = forms.RegexField(r"^[1-7]{1,7}$", label="星期", initial="1234567", help_text="1 是周一，7 是周日")
    grace_minutes = forms.IntegerField(label="宽限（分）", min_value=1, max_value=1440, initial=30)
    severity = forms.TypedChoiceField(
        label="逾期的故障等级", coerce=int, choices=[(1, "一级"), (2, "二级"), (3, "三级")], initial=3
    )
    active = forms.BooleanField(label="启用", required=False, initial=True)
    note = forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, *args: Any, job: Job | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["node"].choices = node_choices(empty="（不指定）")  # type: ignore[attr-defined]
        if job is not None:
            del self.fields["code"]


class WindowForm(forms.Form):
    title = forms.CharField(label="事由", max_length=80, min_length=2, help_text="如：HIS 6.2.9 升级")
    since = forms.DateTimeField(
        label="起", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateTimeField(
        label="止", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    nodes = forms.MultipleChoiceField(
        label="停哪些", widget=forms.SelectMultiple(attrs={"size": 12}), help_text="依赖它们的业务一并算作维护；可多选"
    )
    note = forms.CharField(label="说明", max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        systems = [(f"system:{s.code}", s.name) for s in System.objects.order_by("order")]
        self.fields["nodes"].choices = [("*", "全院"), ("系统", systems), *node_choices()]  # type: ignore[attr-defined]
        start = timezone.localtime().replace(second=0, microsecond=0)
        self.fields["since"].initial = start


class ScreenForm(forms.Form):
    subject = forms.CharField(label="哪一块屏", max_length=60, help_text="如：机房东墙、信息科值班室")
