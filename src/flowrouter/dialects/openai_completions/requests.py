"""A legacy completion request to the canonical request: its prompt is one user turn.

What only a completion model can do is refused by name: several prompts or token ids, filling in before a
suffix, and choosing the best of more candidates than are returned. `echo` is done by the answer.
"""

from __future__ import annotations

from typing import Any, NoReturn, cast

import msgspec

from flowrouter.canonical.head import Counts, Head
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request, Sampling
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, Raw, dumps, loads, typed

Json = dict[str, Any]

PLACE = "prompt"


class _Head(msgspec.Struct):
    model: Any = None
    stream: Any = None
    stream_options: Any = None
    max_tokens: Any = None
    prompt: Raw = Raw(b"")


class _Echo(msgspec.Struct):
    echo: Any = None
    prompt: Any = None


_head = typed(_Head)
_echo = typed(_Echo)


def skim(body: bytes) -> Head:
    """Return the head of a request body; raises `CallerError` naming the field at fault."""
    shape = _shape(body)
    model, stream, options, cap = shape.model, shape.stream, shape.stream_options, shape.max_tokens
    if not isinstance(model, str) or not model:
        _refuse("model", "must be a non-empty string", "missing_required_parameter")
    if not isinstance(stream, bool | None):
        _refuse("stream", "must be true or false", "invalid_type")
    include = cast("Json", options).get("include_usage") if isinstance(options, dict) else None
    return Head(
        model=model,
        stream=stream or False,
        length=len(body),
        include_usage=include if isinstance(include, bool) else None,
        max_tokens=cap if isinstance(cap, int) and not isinstance(cap, bool) else None,
    )


def skim_counts(body: bytes) -> Counts:
    """Return sizes of a request body; raises `CallerError` for one that cannot be read."""
    size = len(bytes(_shape(body).prompt))
    return Counts(turns=1, tools=0, images=0, documents=0, tool_results=0, thinking=False, text_bytes=size)


def parse_request(body: bytes) -> Request:
    """Return the request in `body`; raises `CallerError` naming the field at fault."""
    rest = _object(body)
    head = skim(body)
    for name in ("model", "stream", "stream_options", "echo", "best_of", "suffix"):
        value = rest.pop(name, None)
        if name == "suffix" and value not in (None, ""):
            _refuse(name, "cannot be honoured: the text would be written without regard to it")
        if name == "best_of" and value not in (None, 1, rest.get("n")):
            _refuse(name, "is not supported beyond `n`")
    text = _prompt(rest.pop("prompt", None))
    logprobs = _take(rest, "logprobs", int)
    return Request(
        origin="openai_completions",
        model=head.model,
        messages=(Message(role="user", parts=(Text(text=text),), shape="string", place=PLACE),),
        sampling=Sampling(
            temperature=_take(rest, "temperature", float),
            top_p=_take(rest, "top_p", float),
            presence_penalty=_take(rest, "presence_penalty", float),
            frequency_penalty=_take(rest, "frequency_penalty", float),
            seed=_take(rest, "seed", int),
            n=_take(rest, "n", int),
            logit_bias=_take(rest, "logit_bias", dict),
            logprobs=None if logprobs is None else True,
            top_logprobs=logprobs or None,
        ),
        max_tokens=_take(rest, "max_tokens", int),
        stop=_stop(rest),
        stream=head.stream,
        include_usage=head.include_usage,
        user=_take(rest, "user", str),
        extra={name: value for name, value in rest.items() if value is not None},
    )


def echoed(body: bytes) -> str:
    """Return the prompt if the request in `body` asks to have it before the answer, else nothing."""
    if b'"echo"' not in body:
        return ""
    try:
        asked = _echo.decode(body)
        return _prompt(asked.prompt) if asked.echo is True else ""
    except (msgspec.DecodeError, UnicodeError, RecursionError, CallerError):
        return ""


def _shape(body: bytes) -> _Head:
    try:
        return _head.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        # The strict reading fails on lone surrogates too; the lenient one tells those from garbage.
        return _head.decode(dumps(_object(body)))


def _object(body: bytes) -> Json:
    try:
        value = loads(body)
    except JsonError as error:
        raise CallerError(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise CallerError("The body must be a JSON object.", code="invalid_type")
    return dict(cast("Json", value))


def _prompt(value: Any) -> str:
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if items and not isinstance(items[0], str):
            _refuse("prompt", "must be text: models of chat providers take no token ids", "invalid_type")
        if len(items) != 1:
            _refuse("prompt", "must hold one text: send a request for each of several prompts")
        value = items[0]
    if not isinstance(value, str) or not value:
        _refuse("prompt", "must be a non-empty string", "missing_required_parameter")
    return value


def _stop(rest: Json) -> tuple[str, ...]:
    value = rest.pop("stop", None)
    if value is None:
        return ()
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        _refuse("stop", "must be a string or a list of strings", "invalid_type")
    return tuple(items)


_NAMES: dict[type, str] = {
    int: "an integer", float: "a number", str: "a string", dict: "an object",
}  # fmt: skip


def _take(rest: Json, name: str, kind: type) -> Any:
    """Take a member of that type out of `rest`; raises `CallerError` for another, null is absent."""
    value = rest.pop(name, None)
    if value is None:
        return None
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or isinstance(value, bool):
        _refuse(name, f"must be {_NAMES[kind]}", "invalid_type")
    return value


def _refuse(name: str, why: str, code: str = "unsupported_value") -> NoReturn:
    raise CallerError(f"`{name}` {why}.", param=name, code=code)


__all__ = ["PLACE", "echoed", "parse_request", "skim", "skim_counts"]
