"""SE2 to SE5, SE8, SE10: what other gateways got wrong about keys and tenants, tried on ours."""

from __future__ import annotations

import http.client
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.roles import is_change
from flowrouter.cli.desk import opened
from flowrouter.httpkit.keys import LOCAL_OWNER, KeyLimits, KeyPolicy, hash_token
from tests.e2e.conftest import accounts
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ASK = b'{"model": "chat/gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}'
PLACES = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-flowrouter-key")


class Guarded:
    """A gateway with keys, and their tokens by name."""

    def __init__(self, gateway: RunningGateway, tokens: dict[str, str]) -> None:
        self.gateway = gateway
        self.tokens = tokens

    def ask(
        self, token: str, *, place: str = "x-api-key", path: str = "/v1/chat/completions"
    ) -> tuple[int, bytes]:
        value = f"Bearer {token}" if place == "authorization" else token
        return self.gateway.call("POST", path, body=ASK, headers={place: value})


@pytest.fixture(scope="module")
def guarded(chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream) -> Iterator[Guarded]:
    settings = {"logs": {"level": "debug", "access": True}}
    gateway = RunningGateway(accounts(chat_upstream, claude_upstream), settings=settings)
    tokens: dict[str, str] = {}
    with opened(None, str(gateway.data)) as desk:
        for name, owner, scopes in (
            ("plain", LOCAL_OWNER, ()),
            ("ann", "ann", ()),
            ("bob", "bob", ()),
            ("boss", LOCAL_OWNER, ("admin",)),
            ("ann's boss", "ann", ("admin",)),
            ("watcher", LOCAL_OWNER, ("metrics",)),
        ):
            policy = KeyPolicy(limits=KeyLimits(requests_per_minute=100_000), responses_store=True)
            _, minted = desk.management.keys.create(name, owner_id=owner, scopes=scopes, policy=policy)
            tokens[name] = minted.token
    with gateway:
        yield Guarded(gateway, tokens)
        gateway.assert_no_complaints()


@pytest.mark.parametrize("place", PLACES)
def test_se2_a_look_up_takes_no_orders(guarded: Guarded, place: str) -> None:
    for text in (
        "flr_' OR '1'='1",
        "' OR 1=1 --",
        "flr_" + "0" * 64 + "' OR 1=1",
        "%",
        "*",
        "flr_%",
        "x' UNION SELECT 1",
    ):
        status, body = guarded.ask(text, place=place)
        assert status == 401, body
    assert guarded.ask(guarded.tokens["plain"], place=place)[0] == 200


def test_se3_only_the_whole_key_counts(guarded: Guarded) -> None:
    """Whoever knows all but the end of a key has nothing, however often the key itself was just used."""
    token = guarded.tokens["plain"]
    for kept in (20, 40, 67):
        body = token[:kept] + "".join("0" if char != "0" else "1" for char in token[kept:68])
        twin = f"{body}{zlib.crc32(body.encode()):08x}"
        assert guarded.ask(token)[0] == 200
        assert guarded.ask(twin)[0] == 401
    assert guarded.ask(token[:-1])[0] == 401
    assert guarded.ask(token + "0")[0] == 401


GUARDED = [row for row in ADMIN_ROUTES if not row.public]


@pytest.mark.parametrize("name", ["plain", "ann", "watcher"])
def test_se4_a_key_without_the_scope_manages_nothing(guarded: Guarded, name: str) -> None:
    """Every route there is: a new one is among them by itself."""
    headers = {"x-api-key": guarded.tokens[name], "content-type": "application/json"}
    for row in GUARDED:
        body = b"{}" if row.method != "GET" else None
        path = row.path.replace("{id}", "key_1")
        status, answer = guarded.gateway.call(row.method, path, body=body, headers=headers)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "missing_scope"), row.path
    assert guarded.gateway.get("/api/keys", headers={"x-api-key": guarded.tokens["boss"]})[0] == 200


