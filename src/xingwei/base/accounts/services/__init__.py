"""Every write of the room. One module a subject; what other rooms and the command line need is named here."""

from .base import AccountRefused
from .importing import import_people
from .people import create_person, disable_person, edit_person, enable_person, reset_password
from .roles import confirm_proposal, grant_role, propose_role, refuse_proposal, revoke_role
from .setup import create_first_administrator

__all__ = [
    "AccountRefused",
    "confirm_proposal",
    "create_first_administrator",
    "create_person",
    "disable_person",
    "edit_person",
    "enable_person",
    "grant_role",
    "import_people",
    "propose_role",
    "refuse_proposal",
    "reset_password",
    "revoke_role",
]
