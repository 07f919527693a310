"""Access tokens as values: what is asked for, what is made of an answer, when a new one is due."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from flowrouter.accounts.account import Account, OAuth, view
from flowrouter.accounts.oauth import (
    LASTING_PAUSE,
    PASSING_PAUSE,
    RefreshError,
    Token,
    opened,
    token_in,
    token_request,
    written,
)
from flowrouter.settings.oauth import OAuthConfig

CANARY = "canary-secret-0123456789"
URL = "https://login.example.com/oauth2/token"


def terms(**changes: Any) -> OAuth:
    values: dict[str, Any] = {"token_url": URL, "client_id": "our client", "refresh_token": "first"}
    return opened(OAuthConfig(**(values | changes)))


def form(oauth: OAuth, held: Token | None = None) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(token_request(oauth, held).body.decode()).items()}


def token(**changes: Any) -> Token:
    return Token(**({"access_token": "a", "obtained_at": 0.0, "terms": "t"} | changes))


def test_a_public_client_names_itself_among_the_fields() -> None:
    assert form(terms(scope="read write")) == {
        "grant_type": "refresh_token",
        "refresh_token": "first",
        "scope": "read write",
        "client_id": "our client",
    }
    request = token_request(terms(), None)
    assert (request.method, request.url, request.header("authorization")) == ("POST", URL, None)
    assert str(request.header("user-agent")).startswith("flow-router/")


def test_a_secret_is_shown_in_the_header_or_among_the_fields() -> None:
    secret = terms(client_secret="p:s s")
    header = str(token_request(secret, None).header("authorization"))
    assert b64decode(header.removeprefix("Basic ")).decode() == "our%20client:p%3As%20s"
    assert "client_secret" not in form(secret)
    asked = form(terms(client_secret="p:s", client_auth="body"))
    assert (asked["client_id"], asked["client_secret"]) == ("our client", "p:s")


def test_a_client_may_be_its_own_user() -> None:
    own = terms(grant="client_credentials", refresh_token=None, client_secret="s", params={"audience": "llm"})
    assert form(own) == {"grant_type": "client_credentials", "audience": "llm"}


def test_the_newest_refresh_token_is_shown() -> None:
    assert form(terms(), token(refresh_token="second"))["refresh_token"] == "second"
    assert form(terms(), token())["refresh_token"] == "first"


@pytest.mark.parametrize(
    ("life", "due", "expired"),
    [(3_600, 3_300.0, 3_600.0), (600, 540.0, 600.0), (10, 9.0, 10.0)],
)
def test_due_ahead_of_its_end(life: int, due: float, expired: float) -> None:
    found = token_in(
        200, msgspec.json.encode({"access_token": "x", "expires_in": life}), oauth=terms(), held=None, now=0
    )
    assert not found.due(due - 0.01)
    assert found.due(due)
    assert not found.expired(expired - 0.01)
    assert found.expired(expired)


@pytest.mark.parametrize("life", [None, 0, -5, True, "soon", [], 1e300])
def test_without_a_time_it_lasts_until_it_is_refused(life: object) -> None:
    body = msgspec.json.encode({"access_token": "x", "expires_in": life})
    found = token_in(200, body, oauth=terms(), held=None, now=0)
    assert not found.due(10.0**9)
    assert not found.expired(10.0**9)


def test_times_as_text_and_rotation() -> None:
    body = msgspec.json.encode({"access_token": "x", "expires_in": "600", "refresh_token": "second"})
    found = token_in(200, body, oauth=terms(), held=None, now=5)
    assert (found.expires_at, found.refresh_token) == (605.0, "second")
    kept = token_in(200, b'{"access_token":"y"}', oauth=terms(), held=found, now=6)
    assert kept.refresh_token == "second"


@pytest.mark.parametrize(
    ("status", "body", "lasting"),
    [
        (400, b'{"error":"invalid_grant"}', True),
        (401, b'{"error":"invalid_client"}', True),
        (400, b"", True),
        (403, b"<html>", True),
        (500, b"{}", False),
        (429, b"{}", False),
        (302, b"", False),
        (200, b"{}", False),
        (200, b"nothing", False),
        (200, b'{"access_token":""}', False),
        (200, b'{"access_token":"two\\nlines"}', False),
        (200, b'{"access_token":7}', False),
    ],
)
def test_refusals(status: int, body: bytes, lasting: bool) -> None:
    with pytest.raises(RefreshError) as caught:
        token_in(status, body, oauth=terms(), held=None, now=0)
    assert caught.value.lasting is lasting
    assert caught.value.retry_after == (LASTING_PAUSE if lasting else PASSING_PAUSE)


def test_nothing_of_an_answer_is_told() -> None:
    body = msgspec.json.encode({"error": CANARY, "error_description": CANARY, "access_token": CANARY})
    with pytest.raises(RefreshError) as caught:
        token_in(400, body, oauth=terms(client_secret=CANARY), held=None, now=0)
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/token", "ftp://127.0.0.1/token", "https:///token", "login.example.com",
        "https://user:secret@login.example.com/token", "https://login.example.com/token#x", "https://[::1/token",
    ],
)  # fmt: skip
def test_secrets_go_to_https_or_this_machine(url: str) -> None:
    with pytest.raises(ValueError):
        OAuthConfig(token_url=url, client_id="c", refresh_token="r")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/token", "http://localhost/token", "http://[::1]:9/token", URL]
)
def test_addresses_that_will_do(url: str) -> None:
    assert OAuthConfig(token_url=url, client_id="c", refresh_token="r").token_url == url


def test_each_grant_needs_its_secret() -> None:
    with pytest.raises(ValueError, match="refresh_token"):
        OAuthConfig(token_url=URL, client_id="c")
    with pytest.raises(ValueError, match="client_secret"):
        OAuthConfig(token_url=URL, client_id="c", grant="client_credentials")


def test_nothing_shows_a_secret() -> None:
    config = OAuthConfig(token_url=URL, client_id="c", refresh_token=CANARY, client_secret=CANARY)
    account = Account(id="a", name="a", preset="openai", owner_id="local", oauth=opened(config))
    held = token(access_token=CANARY, refresh_token=CANARY)
    for shown in (config, account, account.oauth, held, token_request(opened(config), held)):
        assert CANARY not in repr(shown)
    assert CANARY.encode() not in msgspec.json.encode(view(account))
    assert CANARY not in opened(config).terms
    assert written(opened(config)) == config


def test_a_change_of_terms_is_told_apart() -> None:
    assert terms().terms == terms().terms
    others = [terms(refresh_token="new"), terms(client_id="x"), terms(scope="x"), terms(client_secret="x")]
    assert len({terms().terms, *(other.terms for other in others)}) == 5
