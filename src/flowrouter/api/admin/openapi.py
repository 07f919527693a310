"""The OpenAPI 3.1 description, made from the route table and its Structs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flowrouter import __version__
from flowrouter.api.admin.access import CSRF_HEADER
from flowrouter.api.admin.call import AdminRoute
from flowrouter.api.admin.envelope import ErrorReply
from flowrouter.api.admin.sessions import COOKIE

_REF = "#/components/schemas/{name}"
_PLACE = re.compile(r"\{(\w+)\}")
_DESCRIPTION = (
    "Manages a Flow Router gateway. Success is `{data}`, or `{data, next_cursor, has_more}` for lists; "
    "failure is `{error: {code, message, param?, fix?}, request_id}`."
)


def document(routes: Sequence[AdminRoute]) -> dict[str, Any]:
    """Return the whole description of `routes`."""
    kinds = list(
        dict.fromkeys(kind for route in routes for kind in (route.reply, route.body) if kind is not None)
    )
    schemas, components = msgspec.json.schema_components([*kinds, ErrorReply], ref_template=_REF)
    known = dict(zip([*kinds, ErrorReply], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Flow Router management API", "version": __version__, "description": _DESCRIPTION},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The local token, or a gateway key with the scope `admin`.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": f"Changes need the header `{CSRF_HEADER}` besides, with the `csrf_token` of GET /api/me.",
                },
            },
        },
    }


def _operation(route: AdminRoute, known: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.answer, "__name__", route.path),
        "summary": route.summary,
        "tags": [route.path.split("/")[2].partition(".")[0]],
        "parameters": [*_places(route.path), *_parameters(route.query)],
        "responses": {
            str(route.status): _success(route, known),
            "default": _content("Failure.", known[ErrorReply]),
        },
    }
    if route.public:
        operation["security"] = []
    if route.body is not None:
        operation["requestBody"] = {"required": True, **_media(known[route.body])}
    return operation


def _success(route: AdminRoute, known: Mapping[Any, Any]) -> dict[str, Any]:
    if route.media:
        return {"description": "Success.", "content": {route.media: {"schema": {"type": "string"}}}}
    if route.reply is None:
        return {"description": "Success; see the header `location`."}
    return _content("Success.", known[route.reply] if route.bare else _enveloped(route, known))


def _enveloped(route: AdminRoute, known: Mapping[Any, Any]) -> dict[str, Any]:
    data = known[route.reply]
    properties: dict[str, Any] = {"data": {"type": "array", "items": data} if route.many else data}
    required = ["data"]
    if route.many:
        properties |= {"next_cursor": {"type": ["string", "null"]}, "has_more": {"type": "boolean"}}
        required += ["next_cursor", "has_more"]
    properties["notices"] = {"type": "array", "items": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": required}


def _places(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(path)
    ]


def _parameters(query: Any) -> list[dict[str, Any]]:
    if query is None:
        return []
    (_, components) = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[query.__name__]
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _content(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, **_media(schema)}


def _media(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


__all__ = ["document"]
