"""Sealing fails closed: what is altered, moved or sealed with another key does not open."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from threading import Barrier, Thread

import pytest

from flowrouter.accounts.vault import (
    KEY_FILE,
    UnsealError,
    Vault,
    create_key_file,
    parse_key,
    read_key_file,
    sealed_with,
)
from flowrouter.errors import ConfigError
from flowrouter.httpkit.keys import mint

KEY = bytes(range(32))
OTHER = bytes(32)


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


def test_value_comes_back(vault: Vault) -> None:
    for value in (b"", b"sk-canary", os.urandom(100_000)):
        blob = vault.seal(value, table="accounts", row="acc_1", field="api_key")
        assert vault.open(blob, table="accounts", row="acc_1", field="api_key") == value
        assert not value or value not in blob


def test_same_value_never_looks_the_same(vault: Vault) -> None:
    assert len({vault.seal(b"x", table="t", row="r", field="f") for _ in range(100)}) == 100


def test_blob_says_which_key(vault: Vault) -> None:
    blob = vault.seal(b"x", table="t", row="r", field="f")
    assert blob.startswith(b"frv1:")
    assert sealed_with(blob) == vault.key_id != Vault(OTHER).key_id


@pytest.mark.parametrize(
    "place",
    [
        {"table": "keys", "row": "r", "field": "f"},
        {"table": "t", "row": "r2", "field": "f"},
        {"table": "t", "row": "r", "field": "g"},
        {"table": "t:r", "row": "f", "field": ""},
        {"table": "t", "row": "r:f", "field": ""},
    ],
)
def test_blob_opens_only_in_its_place(vault: Vault, place: dict[str, str]) -> None:
    blob = vault.seal(b"x", table="t", row="r", field="f")
    with pytest.raises(UnsealError, match="altered or moved"):
        vault.open(blob, **place)


def test_places_that_look_alike(vault: Vault) -> None:
    blob = vault.seal(b"x", table="t", row="a:b", field="c")
    with pytest.raises(UnsealError):
        vault.open(blob, table="t", row="a", field="b:c")
    with pytest.raises(UnsealError):
        vault.open(blob, table="t", row="a%3Ab", field="c")


def test_every_bit_counts(vault: Vault) -> None:
    blob = vault.seal(b"value", table="t", row="r", field="f")
    for position in range(len(blob)):
        broken = bytearray(blob)
        broken[position] ^= 1
        with pytest.raises(UnsealError):
            vault.open(bytes(broken), table="t", row="r", field="f")


@pytest.mark.parametrize("length", range(0, 44, 3))
def test_cut_blob(vault: Vault, length: int) -> None:
    blob = vault.seal(b"value", table="t", row="r", field="f")
    with pytest.raises(UnsealError):
        vault.open(blob[:length], table="t", row="r", field="f")


def test_plain_text_is_no_sealed_value(vault: Vault) -> None:
    with pytest.raises(UnsealError) as caught:
        vault.open(b"sk-canary-plain-text-from-somewhere", table="t", row="r", field="f")
    assert "canary" not in str(caught.value)


def test_another_key(vault: Vault) -> None:
    blob = Vault(OTHER).seal(b"value", table="t", row="r", field="f")
    with pytest.raises(UnsealError, match=f"{Vault(OTHER).key_id}.*{vault.key_id}"):
        vault.open(blob, table="t", row="r", field="f")


def test_check_value(vault: Vault) -> None:
    assert vault.matches(vault.check_value())
    assert not vault.matches(Vault(OTHER).check_value())
    assert not vault.matches(b"")


def test_subkeys_differ(vault: Vault) -> None:
    assert vault.subkey("a") == Vault(KEY).subkey("a") != vault.subkey("b")
    assert KEY not in (vault.subkey("a"), vault.subkey("seal"))


def test_vault_hides_its_key(vault: Vault) -> None:
    assert repr(vault) == f"Vault(key_id={vault.key_id!r})"


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper() + "\n",
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
    ],
)
def test_key_as_text(text: str) -> None:
    assert parse_key(text, where="it") == KEY


@pytest.mark.parametrize("text", ["", "password", KEY.hex()[:-2], KEY.hex() + "00", "x" * 44, "é" * 43])
def test_unfit_key(text: str) -> None:
    with pytest.raises(ConfigError, match="openssl rand -hex 32"):
        parse_key(text, where="it")


def test_gateway_key_is_no_sealing_key() -> None:
    token = mint().token
    with pytest.raises(ConfigError, match="gateway key") as caught:
        parse_key(token, where="FLOW_ROUTER_MASTER_KEY")
    assert token not in str(caught.value)


def test_key_file_is_private_and_stays(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    assert read_key_file(path) is None
    key = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert create_key_file(path) == key == read_key_file(path)
    assert [each.name for each in tmp_path.iterdir()] == [KEY_FILE]


def test_processes_that_race_get_one_key(tmp_path: Path) -> None:
    path, barrier, keys = tmp_path / KEY_FILE, Barrier(8), []

    def run() -> None:
        barrier.wait()
        keys.append(create_key_file(path))

    threads = [Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert set(keys) == {read_key_file(path)}


def test_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / KEY_FILE
    key = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert create_key_file(path) == key


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", KEY, KEY.hex().encode()[:63]])
def test_broken_key_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / KEY_FILE
    path.write_bytes(content)
    path.chmod(0o600)
    for act in (read_key_file, create_key_file):
        with pytest.raises(ConfigError, match=str(path)):
            act(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX idea")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_open_key_file_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / KEY_FILE
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        read_key_file(path)


def test_unreadable_key_file(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot read"):
        read_key_file(path)


def test_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot create"):
        create_key_file(tmp_path / "missing" / KEY_FILE)
