"""Tables of the room: people and where they belong, the roles they hold, how they come in."""

from .access import ApiToken, OldPassword, Session
from .people import Department, Organisation, User
from .roles import RoleAssignment, RoleClass, RoleProposal

__all__ = [
    "ApiToken",
    "Department",
    "OldPassword",
    "Organisation",
    "RoleAssignment",
    "RoleClass",
    "RoleProposal",
    "Session",
    "User",
]
