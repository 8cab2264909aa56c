"""Every write of the knowledge room."""

from .base import Refused, Stale
from .forum import can_hide, comment, edit_post, follow, hide_post, open_topic, post, set_topic
from .guides import (
    GuideInput,
    archive,
    confirm_valid,
    create_guide,
    publish,
    restore_version,
    save_draft,
    upload_picture,
)
from .help import count_offer, mark_helped
from .importing import import_guides

__all__ = [
    "GuideInput",
    "Refused",
    "Stale",
    "archive",
    "can_hide",
    "comment",
    "confirm_valid",
    "count_offer",
    "create_guide",
    "edit_post",
    "follow",
    "hide_post",
    "import_guides",
    "mark_helped",
    "open_topic",
    "post",
    "publish",
    "restore_version",
    "save_draft",
    "set_topic",
    "upload_picture",
]
