"""Gateway keys are told from other text early, found by their whole, and useless as stored."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from flowrouter.httpkit.keys import GatewayKey, KeyRing, hash_token, is_token, mint, shown


def key_of(token: str, **changes: object) -> GatewayKey:
    values = {
        "id": "key_1",
        "name": "n",
        "owner_id": "local",
        "token_hash": hash_token(token),
        "shown": shown(token),
    }
    return GatewayKey(**(values | changes))  # type: ignore[arg-type]


def test_form() -> None:
    minted = mint()
    assert len(minted.token) == 4 + 64 + 8
    assert is_token(minted.token)
    assert minted.token_hash == hashlib.sha256(minted.token.encode()).hexdigest()
    assert minted.shown == minted.token[:14] + "…"
    assert minted.token not in repr(minted)
    assert mint().token != minted.token


def test_typo_is_seen_early() -> None:
    token = mint().token
    for position in range(4, len(token)):
        swapped = "0" if token[position] != "0" else "1"
        assert not is_token(token[:position] + swapped + token[position + 1 :])


@pytest.mark.parametrize(
    "text", ["", "flr_", "sk-ant-api03-abc", "dummy", "flr_" + "0" * 64, "flr_" + "0" * 72, "é"]
)
def test_other_text_is_none_of_ours(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize("change", [str.upper, lambda token: token + "\n", lambda token: " " + token])
def test_only_the_exact_text(change: object) -> None:
    assert not is_token(change(mint().token))  # type: ignore[operator]


def test_ring_finds_the_whole_token_only() -> None:
    """A cache that keys on a part of the token lets strangers in (CVE-2026-35030)."""
    token = mint().token
    ring = KeyRing([key_of(token)])
    assert ring.find(token, now_ms=0) is not None
    body = token[:-8][:-20] + "0" * 20
    twin = f"{body}{zlib.crc32(body.encode()):08x}"
    assert is_token(twin)
    assert ring.find(twin, now_ms=0) is None


def test_stored_hash_is_no_credential() -> None:
    """Whoever reads the store must not gain a key (GHSA-69x8-hrgq-fjj8)."""
    key = key_of(mint().token)
    ring = KeyRing([key])
    body = "flr_" + key.token_hash
    for credential in (key.token_hash, body, f"{body}{zlib.crc32(body.encode()):08x}", key.shown):
        assert ring.find(credential, now_ms=0) is None


def test_revoked_and_expired() -> None:
    token = mint().token
    assert KeyRing([key_of(token, revoked_at_ms=1)]).find(token, now_ms=0) is None
    assert len(KeyRing([key_of(token, revoked_at_ms=1)])) == 0
    ring = KeyRing([key_of(token, expires_at_ms=10)])
    assert ring.find(token, now_ms=9) is not None
    assert ring.find(token, now_ms=10) is None
    assert [key.id for key in ring] == ["key_1"]
