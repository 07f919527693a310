"""`flow-router chat`: a conversation through a running gateway, or one question and its answer."""

from __future__ import annotations

import asyncio
import stat
import sys
from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer

from flowrouter import config as configuration
from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Reasoning, Refusal, Text
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Response
from flowrouter.canonical.usage import Usage
from flowrouter.cli import chat_key, completion, output
from flowrouter.cli.checks.listening import address_of
from flowrouter.cli.codes import INTERRUPTED
from flowrouter.cli.desk import closest, opened
from flowrouter.cli.options import AsJson, ClientDialect, ConfigFile, DataFolder
from flowrouter.cli.style import Style, harmless
from flowrouter.cli.talk import Talk, Told
from flowrouter.clock import Clock
from flowrouter.dialects import available
from flowrouter.errors import ConfigError, FlowRouterError
from flowrouter.routing.names import AUTO
from flowrouter.upstream.http1 import Http1Transport

_ANTHROPIC_TOKENS = 4096
"""The cap that Anthropic's dialect must name, where none is given."""

_COMMANDS = {
    "/model": "NAME   talk to another model; without a name: list them",
    "/system": "TEXT  instructions for the model; without a text: none",
    "/clear": "       forget the conversation",
    "/exit": "        end (so do Ctrl-D and /quit)",
}
EPILOG = """\b
Examples:
  flow-router chat                                a conversation with `auto`
  flow-router chat claude-opus-4-6 "Say hello"    one answer
  git diff | flow-router chat gpt-5.2 "Review this"
"""


def chat(  # noqa: PLR0917 - typer reads the options from here
    model: Annotated[
        str,
        typer.Argument(
            help="As a client would write it; with a blank in it, it is the prompt.",
            autocompletion=completion.models,
        ),
    ] = AUTO,
    prompt: Annotated[
        str | None, typer.Argument(help="Ask this and end; - reads it from stdin.", show_default=False)
    ] = None,
    dialect: ClientDialect = "openai_chat",
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="Instructions for the model.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", min=1, help="Longest answer.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Another gateway than this machine's.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Gateway key, or env:NAME.", show_default=False)
    ] = None,
    *,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it comes.")] = True,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Talk to a model through the running gateway.

    With PROMPT or piped input one question is asked, else a conversation begins.
    """
    if dialect not in available():
        raise ConfigError(f"{dialect!r} is no dialect of a client", fix=f"known: {', '.join(available())}")
    if prompt is None and any(letter.isspace() for letter in model):
        model, prompt = AUTO, model
    prompt = _piped(prompt)
    if prompt is None and as_json:
        raise ConfigError("--json needs a prompt", fix="give it behind the model's name, or pipe it in")
    clock, talk, transport = _line(config, data, url=url, key=key)
    start = Request(
        origin=cast(Dialect, dialect),
        model=model,
        max_tokens=max_tokens or (_ANTHROPIC_TOKENS if dialect == "anthropic" else None),
        stream=stream and not as_json,
        include_usage=True if stream and not as_json and dialect == "openai_chat" else None,
    )
    conversation = Conversation(talk, start, system=system, clock=clock)
    with asyncio.Runner() as runner:
        try:
            if prompt is None:
                _converse(conversation, runner)
            else:
                _ask_once(conversation, runner, prompt, as_json=as_json)
        finally:
            runner.run(transport.close())


class Conversation:
    """What was said so far, and how to go on."""

    def __init__(self, talk: Talk, start: Request, *, system: str | None, clock: Clock) -> None:
        self.talk = talk
        self.model = start.model
        self.system = system
        self.said: list[Message] = []
        self._start = start
        self._clock = clock

    async def say(self, text: str, printer: Printer) -> Told:
        """Send `text`, show the answer, and remember both; raises `FlowRouterError`.

        An answer that is stopped half way is remembered as far as it came.
        """
        turn = Message(role="user", parts=(Text(text=text),))
        began = self._clock.monotonic()
        fold = Fold()
        try:
            async for event in self.talk.ask(self._request((*self.said, turn))):
                fold.feed(event)
                printer.show(event)
        finally:
            printer.end()
            answer = _text(fold)
            if answer:
                self.said += [turn, Message(role="assistant", parts=(Text(text=answer),))]
        return _told(
            fold, self.talk, model=self.model, took_ms=round((self._clock.monotonic() - began) * 1000)
        )

    def _request(self, messages: tuple[Message, ...]) -> Request:
        instructions = (Text(text=self.system),) if self.system else ()
        replace = msgspec.structs.replace
        if self._start.origin == "anthropic":
            shape = "list" if instructions else "absent"
            return replace(
                self._start, model=self.model, system=instructions, system_shape=shape, messages=messages
            )
        first = (Message(role="system", parts=instructions),) if instructions else ()
        return replace(self._start, model=self.model, messages=(*first, *messages))


class Printer:
    """Writes an answer as it comes: text as it is, reasoning dimmed and only on a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._style = Style(sys.stdout)
        self._quiet = quiet
        self._kinds: dict[int, type[object]] = {}
        self._open = False
        self._dim = False

    def show(self, event: Event) -> None:
        """Write what `event` adds."""
        if self._quiet:
            return
        match event:
            case e.PartStart(index=index, part=Text(text=text) | Refusal(text=text) | Reasoning(text=text)):
                self._kinds[index] = type(event.part)
                self._write(text, type(event.part))
            case e.PartDelta(index=index, text=text) if index in self._kinds:
                self._write(text, self._kinds[index])
            case _:
                pass

    def end(self) -> None:
        """Leave the line and the dimming."""
        if self._dim and self._style.coloured:
            print("\x1b[0m", end="")
        if self._open:
            print(flush=True)
        self._open = self._dim = False

    def _write(self, text: str, kind: type[object]) -> None:
        if not text or (kind is Reasoning and not self._style.terminal):
            return
        dim = kind is Reasoning
        if self._open and dim != self._dim:
            print("\x1b[0m" if self._dim and self._style.coloured else "", end="\n\n")
        if dim and not self._dim and self._style.coloured:
            print("\x1b[2m", end="")
        self._dim, self._open = dim, True
        print(harmless(text) if self._style.terminal else text, end="", flush=True)


