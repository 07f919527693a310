"""What hosts were seen to refuse: asked for only where there may be something, and told to other workers."""

from __future__ import annotations

from flowrouter.gateway.learned import Learned
from flowrouter.routing import Target
from flowrouter.storage import MemoryStateStore
from tests.playbooks.virtual import VirtualClock

TARGET = Target(account_id="a", account="a", preset="p", model="m", dialect="openai_chat")


class Shared(MemoryStateStore):
    shared = True


async def test_nothing_can_be_known_where_nobody_else_writes_and_nothing_was_noted() -> None:
    learned = Learned(MemoryStateStore(VirtualClock()))
    assert not learned.any
    await learned.note(TARGET, "top_p")
    assert learned.any
    assert await learned.refused(TARGET) == {"top_p"}


async def test_what_one_worker_noted_another_knows() -> None:
    state = Shared(VirtualClock())
    mine, theirs = Learned(state), Learned(state)
    await mine.note(TARGET, "top_p")
    assert theirs.any
    assert await theirs.refused(TARGET) == {"top_p"}
