"""The program, the data folder, the sealing key and the store, as they lie on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from flowrouter import __version__
from flowrouter.cli.checks.finding import Area, Finding

if TYPE_CHECKING:
    from flowrouter.app.program import StoreState

SPACE_TIGHT = 500 * 1024**2
SPACE_OUT = 50 * 1024**2

_SECRET_FILES = ("secret.key", "local.token", "flow-router.sqlite", "chat.key")
_MIB = 1024**2


def program() -> Sequence[Finding]:
    """Look at the interpreter and the packages that only make it faster."""
    area = Area("This machine")
    area.ok("python", f"Flow Router {__version__}, Python {platform.python_version()}, {platform.system()}")
    if os.name == "posix" and find_spec("uvloop") is None:
        area.warn("uvloop", "uvloop is not installed: the gateway works, but slower", "pip install uvloop")
    return area.found


def data_folder(path: Path) -> Sequence[Finding]:
    """Look at the folder that holds everything: there, ours, private, writable, room left."""
    area = Area("Data folder")
    try:
        status = path.stat()
    except FileNotFoundError:
        _not_there(area, path)
        return area.found
    except OSError as error:
        area.fail("data-folder", f"{path} cannot be read: {error.strerror}", "name another: --data DIR")
        return area.found
    if not stat.S_ISDIR(status.st_mode):
        area.fail("data-folder", f"{path} is a file, not a folder", f"move it away: mv {path} {path}.old")
        return area.found
    area.ok("data-folder", str(path))
    if os.name == "posix":
        _check_owner(area, path, status)
        _check_modes(area, path, status)
    _check_writable(area, path)
    _check_space(area, path)
    return area.found


def store(state: StoreState) -> Sequence[Finding]:
    """Tell what `look_at` found of the store and its key."""
    area = Area("Data folder")
    if state.error is not None:
        area.fail("store", state.error, _restore(state))
    elif not state.exists:
        area.ok("store", "no store yet; the first start makes it")
    elif not state.writable:
        area.fail("store", f"the store {state.shown} cannot be written", f"chmod 600 {state.shown}")
    elif state.damage is not None:
        area.fail("store", f"the store is damaged: {state.damage}", _restore(state))
    elif state.version is not None and state.version > state.newest:
        cure = "install that version, or start with another folder: --data DIR"
        text = f"a newer Flow Router made this store (schema {state.version}, this one knows {state.newest})"
        area.fail("store", text, cure)
    elif state.version != state.newest:
        area.ok("store", f"schema {state.version}; the next start upgrades it to {state.newest}")
    else:
        area.ok("store", _sound(state))
    if state.key_error is not None:
        area.fail("key", state.key_error, state.key_fix or f"restore {state.key_file} from your backup")
    elif state.key_id is not None:
        area.ok("key", f"the sealing key fits the store (id {state.key_id})")
    return area.found


def _not_there(area: Area, path: Path) -> None:
    parent = next((each for each in path.parents if each.exists()), path.parent)
    if os.access(parent, os.W_OK | os.X_OK):
        area.ok("data-folder", f"{path} does not exist yet; the first start makes it")
    else:
        area.fail("data-folder", f"{path} cannot be made: {parent} is not yours", "name another: --data DIR")


def _check_owner(area: Area, path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.getuid():
        text = f"{path} belongs to another user (id {status.st_uid})"
        area.fail("owner", text, f"sudo chown -R {os.getuid()} {path}")


def _check_modes(area: Area, path: Path, status: os.stat_result) -> None:
    """Look at who else may enter the folder or read the secrets in it."""
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        area.fail("mode", f"others may write into the folder (mode {mode:o})", f"chmod 700 {path}")
    elif mode & 0o077:
        area.warn("mode", f"others may look into the folder (mode {mode:o})", f"chmod 700 {path}")
    else:
        area.ok("mode", f"yours alone (mode {mode:o})")
    for name in _SECRET_FILES:
        file = path / name
        try:
            opened = stat.S_IMODE(file.stat().st_mode)
        except OSError:
            continue
        if opened & 0o077:
            area.fail("file-mode", f"{file} is open to others (mode {opened:o})", f"chmod 600 {file}")


def _check_writable(area: Area, path: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"flow-router doctor")
            probe.flush()
    except OSError as error:
        cure = f"chmod 700 {path}" if isinstance(error, PermissionError) else "free some disk space"
        area.fail("writable", f"nothing can be written there: {error.strerror}", cure)


def _check_space(area: Area, path: Path) -> None:
    free = shutil.disk_usage(path).free
    text = f"{free / _MIB / 1024:.1f} GiB free" if free >= 1024 * _MIB else f"{free / _MIB:.0f} MiB free"
    cure = "free some disk space, or keep less of the log: [retention] in config.toml"
    if free < SPACE_OUT:
        area.fail("space", f"the disk is full: {text}", cure)
    elif free < SPACE_TIGHT:
        area.warn("space", f"the disk is nearly full: {text}", cure)
    else:
        area.ok("space", text)


def _sound(state: StoreState) -> str:
    where = "" if state.path is not None else f" at {state.shown}"
    return f"the store{where} is sound: schema {state.version}, {state.bytes / _MIB:.1f} MiB"


def _restore(state: StoreState) -> str:
    if state.path is None:
        return "check [store] url, and that its server runs"
    return (
        "put one of its backups back: flow-router backup list, then flow-router backup restore ID; "
        "or start with another folder: --data DIR"
    )


__all__ = ["data_folder", "program", "store"]
