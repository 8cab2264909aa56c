"""One router for all parts: operations of one address must stand on the same one."""

from ninja import Router

router = Router(tags=["接口网关"])
