"""三员分立: which roles may not meet in one account. Pure; the database holds the same in a trigger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

ADMINISTRATIONS: Final = {"system": "系统管理", "security": "安全管理", "audit": "审计管理"}


def conflict(
    roles: Iterable[str], administration_of: Mapping[str, str], data_roles: Set[str], label_of: Mapping[str, str]
) -> str:
    """The Chinese reason why one account cannot hold all these roles; "" where it can.

    administration_of: role → system, security or audit, "" for none. data_roles: roles that carry data right.
    """
    held = sorted(set(roles))
    admins = {administration_of[r]: r for r in held if administration_of.get(r)}
    if len(admins) > 1:
        names = "和".join(label_of.get(r, r) for r in admins.values())
        return f"三员分立：{names}不能是同一个账号"
    carrying = [r for r in held if r in data_roles]
    if admins and carrying:
        admin = label_of.get(next(iter(admins.values())), "")
        return f"三员分立：{admin}不能有数据权（{'、'.join(label_of.get(r, r) for r in carrying)}）"
    return ""
