"""What every dialect offers, under the same names: the contract the four siblings keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.canonical.events import Event
from flowrouter.canonical.head import Counts, Head, Texts
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.metered import Metered
from flowrouter.canonical.outline import Outline
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.mould import DeltaMould
from flowrouter.wire.sse import Frame

Framing = Literal["sse", "array"]


class DecodeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream decoder must know of its upstream.

    `lax_finish`: the host may end its stream without a finish; `think_tags`: it writes reasoning
    inline as `<think>…</think>` at the start of the answer.
    """

    provenance: Provenance
    lax_finish: bool = False
    think_tags: bool = False


class EncodeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked of the form of its stream or reply.

    `model` overrides the name in the reply (a one-to-one alias is echoed as asked); `now` is
    seconds since the epoch for dialects that stamp their answers. `asked` is the client's own request
    body, for dialects whose answers repeat settings of the request. `framing` is how a stream is cut:
    server-sent events, or the elements of one JSON array (Gemini without `alt=sse`).
    """

    include_usage: bool = False
    asked: bytes = b""
    framing: Framing = "sse"
    legacy_calls: bool = False
    model: str | None = None
    now: float = 0.0


class StreamDecoder(Protocol):
    """Frames of one upstream stream to events; never raises, whatever the bytes."""

    @property
    def mould(self) -> DeltaMould | None:
        """Return what knows a frame that adds to a part as the one before it did: such a one need not be fed."""
        ...

    def feed(self, frame: Frame) -> list[Event]:
        """Return the events of one frame."""
        ...

    def close(self) -> list[Event]:
        """Return what the end of the stream means: the end, or an error if it was cut."""
        ...


class StreamEncoder(Protocol):
    """Events to the bytes of one client stream; `losses` gathers what it could not say."""

    losses: list[Loss]

    def feed(self, event: Event) -> bytes:
        """Return the bytes `event` puts on the wire (often none)."""
        ...

    def saying(self, index: int) -> Callable[[str], bytes] | None:
        """Return what writes the texts of a part's deltas as `feed` would, until another event; None to feed them."""
        ...

    def heartbeat(self) -> bytes:
        """Return a sign of life that is harmless at this point of the stream."""
        ...


class RenderedReply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer for the wire, with what it could not say."""

    body: bytes
    losses: tuple[Loss, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All that is read of a whole reply which passes as it is; empty and None where it does not say."""

    model: str = ""
    usage: Usage | None = None


class TokenCount(msgspec.Struct, frozen=True, kw_only=True):
    """How a dialect asks for the size of a prompt.

    `parse` reads the request's body (raises `CallerError`), `read` a provider's answer (raises
    `ValueError`), `render` writes ours: tokens → body. `ask` writes the request for a provider, from
    (request, model, capabilities); None where only a client's own body can be sent on.
    """

    parse: Callable[[bytes], Request]
    read: Callable[[bytes], int]
    render: Callable[[int], bytes]
    ask: Callable[[Request, str, Capabilities], Rendered] | None = None


def _never(_: bytes) -> bool:
    return False


def _untold(_: bytes) -> Outline | None:
    return None


def _unmetered(_: Usage) -> Metered:
    return Metered()


def _unmeasured(_: bytes) -> Measured:
    raise ValueError("this dialect has no such reply")


class Embeddings(msgspec.Struct, frozen=True, kw_only=True):
    """How a dialect asks for vectors.

    `parse` reads a client's body (body, the address's model, whether its verb is that of a batch; raises
    `CallerError`), `rename` puts another model's name into one, `ask` writes one for a provider: (request,
    model) → body. `read` takes a provider's answer (raises `ValueError`), `render` writes ours: (reply,
    the client's request, model) → body. `honoured` are
    members only this dialect has that `render` heeds.
    """

    parse: Callable[[bytes, str, bool], EmbeddingRequest]
    rename: Callable[[bytes, str], bytes]
    ask: Callable[[EmbeddingRequest, str], bytes]
    read: Callable[[bytes], EmbeddingReply]
    render: Callable[[EmbeddingReply, EmbeddingRequest, str], bytes]
    honoured: frozenset[str] = frozenset()


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """One dialect's functions.

    `skim`/`skim_counts` read a request body's head (raise `CallerError` naming the field), `skim_texts`
    its words (never raises; a conversation, or what else clients of the dialect send).
    `prepare` edits only owned fields of a body on the passthrough lane: (body, head, model,
    wants_usage) → body. `parse_request`/`parse_response` take a body's bytes; the former raises
    `CallerError`, the latter `ValueError`. `outline` reads an answer that `parse_response` would take, but for its words: id, model, usage,
    finish, the names of the tools called; None where that takes a full reading. `render_request` takes (request, model, capabilities).
    `resume` gives an encoder that goes on where a cursor stands. `problem_of` reads an upstream
    error body (status, bytes), `render_problem` writes one: (problem, request id) → bytes,
    `problem_status` the HTTP status it goes out with. `usage_only` says whether a frame's bytes
    carry nothing but usage that the client must ask for (Chat's last chunk), `is_error_frame` whether
    the vendor's own SDKs take a frame for a failure. `metered` reads what else is billed from a usage that
    this dialect reported. `measure` reads the
    model and usage of a reply that is no conversation (embeddings); raises `ValueError`. `count` is
    there where the dialect can ask for the size of a prompt, `embeddings` where it has vectors. `limited` sets
    the output limit of a body that has none: (body, tokens, capabilities) → body.

    Where the address carries the model (Gemini), `skim` and `parse_request` leave it empty and
    `stream` false; the gateway fills both in.
    """

    name: Dialect
    skim: Callable[[bytes], Head]
    skim_counts: Callable[[bytes], Counts]
    skim_texts: Callable[[bytes], Texts]
    prepare: Callable[[bytes, Head, str, bool], bytes]
    parse_request: Callable[[bytes], Request]
    render_request: Callable[[Request, str, Capabilities], Rendered]
    parse_response: Callable[[bytes, Provenance], Response]
    render_response: Callable[[Response, EncodeOptions], RenderedReply]
    decoder: Callable[[DecodeOptions], StreamDecoder]
    encoder: Callable[[EncodeOptions], StreamEncoder]
    resume: Callable[[EncodeOptions, Cursor], StreamEncoder]
    problem_of: Callable[[int, bytes], Problem]
    render_problem: Callable[[Problem, str], bytes]
    problem_status: Callable[[Problem], int]
    is_error_frame: Callable[[Frame], bool]
    metered: Callable[[Usage], Metered] = _unmetered
    usage_only: Callable[[bytes], bool] = _never
    needs_usage: bool = False
    measure: Callable[[bytes], Measured] = _unmeasured
    outline: Callable[[bytes], Outline | None] = _untold
    count: TokenCount | None = None
    limited: Callable[[bytes, int, Capabilities], bytes] | None = None
    embeddings: Embeddings | None = None


__all__ = [
    "Codec",
    "DecodeOptions",
    "Embeddings",
    "EncodeOptions",
    "Framing",
    "Measured",
    "RenderedReply",
    "StreamDecoder",
    "StreamEncoder",
    "TokenCount",
]
