"""A declaration sealed with a passphrase: argon2id makes the key, AES-256-GCM seals the whole text.

The sealed form is itself TOML: `format` names this version, the parameters stand beside it and are bound to
the text as associated data. Nothing of the declaration can be read or changed without the passphrase.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from textwrap import fill
from typing import Annotated, Any, Literal

import msgspec

from flowrouter import strict_toml
from flowrouter.api.admin.envelope import refusal
from flowrouter.settings.section import Section

FORMAT = "flow-router-sealed/1"
SHORTEST = 12
"""Characters of a passphrase: whoever holds the file may try as many as they like."""

_LONGEST = 1024
_MEMORY_KIB = 64 * 1024
_PASSES = 3
_LANES = 4
_SALT_BYTES = 16
_NONCE_BYTES = 12
_HEAD = (
    "# Configuration of a Flow Router gateway with its secrets, sealed with a passphrase.\n"
    "# Put it in force: flow-router apply FILE\n"
)


class Sealed(Section, frozen=True):
    """A sealed declaration; the bounds keep a strange file from taking the machine's memory."""

    format: Literal["flow-router-sealed/1"]
    salt: str
    nonce: str
    sealed: str
    kdf: Literal["argon2id"] = "argon2id"
    memory_kib: Annotated[int, msgspec.Meta(ge=8 * 1024, le=1024 * 1024)] = _MEMORY_KIB
    passes: Annotated[int, msgspec.Meta(ge=1, le=20)] = _PASSES
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)] = _LANES


def is_sealed(tables: dict[str, Any]) -> bool:
    """Return whether parsed TOML is a sealed declaration, of whatever version."""
    return str(tables.get("format", "")).startswith("flow-router-sealed/")


def seal(text: str, passphrase: str) -> str:
    """Return `text` sealed; raises `CallerError` for a passphrase that would soon be guessed."""
    if len(passphrase) < SHORTEST or len(set(passphrase)) < SHORTEST // 2:
        raise refusal(
            f"a passphrase has at least {SHORTEST} characters, not the same few again and again",
            param="passphrase",
            code="weak_passphrase",
            fix="several words are easy to remember",
        )
    if len(passphrase.encode()) > _LONGEST:
        raise refusal(f"a passphrase has at most {_LONGEST} bytes", param="passphrase")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    made = Sealed(format=FORMAT, salt=_text(salt), nonce=_text(nonce), sealed="")
    body = _aead(made, passphrase, salt).encrypt(nonce, text.encode(), _bound(made))
    return (
        f"{_HEAD}\n"
        f'format = "{made.format}"\n'
        f'kdf = "{made.kdf}"\nmemory_kib = {made.memory_kib}\npasses = {made.passes}\nlanes = {made.lanes}\n'
        f'salt = "{made.salt}"\nnonce = "{made.nonce}"\n'
        f'sealed = """\n{fill(_text(body), 88)}\n"""\n'
    )


def opened(tables: dict[str, Any], passphrase: str | None, *, text: str, file: str) -> str:
    """Return the declaration in a sealed one; raises `TomlError`, `CallerError`."""
    from cryptography.exceptions import InvalidTag

    if tables["format"] != FORMAT:
        raise refusal(
            f"{file} is sealed as {tables['format']!r}, which this version does not know",
            code="unknown_format",
            fix="update Flow Router, or export again",
        )
    found = strict_toml.shape(tables, Sealed, text=text, file=file)
    if not passphrase:
        raise refusal(
            f"{file} is sealed", code="passphrase_needed", param="passphrase", fix="give its passphrase"
        )
    try:
        salt, nonce, body = (
            b64decode("".join(part.split()), validate=True)
            for part in (found.salt, found.nonce, found.sealed)
        )
        return _aead(found, passphrase, salt).decrypt(nonce, body, _bound(found)).decode()
    except InvalidTag:
        raise refusal(
            f"{file} does not open: the passphrase is wrong, or the file was changed or cut",
            code="wrong_passphrase",
            param="passphrase",
        ) from None
    except ValueError as error:
        raise refusal(f"{file} is damaged: {error}", code="damaged_export") from None


def _aead(sealed: Sealed, passphrase: str, salt: bytes) -> Any:
    """Return the cipher of a passphrase; takes a tenth of a second and the memory it says."""
    from argon2.low_level import Type, hash_secret_raw
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(salt) != _SALT_BYTES:
        raise ValueError("its salt has another length")
    key = hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=sealed.passes,
        memory_cost=sealed.memory_kib,
        parallelism=sealed.lanes,
        hash_len=32,
        type=Type.ID,
    )
    return AESGCM(key)


def _bound(sealed: Sealed) -> bytes:
    """Return what is bound to the text: every member but the text itself."""
    return msgspec.json.encode(msgspec.structs.replace(sealed, sealed=""))


def _text(value: bytes) -> str:
    return b64encode(value).decode()


__all__ = ["FORMAT", "SHORTEST", "Sealed", "is_sealed", "opened", "seal"]
