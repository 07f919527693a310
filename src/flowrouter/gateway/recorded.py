"""What is kept of a recorded exchange: a document without credentials, made from its tape.

Headers are kept by name, their values only where they are known to be no secret. Bodies pass the one
scrubber and lose the secrets of the account that was asked. A stream is kept as its frames, each with the
milliseconds since the request came, so that a reader can see where time went. Making it takes a while for
large bodies, so it is made on the shelf's thread.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from flowrouter import logs
from flowrouter.canonical.dialect import Dialect
from flowrouter.gateway.recording import AttemptTape, Roll, Tape
from flowrouter.wire.sse import SseError, SseParser

_SHORTEST = 8
_HIDDEN = "***"
_SHOWN = frozenset(
    {
        "accept", "accept-encoding", "anthropic-beta", "anthropic-version", "cache-control", "connection",
        "content-encoding", "content-length", "content-type", "date", "host", "http-referer", "openai-beta",
        "openai-model", "openai-processing-ms", "openai-version", "request-id", "retry-after", "server",
        "server-timing", "transfer-encoding", "user-agent", "vary", "via", "x-envoy-upstream-service-time",
        "x-request-id", "x-should-retry", "x-title",
    }
)  # fmt: skip
_SHOWN_STEMS = ("anthropic-ratelimit-", "x-flowrouter-", "x-ratelimit-", "x-stainless-")
_CREDENTIALS = ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
_OWN_KEY = "x-flowrouter-key"
_SHOWN_QUERY = frozenset({"alt", "api-version", "beta"})


class RecordedFrame(msgspec.Struct, frozen=True):
    """One event of a stream as it stood on the wire; `at_ms` counts from the request's arrival."""

    at_ms: int
    text: str


class RecordedBody(msgspec.Struct, frozen=True, kw_only=True):
    """One body: `size` bytes in all, of which `kept` were; the rest was `cut` off.

    A stream of events is in `frames`, what is no text in `base64`, everything else in `text`. `first_ms` and
    `last_ms` are when its first and last kept bytes came or went.
    """

    size: int
    kept: int
    cut: bool
    text: str | None = None
    frames: tuple[RecordedFrame, ...] | None = None
    base64: str | None = None
    first_ms: int | None = None
    last_ms: int | None = None


class RecordedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a provider; `request` is null where it was the client's body, byte for byte."""

    number: int
    account: str
    model: str
    dialect: Dialect
    method: str
    url: str
    request_headers: dict[str, str]
    request: RecordedBody | None
    status: int | None
    reply_headers: dict[str, str]
    reply: RecordedBody
    verdict: str
    started_ms: int


class RecordedExchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it was recorded: the client's side and every attempt, in the order they began."""

    request_id: str
    ts_ms: int
    dialect: Dialect
    endpoint: str
    request_headers: dict[str, str]
    request: RecordedBody
    attempts: tuple[RecordedAttempt, ...]
    status: int
    answer_headers: dict[str, str]
    answer: RecordedBody


def recorded(tape: Tape) -> RecordedExchange:
    """Return what is kept of a finished tape; takes too long for an event loop where bodies are large."""
    inbound = tape.inbound
    secrets = {secret for asked in tape.attempts for secret in asked.secrets}
    for name in _CREDENTIALS:
        secrets.add(inbound.headers.get(name, "").rpartition(" ")[2])
    hidden = sorted((each for each in secrets if len(each) >= _SHORTEST), key=len, reverse=True)
    scrub = _Scrubber(hidden, started=tape.started)
    answer = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in tape.answer_headers]
    return RecordedExchange(
        request_id=tape.exchange_id,
        ts_ms=int(inbound.wall * 1000),
        dialect=inbound.dialect,
        endpoint=scrub.text(inbound.endpoint),
        request_headers=scrub.headers(inbound.headers.items()),
        request=scrub.body(tape.request),
        attempts=tuple(scrub.attempt(asked) for asked in tape.attempts),
        status=tape.status,
        answer_headers=scrub.headers(answer),
        answer=scrub.body(tape.answer),
    )


