"""Where a reply's events go: relayed frame by frame, translated, or gathered into one answer.

A sink turns each step of the source (a frame and the events in it) into bytes for the
client. `cursor` tells how far the answer has got, whatever the lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.problem import Problem
from flowrouter.dialects import Codec
from flowrouter.dialects.codec import EncodeOptions, StreamEncoder
from flowrouter.gateway.editors import Editor, SparingEditor
from flowrouter.wire.sse import Frame, one_line, write

Saying = Callable[[str], bytes | None]
"""Takes one text after another; returns what each puts on the client's wire, None for its frame as it came."""

Step = tuple[Frame | None, Sequence[Event]]
"""A frame with the events in it, or no frame where the end of the stream told the events."""


class Through(Protocol):
    """What a stream goes through on its way to the client."""

    def feed(self, frame: Frame, events: Sequence[Event]) -> bytes:
        """Return the bytes one frame and its events put on the client's wire."""
        ...

    def saying(self, index: int) -> Saying | None:
        """Return what takes the texts of frames that add to a part and do nothing else; None if they must be fed.

        Of an answer under way, and until anything else is fed.
        """
        ...


class Sink(Through, Protocol):
    """One lane's way of answering."""

    cursor: Cursor

    def close(self, events: Sequence[Event]) -> bytes:
        """Return the bytes for what the end of the upstream stream meant (`decoder.close()`)."""
        ...

    def resume(self, events: Sequence[Event]) -> bytes:
        """Return the bytes for what another target says behind what this one said.

        The events go on from `cursor`: an open part is continued under its index.
        """
        ...

    def turn_over(self) -> None:
        """Let another target take over: `resume` gets its events as they shall be told, its usage counts."""
        ...

    def heartbeat(self) -> bytes:
        """Return a sign of life that fits here."""
        ...

    def fail(self, problem: Problem) -> bytes:
        """Return what tells the client here that no more will come."""
        ...

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Return what the reply could not say."""
        ...


class PassthroughSink:
    """Sends each frame's own bytes; an encoder steps in only to complete what the upstream left out.

    A frame that did not parse is withheld. The usage-only frame is withheld from a client that did
    not ask for usage (we always ask).
    """

    __slots__ = ("_codec", "_opened", "_options", "_plain", "_resumed", "cursor")

    def __init__(self, codec: Codec, options: EncodeOptions) -> None:
        self.cursor = Cursor()
        self._codec = codec
        self._options = options
        self._plain = options.framing != "array"
        self._opened = False
        self._resumed: StreamEncoder | None = None

    def feed(self, frame: Frame, events: Sequence[Event]) -> bytes:
        """Return the frame as it came, unless it must not leave."""
        if len(events) == 1 and type(event := events[0]) is e.PartDelta and not frame.bare and event.text:
            self.cursor.say(event)
            return frame.raw if self._plain else self._element(frame)
        for event in events:
            self.cursor.apply(event)
            if type(event) is e.FrameError:
                return b""
        if not self._plain:
            return self._element(frame)
        if not self._options.include_usage and self._codec.usage_only(frame.raw):
            return b""
        if frame.bare and not self._codec.is_error_frame(frame):
            return write(one_line(frame.data or b""))
        return frame.raw

    def saying(self, index: int) -> Saying | None:
        """Return what lets frames leave as they came; None for elements of an array."""
        return self.cursor.saying(index) if self._plain else None

    def _element(self, frame: Frame) -> bytes:
        """Return the frame's payload as an element of the array that the client reads."""
        data = (frame.data or b"").strip()
        if data.startswith(b"["):
            data = data[1:-1].strip()
        failed = self.cursor.problem is not None
        if not data.startswith(b"{") or not (self.cursor.started or failed):
            return b""
        piece = (b",\r\n" if self._opened else b"[") + data
        self._opened = True
        return piece + b"]" if self.cursor.ended or failed else piece

    def close(self, events: Sequence[Event]) -> bytes:
        """Return the terminator the upstream left out, or the error that its cut amounts to.

        A finish that carries the provider's own word, and usage, have been relayed in their frames
        already; only what the decoder had to conclude is written.
        """
        missing: list[Event] = []
        for event in events:
            relayed = isinstance(event, e.UsageUpdate) or (
                isinstance(event, e.Finish) and event.raw is not None
            )
            if relayed:
                self.cursor.apply(event)
            else:
                missing.append(event)
        encoder = self._encoder()
        out = b"".join(encoder.feed(event) for event in missing)
        for event in missing:
            self.cursor.apply(event)
        if out and self._options.framing == "array" and not self._opened:
            # The encoder goes on with an array whose beginning was withheld.
            self._opened = True
            return b"[" + out.lstrip(b"[,\r\n ")
        return out

    def turn_over(self) -> None:
        """Go on by an encoder that stands where the relayed frames end."""
        self.cursor.usage = None
        options = msgspec.structs.replace(self._options, model=None)
        self._resumed = self._codec.resume(options, self.cursor)

    def resume(self, events: Sequence[Event]) -> bytes:
        """Return what the events become: an encoder goes on where the relayed frames end."""
        if self._resumed is None:
            self._resumed = self._encoder()
        out: list[bytes] = []
        for event in events:
            out.append(self._resumed.feed(event))
            self.cursor.apply(event)
        return b"".join(out)

    def heartbeat(self) -> bytes:
        """Return a sign of life that fits here."""
        return self._encoder().heartbeat()

    def fail(self, problem: Problem) -> bytes:
        """Return the client dialect's error, behind what was relayed."""
        return self.close([e.StreamError(problem)])

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Return nothing: frames pass as they are."""
        return ()

    def _encoder(self) -> StreamEncoder:
        if self._resumed is not None:
            return self._resumed
        include = self._options.include_usage and self.cursor.usage is None
        options = msgspec.structs.replace(self._options, include_usage=include, model=None)
        return self._codec.resume(options, self.cursor)


class TranslateSink:
    """Sends events through the edits into the client dialect's encoder."""

    __slots__ = ("_codec", "_edits", "_encoder", "_options", "cursor")

    def __init__(self, codec: Codec, options: EncodeOptions, edits: Sequence[Editor]) -> None:
        self.cursor = Cursor()
        self._codec = codec
        self._options = options
        self._encoder = codec.encoder(options)
        self._edits = edits

    def feed(self, frame: Frame, events: Sequence[Event]) -> bytes:
        """Return what the events become."""
        del frame
        return self.close(events)

    def saying(self, index: int) -> Saying:
        """Return what puts texts through the edits, if they concern such deltas, and into the encoder."""
        spared = [edit for edit in self._edits if isinstance(edit, SparingEditor) and edit.spares(index)]
        told = self._encoder.saying(index) if len(spared) == len(self._edits) else None
        if told is None:
            return lambda text: self._edited(e.PartDelta(index, text))
        hearers = [hear for edit in spared if (hear := edit.hearer()) is not None]
        say = _each([self.cursor.saying(index), *hearers])

        def both(text: str) -> bytes:
            say(text)
            return told(text)

        return both

    def _edited(self, delta: e.PartDelta) -> bytes:
        """Return what a delta becomes."""
        events = edited((delta,), self._edits)
        if len(events) != 1 or events[0] is not delta:
            return self._write(events)
        self.cursor.say(delta)
        return self._encoder.feed(delta)

    def close(self, events: Sequence[Event]) -> bytes:
        """Return what the events become."""
        return self._write(edited(events, self._edits))

    def _write(self, events: Sequence[Event]) -> bytes:
        if len(events) == 1:
            self.cursor.apply(events[0])
            return self._encoder.feed(events[0])
        out: list[bytes] = []
        for event in events:
            self.cursor.apply(event)
            out.append(self._encoder.feed(event))
        return b"".join(out)

    def turn_over(self) -> None:
        """Go on by another encoder, without the edits that were made for the target that broke."""
        told = self._encoder.losses
        self.cursor.usage = None
        self._edits = ()
        self._encoder = self._codec.resume(self._options, self.cursor)
        self._encoder.losses += told

    def resume(self, events: Sequence[Event]) -> bytes:
        """Return what the events become."""
        return self.close(events)

    def heartbeat(self) -> bytes:
        """Return a sign of life that fits here."""
        return self._encoder.heartbeat()

    def fail(self, problem: Problem) -> bytes:
        """Return the client dialect's error; no edit sees it, since one may be what failed."""
        return self._encoder.feed(e.StreamError(problem))

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Return what the reply could not say."""
        return tuple(self._encoder.losses)


class GatherSink:
    """Keeps the events of a reply whose client wants it whole; sends nothing."""

    __slots__ = ("_edits", "cursor", "fold")

    def __init__(self, edits: Sequence[Editor]) -> None:
        self.cursor = Cursor()
        self.fold = Fold()
        self._edits = edits

    def feed(self, frame: Frame, events: Sequence[Event]) -> bytes:
        """Keep the events."""
        del frame
        return self.close(events)

    def saying(self, index: int) -> None:
        """Return nothing: every frame is fed."""
        del index

    def close(self, events: Sequence[Event]) -> bytes:
        """Keep the events."""
        for event in edited(events, self._edits):
            self.cursor.apply(event)
            self.fold.feed(event)
        return b""

    def turn_over(self) -> None:
        """Do nothing: an answer that is kept until it is whole begins anew elsewhere."""

    def resume(self, events: Sequence[Event]) -> bytes:
        """Keep the events."""
        return self.close(events)

    def heartbeat(self) -> bytes:
        """Return nothing: whole replies have no heartbeats."""
        return b""

    def fail(self, problem: Problem) -> bytes:
        """Return nothing: a whole reply that fails has a status."""
        del problem
        return b""

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Return nothing: the render says what was lost."""
        return ()


def _each(takers: Sequence[Callable[[str], None]]) -> Callable[[str], None]:
    if len(takers) == 1:
        return takers[0]

    def each(text: str) -> None:
        for take in takers:
            take(text)

    return each


def edited(events: Sequence[Event], edits: Sequence[Editor]) -> Sequence[Event]:
    """Return `events` after each edit in turn."""
    for edit in edits:
        # Nearly every frame tells of one event.
        events = edit(events[0]) if len(events) == 1 else [made for event in events for made in edit(event)]
    return events


def put_through(sink: Sink, steps: Sequence[Step], held: list[bytes]) -> Step | None:
    """Put steps through the sink, what leaves into `held`; return the first that tells of a failure, untouched."""
    for step in steps:
        frame, events = step
        if events and type(events[-1]) is e.StreamError:
            return step
        if piece := sink.close(events) if frame is None else sink.feed(frame, events):
            held.append(piece)
    return None


__all__ = [
    "GatherSink",
    "PassthroughSink",
    "Saying",
    "Sink",
    "Step",
    "Through",
    "TranslateSink",
    "edited",
    "put_through",
]