def _ask_once(conversation: Conversation, runner: asyncio.Runner, prompt: str, *, as_json: bool) -> None:
    try:
        told = runner.run(conversation.say(prompt, Printer(quiet=as_json)))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        output.as_json(told)
    else:
        _remark(told)


def _converse(conversation: Conversation, runner: asyncio.Runner) -> None:
    """Go on until the user ends it; an answer is stopped by Ctrl-C, the conversation is not."""
    _load_line_editing()
    output.note(f"Talking to {conversation.model} through {conversation.talk.address}; /help lists commands.")
    while (line := _line_of_user()) is not None:
        if not line.strip():
            continue
        try:
            if line.startswith("/"):
                if not _obey(line, conversation, runner):
                    return
                continue
            _remark(runner.run(conversation.say(line, Printer())))
        except KeyboardInterrupt:
            output.note("Stopped.")
        except FlowRouterError as error:
            output.note(f"error: {error.message}")


def _line_of_user() -> str | None:
    """Return what the user typed, None for the end; a line that ends in a backslash goes on."""
    lines: list[str] = []
    while True:
        try:
            line = input("... " if lines else "> ")
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            output.note("Ctrl-D ends.")
            lines.clear()
            continue
        lines.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            return "\n".join(lines)


def _obey(line: str, conversation: Conversation, runner: asyncio.Runner) -> bool:
    """Do what a `/command` says; return False for the end."""
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    match word:
        case "/exit" | "/quit":
            return False
        case "/model" if rest:
            conversation.model = rest
            output.note(f"Talking to {rest}.")
        case "/model":
            output.note(f"Talking to {conversation.model}. There are: {_list(conversation, runner)}")
        case "/system":
            conversation.system = rest or None
            output.note("The instructions are set." if rest else "No instructions.")
        case "/clear":
            conversation.said.clear()
            output.note("Forgotten.")
        case "/help":
            for name, meaning in _COMMANDS.items():
                output.note(f"  {name} {meaning}")
            output.note("  A line that ends in \\ goes on; Ctrl-C stops an answer.")
        case _:
            output.note(f"There is no {word}; {closest(word, _COMMANDS) or '/help lists the commands'}")
    return True


