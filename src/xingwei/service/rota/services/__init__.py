"""Every write of the rota."""

from .attendance import correct, sign_in, sign_out
from .base import Refused
from .chains import save_chain, switch_chain
from .feeds import forget_feed, make_feed
from .importing import Imported, import_rota
from .leaves import cancel_leave, enter_leave
from .rules import RuleInput, end_rule, save_rule
from .shifts import add_shift, cancel_shift, override
from .swaps import accept_swap, approve_swap, decline_swap, propose_swap, reject_swap, withdraw_swap
from .weeks import alarm_gaps, publish_ahead, publish_week

__all__ = [
    "Imported",
    "Refused",
    "RuleInput",
    "accept_swap",
    "add_shift",
    "alarm_gaps",
    "approve_swap",
    "cancel_leave",
    "cancel_shift",
    "correct",
    "decline_swap",
    "end_rule",
    "enter_leave",
    "forget_feed",
    "import_rota",
    "make_feed",
    "override",
    "propose_swap",
    "publish_ahead",
    "publish_week",
    "reject_swap",
    "save_chain",
    "save_rule",
    "sign_in",
    "sign_out",
    "switch_chain",
    "withdraw_swap",
]
