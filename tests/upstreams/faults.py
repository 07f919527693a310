"""Ways to fail, chosen by model name: `fault-NAME[@NUMBER][-once | -N-times | -after-N | -for-Ns]`.

`-once` and `-N-times` fail only the first requests for that model name, `-after-N` all but the first N, `-for-Ns`
those within N seconds of the first. Refusals answer with a status; wire faults spoil a good reply.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from tests.upstreams.dialect import Dialect, Form, Refusal
from tests.upstreams.frames import Frame, encode, encode_array, json_text
from tests.upstreams.reply import JSON, SSE, Pause, Reply
from tests.upstreams.scenarios import ModelName


@dataclass
class Pace:
    """How long the slow faults take, in seconds; tests shorten them."""

    first_token: float = 20.0
    stall: float = 30.0
    headers: float = 20.0


@dataclass(frozen=True)
class Draft:
    """A good reply before it is spoiled; `number` is the fault's @NUMBER."""

    dialect: Dialect
    model: ModelName
    streaming: bool
    frames: Sequence[Frame]
    body: dict[str, Any]
    request_id: str
    pace: Pace
    number: int | None = None
    form: Form = "sse"

    def reply(self) -> Reply:
        """The good reply, streamed if asked."""
        return self.as_stream(self.frames) if self.streaming else self.as_json(self.body)

    def as_stream(self, frames: Sequence[Frame]) -> Reply:
        """A stream of these frames: events, or a JSON array in chunked framing."""
        headers = self.dialect.headers(self.request_id)
        if self.form == "sse":
            return Reply.sse(self.spell(frames), headers=headers)
        return Reply(
            headers=(("content-type", JSON), *headers), steps=tuple(self.spell(frames)), framing="chunked"
        )

    def spell(self, frames: Sequence[Frame], *, goes_on: bool = False) -> list[bytes]:
        """Spell frames for the wire, one item each; `goes_on` where frames have been sent already."""
        if self.form == "array":
            return encode_array(frames, self.model, goes_on=goes_on)
        return encode(frames, self.model, line_end=self.dialect.line_end)

    def as_json(self, body: dict[str, Any], *, status: int = 200) -> Reply:
        """A JSON reply of this body."""
        text = json_text(body, self.model).encode("utf-8", "surrogatepass")
        headers = (("content-type", JSON), *self.dialect.headers(self.request_id))
        return Reply(status=status, headers=headers, steps=(text,))

    def split(self) -> tuple[Reply, tuple[bytes, ...], tuple[bytes, ...]]:
        """The good reply and its body in two: NUMBER content frames (default two thirds), and the rest."""
        good = self.reply()
        if not self.streaming:
            (text,) = good.frames
            middle = len(text) * 2 // 3
            return replace(good, declared=len(text)), (text[:middle],), (text[middle:],)
        marks = [index for index, frame in enumerate(self.frames) if frame.content]
        wanted = len(marks) * 2 // 3 if self.number is None else self.number
        cut = marks[wanted] if wanted < len(marks) else len(self.frames) - 1
        return good, good.frames[:cut], good.frames[cut:]

    def failure(self) -> Refusal:
        """The vendor's overload, for errors that come inside a 200."""
        return refusal_for(self.dialect, "overloaded")


def _cut(draft: Draft) -> Reply:
    good, first, _ = draft.split()
    return replace(good, steps=first, ending="cut")


def _reset(draft: Draft) -> Reply:
    return Reply(head=False, ending="reset")


def _close_before_head(draft: Draft) -> Reply:
    return Reply(head=False, ending="cut")


def _reset_midstream(draft: Draft) -> Reply:
    good, first, _ = draft.split()
    return replace(good, steps=(*first, Pause(0.05)), ending="reset")


def _hang_headers(draft: Draft) -> Reply:
    return Reply(head=False, ending="hang")


