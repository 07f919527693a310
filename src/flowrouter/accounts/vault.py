"""Sealing: AES-256-GCM over one value, bound to the place it is stored in.

A sealed blob is `frv1:` + key id (8 hex) + `:` + nonce (12 bytes) + ciphertext and tag. The
associated data names table, row and field, so that a blob copied elsewhere does not open. The
master key itself encrypts nothing: sealing key, key id and any further subkey are derived from it
(HKDF-SHA256). Everything fails closed; nothing here ever overwrites a key.

A vault may hold older keys besides (`key_ring`): the first key seals, each opens what it sealed. While
keys are changed beside a running gateway, a value sealed with a key that is new to it makes it look again.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from flowrouter.errors import ConfigError, StorageError

KEY_BYTES = 32
KEY_FILE = "secret.key"
KEY_VARIABLE = "FLOW_ROUTER_MASTER_KEY"

_MAGIC = b"frv1:"
_NONCE_BYTES = 12
_KEY_ID_HEX = 8
_HEADER_BYTES = len(_MAGIC) + _KEY_ID_HEX + 1
_FORM = re.compile(rb"frv1:[0-9a-f]{8}:.{28}", re.DOTALL)  # nonce and tag at least
_CHECK_TEXT = b"flow-router key check"
_RECIPE = "make one with `openssl rand -hex 32`"
_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{43}=?\Z")


class UnsealError(StorageError):
    """A sealed value does not open: another key sealed it, it was altered, or it was moved."""


class _Key:
    """One master key and what is derived from it."""

    __slots__ = ("aead", "id", "master")

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ConfigError(f"the sealing key has {len(master)} bytes, not {KEY_BYTES}", fix=_RECIPE)
        self.master = master
        self.aead = AESGCM(self.subkey("seal"))
        self.id = self.subkey("key id")[: _KEY_ID_HEX // 2].hex()

    def subkey(self, purpose: str) -> bytes:
        info = b"flow-router v1 " + purpose.encode()
        return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info).derive(self.master)


class Vault:
    """Seals with one master key, opens with that and with `older` ones.

    `look_again` returns the keys there are now, the sealing one first.
    """

    __slots__ = ("_keys", "_look_again")

    def __init__(
        self,
        master_key: bytes,
        *,
        older: Sequence[bytes] = (),
        look_again: Callable[[], Sequence[bytes]] | None = None,
    ) -> None:
        self._keys = _ring((master_key, *older))
        self._look_again = look_again

    def __repr__(self) -> str:
        return f"Vault(key_id={self.key_id!r})"

    @property
    def key_id(self) -> str:
        """Return the id of the key that seals."""
        return next(iter(self._keys))

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Return the ids of all keys, the sealing one first."""
        return tuple(self._keys)

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte key for `purpose`; knowing it tells nothing about the others."""
        return self._first.subkey(purpose)

    def seal(self, value: bytes, *, table: str, row: str, field: str) -> bytes:
        """Return `value` sealed for one field of one row."""
        nonce, key = os.urandom(_NONCE_BYTES), self._first
        sealed = key.aead.encrypt(nonce, value, _place(table, row, field))
        return _MAGIC + key.id.encode() + b":" + nonce + sealed

    def open(self, blob: bytes, *, table: str, row: str, field: str) -> bytes:
        """Return the value sealed in `blob`; raises `UnsealError`, never returns anything unproven."""
        where = f"the sealed {field} of {table} {row}"
        if not _FORM.match(blob):
            raise UnsealError(f"{where} is not a sealed value")
        sealed_by = sealed_with(blob)
        key = self._keys.get(sealed_by) or self._found(sealed_by)
        if key is None:
            raise UnsealError(f"{where} was sealed with key {sealed_by}, this is key {self.key_id}")
        nonce = blob[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        try:
            return key.aead.decrypt(nonce, blob[_HEADER_BYTES + _NONCE_BYTES :], _place(table, row, field))
        except InvalidTag:
            raise UnsealError(f"{where} was altered or moved from another place") from None

    @property
    def _first(self) -> _Key:
        return next(iter(self._keys.values()))

    def _found(self, key_id: str) -> _Key | None:
        """Return the key with this id if it is there by now, and take over the order of keys as it is."""
        if self._look_again is None:
            return None
        try:
            keys = _ring(self._look_again())
        except ConfigError:
            return None
        if key_id in keys:
            self._keys = keys
        return keys.get(key_id)

    def check_value(self) -> bytes:
        """Return a sealed constant; stored beside the data it tells a right key from a wrong one."""
        return self.seal(_CHECK_TEXT, table="meta", row="key_check", field="value")

    def matches(self, check_value: bytes) -> bool:
        """Return whether this key made `check_value`."""
        try:
            opened = self.open(check_value, table="meta", row="key_check", field="value")
        except UnsealError:
            return False
        return opened == _CHECK_TEXT


def _ring(masters: Sequence[bytes]) -> dict[str, _Key]:
    """Return the keys by id, each once, in their order."""
    found: dict[str, _Key] = {}
    for master in masters:
        key = _Key(master)
        found.setdefault(key.id, key)
    return found


def sealed_with(blob: bytes) -> str:
    """Return the id of the key that sealed `blob`."""
    return blob[len(_MAGIC) : len(_MAGIC) + _KEY_ID_HEX].decode("ascii", "replace")


def parse_key(text: str, *, where: str) -> bytes:
    """Return the 32 bytes written in `text` as hex or base64; raises `ConfigError` naming `where`."""
    text = text.strip()
    if text.startswith("flr_"):
        raise ConfigError(f"{where} holds a gateway key, not a sealing key", fix=_RECIPE)
    if _HEX.match(text):
        return bytes.fromhex(text)
    web_safe = text.replace("+", "-").replace("/", "_")
    if _BASE64.match(web_safe):
        return urlsafe_b64decode(web_safe.rstrip("=") + "=")
    raise ConfigError(f"{where} is not a key of {KEY_BYTES} bytes in hex or base64", fix=_RECIPE)


def read_key_file(path: Path) -> bytes | None:
    """Return the key in `path`, or None where there is no such file; raises `ConfigError`."""
    text = read_private(path)
    return None if text is None else parse_key(text, where=f"the sealing key {path}")


def read_private(path: Path, *, what: str = "the sealing key") -> str | None:
    """Return the text of a key file that is open to its owner only, None where there is none.

    Raises `ConfigError`, which calls the file `what`.
    """
    try:
        status = path.stat()
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except OSError as error:
        fix = "make it readable by the user who runs the gateway"
        raise ConfigError(f"cannot read {what} {path}: {error.strerror}", fix=fix) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{what} {path} is not text", fix="restore it from a backup") from None
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise ConfigError(
            f"{what} {path} is open to others (mode {mode:o})",
            fix=f"chmod 600 {path}",
        )
    return text


def create_key_file(path: Path) -> bytes:
    """Write a new key to `path` and return it; if another process was first, return that one's.

    The file appears whole or not at all and is never replaced.
    """
    publish_private(path, secrets.token_hex(KEY_BYTES) + "\n")
    key = read_key_file(path)
    if key is None:
        raise ConfigError(f"the sealing key {path} vanished while it was created")
    return key


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, down to the disk; raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def publish_private(path: Path, text: str, *, what: str = "the sealing key") -> None:
    """Write a file that only its owner can read, whole or not at all; one that is there stays as it is.

    Raises `ConfigError`, which calls the file `what`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        write_private(draft, text)
        _publish(draft, path)
    except OSError as error:
        fix = "make its directory writable"
        raise ConfigError(f"cannot create {what} {path}: {error.strerror}", fix=fix) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give `draft` its name unless the name is taken."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        with contextlib.suppress(FileExistsError):
            write_private(path, draft.read_text("ascii"))


def _place(table: str, row: str, field: str) -> bytes:
    """Return the associated data; parts are quoted so that no two places read alike."""
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in (table, row, field)).encode()


__all__ = [
    "KEY_BYTES",
    "KEY_FILE",
    "KEY_VARIABLE",
    "UnsealError",
    "Vault",
    "create_key_file",
    "parse_key",
    "publish_private",
    "read_key_file",
    "read_private",
    "sealed_with",
    "write_private",
]
