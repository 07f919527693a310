"""`flow-router translate`: a request, a reply or a stream from one dialect to another, and what gets lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
import typer

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event, FrameError, StreamError
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Provenance
from flowrouter.cli import completion, output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.style import Style
from flowrouter.clock import SystemClock
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.errors import ConfigError
from flowrouter.wire import json
from flowrouter.wire.sse import SseParser

Kind = Literal["request", "response", "stream"]

_COLOURS = {"dropped": "red", "emulated": "yellow", "changed": "yellow"}
EPILOG = """\b
Examples:
  flow-router translate --from openai_chat --to anthropic request.json
  flow-router translate --from anthropic --to openai_chat --model gpt-5.2 \\
      --preset openai request.json
  curl -sN ... | flow-router translate --from anthropic --to openai_chat -
"""


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """A body in its new dialect, and what it could not say."""

    body: bytes
    losses: tuple[Loss, ...] = ()


def translate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to translate; - reads stdin.")],
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="DIALECT", help="The dialect it is in.", autocompletion=completion.dialects
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--to", metavar="DIALECT", help="The dialect it shall be in.", autocompletion=completion.dialects
        ),
    ],
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="request, response or stream; seen by itself if left out.",
            autocompletion=completion.kinds,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="For what this model takes (requests only)."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="P",
            help="At this provider; see: providers presets.",
            autocompletion=completion.presets,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Translate between dialects, and list what is lost.

    Nobody is asked. Without --preset the target is taken to know all of its dialect.
    """
    origin, goal = _dialect(source, "--from"), _dialect(target, "--to")
    body = _read(file)
    chosen = _kind(kind, body)
    capabilities = Capabilities()
    if preset is not None:
        with opened(config, data) as desk:
            capabilities = desk.world.capabilities(desk.catalog.get(preset), model or _model_in(body), goal)
    made = _TRANSLATORS[chosen](body, origin, goal, model=model, capabilities=capabilities)
    if as_json:
        whole = made.body.decode() if chosen == "stream" else json.loads(made.body)
        output.as_json({"kind": chosen, "body": whole, "losses": made.losses})
        return
    if chosen == "stream":
        print(made.body.decode(), end="")
    else:
        print(msgspec.json.format(made.body, indent=2).decode())
    _show_losses(made.losses)


def _request(
    body: bytes, source: Dialect, target: Dialect, *, model: str | None, capabilities: Capabilities
) -> Translated:
    request = codec(source).parse_request(body)
    rendered = codec(target).render_request(request, model or request.model, capabilities)
    return Translated(body=rendered.body, losses=rendered.losses)


def _response(
    body: bytes, source: Dialect, target: Dialect, *, model: str | None, capabilities: Capabilities
) -> Translated:
    del capabilities
    try:
        response = codec(source).parse_response(body, Provenance(dialect=source))
    except ValueError as error:
        raise ConfigError(f"this is no {source} reply: {error}", fix="check --from and --kind") from None
    rendered = codec(target).render_response(response, EncodeOptions(model=model, now=SystemClock().now()))
    return Translated(body=rendered.body, losses=rendered.losses)


def _stream(
    body: bytes, source: Dialect, target: Dialect, *, model: str | None, capabilities: Capabilities
) -> Translated:
    options = DecodeOptions(
        provenance=Provenance(dialect=source),
        think_tags=capabilities.think_tags,
        lax_finish=capabilities.lax_finish,
    )
    frames, decoder = SseParser(), codec(source).decoder(options)
    events: list[Event] = []
    for frame in (*frames.feed(body), *frames.close()):
        events += decoder.feed(frame)
    events += decoder.close()
    encoder = codec(target).encoder(EncodeOptions(include_usage=True, model=model, now=SystemClock().now()))
    written = b"".join(encoder.feed(event) for event in events)
    for event in events:
        if isinstance(event, FrameError):
            output.note(f"a frame cannot be read: {event.reason}")
    broken = next((event.problem.message for event in events if isinstance(event, StreamError)), None)
    if broken is not None:
        print(written.decode(), end="")
        output.note(f"error: the stream does not end as it should: {broken}")
        raise typer.Exit(FAILED)
    return Translated(body=written, losses=tuple(encoder.losses))


_TRANSLATORS: dict[Kind, Callable[..., Translated]] = {
    "request": _request,
    "response": _response,
    "stream": _stream,
}


def _dialect(name: str, option: str) -> Dialect:
    if name not in available():
        fix = closest(name, available()) or f"known: {', '.join(available())}"
        raise ConfigError(f"{option}: {name!r} is no dialect of this version", fix=fix)
    return cast(Dialect, name)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def _kind(given: str | None, body: bytes) -> Kind:
    """Return what `body` is: as told, else as it looks."""
    if given is not None:
        if given not in get_args(Kind):
            fix = closest(given, get_args(Kind)) or ", ".join(get_args(Kind))
            raise ConfigError(f"--kind cannot be {given!r}", fix=fix)
        return cast(Kind, given)
    if body.lstrip().startswith((b"data:", b"event:", b":")):
        return "stream"
    read: Any = _loaded(body)
    is_reply = isinstance(read, dict) and ("choices" in read or read.get("type") == "message")
    return "response" if is_reply else "request"


def _model_in(body: bytes) -> str:
    read: Any = _loaded(body) if body.lstrip().startswith(b"{") else None
    found = read.get("model") if isinstance(read, dict) else None
    if not isinstance(found, str):
        raise ConfigError("--preset needs a model", fix="name it: --model MODEL")
    return found


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JsonError as error:
        raise ConfigError(f"this is neither JSON nor a stream: {error}", fix="check the file") from None


def _show_losses(losses: Sequence[Loss]) -> None:
    style = Style(sys.stderr)
    if not losses:
        output.note("Nothing is lost.")
        return
    output.note(f"{len(losses)} {'losses' if len(losses) > 1 else 'loss'}:")
    for loss in losses:
        kind = style.paint(f"{loss.kind:<9}", _COLOURS[loss.kind])
        output.note(f"  {kind}{loss.path}: {loss.reason}")


__all__ = ["EPILOG", "translate"]
