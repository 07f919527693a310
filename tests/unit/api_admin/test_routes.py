"""The route table as a whole: what serves, what is described and what the guide says are one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.server import BODY_LIMIT
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

GUIDE = Path(__file__).parents[3] / "docs" / "api.md"


MAY_BE_EMPTY = {"/api/backups", "/api/backups/{id}", "/api/requests/{id}/bodies"}
"""What is there only after something was switched on or made; tests of their own show it filled."""


def test_rows_are_distinct() -> None:
    rows = [(route.method, route.path) for route in ADMIN_ROUTES]
    assert len(set(rows)) == len(rows)
    names = [route.answer.__name__ for route in ADMIN_ROUTES]
    assert len(set(names)) == len(names), "operation ids are the functions' names"


def test_everything_served_is_described(api: TestClient) -> None:
    described = api.get("/api/openapi.json").json()
    rows = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    assert rows == {(route.method, route.path) for route in ADMIN_ROUTES}
    assert described["openapi"].startswith("3.1")


def test_the_description_holds_together(api: TestClient) -> None:
    described = api.get("/api/openapi.json").json()
    schemas = described["components"]["schemas"]
    references = set(re.findall(r'"\$ref":\s?"([^"]+)"', api.get("/api/openapi.json").text))
    assert references == {f"#/components/schemas/{name}" for name in schemas}, "none dangling, none unused"
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    plan = described["paths"]["/api/plan"]["get"]["parameters"]
    assert [(each["name"], each["required"]) for each in plan] == [("model", True), ("dialect", False)]


def test_answers_are_as_described(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    from tests.contracts.fakes import request_row

    gateway.writer.record(request_row(1, receipt=b'{"request_id": "x"}', cost_pusd=3, session_id="s"))
    assert gateway.writer.drain(30.0)
    described = api.get("/api/openapi.json").json()
    combo = {"name": "team", "members": [{"model": "gpt-x", "when": {"max_tokens": 9}}]}
    limited = {"name": "limited", "policy": {"budgets": [{"amount": 5}]}}
    key = api.post("/api/keys", json=limited).json()["data"]["id"]
    ids = {
        "budgets": f"key:{key}:usd:month",
        "usage": "s",
        "accounts": account["id"],
        "combos": api.post("/api/combos", json=combo).json()["data"]["id"],
        "keys": api.post("/api/keys", json={"name": "laptop"}).json()["data"]["id"],
        "aliases": "fast",
        "models": "gpt-x",
        "prices": "gpt-x",
        "presets": "openai",
        "requests": "req_00000001",
        "receipts": "req_00000001",
        "users": api.post("/api/users", json={"name": "ann", "password": "blue horse stapler"}).json()[
            "data"
        ]["id"],
    }
    assert api.put("/api/prices/gpt-x", json={"input": 1, "output": 2}).status_code == 200
    checked = 0
    for route in ADMIN_ROUTES:
        if route.method != "GET" or route.bare or route.media:
            continue
        path = route.path.replace("{id}", ids.get(route.path.split("/")[2], ""))
        reply = api.get(path, params={"model": "gpt-x"} if path == "/api/plan" else None)
        assert reply.status_code in ((200, 404) if route.path in MAY_BE_EMPTY else (200,)), (path, reply.text)
        success = described["paths"][route.path]["get"]["responses"][str(reply.status_code)]
        schema = success["content"]["application/json"]["schema"]
        jsonschema.validate(reply.json(), {**schema, "components": described["components"]})
        checked += 1
    assert (
        checked
        == len([row for row in ADMIN_ROUTES if row.method == "GET" and not (row.bare or row.media)])
        > 14
    )


def test_failures_are_as_described(api: TestClient) -> None:
    described = api.get("/api/openapi.json").json()
    schema = {"$ref": "#/components/schemas/ErrorReply", "components": described["components"]}
    for path in ("/api/accounts?limt=1", "/api/accounts/none", "/api/none"):
        jsonschema.validate(api.get(path).json(), schema)


def test_wrong_methods_and_paths(api: TestClient) -> None:
    wrong = api.put("/api/accounts", json={})
    assert error(wrong) == (405, "method_not_allowed", None)
    assert wrong.headers["allow"] == "GET, POST"
    nowhere = api.get("/api/acounts")
    assert error(nowhere) == (404, "unknown_url", None)
    assert "/api/accounts" in nowhere.json()["error"]["fix"]
    assert api.head("/api/accounts").status_code == 200
    assert api.request("OPTIONS", "/api/accounts").status_code == 405


def test_a_query_where_none_is_read(api: TestClient) -> None:
    assert error(api.get("/api/status?verbose=1")) == (400, "unknown_field", "verbose")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"\xff\xfe", 400, "invalid_json"),
        (b"[]", 400, "invalid_request"),
        (b'{"name": "' + b"x" * BODY_LIMIT + b'"}', 413, "request_too_large"),
    ],
)
def test_bad_bodies(api: TestClient, content: bytes, status: int, code: str) -> None:
    reply = api.post("/api/keys", content=content, headers={"content-type": "application/json"})
    assert error(reply)[:2] == (status, code)


def test_a_body_nested_too_deeply(api: TestClient) -> None:
    content = b'{"models": ' + b"[" * 100_000
    reply = api.patch("/api/settings", content=content, headers={"content-type": "application/json"})
    assert error(reply)[:2] == (400, "invalid_json")


def test_a_bug_is_answered_without_its_words(gateway: Gateway) -> None:
    def broken() -> Any:
        raise RuntimeError("secret detail")

    with gateway.client({"authorization": f"Bearer {gateway.deps.token}"}, management=broken) as api:
        reply = api.get("/api/keys")
    assert error(reply) == (500, "internal_error", None)
    assert "secret detail" not in reply.text


def test_answers_are_not_kept(api: TestClient) -> None:
    for reply in (api.get("/api/accounts"), api.get("/api/none"), api.get("/api/openapi.json")):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-type"] == "application/json"


def test_the_package_loads_without_its_framework() -> None:
    program = (
        "import sys, flowrouter.api.admin as admin; admin.Handover, admin.AdminDeps\n"
        "assert not {'starlette', 'anyio', 'sqlalchemy'} & set(sys.modules), 'too early'\n"
        "assert 'flowrouter.api.admin.table' not in sys.modules, 'routes too early'\n"
        "assert admin.ADMIN_ROUTES and 'starlette' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_the_guide_names_every_route_and_field() -> None:
    text = GUIDE.read_text("utf-8")
    missing = [f"{row.method} {row.path}" for row in ADMIN_ROUTES if f"{row.method} {row.path}`" not in text]
    assert not missing
    shown = set(re.findall(r"`(GET|POST|PATCH|PUT|DELETE) (/api[^`?\s]*)", text))
    assert shown == {(row.method, row.path) for row in ADMIN_ROUTES}, (
        "the guide names a route that is not there"
    )
    for row in ADMIN_ROUTES:
        for kind in (row.query, row.body):
            fields = getattr(kind, "__struct_fields__", ())
            assert not [name for name in fields if f"`{name}`" not in text], row.path


def test_a_line_break_in_an_address(gateway: Gateway, api: TestClient) -> None:
    for path in ("/api/models/a%0Ab", "/api/keys/a%0Ab", "/a%0Ab"):
        reply = api.get(path)
        assert reply.status_code == 404
        assert reply.json()["error"]["code"] in ("unknown_url", "not_found", "model_not_found")
    assert error(gateway.client().get("/api/models/a%0Ab"))[:2] == (401, "unauthenticated")