def _slow_headers(draft: Draft) -> Reply:
    return replace(draft.reply(), lead=(Pause(_seconds(draft, draft.pace.headers)),))


def _hang_first_token(draft: Draft) -> Reply:
    good = draft.reply()
    return replace(good, steps=(), ending="hang", declared=100_000)


def _slow_first_token(draft: Draft) -> Reply:
    good = draft.reply()
    return replace(
        good,
        steps=(Pause(_seconds(draft, draft.pace.first_token)), *good.steps),
    )


def _seconds(draft: Draft, usual: float) -> float:
    return usual if draft.number is None else float(draft.number)


def _stall(draft: Draft) -> Reply:
    good, first, _ = draft.split()
    return replace(good, steps=(*first, Pause(draft.pace.stall)), ending="cut")


def _hang_midstream(draft: Draft) -> Reply:
    good, first, _ = draft.split()
    return replace(good, steps=first, ending="hang")


def _midstream_error(draft: Draft) -> Reply:
    if not draft.streaming:
        return draft.as_json(draft.dialect.envelope(draft.failure(), draft.request_id), status=500)
    good, first, _ = draft.split()
    frames = draft.dialect.break_off(draft.failure(), draft.request_id, sent=draft.frames[: len(first)])
    return replace(good, steps=(*first, *draft.spell(frames, goes_on=bool(first))))


def _no_terminator(draft: Draft) -> Reply:
    if not draft.streaming:
        return replace(draft.reply(), framing="close")
    return draft.as_stream([frame for frame in draft.frames if not frame.last])


def _no_finish(draft: Draft) -> Reply:
    if not draft.streaming:
        return _truncated_json(draft)
    last_content = max((i for i, frame in enumerate(draft.frames) if frame.content), default=0)
    return draft.as_stream(draft.frames[: last_content + 1])


def _badjson_frame(draft: Draft) -> Reply:
    if not draft.streaming:
        return _truncated_json(draft)
    position = min(9 if draft.number is None else draft.number, len(draft.frames) - 1)
    broken = Frame(
        data='{"id":"broken","choices":[{"delta":{"content":"oops', event=draft.frames[position].event
    )
    return draft.as_stream([*draft.frames[:position], broken, *draft.frames[position:]])


