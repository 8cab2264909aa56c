"""Every write on the estate: parts, dependencies, owners, windows, parameters, and files of all of it."""

from .base import EstateRefused, Stale, stamp
from .importing import Imported, check_estate, import_estate
from .links import (
    add_dependency,
    add_owner,
    add_window,
    remove_dependency,
    remove_owner,
    remove_window,
)
from .parameters import change_parameter, remove_parameter, set_parameter_value
from .parts import PARTS, add_part, change_part, remove_part

__all__ = [
    "PARTS",
    "EstateRefused",
    "Imported",
    "Stale",
    "add_dependency",
    "add_owner",
    "add_part",
    "add_window",
    "change_parameter",
    "change_part",
    "check_estate",
    "import_estate",
    "remove_dependency",
    "remove_owner",
    "remove_parameter",
    "remove_part",
    "remove_window",
    "set_parameter_value",
    "stamp",
]
