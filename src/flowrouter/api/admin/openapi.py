"""The OpenAPI 3.1 description, made from the route table and its Structs.

What a row does not say follows from what it is: `statuses` tells how it may fail, `parameters` which
headers it heeds, `samples` makes the examples. So a new row is described in full by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from flowrouter import __version__
from flowrouter.api.admin.access import CSRF_HEADER
from flowrouter.api.admin.call import AdminRoute
from flowrouter.api.admin.envelope import ErrorReply
from flowrouter.api.admin.patching import patch_schema
from flowrouter.api.admin.replays import HEADER, heeds
from flowrouter.api.admin.roles import is_change
from flowrouter.api.admin.samples import place_sample, sample
from flowrouter.api.admin.sessions import COOKIE

_REF = "#/components/schemas/{name}"
_PLACE = re.compile(r"\{(\w+)\}")
_DESCRIPTION = (
    "Manages a Flow Router gateway. Success is `{data}`, or `{data, next_cursor, has_more}` for lists; "
    "failure is `{error: {code, message, param?, fix?}, request_id}`."
)
_MEANINGS = {
    303: "Go on at `location`.",
    304: "It is as `If-None-Match` says.",
    400: "What was sent is not as described, or says something that cannot be.",
    401: "No credential, or one that is none.",
    403: "Not with this role, scope or page.",
    404: "There is no such thing, or none that the caller may see.",
    409: "It is in the way of something else: a name that is taken, a thing that a file declares.",
    412: "The thing is no longer what `If-Match` says.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    421: "The gateway is not served under this host name.",
    422: "The `Idempotency-Key` was used for another request.",
    428: "This gateway changes only what the caller has seen: send `If-Match`.",
    429: "Too often; see `retry-after`.",
    500: "A defect of the gateway; its log has the reason.",
    502: "The provider did not answer as it should.",
    503: "The store does not answer; try again.",
    507: "The disk has no room.",
}


def document(routes: Sequence[AdminRoute]) -> dict[str, Any]:
    """Return the whole description of `routes`."""
    named = (kind for route in routes for kind in (route.reply, route.patches or route.body))
    kinds = list(dict.fromkeys(kind for kind in named if kind is not None))
    schemas, components = msgspec.json.schema_components([*kinds, ErrorReply], ref_template=_REF)
    known = dict(zip([*kinds, ErrorReply], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, known, components)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
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


def statuses(route: AdminRoute) -> tuple[int, ...]:
    """Return how a route may fail, in ascending order."""
    found = {400, 421, 500, 503, *route.fails}
    changes = is_change(route.method, route.path)
    # A stranger may be a page of another site.
    found |= {403} if route.public else {401, 403}
    if "{" in route.path:
        found.add(404)
    if changes:
        found.add(409)
    if route.method in ("POST", "PUT", "PATCH"):
        found |= {413, 415}
    if heeds(route):
        found.add(422)
    if route.tagged:
        found |= {304} if not changes else {412, 428} if route.method != "POST" else set()
    return tuple(sorted(found))


def _operation(route: AdminRoute, known: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    tell = _relayed if route.relays else _failure
    operation: dict[str, Any] = {
        "operationId": getattr(route.answer, "__name__", route.path),
        "summary": route.summary,
        "tags": [route.path.split("/")[2].partition(".")[0]],
        "parameters": [*_places(route), *_parameters(route.query), *_headers(route)],
        "responses": {
            str(route.status): _success(route, known, components),
            **{str(status): tell(status, known) for status in statuses(route)},
        },
    }
    if route.public:
        operation["security"] = []
    if route.body is not None:
        operation["requestBody"] = {"required": True, **_body(route, known, components)}
    return operation


def _body(route: AdminRoute, known: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    schema = known[route.patches or route.body]
    if route.patches is not None:
        schema = patch_schema(schema, components)
    example = route.example
    if example is None:
        example = sample(schema, components, required_only=True)
    kinds = ["application/json"]
    if route.method == "PATCH":
        kinds.append("application/merge-patch+json")
    return {"content": {kind: {"schema": schema, "example": example} for kind in kinds}}


def _failure(status: int, known: Mapping[Any, Any]) -> dict[str, Any]:
    meaning = _meaning(status)
    if status < 400:
        return {"description": meaning}
    example = {
        "error": {"code": _CODES.get(status, "invalid_request"), "message": meaning},
        "request_id": "req_7210d8b7a117feb97c0da66e",
    }
    return _content(meaning, known[ErrorReply], example)


def _meaning(status: int) -> str:
    named = {each.value: each.phrase for each in HTTPStatus}
    return _MEANINGS.get(status) or f"{named.get(status, 'Overloaded')}."


def _relayed(status: int, known: Mapping[Any, Any]) -> dict[str, Any]:
    """Return how a failure is told by a route that answers as the data plane does."""
    told = _failure(status, known)
    if status >= 400:
        own = {"type": "object", "description": "An error in the dialect's own form."}
        told["content"]["application/json"]["schema"] = {"anyOf": [known[ErrorReply], own]}
    return told


_CODES = {
    401: "unauthenticated",
    403: "role_needed",
    404: "not_found",
    409: "conflict",
    412: "precondition_failed",
    413: "request_too_large",
    415: "refused",
    421: "refused",
    422: "idempotency_key_reused",
    428: "precondition_required",
    429: "too_many_attempts",
    500: "internal_error",
    502: "upstream_error",
    503: "store_unavailable",
    507: "no_room",
}


def _success(route: AdminRoute, known: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    if route.media:
        return {"description": "Success.", "content": {route.media: {"schema": {"type": "string"}}}}
    if route.reply is None:
        return {"description": "Success; see the header `location`."}
    schema = known[route.reply] if route.bare else _enveloped(route, known)
    described = _content("Success.", schema, sample(schema, components))
    if route.also:
        described["content"][route.also] = {"schema": {"type": "string"}}
    if route.tagged and (route.method != "DELETE"):
        described["headers"] = {
            "ETag": {"description": "What `If-Match` takes.", "schema": {"type": "string"}}
        }
    return described


def _enveloped(route: AdminRoute, known: Mapping[Any, Any]) -> dict[str, Any]:
    data = known[route.reply]
    properties: dict[str, Any] = {"data": {"type": "array", "items": data} if route.many else data}
    required = ["data"]
    if route.many:
        properties |= {"next_cursor": {"type": ["string", "null"]}, "has_more": {"type": "boolean"}}
        required += ["next_cursor", "has_more"]
    properties["notices"] = {"type": "array", "items": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _places(route: AdminRoute) -> list[dict[str, Any]]:
    """Return the parameters of the path."""
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            "example": place_sample(route.path),
        }
        for name in _PLACE.findall(route.path)
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


def _headers(route: AdminRoute) -> list[dict[str, Any]]:
    """Return the headers that a route heeds."""
    found: dict[str, str] = {}
    if heeds(route):
        found[HEADER] = (
            "The same key and the same request are answered once: for a day the first answer again."
        )
    if route.tagged and route.method == "GET":
        found["if-none-match"] = "An ETag; what is still so is answered 304."
    elif route.tagged and route.method != "POST":
        found["if-match"] = "The ETag of what is to be changed; anything else is answered 412."
        if route.method == "PUT":
            found["if-none-match"] = "`*`: make it, replace nothing."
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": _SCHEMAS[name]}
        for name, text in found.items()
    ]


_TAGS = {"type": "string", "example": '"3"'}
_SCHEMAS: Mapping[str, dict[str, Any]] = {
    HEADER: {
        "type": "string",
        "pattern": "^[!-~]{1,200}$",
        "example": "5f0b0e0a-6d0c-4a52-9a61-1f3a9d8c7b21",
    },
    "if-match": _TAGS,
    "if-none-match": _TAGS,
}


def _content(description: str, schema: Any, example: Any) -> dict[str, Any]:
    media = {"schema": schema, "example": example}
    return {"description": description, "content": {"application/json": media}}


__all__ = ["document", "statuses"]
