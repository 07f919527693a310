"""What a request may take out of a budget at most: its input, and so many tokens of output.

The input is bounded from above: a token holds at least three bytes of UTF-8 in practice, pictures and
documents count by a table. The output is what the client asks for, else what the model can write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.world import World
from flowrouter.routing import Target
from flowrouter.settings.budgets import Metric
from flowrouter.usage import Price
from flowrouter.usage.ceiling import Asked, Ceiling, ceiling, dearest
from flowrouter.wire.json import JsonError, dumps, loads
from flowrouter.wire.marks import holds
from flowrouter.wire.members import as_object

BYTES_PER_TOKEN = 3
IMAGE_TOKENS = 5_000
DOCUMENT_TOKENS = 10_000
MEDIA_BYTES_PER_TOKEN = 25
FRAME_TOKENS = 500
"""What providers put around a conversation: roles, and a prompt of their own where there are tools."""

UNKNOWN_CONTEXT = 200_000
"""The tokens of a history that only the provider has, where the model's window is unknown."""

UNKNOWN_OUTPUT = 8_192
"""The most that a model can write, where nobody knows it."""

_MEDIA = re.compile(rb'(?:;base64,|"(?:data|file_data)"\s*:\s*")([A-Za-z0-9+/_=-]+)')
_REFERENCE = re.compile(rb'"(?:file_id|file_url|fileUri|file_uri)"\s*:|"type"\s*:\s*"url"')
_TIERS = (b'"service_tier"', b'"speed"', b'"serviceTier"')
_SEARCHES = (b"web_search", b"googleSearch", b"google_search")
_KEPT = (b'"cachedContent"', b'"cached_content"')
_COPIES_MAX = 128
_DISGUISED = re.compile(rb"\\u00[2-7]")
"""A letter of ASCII as its number: nobody writes it so who does not mean to be misread."""


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """What output costs in one metric: `fixed` whatever it is, `each` per token."""

    fixed: int
    each: int

    def amount(self, output: int) -> int:
        """Return what a request with so much output takes."""
        return self.fixed + self.each * output

    def output_for(self, amount: int) -> int | None:
        """Return the output that `amount` buys; None for any."""
        return max(0, (amount - self.fixed) // self.each) if self.each else None


class _Shape(msgspec.Struct):
    n: Any = None
    camel: Any = msgspec.field(default=None, name="generationConfig")
    snake: Any = msgspec.field(default=None, name="generation_config")


_SHAPE = msgspec.json.Decoder(_Shape)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """One request in tokens: at most `input`, at most `output` for each of its `copies`.

    `output` is the client's own cap (`capped`), else what the models can write.
    """

    input: int
    output: int
    copies: int
    capped: bool
    asked: Asked


def bounds_of(exchange: Exchange, targets: Sequence[Target], world: World) -> Bounds:
    """Return how large `exchange` may become at any of `targets`."""
    inbound, head = exchange.inbound, exchange.head
    assert head is not None
    body = _plain(inbound.body)
    windows = [_window(target, world) for target in targets]
    prompt, media = _prompt(exchange, body, window=max(windows, default=UNKNOWN_CONTEXT))
    limits = [_max_output(target, world) for target in targets]
    known = max((limit for limit in limits if limit is not None), default=UNKNOWN_OUTPUT)
    talks = inbound.operation in ("generate", "compact")
    asked = head.max_tokens if head.max_tokens is not None and head.max_tokens > 0 else None
    output = 0 if not talks else (known if asked is None else asked)
    if asked is not None and talks and None not in limits:
        output = min(output, known)
    return Bounds(
        input=prompt,
        output=output,
        copies=_copies_of(body, inbound.dialect) if talks else 1,
        capped=asked is not None or not talks,
        asked=Asked(
            prompt=prompt,
            tiers=any(holds(body, name) for name in _TIERS),
            media=media,
            long_cache=holds(body, b'"1h"'),
            searches=any(holds(body, name) for name in _SEARCHES),
        ),
    )


def tariff_of(
    metric: Metric,
    bounds: Bounds,
    targets: Sequence[Target],
    *,
    price: Callable[[Target], Price | None],
    now: float,
) -> Tariff:
    """Return what a request takes of a budget in `metric`, at the dearest of `targets` whose price is known."""
    match metric:
        case "requests":
            return Tariff(fixed=1, each=0)
        case "tokens":
            rates = Ceiling(input=1, output=1)
        case "usd":
            prices = [found for target in targets if (found := price(target)) is not None]
            rates = dearest(ceiling(found, bounds.asked, now=now) for found in prices)
    return Tariff(
        fixed=rates.fixed * bounds.copies + rates.input * bounds.input, each=rates.output * bounds.copies
    )


def _plain(body: bytes) -> bytes:
    """Return `body` with its names as a provider reads them."""
    if not holds(body, b"\\u00") or _DISGUISED.search(body) is None:
        return body
    try:
        return dumps(loads(body))
    except JsonError:
        return body


def _prompt(exchange: Exchange, body: bytes, *, window: int) -> tuple[int, bool]:
    """Return the most tokens a prompt may have, and whether there is more than text in it."""
    tokens, media, unseen = _read(exchange, body)
    follows = exchange.continuation
    if follows is not None:
        turns = follows.history
        unseen = unseen or turns is None
        held = sum(len(item) for turn in turns or () for item in (*turn.input, *turn.output))
        tokens += held // BYTES_PER_TOKEN
    if unseen or any(holds(body, name) for name in _KEPT):
        tokens += window
    return tokens, media


def _read(exchange: Exchange, body: bytes) -> tuple[int, bool, bool]:
    """Return the tokens that stand in a body, whether as more than text, and whether it names files besides."""
    size, inbound = len(body), exchange.inbound
    text = size // BYTES_PER_TOKEN + FRAME_TOKENS
    if inbound.operation != "generate":
        return text, False, False
    try:
        counts = codec(inbound.dialect).skim_counts(body)
    except CallerError:
        return text, False, False
    audio = holds(body, b"audio")
    unseen = len(_REFERENCE.findall(body)) > counts.images
    if not (counts.images or counts.documents or audio):
        return text, unseen, unseen
    held = sum(len(found) for found in _MEDIA.findall(body))
    shown = counts.images * IMAGE_TOKENS + counts.documents * DOCUMENT_TOKENS
    others = held // MEDIA_BYTES_PER_TOKEN if counts.documents or audio else 0
    return (size - held) // BYTES_PER_TOKEN + FRAME_TOKENS + shown + others, True, unseen


def _window(target: Target, world: World) -> int:
    preset = world.presets.get(target.account_id)
    if preset is None:
        return UNKNOWN_CONTEXT
    return world.capabilities(preset, target.model, target.dialect).context_window or UNKNOWN_CONTEXT


def _max_output(target: Target, world: World) -> int | None:
    preset = world.presets.get(target.account_id)
    return None if preset is None else world.capabilities(preset, target.model, target.dialect).max_output


def _copies_of(body: bytes, dialect: Dialect) -> int:
    """Return how many answers a request asks for at once (OpenAI's `n`, Google's `candidateCount`)."""
    if not any(name in body for name in (b'"n"', b'"candidateCount"', b'"candidate_count"')):
        return 1
    try:
        shape = _SHAPE.decode(dumps(loads(body)))  # as lenient as what reads the head
    except (JsonError, msgspec.DecodeError):
        return 1
    said: list[Any] = [shape.n] if dialect in ("openai_chat", "openai_completions") else []
    if dialect == "gemini":
        configs = (as_object(shape.camel) or {}, as_object(shape.snake) or {})
        said = [config.get(name) for config in configs for name in ("candidateCount", "candidate_count")]
    return max(1, min(_COPIES_MAX, max((_whole(each) for each in said), default=1)))


def _whole(value: object) -> int:
    """Return a count as hosts read it, some of them out of text."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 10 else 1
    return int(value) if isinstance(value, int | float) else 1


__all__ = ["UNKNOWN_OUTPUT", "Bounds", "Tariff", "bounds_of", "tariff_of"]
