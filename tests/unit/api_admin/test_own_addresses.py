"""Who may write a host of their own: it could lead requests into the gateway's private network (SE7)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.settings import Egress
from tests.unit.api_admin.conftest import Gateway

OWN: dict[str, dict[str, Any]] = {
    "base_url": {"preset": "custom-openai", "base_url": "https://llm.example/v1", "api_key": "sk-12345678"},
    "token_url": {
        "preset": "groq",
        "oauth": {"token_url": "https://id.example/t", "client_id": "c", "refresh_token": "r"},
    },
}


@pytest.mark.parametrize("kind", OWN)
def test_se7_a_tenants_key_may_not(gateway: Gateway, api: TestClient, kind: str) -> None:
    with gateway.client(gateway.admin_key("bob")) as bob:
        refused = bob.post("/api/accounts", json={"name": "mine", **OWN[kind]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "operator_only")
        assert "egress" in refused.text
    assert api.post("/api/accounts", json={"name": "mine", **OWN[kind]}).status_code == 201


def test_se7_nor_lead_an_account_elsewhere_later(gateway: Gateway) -> None:
    with gateway.client(gateway.admin_key("bob")) as bob:
        made = bob.post("/api/accounts", json={"name": "mine", "preset": "groq", "api_key": "gsk_12345678"})
        assert made.status_code == 201, made.text
        path = f"/api/accounts/{made.json()['data']['id']}"
        moved = bob.patch(path, json={"base_url": "http://10.0.0.1/v1", "api_key": "gsk_12345678"})
        assert moved.status_code == 403
        assert bob.patch(path, json={"priority": 3}).status_code == 200


def test_se7_where_private_addresses_are_shut_anybody_may(gateway: Gateway) -> None:
    headers = gateway.admin_key("bob")
    shut = msgspec.structs.replace(gateway.config, egress=Egress(private=False))
    with gateway.client(headers, config=shut) as bob:
        assert bob.post("/api/accounts", json={"name": "mine", **OWN["base_url"]}).status_code == 201