def _list(conversation: Conversation, runner: asyncio.Runner) -> str:
    return ", ".join(runner.run(conversation.talk.models())) or "none listed"


def _remark(told: Told) -> None:
    """Say below an answer who gave it, what it took, and why it ended if not by itself."""
    style = Style(sys.stderr)
    usage = told.usage
    cached = f" ({usage['cache_read']:,} cached)" if usage["cache_read"] else ""
    thought = f" ({usage['reasoning']:,} reasoning)" if usage["reasoning"] else ""
    parts = [
        told.target or told.model,
        f"{_total(usage, 'input', 'cache_read', 'cache_write')} in{cached}",
        f"{_total(usage, 'output', 'reasoning')} out{thought}",
        output.seconds(told.took_ms),
    ]
    if told.finish not in (None, "stop", "stop_sequence"):
        parts.append(f"ended by: {told.finish}")
    print(style.paint(" · ".join(parts), "dim"), file=sys.stderr)


def _total(usage: dict[str, int | None], *kinds: str) -> str:
    known = [count for kind in kinds if (count := usage[kind]) is not None]
    return f"{sum(known):,}" if known else "?"


def _told(fold: Fold, talk: Talk, *, model: str, took_ms: int) -> Told:
    response = _response(fold)
    choice = response.choices[0] if response and response.choices else None
    parts = choice.parts if choice else ()
    counted = (response.usage if response else None) or Usage()
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    return Told(
        model=response.model if response else model,
        target=talk.headers.get("x-flowrouter-target"),
        text=_text(fold),
        reasoning="".join(part.text for part in parts if isinstance(part, Reasoning)),
        finish=choice.finish if choice else None,
        usage={kind: getattr(counted, kind) for kind in kinds},
        took_ms=took_ms,
        request_id=talk.headers.get("x-request-id"),
    )


def _text(fold: Fold) -> str:
    response = _response(fold)
    parts = response.choices[0].parts if response and response.choices else ()
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal))


def _response(fold: Fold) -> Response | None:
    try:
        return fold.response()
    except ValueError:  # nothing came
        return None


def _piped(prompt: str | None) -> str | None:
    """Return the prompt with what was piped in; None where a person sits at the keyboard.

    Only a pipe or a file counts: a service's empty input is nobody's question.
    """
    if prompt == "-":
        return sys.stdin.read()
    if sys.stdin.isatty():
        return prompt
    try:
        mode = Path(f"/dev/fd/{sys.stdin.fileno()}").stat().st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # a stand-in for a file
    read = sys.stdin.read() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""
    if not read.strip() and prompt is None:
        raise ConfigError("there is no prompt", fix="give it behind the model's name, or pipe it in")
    return "\n\n".join(part for part in (prompt, read.strip("\n")) if part and part.strip())


def _line(
    config: str | None, data: str | None, *, url: str | None, key: str | None
) -> tuple[Clock, Talk, Http1Transport]:
    """Return the line to the gateway that is meant, with a key where it wants one."""
    new = False
    if key is not None and key.startswith("env:"):
        name = key.removeprefix("env:")
        key = configuration.environment([name]).get(name)
        if key is None:
            raise ConfigError(f"the environment variable {name} is not set", fix=f"export {name}=...")
    with opened(config, data) as desk:
        settings, clock = desk.settings, desk.clock
        if key is None and url is None and len(desk.world.ring):
            key, new = chat_key.find(desk)
    transport = Http1Transport(connect_timeout=settings.timeouts.connect)
    address = (url or address_of(settings)).rstrip("/").removesuffix("/v1")
    return clock, Talk(address, transport, clock=clock, key=key, new_key=new), transport


def _load_line_editing() -> None:
    """Give `input` arrow keys and a history, where the platform has them."""
    try:
        import readline  # noqa: F401
    except ImportError:
        pass


__all__ = ["EPILOG", "chat"]
