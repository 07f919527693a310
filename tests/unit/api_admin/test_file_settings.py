"""What only the configuration file sets, as `/api/settings` shows it: everything but credentials."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from flowrouter.settings import Backups, Egress, State, Upstream
from flowrouter.settings.admin import Admin, Oidc
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_keys_and_settings import error
from tests.unit.api_admin.test_login import enter, with_login
from tests.unit.api_admin.test_oidc import Wire

PROXY_CANARY = "proxy-canary-5512"
OIDC = Oidc(
    issuer="https://login.example.com", client_id="gateway", client_secret=CLIENT_SECRET, label="Example",
    roles={"admins": "admin"}, emails={"ann@example.com": "operator"},
)  # fmt: skip


def configured(gateway: Gateway, **sections: Any) -> None:
    config = msgspec.structs.replace(gateway.config, **sections)
    gateway.deps = type(gateway.deps)(**{**vars(gateway.deps), "config": config})


def process(client: TestClient) -> dict[str, Any]:
    reply = client.get("/api/settings")
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]["process"]


def test_defaults(gateway: Gateway, api: TestClient) -> None:
    shown = process(api)
    assert shown["retention"] == {"days": 400, "rows": 5_000_000, "receipt_days": 30}
    assert shown["backups"]["folder"] == str(gateway.config.data_dir / "backups")
    assert (shown["egress"]["mode"], shown["admin"]["on"], shown["admin"]["oidc"]) == ("open", False, None)
    assert shown["given"] == []


def test_what_is_given_is_named_and_no_credential_is_told(gateway: Gateway) -> None:
    configured(
        gateway,
        backups=Backups(every_hours=12),
        egress=Egress(mode="list", hosts=("api.openai.com",)),
        upstream=Upstream(proxy=f"http://me:{PROXY_CANARY}@proxy.example:3128"),
        state=State(redis=f"redis://:{PROXY_CANARY}@127.0.0.1:6379/0"),
        admin=Admin(oidc=OIDC),
    )
    with gateway.client({"authorization": f"Bearer {gateway.deps.token}"}) as client:
        text = client.get("/api/settings").text
        shown = process(client)
    assert PROXY_CANARY not in text
    assert CLIENT_SECRET not in text
    assert shown["upstream"]["proxy"] == "http://proxy.example:3128"
    assert shown["state"]["redis"] is True
    assert {"backups.every_hours", "egress.mode", "egress.hosts", "admin.oidc.issuer"} <= set(shown["given"])
    assert "server.port" not in shown["given"]
    oidc = shown["admin"]["oidc"]
    assert (oidc["has_secret"], oidc["roles"]) == (True, {"admins": "admin"})
    assert oidc["redirect_uri"].endswith("/api/login/oidc/callback")


@pytest.mark.parametrize(("role", "told"), [("viewer", False), ("operator", False), ("admin", True)])
def test_who_gets_which_role_is_for_admins(gateway: Gateway, role: str, told: bool) -> None:
    with_login(gateway, oidc=OIDC)
    with gateway.client({"authorization": f"Bearer {gateway.deps.token}"}) as client:
        body = {"name": role, "password": "correct horse battery", "role": role}
        assert client.post("/api/users", json=body).status_code == 201
    oidc = process(enter(gateway, role, "correct horse battery"))["admin"]["oidc"]
    assert oidc["issuer"] == OIDC.issuer
    assert (oidc["emails"] is not None) is told
    assert (oidc["roles"] is not None) is told


def test_a_gateway_key_sees_none_of_it(api: TestClient, gateway: Gateway) -> None:
    body = {"name": "mine", "scopes": ["admin"]}
    token = api.post("/api/keys", json=body).json()["data"]["token"]
    with gateway.client({"authorization": f"Bearer {token}"}) as client:
        assert client.get("/api/settings").json()["data"]["process"] is None


def test_budgets_in_force(api: TestClient) -> None:
    api.patch("/api/settings", json={"budgets": {"house": {"amount": 5}}})
    assert api.get("/api/settings").json()["data"]["in_force"]["budgets"] == {"house": {"amount": "5"}}


def test_the_provider_is_looked_at(gateway: Gateway) -> None:
    provider = OidcProvider(now=gateway.clock.now())
    wire = Wire(provider)
    oidc = msgspec.structs.replace(OIDC, client_id=CLIENT_ID, issuer=provider.issuer)
    with_login(gateway, oidc=oidc)
    gateway.deps = type(gateway.deps)(**{**vars(gateway.deps), "transport": wire})
    with gateway.client({"authorization": f"Bearer {gateway.deps.token}"}) as client:
        path = "/api/login/oidc/check"
        found = client.post(path, json={}).json()["data"]
        assert (found["issuer"], found["keys"]) == (provider.issuer, 1)
        wire.down = True
        assert error(client.post(path, json={}))[:2] == (502, "oidc_unreachable"), "asked anew"


def test_no_provider_to_look_at(api: TestClient) -> None:
    assert error(api.post("/api/login/oidc/check", json={}))[:2] == (403, "login_off")
