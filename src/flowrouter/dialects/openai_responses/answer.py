"""The response object that lifecycle events and whole answers hold: identity, echo, output, ending."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Part, Provenance
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_responses.echo import Echo
from flowrouter.dialects.openai_responses.finishes import Status, ending
from flowrouter.dialects.openai_responses.items import DIALECT
from flowrouter.dialects.openai_responses.output_items import read_output
from flowrouter.dialects.openai_responses.output_moulds import cast_items
from flowrouter.dialects.openai_responses.reply_ids import item_id, reply_id
from flowrouter.dialects.openai_responses.stream_items import Item, MessageItem
from flowrouter.dialects.openai_responses.usage import write_usage
from flowrouter.wire.members import Json, as_list


class Answer:
    """What all response objects of one answer share, once it has begun."""

    def __init__(self, options: EncodeOptions) -> None:
        self._options = options
        self.origin: Dialect = DIALECT
        self._id = ""
        self._named = False
        self._model = ""
        self._created: int | None = None

    @cached_property
    def echo(self) -> Echo:
        """Return what the answer repeats of its request."""
        return Echo(self._options.asked)

    def begin(self, start: e.MessageStart) -> None:
        """Take the identity of the answer that begins."""
        options = self._options
        self.origin = start.origin
        seed = f"{options.model or start.model}:{options.now}"
        self._named = bool(start.id)
        self._id = reply_id(start.origin, start.id, seed=seed)
        self._model = options.model or start.model
        self._created = start.created

    def item_id(self, kind: str, index: int) -> str:
        """Return an id for an item of this answer."""
        return item_id(self._id, kind, index)

    def snapshot(self, status: str, *, output: Sequence[Json] = (), usage: Usage | None = None) -> Json:
        """Return the answer as far as it has come."""
        return {
            "id": self._id,
            "object": "response",
            "created_at": int(self._options.now) if self._created is None else self._created,
            "status": status,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": self._model,
            "output": list(output),
            "usage": None if usage is None else write_usage(usage),
            **self.echo.members,
        }

    def final(
        self,
        items: Sequence[Item],
        finish: e.Finish | None,
        *,
        usage: Usage | None,
        parts: Sequence[Part] | None = None,
    ) -> Json:
        """Return the whole answer: the vendor's own members and items where it came in this dialect.

        `parts` are those of an answer of this dialect (None: as its items say).
        """
        status, incomplete, error = ended(items, finish)
        last = status if status == "incomplete" else "completed"
        output = [item.wire(last if item is items[-1] else "completed") for item in items]
        if finish is not None and self.origin == DIALECT and finish.form:
            return self._own(finish, output, usage=usage, parts=parts)
        response = self.snapshot(status, output=output, usage=usage)
        return {**response, "incomplete_details": incomplete, "error": error}

    def _own(
        self, finish: e.Finish, output: list[Json], *, usage: Usage | None, parts: Sequence[Part] | None
    ) -> Json:
        streamed = parts is None
        if parts is None:
            parts, _ = read_output(output, Provenance(dialect=DIALECT))
        moulds = as_list(finish.form.get("output")) or []
        response: Json = {name: value for name, value in finish.form.items() if name != "output"}
        response |= finish.extra
        response["output"] = cast_items(parts, moulds) or output
        if self._named or streamed:
            response["id"] = self._id
        if self._model:
            response["model"] = self._model
        if self._created is not None:
            response["created_at"] = self._created
        if usage is not None:
            response["usage"] = write_usage(usage)
        return response


def ended(items: Sequence[Item], finish: e.Finish | None) -> tuple[Status, Json | None, Json | None]:
    """Return status, `incomplete_details` and `error` of an answer of these items."""
    reason = "other" if finish is None else finish.reason
    messages = (item for item in items if isinstance(item, MessageItem))
    refused = any(piece.kind == "refusal" for message in messages for piece in message.pieces)
    return ending(reason, refused=refused)


__all__ = ["Answer", "ended"]