class _Scrubber:
    """Takes known secrets, and what looks like one, out of what is kept."""

    def __init__(self, secrets: Sequence[str], *, started: float) -> None:
        self._secrets = secrets
        self._started = started

    def text(self, text: str) -> str:
        for secret in self._secrets:
            for spelled in {secret, msgspec.json.encode(secret).decode()[1:-1]}:
                if spelled in text:
                    text = text.replace(spelled, _HIDDEN)
        return logs.redact(text)

    def headers(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {name: self.text(value) if _may_show(name.lower()) else _HIDDEN for name, value in headers}

    def url(self, url: str) -> str:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(
            f"{name}={value if name in _SHOWN_QUERY else _HIDDEN}" for name, value in parse_qsl(parts.query)
        )
        return self.text(f"{parts.scheme}://{host}{parts.path}{'?' if query else ''}{query}")

    def attempt(self, asked: AttemptTape) -> RecordedAttempt:
        log, request = asked.log, asked.request
        return RecordedAttempt(
            number=log.number,
            account=log.target.account,
            model=log.target.model,
            dialect=log.target.dialect,
            method=request.method,
            url=self.url(request.url),
            request_headers=self.headers(request.headers),
            request=None if asked.same else self.body(asked.sent),
            status=asked.status,
            reply_headers=self.headers(asked.reply_headers.items()),
            reply=self.body(asked.reply),
            verdict=log.verdict,
            started_ms=self._ms(log.started),
        )

    def body(self, roll: Roll) -> RecordedBody:
        pieces = roll.pieces
        times = {"first_ms": self._ms(pieces[0][0]), "last_ms": self._ms(pieces[-1][0])} if pieces else {}
        whole = b"".join(piece for _, piece in pieces)
        common = {"size": roll.size, "kept": roll.kept, "cut": roll.cut, **times}
        try:
            text = _decoded(whole, cut=roll.cut)
        except UnicodeDecodeError:
            return RecordedBody(**common, base64=b64encode(whole).decode())
        if len(pieces) > 0 and _is_stream(whole):
            frames = self._frames(pieces)
            if frames is not None:
                return RecordedBody(**common, frames=frames)
        return RecordedBody(**common, text=self.text(text))

    def _frames(self, pieces: Sequence[tuple[float, bytes]]) -> tuple[RecordedFrame, ...] | None:
        """Return the events in `pieces`, each with the time its last byte came; None where they are none."""
        parser, found, at, rest = SseParser(), [], 0.0, bytearray()
        try:
            for at, piece in pieces:
                rest += piece
                for frame in parser.feed(piece):
                    del rest[: len(frame.raw)]
                    found.append(self._frame(at, frame.raw))
        except SseError:
            return None
        if rest:
            found.append(self._frame(at, bytes(rest)))
        return tuple(found)

    def _frame(self, at: float, raw: bytes) -> RecordedFrame:
        return RecordedFrame(self._ms(at), self.text(raw.decode("utf-8", "replace")))

    def _ms(self, moment: float) -> int:
        return round((moment - self._started) * 1000)


def _may_show(name: str) -> bool:
    return name in _SHOWN or (name.startswith(_SHOWN_STEMS) and name != _OWN_KEY)


def _is_stream(body: bytes) -> bool:
    """Return whether a body is a stream of events, by how it begins."""
    begin = body[:64].lstrip(b"\xef\xbb\xbf \r\n")
    return begin.startswith((b"data:", b"event:", b"id:", b"retry:", b":"))


def _decoded(body: bytes, *, cut: bool) -> str:
    """Return the text of a body; where it was cut off, a character may be too."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        if cut and error.start >= len(body) - 3:
            return body[: error.start].decode()
        raise


__all__ = ["RecordedAttempt", "RecordedBody", "RecordedExchange", "RecordedFrame", "recorded"]
