"""The form of a channel: what every channel has, and what its kind's schema asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from xingwei.base.estate.models import Interface, System

from ..channels import base as kinds
from ..models import Channel
from ..services.channels import GROUPS, ChannelRefused, schema_of
from . import schema

_SELECT = {"class": "form-select"}
_BOX = {"class": "form-control"}
_CAPACITY = "等待投递的消息达到此数时，来源通道先放慢，再拒收并说明原因"


class ChannelForm(forms.Form):
    """kind and direction are fixed once a channel exists; a new one has chosen them on the page before."""

    code = forms.SlugField(
        label="代码",
        max_length=40,
        widget=forms.TextInput(attrs=_BOX),
        help_text="字母、数字和 . _ -，建立后不能改",
        error_messages={"invalid": "只能用字母、数字和 _ -"},
    )
    name = forms.CharField(label="名称", max_length=60, widget=forms.TextInput(attrs=_BOX))
    system = forms.ModelChoiceField(
        System.objects.all(), label="系统", empty_label="请选择", widget=forms.Select(attrs=_SELECT)
    )
    interface = forms.ModelChoiceField(
        Interface.objects.filter(active=True).select_related("system"),
        label="接口",
        required=False,
        empty_label="没有登记",
        widget=forms.Select(attrs=_SELECT),
    )
    peer = forms.CharField(
        label="对方",
        max_length=60,
        widget=forms.TextInput(attrs=_BOX),
        help_text="拓扑图上的节点：设备、科室系统、核心系统或院外单位",
    )
    zone = forms.ChoiceField(
        label="所在区",
        choices=[("device", "设备"), ("department", "科室系统"), ("core", "核心系统"), ("outside", "院外与第三方")],
        widget=forms.Select(attrs=_SELECT),
    )
    capacity = forms.IntegerField(
        label="队列上限", min_value=1, max_value=10_000_000, help_text=_CAPACITY, widget=forms.NumberInput(attrs=_BOX)
    )
    retention_days = forms.IntegerField(
        label="保留天数",
        min_value=1,
        max_value=3660,
        help_text="原文与投递记录在线保留多久，之后归档",
        widget=forms.NumberInput(attrs=_BOX),
    )
    note = forms.CharField(
        label="说明", required=False, max_length=1000, widget=forms.Textarea(attrs={**_BOX, "rows": 2})
    )

    def __init__(self, *args: Any, kind: kinds.Kind, direction: str, channel: Channel | None = None, **kwargs: Any):
        self.kind, self.direction, self.channel = kind, direction, channel
        kwargs["initial"] = self._initial(channel) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        if channel is not None:
            del self.fields["code"]
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)
        self.groups: dict[str, list[str]] = {"": list(self.fields)}
        for group, label in GROUPS.items():
            if not _applies(group, direction):
                continue
            made = schema.fields_of(schema_of(group, kind.code), group)
            self.fields.update(made)
            if made:
                self.groups[label] = list(made)

    def sections(self) -> list[tuple[str, list[Any]]]:
        return [(label, [self[name] for name in names]) for label, names in self.groups.items()]

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        cleaned = self.cleaned_data
        plain = {k: v for k, v in cleaned.items() if "." not in k and k not in {"system", "interface", "version"}}
        found = plain | {
            "kind": self.kind.code,
            "direction": self.direction,
            "system_id": cleaned["system"].pk,
            "interface_id": cleaned["interface"].pk if cleaned.get("interface") else None,
        }
        for group in GROUPS:
            if _applies(group, self.direction):
                found[group] = schema.values_of(schema_of(group, self.kind.code), group, cleaned)
        return found

    def refuse(self, refused: ChannelRefused) -> None:
        """Put each complaint of the service at its field."""
        for group, path, message in refused.problems:
            names = [f"{group}.{path.split('.')[0].split('[')[0]}", group, group.removesuffix("_id")]
            name = next((n for n in names if n in self.fields), None)
            self.add_error(name, message if name else str(refused))

    def _initial(self, channel: Channel | None) -> dict[str, Any]:
        values: Mapping[str, Any] = {}
        if channel is None:
            found: dict[str, Any] = {"capacity": 200_000, "retention_days": 184, "zone": "core"}
        else:
            names = ("name", "system", "interface", "peer", "zone", "capacity", "retention_days", "note", "version")
            found = {name: getattr(channel, name) for name in names}
        for group in GROUPS:
            values = getattr(channel, group) if channel else {}
            found |= schema.initial_of(schema_of(group, self.kind.code), group, values)
        return found


def _applies(group: str, direction: str) -> bool:
    return {"settings": True, "call": direction == "in"}.get(group, direction == "out")


class NewChannelForm(forms.Form):
    """The first step of a new channel."""

    direction = forms.ChoiceField(label="方向", choices=Channel.Direction.choices, widget=forms.RadioSelect)
    kind = forms.ChoiceField(label="协议", widget=forms.Select(attrs=_SELECT))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(k.code, k.name) for k in kinds.kinds().values()]  # type: ignore[attr-defined]
