"""The routes behind `/v1/responses/{id}`: what was kept is read, listed, streamed again, cancelled and deleted."""

from typing import Any

from tests.upstreams.dialect import Exchange, Refusal
from tests.upstreams.frames import encode
from tests.upstreams.openai_chat.shapes import bad
from tests.upstreams.openai_responses.events import events
from tests.upstreams.openai_responses.kept import Keeper, Kept, listed
from tests.upstreams.openai_responses.shapes import Item, kind_of
from tests.upstreams.received import Received
from tests.upstreams.reply import Reply
from tests.upstreams.scenarios import ModelName


def keep(keeper: Keeper, exchange: Exchange, response: dict[str, Any]) -> dict[str, Any]:
    """Keep a response unless the request forbids it; return what the caller gets at once."""
    if not response["store"]:
        return response
    thread = keeper.thread(exchange)
    own = [_written(item, response["id"], index) for index, item in enumerate(thread.own)]
    kept = Kept(response, own, [*thread.before, *own, *response["output"]])
    keeper.keep(exchange.account, kept)
    if not response["background"]:
        return response
    if exchange.received.streaming:
        kept.frames = events(exchange, response)
        return response
    kept.pending = True
    return _queued(response, "queued")


def _queued(response: dict[str, Any], status: str) -> dict[str, Any]:
    blank = {"completed_at": None, "incomplete_details": None, "output": [], "usage": None}
    return {**response, **blank, "status": status}


def _written(item: Item, response_id: str, index: int) -> Item:
    """Write an input item as the vendor lists it: typed, with an id, text as parts."""
    kind = kind_of(item)
    prefix = {"message": "msg", "reasoning": "rs", "custom_tool_call": "ctc"}.get(kind, "fc")
    full: Item = {"id": f"{prefix}_{response_id.removeprefix('resp_')[:40]}{index:04d}", "type": kind, **item}
    if full["id"] is None:
        full["id"] = f"{prefix}_{response_id.removeprefix('resp_')[:40]}{index:04d}"
    if kind == "message":
        part = "output_text" if item["role"] == "assistant" else "input_text"
        if isinstance(item["content"], str):
            written: Item = {"type": part, "text": item["content"]}
            full["content"] = [{**written, "annotations": []} if part == "output_text" else written]
    return {"status": "completed", **full} if kind in ("message", "function_call") else full


def answer_for(keeper: Keeper, received: Received) -> Reply:
    """Answer a request for something kept; raises Refusal."""
    _, _, rest = received.path.partition("/v1/responses/")
    response_id, _, what = rest.partition("/")
    account = received.account
    match received.method, what:
        case "GET", "":
            return _read(keeper.find(account, response_id), received)
        case "DELETE", "":
            keeper.delete(account, response_id)
            return Reply.json({"id": response_id, "object": "response", "deleted": True})
        case "POST", "cancel":
            return Reply.json(_cancelled(keeper.find(account, response_id)))
        case "GET", "input_items":
            return Reply.json(listed(keeper.find(account, response_id).input, received.query))
        case _:
            message = f"Invalid URL ({received.method} {received.path})"
            raise Refusal(404, message, type="not_found_error")


def _read(kept: Kept, received: Received) -> Reply:
    query = received.query
    if query.get("stream") != "true":
        kept.pending = False
        return Reply.json(_shown(kept.response, query))
    if not kept.frames:
        raise bad("This response cannot be streamed because it was not created with `background=true`.")
    after = int(query.get("starting_after", -1))
    return Reply.sse(encode(kept.frames[after + 1 :], ModelName(kept.response["model"])))


def _shown(response: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    """Leave out encrypted content unless the query includes it."""
    if any("reasoning.encrypted_content" in value for name, value in query.items() if "include" in name):
        return response
    output = [
        {name: value for name, value in item.items() if name != "encrypted_content"}
        for item in response["output"]
    ]
    return {**response, "output": output}


def _cancelled(kept: Kept) -> dict[str, Any]:
    if not kept.response["background"]:
        raise bad("Cannot cancel a synchronous response.")
    if kept.pending:
        kept.pending = False
        kept.response = _queued(kept.response, "cancelled")
    return kept.response