def test_se4_an_owners_admin_key_changes_nothing_of_everybodys(guarded: Guarded) -> None:
    """It manages what its owner has: settings, users, logs of changes, backups and declarations are not theirs."""
    headers = {"x-api-key": guarded.tokens["ann's boss"], "content-type": "application/json"}
    shut = (
        "/api/settings",
        "/api/users",
        "/api/sessions",
        "/api/audit",
        "/api/backups",
        "/api/apply",
        "/api/export",
    )
    tried = 0
    for row in GUARDED:
        changes = is_change(row.method, row.path) or row.path in shut[1:]
        if row.path.startswith(shut) and changes:
            body = _smallest(row.path) if row.method != "GET" else None
            path = row.path.replace("{id}", "x")
            status, answer = guarded.gateway.call(row.method, path, body=body, headers=headers)
            assert status == 403, (row.method, row.path, status, answer)
            tried += 1
    assert tried > 12


def _smallest(path: str) -> bytes:
    """Return a body that is well-formed on the way to the door behind it."""
    needed = {
        "/api/users": {"name": "x", "password": "blue horse stapler"},
        "/api/apply": {"text": ""},
        "/api/export": {"passphrase": "blue horse stapler"},
    }
    return json.dumps(needed.get(path, {})).encode()


@pytest.mark.parametrize("place", PLACES)
def test_se5_what_the_store_holds_opens_nothing(guarded: Guarded, place: str) -> None:
    kept = hash_token(guarded.tokens["plain"])
    body = "flr_" + kept
    for text in (kept, body, f"{body}{zlib.crc32(body.encode()):08x}", guarded.tokens["plain"][:14] + "…"):
        assert guarded.ask(text.encode().decode("latin-1"), place=place)[0] == 401
    local = {"authorization": f"Bearer {kept}"}
    assert guarded.gateway.get("/api/keys", headers=local)[0] == 401


