"""`flow-router translate`: a request, a reply or a stream from one dialect to another, and what gets lost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import msgspec
import typer

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.receipt import told
from flowrouter.cli import completion, output
from flowrouter.cli.codes import FAILED
from flowrouter.cli.desk import closest, opened
from flowrouter.cli.options import AsJson, ConfigFile, DataFolder
from flowrouter.cli.style import Style
from flowrouter.clock import SystemClock
from flowrouter.dialects import available
from flowrouter.dialects.crossing import Crossing, Kind, Translated, kind_of
from flowrouter.dialects.crossing import translate as crossed
from flowrouter.errors import ConfigError
from flowrouter.wire import json

_COLOURS = {"dropped": "red", "emulated": "yellow", "changed": "yellow"}
EPILOG = """\b
Examples:
  flow-router translate --from openai_chat --to anthropic request.json
  flow-router translate --from anthropic --to openai_chat --model gpt-5.2 \\
      --preset openai request.json
  curl -sN ... | flow-router translate --from anthropic --to openai_chat -
"""


KindName = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="request, response or stream; seen by itself if left out.",
        autocompletion=completion.kinds,
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="For what this model takes (requests only)."),
]
PresetId = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="P",
        help="At this provider; see: providers presets.",
        autocompletion=completion.presets,
    ),
]


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
    kind: KindName = None,
    model: Model = None,
    preset: PresetId = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Translate between dialects, and list what is lost.

    Nobody is asked. Without --preset the target is taken to know all of its dialect.
    """
    origin, goal = _dialect(source, "--from"), _dialect(target, "--to")
    body = _read(file)
    chosen, capabilities = _kind(kind, body), Capabilities()
    if preset is not None:
        with opened(config, data) as desk:
            capabilities = desk.world.capabilities(desk.catalog.get(preset), model or _model_in(body), goal)
    now = SystemClock().now()
    crossing = Crossing(source=origin, target=goal, now=now, model=model, capabilities=capabilities)
    try:
        made = crossed(chosen, body, crossing)
    except ValueError as error:
        raise ConfigError(f"this is no {source} reply: {error}", fix="check --from and --kind") from None
    if as_json:
        whole = made.body.decode() if chosen == "stream" else json.loads(made.body)
        output.as_json({"kind": chosen, "body": whole, "losses": told(made.losses, origin, goal)})
    else:
        _show(chosen, made)
    for reason in made.unread:
        output.note(f"a frame cannot be read: {reason}")
    if made.broken is not None:
        output.note(f"error: the stream does not end as it should: {made.broken}")
        raise typer.Exit(FAILED)


def _show(kind: Kind, made: Translated) -> None:
    if kind == "stream":
        print(made.body.decode(), end="")
    else:
        print(msgspec.json.format(made.body, indent=2).decode())
    if made.broken is None:
        _show_losses(made.losses)


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
    try:
        return kind_of(body)
    except json.JsonError as error:
        raise ConfigError(f"this is neither JSON nor a stream: {error}", fix="check the file") from None


def _model_in(body: bytes) -> str:
    read: Any = json.loads(body) if body.lstrip().startswith(b"{") else None
    found = read.get("model") if isinstance(read, dict) else None
    if not isinstance(found, str):
        raise ConfigError("--preset needs a model", fix="name it: --model MODEL")
    return found


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
