from __future__ import annotations

from xingwei.base.ui.views import ServiceRefused


class Refused(ServiceRefused):
    """A notification service refused; the message is the Chinese sentence for the user."""
