"""Form fields made from a JSON Schema: what a kind of channel can be told, without code of its own.

Strings, numbers, switches and choices get fields of their kind, lists of texts a box with one a line; anything deeper
is written as JSON. The schema itself judges the result; here only what cannot be a value of the type is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

_BOX = {"class": "form-control"}


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={**_BOX, "rows": 3}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class DocumentField(forms.CharField):
    """A value of any depth, written as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={**_BOX, "rows": 4, "spellcheck": "false"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise forms.ValidationError('不是正确的 JSON，例如 {"名称": "值"}。请检查括号、引号和逗号。') from None


def fields_of(schema: Mapping[str, Any], prefix: str) -> dict[str, forms.Field]:
    """Fields for the schema's properties, named PREFIX.KEY."""
    required = set(schema.get("required", ()))
    return {f"{prefix}.{key}": _field(key, part, key in required) for key, part in schema.get("properties", {}).items()}


def initial_of(schema: Mapping[str, Any], prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, part in schema.get("properties", {}).items():
        if key in values or "default" in part:
            found[f"{prefix}.{key}"] = values.get(key, part.get("default"))
    return found


def values_of(schema: Mapping[str, Any], prefix: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in, without what was left empty or stands at its default."""
    found: dict[str, Any] = {}
    for key, part in schema.get("properties", {}).items():
        value = cleaned.get(f"{prefix}.{key}")
        if value in (None, "", []) or (value == part.get("default") and key not in schema.get("required", ())):
            continue
        if part.get("type") == "integer" and isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)
        found[key] = value
    return found


def _field(key: str, part: Mapping[str, Any], required: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": part.get("title", key),
        "help_text": part.get("description", ""),
        "required": required,
        "error_messages": {"required": "不能为空", "invalid": "写法不对，请按说明填写"},
    }
    kind = part.get("type")
    if "enum" in part:
        titles = part.get("x-titles") or part.get("enumNames") or {}
        names = titles if isinstance(titles, Mapping) else dict(zip(map(str, part["enum"]), titles, strict=False))
        choices = [(str(v), names.get(str(v), str(v))) for v in part["enum"]]
        if not required:
            choices = [("", "默认"), *choices]
        return forms.ChoiceField(choices=choices, widget=forms.Select(attrs={"class": "form-select"}), **common)
    if kind == "boolean":
        common["required"] = False
        return forms.BooleanField(widget=forms.CheckboxInput(attrs={"class": "xw-check"}), **common)
    if kind in {"integer", "number"}:
        common["error_messages"]["invalid"] = "请填整数" if kind == "integer" else "请填数字"
        box = forms.NumberInput(attrs={**_BOX, "step": "1" if kind == "integer" else "any", "inputmode": "decimal"})
        made: type[forms.Field] = forms.IntegerField if kind == "integer" else forms.FloatField
        return made(widget=box, **common)
    if kind == "array" and part.get("items", {}).get("type") == "string":
        common["help_text"] = common["help_text"] or "一行一个"
        return LinesField(**common)
    if kind in {"object", "array"} or isinstance(kind, list):
        common["help_text"] = f"{common['help_text']}（以 JSON 填写）".lstrip()
        return DocumentField(**common)
    longest = min(int(part.get("maxLength", 300)), 5000)
    return forms.CharField(max_length=longest, widget=forms.TextInput(attrs={**_BOX, "maxlength": longest}), **common)
