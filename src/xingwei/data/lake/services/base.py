"""What all services of the lake share."""

from __future__ import annotations

from xingwei.base.ui.views import ServiceRefused


class LakeRefused(ServiceRefused):
    """What the lake's services refuse; the text is for the user."""
