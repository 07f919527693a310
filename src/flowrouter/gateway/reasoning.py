"""Carries a vendor's reasoning state through clients of another dialect, sealed.

A signed or redacted reasoning block must come back to its vendor unchanged, but a client of another
dialect has no place for a foreign signature, and must not hand it to anybody else. So the block
travels in our own envelope (`flr1.` + base64), encrypted and bound to owner, dialect, model family
and account. On the way back it opens for exactly that target; for every other one it is a miss, and
only the readable text is left.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import msgspec

from flowrouter.accounts.vault import UnsealError
from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.messages import Message, Words, kinds
from flowrouter.canonical.parts import Opaque, Part, Provenance, Reasoning, ToolCall
from flowrouter.canonical.request import Request
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.editors import SparingEditor
from flowrouter.gateway.envelopes import PREFIX, Seals
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target

_TABLE = "reasoning"
_OF_PARTS = (e.PartStart, e.PartDelta, e.SignatureDelta, e.CitationDelta, e.PartEnd)


class _Block(msgspec.Struct, frozen=True, array_like=True):
    text: str
    signature: str | None
    redacted: str | None
    call_id: str | None = None


class ReasoningState:
    """Seals reasoning blocks of replies and opens them in the requests that bring them back."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._compaction = Compaction(seals)

    def sealer(self, target: Target, caller: Caller, *, marks: bool = False) -> Sealer:
        """Return what seals the state of one reply's reasoning parts.

        `marks` has an empty envelope put before the calls of a reply without any state: the client's own
        vendor would refuse such a step, so it must be known again as somebody else's.
        """
        return Sealer(self, target, owner_id=caller.owner_id, marks=marks)

    def open(self, request: Request, target: Target, *, owner_id: str) -> Request:
        """Return `request` with the envelopes of `target` opened and all others dropped.

        Compaction items of ours open for every target; raises `CallerError` for one that does not.
        """
        if type(request.messages) is Words:
            return request
        held = kinds(request.messages)
        if Opaque in held:
            request = self._compaction.open(request, owner_id=owner_id)
        if Reasoning not in held or not any(map(_holds_envelope, request.messages)):
            return request
        messages: list[Message] = []
        for message in request.messages:
            parts = tuple(self._opened(part, target, owner_id) for part in message.parts)
            messages.append(msgspec.structs.replace(message, parts=parts))
        return msgspec.structs.replace(request, messages=tuple(messages))

    def seal(self, block: _Block, target: Target, owner_id: str) -> str:
        """Return the envelope of `block`, which only `target` will get back, from this owner."""
        blob = self._seals.seal(
            msgspec.msgpack.encode(block), table=_TABLE, row=owner_id, field=_place(target)
        )
        return PREFIX + urlsafe_b64encode(blob).decode()

    def _opened(self, part: Part, target: Target, owner_id: str) -> Part:
        if not isinstance(part, Reasoning) or part.sealed is None:
            return part
        try:
            blob = urlsafe_b64decode(part.sealed.removeprefix(PREFIX))
            opened = self._seals.open(blob, table=_TABLE, row=owner_id, field=_place(target))
            block = msgspec.msgpack.decode(opened, type=_Block)
        except (UnsealError, ValueError):
            return msgspec.structs.replace(part, sealed=None)
        return Reasoning(
            text=block.text,
            signature=block.signature,
            redacted=block.redacted,
            call_id=block.call_id,
            provenance=Provenance(dialect=target.dialect, family=target.model, account_id=target.account_id),
        )


class _Open:
    """A reasoning part whose end has not come, and what it began as."""

    __slots__ = ("begun", "signatures", "texts")

    def __init__(self, begun: Reasoning) -> None:
        self.begun = begun
        self.texts = [begun.text]
        self.signatures = [begun.signature or ""]


class Sealer(SparingEditor):
    """Follows the reasoning parts of one reply; the envelope leaves when a part ends."""

    envelopes: list[str] | tuple[()] = ()
    _marked: int | None = None

    def __init__(self, state: ReasoningState, target: Target, *, owner_id: str, marks: bool = False) -> None:
        self._state = state
        self._target = target
        self._owner_id = owner_id
        self._marks = marks
        self._open: dict[int, _Open] = {}

    def spares(self, index: int) -> bool:
        """Return whether a part is neither reasoning nor moved."""
        return self._marked is None and index not in self._open

    def __call__(self, event: Event) -> list[Event]:
        """Return what `event` becomes."""
        if type(event) is e.PartDelta and self.spares(event.index):
            return [event]
        if self._marks and isinstance(event, e.PartStart) and isinstance(event.part, ToolCall):
            self._marks = False
            if not self.envelopes:
                self._marked = event.index
                sealed = e.SignatureDelta(event.index, self._seal(_Block("", None, None)), sealed=True)
                mark = e.PartStart(index=event.index, part=Reasoning(), choice=event.choice)
                return [mark, sealed, e.PartEnd(event.index), self._moved(event)]
        event = self._moved(event)
        match event:
            case e.PartStart(index=index, part=Reasoning() as part):
                self._open[index] = _Open(part)
                if part.redacted is None and part.signature is None:
                    return [event]
                bare = msgspec.structs.replace(part, redacted=None, signature=None)
                return [msgspec.structs.replace(event, part=bare)]
            case e.PartDelta(index=index, text=text) if index in self._open:
                self._open[index].texts.append(text)
                return [event]
            case e.SignatureDelta(index=index, signature=signature) if index in self._open:
                self._open[index].signatures.append(signature)
                return []
            case e.PartEnd(index=index) if index in self._open:
                return [*self._envelope(index), event]
            case _:
                return [event]

    def _moved(self, event: Event) -> Event:
        """Return `event` behind the mark, which took the place of the part it stands before."""
        if self._marked is None or not isinstance(event, _OF_PARTS) or event.index < self._marked:
            return event
        return msgspec.structs.replace(event, index=event.index + 1)

    def _seal(self, block: _Block) -> str:
        return self._state.seal(block, self._target, self._owner_id)

    def _envelope(self, index: int) -> list[Event]:
        held = self._open.pop(index)
        signature, redacted = "".join(held.signatures), held.begun.redacted
        if not signature and redacted is None:
            return []
        sealed = self._seal(_Block("".join(held.texts), signature or None, redacted, held.begun.call_id))
        if self.envelopes:
            self.envelopes.append(sealed)
        else:
            self.envelopes = [sealed]
        return [e.SignatureDelta(index, sealed, sealed=True)]


def concerned(parts: Sequence[Part], *, marks: bool) -> bool:
    """Return whether a sealer would not leave all of a reply's parts as they are."""
    kinds = set(map(type, parts))
    return Reasoning in kinds or (marks and ToolCall in kinds)


def _holds_envelope(message: Message) -> bool:
    return any(isinstance(part, Reasoning) and part.sealed is not None for part in message.parts)


def _place(target: Target) -> str:
    return f"{target.dialect}:{target.account_id}:{target.model}"


__all__ = ["ReasoningState", "Sealer", "concerned"]
