"""Compaction asked for by a client: bodies that are none, histories, hosts without the route."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter import logs
from flowrouter.api.call import Call, Entry, call_of
from flowrouter.api.compact import Compactor
from flowrouter.errors import CallerError
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.exchange import Inbound
from flowrouter.httpkit.caller import LOCAL
from flowrouter.httpkit.visit import AsgiVisit
from flowrouter.tasks import TaskGroup
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import OpenSeals, VirtualClock, account, world
from tests.support.responses import Shelf, shelf

FOREIGN = account("foreign", "openai_chat")
HOST = account("host", "openai_responses")
SUMMARY: dict[str, Any] = {
    "id": "resp_9",
    "created_at": 9,
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "we did it"}]}],
}


async def compact(
    kept: Shelf, body: bytes, *, at: Any = FOREIGN, first: int = 200
) -> tuple[list[Inbound], Any]:
    """Return what was asked of providers, and what the client got; the first answer has the status `first`."""
    runs: list[Inbound] = []
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is to be read")

    async def run(inbound: Inbound, call: Call, to: Any) -> None:
        del call
        runs.append(inbound)
        status = first if len(runs) == 1 else 200
        assert to.answer(status, b"", dumps(SUMMARY)) is None

    inbound = Inbound(
        request_id="req_1",
        dialect="openai_responses",
        operation="compact",
        endpoint="/v1/responses/compact",
        headers={},
        body=body,
        wall=0.0,
        started=0.0,
    )
    compactor = Compactor(Compaction(OpenSeals()), kept.stored, world=lambda: world(at), clock=VirtualClock())
    path = "/v1/responses/compact"
    visit = AsgiVisit({"method": "POST", "headers": ()}, receive, send, tasks=TaskGroup(logs.task_failed))
    call = call_of(visit, Entry(path), clock=VirtualClock())
    await compactor.answer(inbound, call, caller=LOCAL, run=run)
    return runs, loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"no", None),
        (b"[]", None),
        (b'{"input":"x"}', "model"),
        (b'{"model":5,"input":"x"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":5}', "input"),
        (b'{"model":"m","input":["x"]}', "input[0]"),
        (b'{"model":"m","input":"x","conversation":"conv_1"}', "conversation"),
    ],
    ids=[
        "no JSON",
        "a list",
        "no model",
        "a number as model",
        "no input",
        "a number",
        "texts",
        "conversation",
    ],
)
def test_a_body_that_cannot_be_compacted_is_refused_by_name(body: bytes, param: str | None) -> None:
    async def scene(kept: Shelf) -> None:
        with pytest.raises(CallerError) as caught:
            await compact(kept, body)
        assert (caught.value.status, caught.value.param) == (400, param)

    shelf(scene)


def test_a_history_we_hold_is_written_out() -> None:
    async def scene(kept: Shelf) -> None:
        said = {"type": "message", "role": "assistant", "content": "one"}
        await kept.keep({"id": "resp_1", "output": [said]})
        runs, answer = await compact(kept, dumps({"model": "m", "previous_response_id": "resp_1"}))
        asked = loads(runs[0].body)
        assert "previous_response_id" not in asked
        assert [item["role"] for item in asked["input"]] == ["user", "assistant", "user"]
        assert [item["type"] for item in answer["output"]] == ["message", "compaction"]

    shelf(scene)


def test_a_history_that_only_the_vendor_holds_is_named_to_it() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep({"id": "resp_1", "output": []}, copied=False)
        body = dumps({"model": "m", "previous_response_id": "resp_1", "input": "x"})
        runs, _ = await compact(kept, body, at=HOST, first=404)
        assert [run.operation for run in runs] == ["compact", "generate"]
        asked = loads(runs[1].body)
        assert asked["previous_response_id"] == "resp_1"

    shelf(scene)


def test_a_host_that_refuses_for_another_reason_is_heard() -> None:
    async def scene(kept: Shelf) -> None:
        runs, answer = await compact(kept, dumps({"model": "m", "input": "x"}), at=HOST, first=429)
        assert len(runs) == 1
        assert answer == SUMMARY

    shelf(scene)
