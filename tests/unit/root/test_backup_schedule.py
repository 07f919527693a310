"""Backups that nobody asks for: when, by whom, how many stay, and that nothing waits for them."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.app.backups import Schedule, in_background, shelf_of
from flowrouter.config import Config
from flowrouter.gateway.backups import BackupError
from flowrouter.settings import Backups
from flowrouter.storage import MemoryStateStore, open_store
from flowrouter.storage.backups import Shelf
from tests.contracts.fakes import FakeClock

DAY = 86_400.0


class Scene:
    def __init__(self, data: Path, *, keep: int = 2) -> None:
        self.clock = FakeClock()
        self.config = Config(data=str(data), backups=Backups(keep=keep))
        open_store(data, master_key=None, clock=self.clock)
        self.shelf: Shelf = shelf_of(self.config, clock=self.clock)
        self.state = MemoryStateStore(self.clock)
        self.schedule = self.another()

    def another(self) -> Schedule:
        """Return the schedule of another gateway of the cluster, or of this one after a restart."""
        return Schedule(self.config, self.shelf, state=self.state, clock=self.clock)

    def made(self) -> int:
        return len([backup for backup in self.shelf.list() if backup.kind == "scheduled"])


@pytest.fixture
def heard() -> Iterator[Callable[[], str]]:
    """Return what the log has said."""
    stream = io.StringIO()
    logs.configure("info", format="json", stream=stream)

    def said() -> str:
        logs.flush()
        return stream.getvalue()

    yield said
    logs.configure()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_one_a_day(scene: Scene) -> None:
    assert await scene.schedule.turn() > 0
    assert scene.made() == 1
    scene.clock.advance(DAY - 10)
    assert await scene.schedule.turn() == pytest.approx(10)
    assert scene.made() == 1
    scene.clock.advance(11)
    await scene.schedule.turn()
    assert scene.made() == 2


async def test_a_restart_is_no_reason_for_another(scene: Scene) -> None:
    await scene.schedule.turn()
    scene.clock.advance(3600)
    scene.state = MemoryStateStore(scene.clock)
    assert await scene.another().turn() > 0
    assert scene.made() == 1


async def test_the_newest_stay_and_manual_ones(scene: Scene) -> None:
    scene.shelf.create("manual")
    ids = []
    for _ in range(4):
        await scene.schedule.turn()
        ids.append(scene.shelf.list()[0].id)
        scene.clock.advance(DAY + 1)
    kinds = [backup.kind for backup in scene.shelf.list()]
    assert kinds == ["scheduled", "scheduled", "manual"]
    assert [backup.id for backup in scene.shelf.list()][:2] == ids[:1:-1]


async def test_one_gateway_of_a_cluster(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each has a folder of its own, so only what they share can tell that another has made one."""
    other = Scene(tmp_path_factory.mktemp("other"))
    other.clock, other.state = scene.clock, scene.state
    schedule = other.another()
    await scene.schedule.turn()
    assert await schedule.turn() > 0
    assert (scene.made(), other.made()) == (1, 0)


async def test_a_full_disk_is_told_and_left_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, heard: Callable[[], str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))  # type: ignore[attr-defined]
    await scene.schedule.turn()
    assert scene.made() == 0
    assert "nearly full" in heard()
    assert "free some space" in heard()
    assert "nearly full" in (scene.schedule.trouble or "")
    monkeypatch.undo()
    await scene.schedule.turn()
    assert scene.schedule.trouble is None
    assert scene.made() == 1, "the next look makes it"


async def test_a_disk_that_does_not_say_what_is_free_ends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", silent)
    assert await scene.schedule.turn() > 0
    assert scene.made() == 1


async def test_one_that_fails_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, heard: Callable[[], str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise BackupError("the disk is broken", trouble="failed")

    monkeypatch.setattr(Shelf, "create", broken)
    assert await scene.schedule.turn() <= 3600
    assert "the disk is broken" in heard()
    assert scene.schedule.trouble == "the disk is broken"
    monkeypatch.undo()
    await scene.schedule.turn()
    assert scene.schedule.trouble is None
    assert scene.made() == 1


async def test_nothing_waits_for_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a backup is made the loop goes on, and so do the threads that others use."""
    go_on = threading.Event()
    seen: list[threading.Thread] = []
    make = Shelf.create

    def slowly(self: Shelf, kind: Any, **named: Any) -> Any:
        seen.append(threading.current_thread())
        assert go_on.wait(30)
        return make(self, kind, **named)

    monkeypatch.setattr(Shelf, "create", slowly)
    turn = asyncio.ensure_future(scene.schedule.turn())
    while not seen:
        await asyncio.sleep(0)
    assert not turn.done()
    assert await asyncio.to_thread(lambda: 1) == 1
    go_on.set()
    await turn
    assert seen[0].daemon, "no exit waits for it"
    assert scene.made() == 1


async def test_it_has_a_low_priority() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    found = await in_background(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert found >= 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before, "the loop keeps its own"


async def test_an_error_comes_back() -> None:
    def fail() -> None:
        raise BackupError("no", trouble="failed")

    with pytest.raises(BackupError):
        await in_background(fail)


async def test_switched_off(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.config = Config(data=str(tmp_path), backups=Backups(scheduled=False, every_hours=1e-9))
    await scene.another().follow()
    assert scene.made() == 0
