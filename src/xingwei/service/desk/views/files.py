"""Attachments, served so that nothing in them can run."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase

from xingwei.base.policy.querysets import require
from xingwei.base.ui.views import Guarded, error_page

from ..models import Attachment
from ..queries.inside import sees_inside
from ..services.files import path_of

INLINE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "application/pdf"})
# The file stands alone in its own origin: no script, no form, no request of its own. A sandboxed page may not use the
# browser's PDF viewer, which is no part of the page and runs apart from it.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
SANDBOX = f"{ALONE}; sandbox"
PDF = f"{ALONE}; object-src 'self'"


class File(Guarded):
    """One attachment, to those who may see its case (and its inside, for internal files)."""

    permission = "desk.case:view"

    def get(self, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponseBase:
        found = Attachment.objects.select_related("case", "case__system").filter(pk=pk).first()
        if found is None or (found.internal and not sees_inside(self.actor)):
            raise Http404
        require(self.actor, "desk.case:view", found.case)
        path = path_of(found)
        if not path.exists():
            return error_page(request, 404, reason=f"文件“{found.name}”不在存储里，请联系系统管理员从备份恢复")
        inline = found.media_type in INLINE
        response = FileResponse(path.open("rb"), content_type=found.media_type)
        response["Content-Length"] = str(path.stat().st_size)
        kind = "inline" if inline else "attachment"
        response["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(found.name)}"
        response["Content-Security-Policy"] = PDF if found.media_type == "application/pdf" else SANDBOX
        response["X-Content-Type-Options"] = "nosniff"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Cache-Control"] = "private, max-age=3600" if inline else "no-store"
        return response
