"""Tables of the room: guides with their versions and pictures, and the technicians' forum."""

from .forum import Post, Subscription, Topic
from .guides import Guide, GuideFile, GuideVersion, HelpMark

__all__ = ["Guide", "GuideFile", "GuideVersion", "HelpMark", "Post", "Subscription", "Topic"]
