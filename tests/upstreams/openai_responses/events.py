"""Writes a whole response as its events, numbered, with the habits of hosts as quirks."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.frames import Frame
from tests.upstreams.openai_responses.answers import logprobs
from tests.upstreams.openai_responses.sealing import encrypt
from tests.upstreams.openai_responses.shapes import Item
from tests.upstreams.prompts import pieces

ARGUMENT_PIECE = 9
TERMINAL = {"completed": "response.completed", "incomplete": "response.incomplete"}
Event = dict[str, Any]


def events(exchange: Exchange, response: dict[str, Any]) -> list[Frame]:
    """The frames of a response, its terminal event last."""
    found = _with_habits(exchange, list(_events(exchange, response)))
    obfuscates = bool((exchange.body.get("stream_options") or {}).get("include_obfuscation"))
    frames: list[Frame] = []
    for number, event in enumerate(found):
        data = {"type": event["type"], "sequence_number": number, **event}
        content = event["type"].endswith(".delta")
        if obfuscates and content:
            data["obfuscation"] = "x" * (16 - len(event["delta"]) % 16)
        spelled = None if exchange.model.has("quirk-no-event-lines") else event["type"]
        last = event["type"] in TERMINAL.values()
        frames.append(Frame(event=spelled, data=data, content=content, last=last))
    if exchange.model.has("quirk-done"):
        frames.append(Frame(data="[DONE]", last=True))
    return frames


def _events(exchange: Exchange, response: dict[str, Any]) -> Iterator[Event]:
    blank = {"completed_at": None, "incomplete_details": None, "output": [], "usage": None}
    begun = {**response, **blank, "status": "in_progress"}
    if response["background"]:
        yield {"type": "response.created", "response": {**begun, "status": "queued"}}
        yield {"type": "response.queued", "response": {**begun, "status": "queued"}}
    else:
        yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        yield from ItemWriter(exchange, item, index).events()
    yield {"type": TERMINAL[response["status"]], "response": response}


def _with_habits(exchange: Exchange, found: Sequence[Event]) -> list[Event]:
    model, chosen = exchange.model, list(found)
    if model.has("quirk-no-deltas"):
        chosen = [event for event in chosen if not event["type"].endswith(".delta")]
    if model.has("quirk-only-final"):
        chosen = [event for event in chosen if event["type"].count(".") == 1]
    if model.has("quirk-empty-final"):
        chosen[-1] = {**chosen[-1], "response": {**chosen[-1]["response"], "output": []}}
    if model.has("quirk-unknown-event"):
        chosen.insert(-1, {"type": "host.progress", "percent": 99})
    return chosen


class ItemWriter:
    """Writes the events of one output item."""

    def __init__(self, exchange: Exchange, item: Item, index: int) -> None:
        self.exchange = exchange
        self.item = item
        self.index = index
        self.place: Event = {"item_id": item["id"], "output_index": index}

    def events(self) -> Iterator[Event]:
        """Yield all events of the item, from added to done."""
        yield {"type": "response.output_item.added", "output_index": self.index, "item": self._begun()}
        match self.item["type"]:
            case "reasoning":
                yield from self._reasoning()
            case "message":
                for number, part in enumerate(self.item["content"]):
                    yield from self._part(number, part)
            case "function_call":
                yield from self._arguments("function_call_arguments", "arguments")
            case "custom_tool_call":
                yield from self._arguments("custom_tool_call_input", "input")
            case kind:
                for step in ("in_progress", "searching", "completed"):
                    yield {"type": f"response.{kind}.{step}", **self.place}
        yield {"type": "response.output_item.done", "output_index": self.index, "item": self.item}

    def _begun(self) -> Item:
        started: Item = {**self.item, "status": "in_progress"}
        match self.item["type"]:
            case "reasoning":
                # As at the vendor, the token that comes first is another one, of no reasoning at all.
                sealed = {"encrypted_content": encrypt("", self.exchange, kind="reasoning")}
                empty = sealed if "encrypted_content" in self.item else {}
                started = {"id": self.item["id"], "type": "reasoning", "summary": [], **empty}
            case "message":
                started["content"] = []
            case "function_call":
                started["arguments"] = ""
            case "custom_tool_call":
                started["input"] = ""
            case _:
                started.pop("action", None)
        return started

    def _reasoning(self) -> Iterator[Event]:
        for number, part in enumerate(self.item["summary"]):
            place = {**self.place, "summary_index": number}
            name = "response.reasoning_summary"
            yield {"type": f"{name}_part.added", **place, "part": {**part, "text": ""}}
            for token in pieces(part["text"]):
                yield {"type": f"{name}_text.delta", **place, "delta": token}
            yield {"type": f"{name}_text.done", **place, "text": part["text"]}
            yield {"type": f"{name}_part.done", **place, "part": part}
        for number, part in enumerate(self.item.get("content") or []):
            place = {**self.place, "content_index": number}
            yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
            for token in pieces(part["text"]):
                yield {"type": "response.reasoning_text.delta", **place, "delta": token}
            yield {"type": "response.reasoning_text.done", **place, "text": part["text"]}
            yield {"type": "response.content_part.done", **place, "part": part}

    def _part(self, number: int, part: Item) -> Iterator[Event]:
        place = {**self.place, "content_index": number}
        if part["type"] == "refusal":
            yield {"type": "response.content_part.added", **place, "part": {**part, "refusal": ""}}
            for token in pieces(part["refusal"]):
                yield {"type": "response.refusal.delta", **place, "delta": token}
            yield {"type": "response.refusal.done", **place, "refusal": part["refusal"]}
        else:
            empty = {**part, "text": "", "annotations": [], "logprobs": []}
            yield {"type": "response.content_part.added", **place, "part": empty}
            yield from self._text(place, part)
        yield {"type": "response.content_part.done", **place, "part": part}

    def _text(self, place: Event, part: Item) -> Iterator[Event]:
        for token in pieces(part["text"]):
            entries = logprobs(self.exchange, token)
            yield {"type": "response.output_text.delta", **place, "delta": token, "logprobs": entries}
        for number, annotation in enumerate(part["annotations"]):
            told = {"annotation_index": number, "annotation": annotation}
            yield {"type": "response.output_text.annotation.added", **place, **told}
        entries = part["logprobs"]
        yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": entries}

    def _arguments(self, name: str, member: str) -> Iterator[Event]:
        text = self.item[member]
        for start in range(0, len(text), ARGUMENT_PIECE):
            part = text[start : start + ARGUMENT_PIECE]
            yield {"type": f"response.{name}.delta", **self.place, "delta": part}
        yield {"type": f"response.{name}.done", **self.place, member: text}
