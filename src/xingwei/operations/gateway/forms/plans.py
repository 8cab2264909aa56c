"""The form of a degradation plan: one line a kind of message, as people write it on paper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from ..queries.plans import MODES

_WORDS = {label: key for key, label in MODES.items()}
_AREA = {"class": "form-control"}


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs=_AREA | {"rows": rows})


class PlanForm(forms.Form):
    """document() gives what services.plans.draft takes."""

    name = forms.CharField(label="方案名称", max_length=60, widget=forms.TextInput(attrs=_AREA))
    sentence = forms.CharField(
        label="窗口看到的一句话", max_length=120, widget=_area(2),
        help_text="现在怎样、先怎么办、患者要不要再跑一趟。例：医保中心结算超时。请先按自费挂账，恢复后统一补结算，患者不用再跑。",
    )  # fmt: skip
    screen = forms.CharField(
        label="谁看到", max_length=20, required=False, initial="收费窗口", widget=forms.TextInput(attrs=_AREA)
    )
    mode = forms.ChoiceField(label="没有单列的报文怎么办", choices=list(MODES.items()), widget=forms.RadioSelect)
    lines = forms.CharField(
        label="各类业务怎么办", widget=_area(6),
        help_text=f"一行一类：名称｜报文（逗号分开，可空）｜{'、'.join(MODES.values())} 之一｜怎么办。"
        "例：门诊｜2207,2206｜按约定应答｜自费挂账，恢复后补结",
    )  # fmt: skip
    answer = forms.CharField(
        label="按约定应答时回给业务系统的报文（JSON）", required=False, widget=_area(4),
        help_text="{sentence} 会换成上面那句话",
    )  # fmt: skip
    cache_s = forms.IntegerField(
        label="缓存最多多旧（秒）",
        required=False,
        min_value=1,
        max_value=604_800,
        widget=forms.NumberInput(attrs=_AREA),
    )
    reconcile = forms.CharField(label="恢复后要核对什么", widget=_area(3), help_text="一行一条")
    agreed = forms.CharField(
        label="谁同意过",
        required=False,
        widget=_area(2),
        help_text="一行一位：姓名与职务｜日期（2026-02-26）｜同意什么",
    )
    tell = forms.CharField(
        label="断开与恢复时告诉谁", required=False, widget=_area(2), help_text="工号或角色代码，逗号或换行分开"
    )
    first_wait_s = forms.FloatField(
        label="首笔最多等（秒）", required=False, widget=forms.NumberInput(attrs=_AREA | {"step": "any"})
    )
    then_ms = forms.IntegerField(label="其后每笔（毫秒）", required=False, widget=forms.NumberInput(attrs=_AREA))
    each_yuan = forms.CharField(label="单笔挂账上限（元）", required=False, widget=forms.TextInput(attrs=_AREA))
    total_yuan = forms.CharField(label="合计挂账上限（元）", required=False, widget=forms.TextInput(attrs=_AREA))
    longest_minutes = forms.IntegerField(label="最长可用（分）", required=False, widget=forms.NumberInput(attrs=_AREA))
    catch_up_per_minute = forms.IntegerField(
        label="约定的补办速度（笔/分，由业务系统掌握）", required=False, widget=forms.NumberInput(attrs=_AREA)
    )
    note = forms.CharField(label="改了什么", max_length=300, widget=forms.TextInput(attrs=_AREA))

    def clean_lines(self) -> list[dict[str, Any]]:
        lines = []
        for number, text in enumerate(filter(None, map(str.strip, self.cleaned_data["lines"].splitlines())), start=1):
            parts = [p.strip() for p in text.replace("|", "｜").split("｜")]
            if len(parts) != 4:
                raise forms.ValidationError(f"第 {number} 行要有四段，用｜分开：名称｜报文｜办法｜怎么办")
            name, types, mode, said = parts
            if mode not in _WORDS:
                raise forms.ValidationError(f"第 {number} 行的办法“{mode}”不对，可写：{'、'.join(_WORDS)}")
            line: dict[str, Any] = {"name": name, "mode": _WORDS[mode], "text": said}
            if kinds := _split(types):
                line["types"] = kinds
            lines.append(line)
        return lines

    def clean_answer(self) -> dict[str, Any] | None:
        text = self.cleaned_data["answer"].strip()
        if not text:
            return None
        try:
            found = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"不是正确的 JSON：{error}") from None
        if not isinstance(found, dict):
            raise forms.ValidationError("要是一个 JSON 对象，写在花括号里")
        return found

    def clean_agreed(self) -> list[dict[str, Any]]:
        out = []
        for text in filter(None, map(str.strip, self.cleaned_data["agreed"].splitlines())):
            parts = [p.strip() for p in text.replace("|", "｜").split("｜")] + ["", ""]
            out.append({k: v for k, v in zip(("name", "date", "what"), parts, strict=False) if v})
        return out

    def document(self) -> dict[str, Any]:
        data = self.cleaned_data
        limits = {
            key: data[key] for key in ("first_wait_s", "then_ms", "each_yuan", "total_yuan", "longest_minutes", "catch_up_per_minute")
            if data.get(key) not in (None, "")
        }  # fmt: skip
        reconcile = [t.strip() for t in data["reconcile"].splitlines() if t.strip()]
        found = {
            "mode": data["mode"], "sentence": data["sentence"].strip(), "screen": data["screen"].strip(),
            "lines": data["lines"], "answer": data["answer"], "cache_s": data["cache_s"], "agreed": data["agreed"],
            "tell": _split(data["tell"]), "reconcile": reconcile, "limits": limits,
        }  # fmt: skip
        return {k: v for k, v in found.items() if v not in (None, "", [], {})}

    @staticmethod
    def initial_of(document: Mapping[str, Any], name: str) -> dict[str, Any]:
        lines = [
            f"{ln['name']}｜{','.join(ln.get('types', ()))}｜{MODES[ln['mode']]}｜{ln['text']}"
            for ln in document.get("lines", ())
        ]
        agreed = [
            "｜".join(filter(None, (a["name"], a.get("date"), a.get("what")))) for a in document.get("agreed", ())
        ]
        answer = json.dumps(document["answer"], ensure_ascii=False, indent=1) if document.get("answer") else ""
        return {
            "name": name, "sentence": document.get("sentence", ""), "screen": document.get("screen", "收费窗口"),
            "mode": document.get("mode", "store"), "lines": "\n".join(lines), "answer": answer,
            "cache_s": document.get("cache_s"), "reconcile": "\n".join(document.get("reconcile", ())),
            "agreed": "\n".join(agreed), "tell": "，".join(document.get("tell", ())), **document.get("limits", {}),
        }  # fmt: skip


def _split(text: str) -> list[str]:
    for mark in "，、；;\n\r\t ":
        text = text.replace(mark, ",")
    return list(dict.fromkeys(t for t in text.split(",") if t))