def _truncated_json(draft: Draft) -> Reply:
    good = draft.as_json(draft.body)
    return replace(good, steps=(good.frames[0][: len(good.frames[0]) // 2],))


def _empty_stream(draft: Draft) -> Reply:
    return replace(draft.reply(), steps=())


def _only_terminator(draft: Draft) -> Reply:
    return draft.as_stream([frame for frame in draft.frames if frame.last])


def _error_json(draft: Draft) -> Reply:
    return draft.as_json(draft.dialect.envelope(draft.failure(), draft.request_id))


def _error_first_event(draft: Draft) -> Reply:
    if not draft.streaming:
        return _error_json(draft)
    return draft.as_stream([draft.dialect.error_frame(draft.failure(), draft.request_id)])


def _ignores_stream(draft: Draft) -> Reply:
    return draft.as_json(draft.body)


def _only_streams(draft: Draft) -> Reply:
    return draft.as_stream(draft.frames)


def _half_event(draft: Draft) -> Reply:
    good, first, rest = draft.split()
    if not draft.streaming:
        return _truncated_json(draft)
    return replace(good, steps=(*first, rest[0][: len(rest[0]) // 2]))


def _bad_chunk(draft: Draft) -> Reply:
    good, first, _ = draft.split()
    headers = (*good.headers, ("transfer-encoding", "chunked"))
    framed = tuple(b"%x\r\n%s\r\n" % (len(step), step) for step in first)
    return replace(
        good, headers=headers, steps=(*framed, b"zz\r\nnot a chunk\r\n"), framing="close", ending="cut"
    )


def _redirect(draft: Draft) -> Reply:
    return Reply(status=307, headers=(("location", "http://127.0.0.1:1/elsewhere"),))


def _mislabelled(draft: Draft) -> Reply:
    good = draft.reply()
    return good.with_headers(("content-type", JSON if draft.streaming else SSE))


WIRE: dict[str, tuple[Callable[[Draft], Reply], str]] = {
    "reset": (_reset, "TCP reset before any byte of the reply"),
    "close": (_close_before_head, "the connection is closed before any byte of the reply"),
    "hang-headers": (_hang_headers, "nothing at all, until the peer goes away"),
    "slow-headers": (_slow_headers, "the head comes after pace.headers (@ seconds), then all is well"),
    "hang-first-token": (_hang_first_token, "the head, then nothing"),
    "slow-first-token": (
        _slow_first_token,
        "the head at once, the first event after pace.first_token (@ seconds)",
    ),
    "cut": (_cut, "the connection dies after two thirds of the tokens (@ tokens)"),
    "reset-midstream": (_reset_midstream, "the same by TCP reset"),
    "stall": (_stall, "silence of pace.stall after two thirds of the tokens (@ tokens), then closed"),
    "hang-midstream": (_hang_midstream, "the same, never closed"),
    "midstream-error": (
        _midstream_error,
        "the vendor's error event after two thirds of the tokens (@ tokens)",
    ),
    "no-terminator": (
        _no_terminator,
        "complete, properly closed, but without [DONE] / message_stop / response.completed",
    ),
    "no-finish": (
        _no_finish,
        "ends properly closed after the last content: no finish, no usage, no terminator",
    ),
    "badjson-frame": (
        _badjson_frame,
        "an extra event of broken JSON as the tenth (@ position), the rest is fine",
    ),
    "truncated-json": (_truncated_json, "JSON that stops half-way, with the right length"),
    "half-event": (_half_event, "the body ends properly in the middle of an event"),
    "bad-chunk": (_bad_chunk, "chunked framing breaks after two thirds of the tokens"),
    "empty-stream": (_empty_stream, "200 and an empty body"),
    "only-terminator": (_only_terminator, "a stream of the terminator alone"),
    "200-error-json": (_error_json, "status 200 with an error envelope as JSON"),
    "200-error-first-event": (_error_first_event, "status 200, a stream whose only event is an error"),
    "html": (lambda draft: Reply.html(502), "an HTML page, 502"),
    "html-200": (lambda draft: Reply.html(200, "Please sign in"), "an HTML page, 200"),
    "cloudflare": (lambda draft: Reply.html(403, "Just a moment..."), "a challenge page, 403"),
    "ignores-stream": (_ignores_stream, "JSON though a stream was asked for"),
    "only-streams": (_only_streams, "a stream though none was asked for"),
    "mislabelled": (_mislabelled, "the content types of stream and JSON exchanged"),
    "gzip": (lambda draft: draft.reply().gzipped(), "the body is gzip, labelled"),
    "gzip-unlabelled": (lambda draft: draft.reply().gzipped(labelled=False), "gzip without the header"),
    "redirect": (_redirect, "307 to another address"),
}

REFUSALS: dict[str, tuple[int, str]] = {
    "400": (400, "The request could not be understood."),
    "402": (402, "Your credit balance is too low."),
    "403": (403, "Your account may not use this resource."),
    "404": (404, "The model does not exist."),
    "408": (408, "The request timed out."),
    "409": (409, "The resource is in another state."),
    "413": (413, "The request is too large."),
    "422": (422, "The request is well-formed but makes no sense."),
    "429": (429, "Rate limit reached. Please try again later."),
    "429-retry-after": (429, "Rate limit reached. Please try again later."),
    "429-retry-after-ms": (429, "Rate limit reached. Please try again later."),
    "429-retry-after-date": (429, "Rate limit reached. Please try again later."),
    "429-hint": (429, "Rate limit reached for requests. Please try again in 1.5s."),
    "429-quota": (429, "You exceeded your current quota, please check your plan and billing details."),
    "500": (500, "The server had an error while processing your request."),
    "501": (501, "Not implemented."),
    "502": (502, "Bad gateway."),
    "503": (503, "The service is unavailable."),
    "503-retry-after": (503, "The service is unavailable."),
    "504": (504, "The upstream took too long."),
    "overloaded": (529, "Overloaded"),
    "529": (529, "Overloaded"),
    "401": (401, "The credential is not valid."),
    "context-length": (400, "The prompt is too long."),
    "content-policy": (400, "The prompt was flagged by the content policy."),
    "model-missing": (404, "The model does not exist."),
}
BY_RULE = {"rejects-stream-options": "Chat: 400 for `stream_options`, else healthy"}
RETRY_AFTER = 2

SYNTAX = re.compile(
    r"^fault-(?P<name>.+?)(?:@(?P<number>\d+))?"
    r"(?:-(?:(?P<once>once)|(?P<times>\d+)-times|after-(?P<after>\d+)|for-(?P<seconds>\d+)s))?$"
)


@dataclass(frozen=True)
class Fault:
    """One fault asked for, and when it holds."""

    name: str
    number: int | None = None
    first: int | None = None
    after: int = 0
    seconds: float | None = None

    def strikes(self, *, seen: int, since_first: float) -> bool:
        """Say whether it holds for the request before which `seen` of its name were seen."""
        if self.first is not None and seen >= self.first:
            return False
        if self.seconds is not None and since_first >= self.seconds:
            return False
        return seen >= self.after


def parse_fault(part: str) -> Fault | None:
    """Read one part of a model name; None if it asks for no fault. Raises ValueError for an unknown fault."""
    if not part.startswith("fault-"):
        return None
    matched = SYNTAX.match(part)
    name = matched["name"] if matched else ""
    if matched is None or not (name in WIRE or name in REFUSALS or name in BY_RULE):
        raise ValueError(f"the scripted upstream knows no fault {part!r}")
    first = 1 if matched["once"] else int(matched["times"]) if matched["times"] else None
    return Fault(
        name,
        number=int(matched["number"]) if matched["number"] else None,
        first=first,
        after=int(matched["after"] or 0),
        seconds=float(matched["seconds"]) if matched["seconds"] else None,
    )


class FaultCounter:
    """Counts requests by model name, so that `-once` and its like end."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def active(self, model: ModelName, now: float | None = None) -> Fault | None:
        """Return the fault that strikes this request, and count the request."""
        moment = time.monotonic() if now is None else now
        faults = [fault for part in model.parts if (fault := parse_fault(part)) is not None]
        seen, began = self._seen.get(model.written, (0, moment))
        self._seen[model.written] = (seen + 1, began)
        return next((f for f in faults if f.strikes(seen=seen, since_first=moment - began)), None)


def refusal_for(dialect: Dialect, name: str, number: int | None = None) -> Refusal:
    """Return a fault's refusal in the vendor's own words where the dialect has them."""
    status, message = REFUSALS[name]
    refusal = dialect.refusals.get(name) or Refusal(status, message)
    seconds = RETRY_AFTER if number is None else number
    told = {
        "retry-after": ("retry-after", str(seconds)),
        "retry-after-ms": ("retry-after-ms", str(seconds * 1000)),
        "retry-after-date": ("retry-after", formatdate(time.time() + seconds, usegmt=True)),
    }
    headers = tuple(header for ending, header in told.items() if name.endswith(f"-{ending}"))
    return replace(refusal, headers=(*refusal.headers, *headers))


def spoil(draft: Draft, fault: Fault) -> Reply:
    """Apply a fault to a good reply; raises Refusal for those that answer with a status."""
    if fault.name in REFUSALS:
        raise refusal_for(draft.dialect, fault.name, fault.number)
    if fault.name in BY_RULE:
        return draft.reply()
    return WIRE[fault.name][0](replace(draft, number=fault.number))
