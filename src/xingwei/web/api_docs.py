"""/api/docs: every operation on one plain page, made from the OpenAPI description. No script, nothing from
outside the house; programs read /api/openapi.json."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja.openapi.docs import DocsBase

from xingwei.base.policy.registry import policy
from xingwei.base.ui.views import SIGNED_IN

_PLACES = {"query": "地址参数", "path": "地址", "header": "请求头", "body": "正文"}
_TYPES = {
    "integer": "整数",
    "number": "数",
    "string": "文字",
    "boolean": "是否",
    "array": "列表",
    "object": "对象",
    "date": "日期",
    "date-time": "时间",
    "binary": "文件",
    "decimal": "金额",
}


class Docs(DocsBase):
    def render_page(self, request: HttpRequest, api: Any, **kwargs: Any) -> HttpResponse:
        schema = api.get_openapi_schema(path_params=kwargs)
        context = {
            "title": "接口文档",
            "groups": groups(schema, permissions(api)),
            "schema_url": self.get_openapi_url(api, kwargs),
        }
        return render(request, "web/api_docs.html", context)


def permissions(api: Any) -> dict[str, str]:
    """operationId → the permission that it asks for, in words."""
    found = {}
    for _, router in api._routers:
        for view in router.path_operations.values():
            for operation in view.operations:
                name = getattr(operation.view_func, "permission", "")
                ident = operation.operation_id or api.get_openapi_operation_id(operation)
                found[ident] = _in_words(name)
    return found


def groups(schema: dict[str, Any], needs: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Operations by tag, in the order of the rooms: method, path, what it does, what it takes and gives."""
    parts = schema.get("components", {}).get("schemas", {})
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, spec in methods.items():
            operation = {
                "id": spec["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": spec.get("summary", ""),
                "description": spec.get("description", ""),
                "needs": needs.get(spec["operationId"], ""),
                "takes": [*_parameters(spec, parts), *_body(spec, parts)],
                "gives": _gives(spec, parts),
            }
            found.setdefault((spec.get("tags") or ["其他"])[0], []).append(operation)
    return list(found.items())


def _in_words(permission: str) -> str:
    if permission == SIGNED_IN:
        return "任何有效令牌"
    resource, action = policy().action(permission)
    return f"{resource.label}：{action.label}"


def _parameters(spec: dict[str, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _field(p["name"], p.get("schema", {}), parts, required=p.get("required", False), place=_PLACES[p["in"]])
        for p in spec.get("parameters", [])
    ]


def _body(spec: dict[str, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    content = spec.get("requestBody", {}).get("content", {})
    shape: dict[str, Any] = next((c.get("schema", {}) for c in content.values()), {})
    return _fields(shape, parts, place=_PLACES["body"])


def _gives(spec: dict[str, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    for status, answer in spec.get("responses", {}).items():
        if str(status).startswith("2"):
            shape: dict[str, Any] = next((c.get("schema", {}) for c in answer.get("content", {}).values()), {})
            return _fields(shape, parts)
    return []


def _fields(shape: dict[str, Any], parts: dict[str, Any], place: str = "") -> list[dict[str, Any]]:
    shape = _resolved(shape, parts)
    if shape.get("type") == "array":
        shape = _resolved(shape.get("items", {}), parts)
    required = set(shape.get("required", []))
    return [_field(n, s, parts, required=n in required, place=place) for n, s in shape.get("properties", {}).items()]


def _field(
    name: str, shape: dict[str, Any], parts: dict[str, Any], *, required: bool, place: str = ""
) -> dict[str, Any]:
    note = shape.get("description", "")
    return {"name": name, "type": _type(shape, parts), "required": required, "place": place, "note": note}


def _type(shape: dict[str, Any], parts: dict[str, Any]) -> str:
    shape = _resolved(shape, parts)
    choices = [s for s in shape.get("anyOf", []) if s.get("type") != "null"]
    if choices:
        return _type(choices[0], parts)
    if "enum" in shape:
        return " / ".join(map(str, shape["enum"]))
    kind = shape.get("format") or shape.get("type") or "object"
    word = _TYPES.get(kind) or _TYPES.get(shape.get("type", ""), "文字")
    return f"{word}（{_type(shape['items'], parts)}）" if kind == "array" and "items" in shape else word


def _resolved(shape: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    reference = shape.get("$ref", "")
    found: dict[str, Any] = parts.get(reference.rpartition("/")[2], {}) if reference else shape
    return found
