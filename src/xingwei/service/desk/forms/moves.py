"""The form of a move, built from the move's own fields (data/kinds.yaml)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from ..engine.workflow import Field, Move
from ..models import Case
from .fields import Day, FilesField, Line, LocalTime, Long

SATISFACTION = [("5", "很满意"), ("4", "满意"), ("3", "一般"), ("2", "不满意"), ("1", "很不满意")]
_CHOICES = {"party": list(Case.Party.choices), "satisfaction": SATISFACTION}
_LIMITS = {"stage": 40, "planned_version": 40}
_KEPT = ("tried", "cause", "solution")  # columns of the case: what stands there is where one goes on writing


class MoveForm(forms.Form):
    """Fields of one move, then the files. `version` is the case as the person saw it."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, move: Move, case: Case, *args: Any, **kwargs: Any) -> None:
        initial = {name: getattr(case, name) for name in _KEPT} | {"half_solved": case.half_solved}
        if case.party != Case.Party.UNKNOWN:
            initial["party"] = case.party
        kwargs["initial"] = initial | {"version": case.version} | kwargs.get("initial", {})
        kwargs["auto_id"] = f"{move.key}_%s"
        super().__init__(*args, **kwargs)
        self.move = move
        for field in move.needs:
            self.fields[field.key] = _field(field, required=True)
        for field in move.may:
            self.fields[field.key] = _field(field, required=False)
        if move.fields:
            self.fields["files"] = FilesField()

    def clean_agreed_until(self) -> Any:
        return _ahead(self.cleaned_data["agreed_until"])

    def clean_visit_at(self) -> Any:
        return _ahead(self.cleaned_data["visit_at"])

    @property
    def values(self) -> dict[str, Any]:
        """What goes to the service."""
        return {f.key: self.cleaned_data[f.key] for f in self.move.fields}


def _ahead(until: Any) -> Any:
    if until is not None and until <= timezone.now():
        raise forms.ValidationError("约定的时间已经过去，请写一个将来的时间。")
    return until


def _field(field: Field, *, required: bool) -> forms.Field:
    common: dict[str, Any] = {"required": required, "help_text": field.hint}
    if field.type == "long":
        return Long(field.label, **common)
    if field.type == "datetime":
        return LocalTime(field.label, **common)
    if field.type == "date":
        return Day(field.label, **common)
    if field.type == "bool":
        return forms.BooleanField(label=field.label, required=False, help_text=field.hint)
    if field.type == "choice":
        return forms.ChoiceField(
            label=field.label,
            choices=_CHOICES[field.choices],
            widget=forms.RadioSelect,
            error_messages={"required": f"请选择：{field.label}", "invalid_choice": f"{field.label}里没有这一项。"},
            **common,
        )
    return Line(field.label, limit=_LIMITS.get(field.key, 120), **common)
