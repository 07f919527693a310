"""The half of a codec that speaks to providers, which this dialect does not have."""

from __future__ import annotations

from typing import NoReturn

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.head import Head
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Response
from flowrouter.dialects.codec import DecodeOptions, StreamDecoder
from flowrouter.errors import CallerError
from flowrouter.wire.sse import Frame


def _refuse() -> NoReturn:
    raise CallerError("no provider is asked for legacy completions")


def prepare(body: bytes, head: Head, model: str, wants_usage: bool) -> bytes:  # noqa: PLR0917 (a contract)
    """Raise `CallerError`: there is no passthrough lane."""
    del body, head, model, wants_usage
    _refuse()


def render_request(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Raise `CallerError`: no provider takes this dialect."""
    del request, model, capabilities
    _refuse()


def parse_response(body: bytes, provenance: Provenance) -> Response:
    """Raise `ValueError`: no provider answers in this dialect."""
    del body, provenance
    raise ValueError("no provider answers with legacy completions")


def decoder(options: DecodeOptions) -> StreamDecoder:
    """Raise `CallerError`: no provider streams in this dialect."""
    del options
    _refuse()


def problem_of(status: int, body: bytes) -> Problem:
    """Return a failure without its words: no provider tells one in this dialect."""
    del body
    return Problem(status=status if status >= 400 else 502, message=f"The upstream answered {status}.")


def is_error_frame(frame: Frame) -> bool:
    """Return false: no provider's frame is relayed in this dialect."""
    del frame
    return False


__all__ = ["decoder", "is_error_frame", "parse_response", "prepare", "problem_of", "render_request"]
