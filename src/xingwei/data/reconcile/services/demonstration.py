"""Who the demonstration's hospital is at its insurer: the numbers that the simulated hospital sends under."""

from __future__ import annotations

from xingwei.base.policy.engine import system_actor
from xingwei.base.site import queries as site
from xingwei.base.site.services import change_setting

IDENTITY = {
    "reconcile.insurance.institution": "H44050000001",
    "reconcile.insurance.name": "广元区人民医院（模拟）",
    "reconcile.insurance.area": "440500",
    "reconcile.insurance.office": "440599",
}


def identify() -> None:
    """Fill in what nobody has filled in yet."""
    for key, value in IDENTITY.items():
        if not site.value(key):
            change_setting(system_actor("command"), key, value)
