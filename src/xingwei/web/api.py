"""The API: every room's operations under /api/v1, documented by OpenAPI at /api/docs."""

from __future__ import annotations

from ninja import NinjaAPI

from xingwei.base.accounts.api_auth import TokenAuth
from xingwei.base.policy.registry import Denied
from xingwei.base.ui.views import ServiceRefused

from .api_docs import Docs
from .rooms import ROOMS

api = NinjaAPI(
    title="杏维 API",
    version="1",
    description="与页面相同的业务动作。用“人员与账号 → API 令牌”里签发的令牌访问：Authorization: Bearer 令牌。",
    auth=TokenAuth(),
    docs=Docs(),
    docs_url="docs",
    urls_namespace="api-v1",
)


@api.exception_handler(Denied)
def _denied(request, exc):  # type: ignore[no-untyped-def]
    return api.create_response(request, {"detail": str(exc)}, status=403)


@api.exception_handler(ServiceRefused)
def _refused(request, exc):  # type: ignore[no-untyped-def]
    return api.create_response(request, {"detail": str(exc)}, status=409)


for room in ROOMS:
    if room.prefix and (module := room.part("api")):
        api.add_router(f"/v1/{room.prefix}", module.router)
