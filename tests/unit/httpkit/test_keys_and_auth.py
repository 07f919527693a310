"""Gateway keys: told from dummies without a look-up, found wherever the client put them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.errors import CallerError
from flowrouter.httpkit.auth import authenticate, credentials, recognised, with_query_key
from flowrouter.httpkit.caller import LOCAL, Caller
from flowrouter.httpkit.keys import GatewayKey, KeyRing, hash_token, is_token, mint, shown

NOW = 1_800_000_000_000
MINE, YOURS, EXPIRED, REVOKED, ELSEWHERE = (mint() for _ in range(5))


def key(token: str, owner: str = "me", **fields: object) -> GatewayKey:
    return GatewayKey(
        id=f"key_{owner}",
        name=owner,
        owner_id=owner,
        token_hash=hash_token(token),
        shown=shown(token),
        **fields,
    )  # type: ignore[arg-type]


RING = KeyRing(
    [
        key(MINE.token, "me", scopes=("chat",)),
        key(YOURS.token, "you"),
        key(EXPIRED.token, "late", expires_at_ms=NOW),
        key(REVOKED.token, "gone", revoked_at_ms=1),
    ]
)
EMPTY = KeyRing([])
ME = Caller(owner_id="me", key_id="key_me", key_name="me", scopes=("chat",))


def who(ring: KeyRing = RING, *, protected: bool = False, **headers: str) -> Caller:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return authenticate(named, ring, now_ms=NOW, protected=protected)


def refused(ring: KeyRing = RING, *, protected: bool = False, **headers: str) -> CallerError:
    with pytest.raises(CallerError) as caught:
        who(ring, protected=protected, **headers)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    return caught.value


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {MINE.token}"},
        {"authorization": f"bearer  {MINE.token} "},
        {"authorization": MINE.token},
        {"x_api_key": MINE.token},
        {"x_goog_api_key": MINE.token},
        {"api_key": MINE.token},
        {"x_flowrouter_key": MINE.token},
        {"x_flowrouter_key": MINE.token, "authorization": "Bearer sk-ant-oat01-of-their-own"},
        {"x_api_key": "dummy", "authorization": f"Bearer {MINE.token}"},
        {"x_api_key": MINE.token, "authorization": "Bearer sk-ant-real-looking"},
        {"x_api_key": REVOKED.token, "authorization": f"Bearer {MINE.token}"},
        {"x_api_key": MINE.token, "authorization": f"Bearer {ELSEWHERE.token}"},
        {"authorization": "Basic Zm9vOmJhcg==", "x_api_key": MINE.token},
    ],
)
def test_key_is_found_among_dummies(headers: dict[str, str]) -> None:
    assert who(**headers) == ME


def test_what_is_known_of_a_caller_ends_with_its_key() -> None:
    soon = mint()
    ring = KeyRing([key(soon.token, "soon", expires_at_ms=NOW + 5), key(MINE.token, "me")])
    known = recognised({"x-api-key": soon.token}, ring, now_ms=NOW, protected=True)
    assert (known.caller.owner_id, known.mark, known.until_ms) == ("soon", ring.mark, NOW + 5)
    assert recognised({"x-api-key": MINE.token}, ring, now_ms=NOW, protected=True).until_ms == math.inf
    nobody = recognised({}, EMPTY, now_ms=NOW, protected=False)
    assert (nobody.caller, nobody.mark, nobody.protected, nobody.until_ms) == (
        LOCAL,
        EMPTY.mark,
        False,
        math.inf,
    )


def test_the_first_known_key_counts() -> None:
    assert who(authorization=f"Bearer {YOURS.token}", x_api_key=MINE.token).owner_id == "you"


@pytest.mark.parametrize(
    "token", [EXPIRED.token, REVOKED.token, ELSEWHERE.token], ids=["expired", "revoked", "elsewhere"]
)
@pytest.mark.parametrize("ring", [RING, EMPTY], ids=["keys", "no keys"])
def test_a_token_of_our_form_that_is_not_valid(token: str, ring: KeyRing) -> None:
    """Even where no key is needed: whoever shows a revoked key must not be let in as nobody."""
    assert "revoked" in refused(ring, x_api_key=token).message
    assert "revoked" in refused(ring, authorization=f"Bearer {token}", x_api_key="dummy").message


@pytest.mark.parametrize(
    "headers", [{}, {"x_api_key": "dummy"}, {"authorization": "Bearer sk-x"}, {"x_api_key": ""}]
)
def test_without_any_key_everybody_on_loopback_is_local(headers: dict[str, str]) -> None:
    assert who(EMPTY, **headers) == LOCAL
    assert "flr_" in refused(EMPTY, protected=True, **headers).message
    assert "flr_" in refused(RING, **headers).message


def test_expired_keys_still_close_the_door() -> None:
    ring = KeyRing([key(EXPIRED.token, expires_at_ms=NOW - 1)])
    refused(ring)
    refused(ring, x_api_key=EXPIRED.token)


def test_expiry_is_the_first_moment_that_fails() -> None:
    ring = KeyRing([key(MINE.token, expires_at_ms=NOW)])
    assert ring.find(MINE.token, now_ms=NOW - 1) is not None
    assert ring.find(MINE.token, now_ms=NOW) is None


def test_refusals_do_not_repeat_the_token() -> None:
    assert ELSEWHERE.token not in str(refused(x_api_key=ELSEWHERE.token))
    assert "sk-secret" not in str(refused(x_api_key="sk-secret"))


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token[:10] + ("0" if token[10] != "0" else "1") + token[11:],
        lambda token: token + "0",
        lambda token: token + "\n",
        lambda token: token[:-1],
        lambda token: token.upper(),
        lambda token: " " + token,
        lambda token: "flr_" + "é" * 72,
        lambda token: "flr_" + "0" * 72,
        lambda token: "",
    ],
)
def test_what_is_no_token(change: object) -> None:
    assert not is_token(change(MINE.token))  # type: ignore[operator]


@given(st.text(max_size=80))
def test_any_text_is_taken_calmly(text: str) -> None:
    assert not is_token(text)
    assert RING.find(text, now_ms=NOW) is None
    assert who(EMPTY, authorization=text, x_api_key=text) == LOCAL


def test_credentials_in_the_order_they_are_looked_at() -> None:
    headers = {
        "api-key": "d",
        "x-goog-api-key": "c",
        "x-api-key": " b ",
        "authorization": "Bearer a",
        "cookie": "e",
    }
    assert list(credentials(headers)) == ["a", "b", "c", "d"]
    assert list(credentials({"authorization": "", "x-api-key": "b"})) == ["b"]


def test_minted_tokens() -> None:
    tokens = {mint().token for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"flr_[0-9a-f]{72}", token) and is_token(token) for token in tokens)


def test_only_the_beginning_is_shown() -> None:
    assert MINE.token not in repr(MINE)
    assert MINE.shown == MINE.token[:14] + "…"
    assert repr(MINE) == f"MintedToken({MINE.shown!r})"


def test_the_ring_counts_keys_that_are_not_revoked() -> None:
    assert len(RING) == 3
    assert {held.owner_id for held in RING} == {"me", "you", "late"}
    assert len(KeyRing([key(REVOKED.token, revoked_at_ms=1)])) == 0


def test_a_key_in_the_query_stands_where_googles_header_does() -> None:
    token, dummy = mint().token, "AIza-dummy"
    assert with_query_key({}, token) == {"x-goog-api-key": token}
    assert with_query_key({"x-goog-api-key": dummy, "host": "x"}, token) == {
        "x-goog-api-key": token,
        "host": "x",
    }
    assert with_query_key({"x-goog-api-key": token}, dummy) == {"x-goog-api-key": token}


def test_a_key_that_was_found_before_is_looked_at_again() -> None:
    ring = KeyRing([key(MINE.token, expires_at_ms=NOW)])
    for _ in range(2):
        assert ring.find(MINE.token, now_ms=NOW - 1) is not None
        assert ring.find(MINE.token, now_ms=NOW) is None


def test_a_stored_hash_makes_no_token_of_a_wrong_checksum() -> None:
    """Hashes may be declared: what has not our form and checksum is nobody's key all the same."""
    wrong = MINE.token[:-1] + ("0" if MINE.token[-1] != "0" else "1")
    ring = KeyRing([key(wrong)])
    for _ in range(2):
        assert ring.find(wrong, now_ms=NOW) is None
