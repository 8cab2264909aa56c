"""9001 sign-in, 9002 sign-out: a sign-in holds for the day on which it was made."""

from __future__ import annotations

from typing import Any

from ..refused import NOT_SIGNED_IN, Refused
from .call import Call, transaction

FREE = ("9001", "9002", "9101", "9102")


@transaction("9001")
def sign_in(call: Call) -> dict[str, Any]:
    """Give a sign_no to an operator."""
    number = call.number("sign")
    call.store.insert(
        "signed", sign_no=number, fixmedins=call.fixmedins, opter=call.input["signIn"]["opter_no"], at=call.stamp
    )
    return {"signinoutb": {"sign_time": call.stamp, "sign_no": number}}


@transaction("9002")
def sign_out(call: Call) -> dict[str, Any]:
    """End a sign-in of today."""
    given = call.input["signOut"]
    row = call.store.one(
        "select * from signed where sign_no = ? and fixmedins = ? and opter = ? and out_at is null",
        given["sign_no"],
        call.fixmedins,
        given["opter_no"],
    )
    if row is None or row["at"][:10] != call.stamp[:10]:
        raise Refused("FSI-当天没有签到信息，不能签退")
    call.store.db.execute("update signed set out_at = ? where sign_no = ?", (call.stamp, given["sign_no"]))
    return {"sign_time": {"sign_time": call.stamp}}


def must_be_signed_in(call: Call) -> None:
    """Raise Refused unless the envelope carries a sign-in of today (where the region asks for one)."""
    if call.infno in FREE or call.profile.signin != "required":
        return
    row = call.store.one(
        "select at, out_at from signed where sign_no = ? and fixmedins = ?",
        str(call.head.get("sign_no") or ""),
        call.fixmedins,
    )
    if row is None or row["out_at"] or row["at"][:10] != call.stamp[:10]:
        raise Refused(NOT_SIGNED_IN)
    if lost := call.board.active("yb-signin-lost", call.fixmedins):
        since = call.board.find(str(lost["id"]))
        if since and call.now.timestamp() - since.since >= 0 and _older(row["at"], since.since, call):
            raise Refused(NOT_SIGNED_IN)


def _older(at: str, since: float, call: Call) -> bool:
    from datetime import datetime

    signed = datetime.strptime(at, "%Y-%m-%d %H:%M:%S").replace(tzinfo=call.now.tzinfo)
    return signed.timestamp() < since
