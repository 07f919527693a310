"""Envelopes outlive a restart in the sealed store, and only their owner finds them."""

from __future__ import annotations

from pathlib import Path

from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import MessageStart, PartEnd, PartStart
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Reasoning, Text, ToolCall
from flowrouter.canonical.request import Request
from flowrouter.clock import SystemClock
from flowrouter.gateway.recall import Recall
from flowrouter.storage import MemoryStateStore, StoredSealedBlobs, open_store
from flowrouter.tasks import TaskGroup

CALL = ToolCall(id="call_1", name="f", arguments="{}")
ASKED = Request(origin="openai_chat", model="m", messages=(Message(role="user", parts=(Text(text="hi"),)),))
AGAIN = Request(
    origin="openai_chat",
    model="m",
    messages=(*ASKED.messages, Message(role="assistant", parts=(CALL,), shape="null")),
)


def cursor() -> Cursor:
    followed = Cursor()
    for event in (
        MessageStart(origin="anthropic", id="1", model="m"),
        PartStart(index=0, part=CALL),
        PartEnd(0),
    ):
        followed.apply(event)
    return followed


async def test_the_sealed_store_answers_after_a_restart_and_only_to_the_owner(tmp_path: Path) -> None:
    clock = SystemClock()
    store = open_store(tmp_path, master_key=None, clock=clock)
    failures: list[str] = []
    tasks = TaskGroup(lambda name, error: failures.append(f"{name}: {error}"))

    def recall() -> Recall:
        blobs = StoredSealedBlobs(store.place, store.vault, clock=clock)
        return Recall(MemoryStateStore(clock), blobs, secret=b"s", clock=clock, tasks=tasks)

    await recall().keep(ASKED, cursor(), ["flr1.abc", "flr1.def"], owner_id="ann")
    await tasks.close(grace=10)
    assert not failures
    filled = await recall().fill(AGAIN, owner_id="ann")
    assert filled.messages[1].parts == (Reasoning(sealed="flr1.abc"), Reasoning(sealed="flr1.def"), CALL)
    assert await recall().fill(AGAIN, owner_id="bob") == AGAIN
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"flr1.abc" not in path.read_bytes()
