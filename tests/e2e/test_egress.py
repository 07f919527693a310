"""Requests go only where the settings let them; what is refused names the setting to the owner (SE7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream


def account(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "preset": "custom-openai", "base_url": url, "api_key": "k", "models": ["m"], **more}


def ask(gateway: RunningGateway, model: str) -> tuple[int, dict[str, Any]]:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    status, answer = gateway.call("POST", "/v1/chat/completions", body=json.dumps(body).encode())
    return status, json.loads(answer)


def test_a_local_model_needs_no_setting() -> None:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream,
        RunningGateway([account("near", upstream.openai_url)]) as gateway,
    ):
        assert ask(gateway, "near/m")[0] == 200


@pytest.mark.parametrize(
    ("egress", "named"),
    [
        ({"private": False}, "[egress] private"),
        ({"mode": "list", "hosts": ["api.example.com"]}, "[egress] mode"),
    ],
    ids=["private", "list"],
)
def test_se7_what_is_not_allowed_is_not_asked(egress: dict[str, Any], named: str) -> None:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream,
        RunningGateway([account("near", upstream.openai_url)], settings={"egress": egress}) as gateway,
    ):
        status, answer = ask(gateway, "near/m")
        assert status == 502
        assert named in answer["error"]["message"]
        assert answer["error"]["code"] == "upstream_auth"
        assert upstream.requests == []


def test_se7_another_target_answers_instead() -> None:
    settings = {
        "egress": {"private": False, "hosts": []},
        "routing": {"combos": {"both": {"members": [{"model": "bad/m"}, {"model": "good/m"}]}}},
    }
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream:
        settings["egress"] = {"private": False, "hosts": [f"127.0.0.1:{upstream.port}"]}
        accounts = [account("bad", "http://127.0.0.1:9/v1"), account("good", upstream.openai_url)]
        with RunningGateway(accounts, settings=settings) as gateway:
            assert ask(gateway, "both")[0] == 200


METADATA = {
    "aws": "http://169.254.169.254/latest",
    "mapped": "http://[::ffff:169.254.169.254]/v1",
    "six": "http://[fd00:ec2::254]/v1",
    "google": "http://metadata.google.internal/computeMetadata/v1",
    "alibaba": "http://100.100.100.200/v1",
    "decimal": "http://2852039166/v1",
}


@pytest.fixture(scope="module")
def lax() -> Iterator[RunningGateway]:
    """A gateway whose settings let it ask everybody, with an account for each address of metadata."""
    everything = {"private": True, "hosts": ["169.254.0.0/16", "*.internal", "fd00::/8", "100.100.100.200"]}
    accounts = [account(name, url) for name, url in METADATA.items()]
    with RunningGateway(accounts, settings={"egress": everything}) as gateway:
        yield gateway


@pytest.mark.parametrize("name", METADATA)
def test_se7_metadata_is_never_asked_whatever_is_set(lax: RunningGateway, name: str) -> None:
    status, answer = ask(lax, f"{name}/m")
    assert status == 502
    assert "may not be reached" in answer["error"]["message"], answer
    token = (lax.data / "local.token").read_text().strip()
    status, body = lax.call(
        "POST", f"/api/accounts/config:{name}/test", body=b"{}", headers={"authorization": f"Bearer {token}"}
    )
    assert status == 200
    assert not json.loads(body)["data"]["ok"]


def test_se7_token_urls_are_held_to_the_same_rule() -> None:
    oauth = {
        "token_url": "https://169.254.169.254/token", "client_id": "c",
        "client_secret": "oauth-canary-secret", "grant": "client_credentials",
    }  # fmt: skip
    with ScriptedUpstream(dialect="openai_chat", keys=["k"]) as upstream:
        signed = account("signed", upstream.openai_url, oauth=oauth)
        del signed["api_key"]
        with RunningGateway([signed]) as gateway:
            status, answer = ask(gateway, "signed/m")
            assert status == 502, answer
            assert upstream.requests == []
            assert "oauth-canary-secret" not in gateway.log
