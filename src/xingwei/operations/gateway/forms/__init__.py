"""Forms of the gateway's pages."""

from .channel import ChannelForm
from .reason import ReasonForm

__all__ = ["ChannelForm", "ReasonForm"]
