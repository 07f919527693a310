"""Kept answers asked for by id: ours, the vendor's, and what deleting one means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.api.call import Entry, call_of
from flowrouter.api.responses import ResponseRoutes
from flowrouter.clock import SystemClock
from flowrouter.config import Timeouts
from flowrouter.errors import CallerError
from flowrouter.gateway.vendor_responses import VendorResponses
from flowrouter.httpkit.caller import LOCAL
from flowrouter.httpkit.visit import AsgiVisit
from flowrouter.tasks import TaskGroup
from flowrouter.wire.json import dumps, loads
from tests.playbooks.stage import Script, ScriptedTransport, account, world
from tests.support.responses import Shelf, shelf

HOST = account("host", "openai_responses")
ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "output": [],
}


class Desk:
    """The routes over one shelf, with a vendor that answers by script."""

    def __init__(self, kept: Shelf, *scripts: Script) -> None:
        self.transport = ScriptedTransport(scripts)
        vendor = VendorResponses(self.transport, timeouts=Timeouts())
        self._routes = ResponseRoutes(kept.stored, vendor, world=lambda: world(HOST))

    async def ask(self, purpose: str, response_id: str = "resp_1", query: str = "") -> tuple[int, Any]:
        """Return status and body of one answer."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("nothing is to be read")

        scope = {"method": "GET", "query_string": query.encode(), "headers": ()}
        visit = AsgiVisit(scope, receive, send, tasks=TaskGroup(logs.task_failed))
        call = call_of(visit, Entry("/v1/responses/x", rest=response_id), clock=SystemClock())
        await self._routes.answers[purpose](call, LOCAL)
        return sent[0]["status"], loads(sent[1]["body"])


def scripted(status: int, body: Any) -> Script:
    return Script(status=status, steps=[body if isinstance(body, bytes) else dumps(body)])


def play(scene: Callable[[Shelf], Awaitable[None]]) -> None:
    shelf(scene)


@pytest.mark.parametrize("copied", [True, False], ids=["ours", "the vendor's"])
def test_a_kept_answer_is_told_whole_only(copied: bool) -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER, copied=copied)
        with pytest.raises(CallerError) as caught:
            await Desk(kept).ask("get_response", query="stream=true")
        assert caught.value.param == "stream"

    play(scene)


def test_an_answer_without_a_copy_is_the_vendors_to_tell() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER, copied=False)
        desk = Desk(kept, scripted(200, ANSWER))
        assert await desk.ask("get_response", query="include=x") == (200, ANSWER)
        assert desk.transport.requests[0].url == "http://host.test/v1/responses/resp_1?include=x"
        assert desk.transport.requests[0].method == "GET"

    play(scene)


def test_an_answer_of_the_vendors_beyond_all_bounds_is_not_told_in_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flowrouter.gateway.vendor_responses._BODY_MAX", 10)

    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER, copied=False)
        status, body = await Desk(kept, scripted(200, ANSWER)).ask("get_response")
        assert status == 502
        assert body["error"]["code"] == "upstream_unavailable"

    play(scene)


def test_deleting_deletes_both_copies() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER)
        desk = Desk(kept, scripted(200, {"id": "resp_1", "object": "response", "deleted": True}))
        assert await desk.ask("delete_response") == (
            200,
            {"id": "resp_1", "object": "response", "deleted": True},
        )
        assert desk.transport.requests[0].method == "DELETE"
        assert await kept.stored.find("resp_1", owner_id="local") is None
        assert kept.blobs.held == {}

    play(scene)


@pytest.mark.parametrize("status", [500, 401], ids=["broken", "our key refused"])
def test_a_vendor_that_does_not_delete_can_be_asked_again(status: int) -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER)
        desk = Desk(
            kept,
            scripted(status, {"error": {"message": "Incorrect key of org-fables", "type": "x"}}),
            scripted(404, {"error": {"message": "gone"}}),
        )
        with pytest.raises(CallerError) as caught:
            await desk.ask("delete_response")
        assert caught.value.status == 502
        assert ("org-fables" in caught.value.message) == (status == 500)
        found = await kept.stored.find("resp_1", owner_id="local")
        assert found is not None
        assert not found.copied
        assert await desk.ask("delete_response") == (
            200,
            {"id": "resp_1", "object": "response", "deleted": True},
        )
        assert await kept.stored.find("resp_1", owner_id="local") is None

    play(scene)


def test_input_items_are_those_of_the_whole_chain_without_the_answer() -> None:
    async def scene(kept: Shelf) -> None:
        said = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
        await kept.keep({**ANSWER, "output": [said]}, input="one \ud83d")
        await kept.keep(
            {**ANSWER, "id": "resp_2", "output": [said]},
            previous_response_id="resp_1",
            input=[{"id": "msg_9"}],
        )
        _, listed = await Desk(kept).ask("list_input_items", "resp_2", "order=asc")
        assert listed["data"][0]["content"] == [{"type": "input_text", "text": "one \ufffd"}]
        assert [item["id"] for item in listed["data"]] == ["item_2_0", "msg_1", "msg_9"]
        assert listed["data"][2] == {"id": "msg_9"}

    play(scene)


def test_an_id_of_another_owner_is_unknown_everywhere() -> None:
    async def scene(kept: Shelf) -> None:
        await kept.keep(ANSWER, owner_id="somebody")
        for purpose in ("get_response", "delete_response", "cancel_response", "list_input_items"):
            with pytest.raises(CallerError) as caught:
                await Desk(kept).ask(purpose)
            assert caught.value.status == 404

    play(scene)