def test_se8_no_header_makes_a_caller_local(guarded: Guarded) -> None:
    for name in ("x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "cf-connecting-ip"):
        status, _ = guarded.gateway.call(
            "POST", "/v1/chat/completions", body=ASK, headers={name: "127.0.0.1"}
        )
        assert status == 401


def test_se9_keys_are_told_to_nobody(guarded: Guarded, chat_upstream: ScriptedUpstream) -> None:
    """Canaries in every place of a request, good ones and bad ones: rows, receipts, errors, logs, providers."""
    token = guarded.tokens["plain"]
    answers = [guarded.ask(token, place=place) for place in PLACES]
    answers += [
        guarded.ask(token, path="/v1/nowhere"),
        guarded.ask(token, path=f"/v1beta/models/x:generateContent?key={token}"),
    ]
    answers.append(guarded.gateway.call("POST", "/v1/embeddings", body=b"{", headers={"x-api-key": token}))
    local = {"authorization": "Bearer " + (guarded.gateway.data / "local.token").read_text().strip()}
    for path in ("/api/requests", "/api/keys", "/api/status", "/api/settings"):
        answers.append(guarded.gateway.get(path, headers=local))
    for row in json.loads(guarded.gateway.get("/api/requests", headers=local)[1])["data"][:5]:
        answers.append(guarded.gateway.get(f"/api/requests/{row['id']}", headers=local))
    assert not any(token.encode() in body or token[14:40].encode() in body for _, body in answers)
    assert token[14:40] not in guarded.gateway.log
    chat_upstream.assert_never_received("flr_", token[14:40])
    for file in guarded.gateway.data.rglob("*"):
        if file.is_file():
            assert token[14:40].encode() not in file.read_bytes(), file


def test_se10_what_one_owner_keeps_another_does_not_see(guarded: Guarded) -> None:
    ask = {"model": "chat/gpt-4.1", "input": "Remember: blue."}

    def call(who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": guarded.tokens[who]}
        status, answer = guarded.gateway.call(method, path, body=raw, headers=headers)
        return status, json.loads(answer)

    status, made = call("ann", "POST", "/v1/responses", ask)
    assert status == 200
    goes_on = {**ask, "previous_response_id": made["id"]}
    assert call("ann", "GET", f"/v1/responses/{made['id']}")[0] == 200
    assert call("ann", "POST", "/v1/responses", goes_on)[0] == 200
    for method, path, body in (
        ("GET", f"/v1/responses/{made['id']}", None),
        ("DELETE", f"/v1/responses/{made['id']}", None),
        ("POST", "/v1/responses", goes_on),
    ):
        status, refused = call("bob", method, path, body)
        nothing = call(
            "bob",
            method,
            path.replace(made["id"], "resp_none"),
            body and {**goes_on, "previous_response_id": "resp_none"},
        )
        assert status == nothing[0] == 404
        assert refused["error"]["code"] == nothing[1]["error"]["code"], "no sign that it exists"


def test_se10_a_receipt_is_its_owners(guarded: Guarded) -> None:
    body = json.dumps({"model": "chat/gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", guarded.gateway.port, timeout=60)
    sent = {"content-type": "application/json", "x-api-key": guarded.tokens["ann"]}
    connection.request("POST", "/v1/chat/completions", body=body, headers=sent)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    path = f"/v1/receipts/{answer.headers['x-request-id']}"
    for name, status in (("ann", 200), ("bob", 404)):
        assert guarded.gateway.get(path, headers={"x-api-key": guarded.tokens[name]})[0] == status


def test_se10_an_idempotency_key_is_told_apart_by_owner(
    guarded: Guarded, chat_upstream: ScriptedUpstream
) -> None:
    """Owners share the operator's accounts: one's key may not fetch what a provider answered another."""
    seen = []
    for name in ("ann", "ann", "bob", "plain"):
        headers = {"x-api-key": guarded.tokens[name], "idempotency-key": "the-same"}
        assert guarded.gateway.call("POST", "/v1/chat/completions", body=ASK, headers=headers)[0] == 200
        seen.append(chat_upstream.last.header("idempotency-key"))
    assert seen[0] == seen[1]
    assert len({seen[0], seen[2], seen[3]}) == 3


def test_se10_an_owners_admin_sees_nothing_of_others(guarded: Guarded) -> None:
    """Every list and page there is, asked with an admin key of ann's: no name of the operator's, no request of bob's."""
    local = {"authorization": "Bearer " + (guarded.gateway.data / "local.token").read_text().strip()}
    for path, body in (
        ("/api/accounts", {"name": "canary-account", "preset": "groq", "api_key": "gsk_0123456789"}),
        ("/api/keys", {"name": "canary-key"}),
        ("/api/combos", {"name": "canary-combo", "members": [{"model": "chat/m"}]}),
    ):
        raw = json.dumps(body).encode()
        status, answer = guarded.gateway.call("POST", path, body=raw, headers=local)
        assert status == 201, answer
    spoken = {
        "x-api-key": guarded.tokens["bob"],
        "user-agent": "canary-agent",
        "x-session-id": "canary-session",
    }
    assert guarded.gateway.call("POST", "/v1/chat/completions", body=ASK, headers=spoken)[0] == 200
    listed = json.loads(guarded.gateway.get("/api/requests?limit=1", headers=local)[1])["data"][0]
    ids = {row["id"] for row in json.loads(guarded.gateway.get("/api/keys", headers=local)[1])["data"]}
    own = {"x-api-key": guarded.tokens["ann's boss"]}
    asked = 0
    for row in GUARDED:
        if row.method != "GET" or "stream" in row.path:
            continue
        for known in (listed["id"], *sorted(ids)[:3], "canary-combo") if "{id}" in row.path else ("",):
            path = row.path.replace("{id}", known)
            _, answer = guarded.gateway.get(path, headers=own)
            text = answer.decode().replace(known or "\0", "")
            assert "canary-" not in text, (path, text)
            asked += 1
    assert asked > 40
