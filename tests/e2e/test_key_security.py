"""What other gateways got wrong about keys (named by the ids of our list of such failures), tried on ours."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

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


def test_se4_a_plain_key_changes_nothing(guarded: Guarded) -> None:
    for method, path in (
        ("GET", "/api/keys"),
        ("POST", "/api/keys"),
        ("PATCH", "/api/keys/key_1"),
        ("DELETE", "/api/keys/key_1"),
        ("PATCH", "/api/settings"),
    ):
        body = b"{}" if method in ("POST", "PATCH") else None
        headers = {"x-api-key": guarded.tokens["plain"]}
        status, answer = guarded.gateway.call(
            method, path, body=body, headers={**headers, "content-type": "application/json"}
        )
        assert (status, json.loads(answer)["error"]["code"]) == (403, "missing_scope")
    assert guarded.gateway.get("/api/keys", headers={"x-api-key": guarded.tokens["boss"]})[0] == 200


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
