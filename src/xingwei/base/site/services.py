"""Changing a setting: one act, journalled."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from xingwei.base.journal.services import record
from xingwei.base.policy.engine import Actor
from xingwei.base.policy.querysets import require

from . import queries
from .models import SettingValue
from .registry import Setting, SettingError, registered


def change_setting(actor: Actor, key: str, raw: Any) -> Any:
    """Set one setting; raises SettingError (Chinese) for a value or key that is refused."""
    setting = registered().get(key)
    if setting is None:
        raise SettingError("没有这个设置项")
    require(actor, f"site.{setting.admin}_setting:change")
    new = setting.clean(raw)
    with transaction.atomic():
        row = SettingValue.objects.select_for_update().filter(key=key).first()
        old = row.value if row else setting.default
        if old != new:
            SettingValue.objects.update_or_create(key=key, defaults={"value": new})
            record(
                actor,
                "site.setting.change",
                ("site.setting", key, setting.label),
                f"把“{setting.label}”从{_words(setting, old)}改为{_words(setting, new)}".strip(),
                before={"value": old},
                after={"value": new},
            )
    queries.forget()
    return new


def _words(setting: Setting, value: Any) -> str:
    """The value as the settings page shows it."""
    if setting.kind == "bool":
        return "“是”" if value else "“否”"
    shown = dict(setting.choices).get(value, value)
    return f" {shown} {setting.unit}".rstrip() + " " if shown != "" else "空"
