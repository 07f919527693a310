"""The price of a model at a provider, and the bill of what was used.

Whose price: what the owner wrote (the longest pattern that fits), then nothing at all for servers of
one's own, then the provider's price list: the very name, the longest pattern, the name without what marks
a version of it. A provider without a list (a custom address) is taken to charge what the model's maker
does, unless it is on this network. Whatever is left is unknown, which is None and never zero.

A bill is the sum of its lines in `Decimal`, rounded once, half to even. Tokens that have no price of
their own (cache reads, audio) cost what their like do. What a provider says it charged wins over all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from flowrouter.canonical.metered import PLAIN, Metered
from flowrouter.canonical.usage import Usage
from flowrouter.providers.preset import Preset
from flowrouter.settings.prices import ModelPrice
from flowrouter.usage.rates import Card, RateFile, compiled, longest_first, packaged

PICO = Decimal(10**12)
"""Pico-USD in a USD."""

LARGEST = 10**17
"""$100,000: a larger bill for one request is a mistake of whoever counted, hence unknown. Sums of bills fit the store."""

_MAKERS = (
    "anthropic", "openai", "google", "deepseek", "mistral", "x-ai", "moonshotai", "zai", "minimax", "cohere",
    "perplexity", "meta", "voyageai",
)  # fmt: skip
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_PER_MILLION, _PER_THOUSAND = Decimal(10**6), Decimal(10**9)
"""Pico-USD per unit, where a price is in USD per million and per thousand."""

_NOTHING = Decimal(0)
_Sheet = dict[str, int | Decimal]
"""Pico-USD per unit of each kind: whole numbers wherever they are, which nearly all prices are."""

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
_VERSION = re.compile(
    r"(?:[-@]20\d\d-?\d\d-?\d\d|[-:](?:latest|free|beta|extended|nitro|floor|online|exacto))$"
)
_DEARER = frozenset({"priority", "fast"})
"""Tiers that cost more than the standard one: without a price of their own the bill is unknown."""

_KINDS = (
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_cached",
    "audio_output", "image_input", "image_cached", "image_output", "video_input", "web_search", "request",
)  # fmt: skip
_LIKE = {"cache_read": "input", "cache_write": "input", "cache_write_1h": "cache_write"}
"""What has no price of its own costs what this does."""

_MINUTE = 60.0
_KNOWN_MAX = 4096
_NAME_MAX = 200


class Price:
    """What a model costs at a provider; `source` says where that is from."""

    __slots__ = ("_dated", "_most", "_sheets", "_since", "_standard", "_tiers", "_until", "_usual", "source")

    def __init__(self, cards: tuple[Card, ...], *, source: str) -> None:
        self.source = source
        self._standard = tuple(card for card in cards if card.tier is None)
        self._tiers = tuple(card for card in cards if card.tier is not None)
        self._dated = any(card.since or card.hours for card in cards)
        self._sheets: dict[tuple[int, ...], _Sheet] = {}
        # What requests without a tier cost that are no longer than `_most` tokens, from `_since` until `_until`.
        self._usual: _Sheet | None = None
        self._most = self._since = self._until = -math.inf

    @property
    def free(self) -> bool:
        """Return whether it never costs anything."""
        return not self._standard

    def bill(self, usage: Usage, metered: Metered = PLAIN, *, now: float) -> int | None:
        """Return the price of `usage` at `now` (seconds since the epoch) in pico-USD, None where one is unknown."""
        if self.free:
            return 0
        if usage.input is None and not usage.cache_read and not usage.cache_write:
            return None
        sheet = self._sheet(metered.tier, usage.total_input, now)
        if sheet is None:
            return None
        whole, rest = 0, _NOTHING
        for kind, count in _lines(usage, metered, sheet).items():
            if count <= 0:
                continue
            amount = sheet.get(kind)
            if type(amount) is int:
                whole += count * amount
            elif amount is None:
                return None
            else:
                rest = _EXACT.fma(amount, count, rest)
        return rounded(_EXACT.add(rest, whole)) if rest or whole > LARGEST else whole

    def estimate(
        self, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0, now: float
    ) -> int | None:
        """Return what so many tokens would cost, `cached_tokens` of the input being read from a cache."""
        fresh = max(0, input_tokens - cached_tokens)
        return self.bill(Usage(input=fresh, cache_read=cached_tokens, output=output_tokens), now=now)

    def per_million(self, kind: str, *, now: float, prompt: int = 0) -> Decimal | None:
        """Return the USD per million tokens of `kind` at `now`, in a prompt of that many tokens."""
        if self.free:
            return _NOTHING
        amount = (self._sheet(None, prompt, now) or {}).get(kind)
        return None if amount is None else _EXACT.divide(Decimal(amount), _PER_MILLION)

    def sheets(self, prompt: int, *, now: float, tiers: bool = False) -> list[Mapping[str, int | Decimal]]:
        """Return pico-USD per unit of each kind in a prompt of that many tokens: standard, then every tier's."""
        if self.free:
            return []
        named = dict.fromkeys((None, *(card.tier for card in self._tiers))) if tiers else (None,)
        return [sheet for tier in named if (sheet := self._sheet(tier, prompt, now)) is not None]

    def _sheet(self, tier: str | None, prompt: int, now: float) -> _Sheet | None:
        """Return what each kind costs; None where a dearer tier has no price."""
        if tier is None and prompt <= self._most and self._since <= now < self._until:
            return self._usual
        cards = self._in_force(tier, now)
        if cards is None:
            return None
        key = (*map(id, cards), sum(prompt > step.tokens for card in cards for step in card.steps))
        sheet = self._sheets.get(key)
        if sheet is None:
            sheet = self._sheets[key] = _sheet_of(cards, prompt)
        if tier is None:
            self._keep(sheet, cards[0], prompt=prompt, now=now)
        return sheet

    def _keep(self, sheet: _Sheet, card: Card, *, prompt: int, now: float) -> None:
        """Keep the sheet of a prompt too short for any step of `card`, as long as the card is surely in force.

        What goes by the day or the hour holds to the end of the minute, but for its last second: dates are rounded.
        """
        most = min((step.tokens for step in card.steps), default=math.inf)
        minute = now // _MINUTE * _MINUTE
        since, until = (minute, minute + _MINUTE - 1) if self._dated else (-math.inf, math.inf)
        if prompt <= most and now < until:
            self._usual, self._most, self._since, self._until = sheet, most, since, until

    def _in_force(self, tier: str | None, now: float) -> tuple[Card, ...] | None:
        """Return the cards to look in, first the tier's own; None where a dearer tier has none."""
        day, hour = _day_and_hour(now) if self._dated else ("", "")
        standard = next(
            (card for card in reversed(self._standard) if _holds(card, day, hour)), self._standard[0]
        )
        if tier is None:
            return (standard,)
        own = tuple(card for card in self._tiers if card.tier == tier and _holds(card, day, hour))
        if not own and tier in _DEARER:
            return None
        return (*own, standard)


_UNSEEN = Price((), source="")
"""Stands for what has not been looked up."""

FREE = Price((), source="local")
"""The price of what runs on machines of one's own."""


class Prices:
    """Finds prices; what was found is kept for the next request."""

    __slots__ = ("_known", "_own", "_rates")

    def __init__(self, own: Mapping[str, ModelPrice] | None = None, *, rates: RateFile | None = None) -> None:
        """Take the owner's prices by pattern; `rates` None are those of the package, read at first need."""
        own = own or {}
        self._own = [
            (compiled(name.lower()), Price((_written(own[name]),), source=f"prices.{name}"))
            for name in longest_first(own)
        ]
        self._rates = rates
        self._known: dict[tuple[str, str, str], Price | None] = {}

    def of(self, preset: Preset, model: str, *, host: str = "") -> Price | None:
        """Return the price of `model` at `preset` (whose requests go to `host`), None where nobody knows it."""
        key = (preset.id, model, host)
        known = self._known.get(key, _UNSEEN)
        if known is not _UNSEEN:
            return known
        found = self._find(preset, model, host)
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        if len(model) <= _NAME_MAX:
            self._known[key] = found
        return found

    def _find(self, preset: Preset, model: str, host: str) -> Price | None:
        name = model.lower().removeprefix("models/")
        full = f"{preset.id}/{name}"
        for pattern, price in self._own:
            if pattern.match(name) or pattern.match(full):
                return price
        if preset.local:
            return FREE
        rates = self._rates or packaged()
        listed = preset.prices or preset.id
        if listed in rates:
            return _listed(rates, listed, name)
        return None if _is_near(host) else _of_maker(rates, name)


def bill(price: Price | None, usage: Usage, metered: Metered = PLAIN, *, now: float) -> int | None:
    """Return the bill of `usage` in pico-USD: as its provider states it, else by `price`; None is unknown."""
    if metered.cost is not None:
        return rounded(_EXACT.multiply(metered.cost, PICO))
    return None if price is None else price.bill(usage, metered, now=now)


def rounded(amount: Decimal) -> int | None:
    """Return whole pico-USD, halves to the even side; None for what no bill can be."""
    whole = int(amount.to_integral_value(rounding=ROUND_HALF_EVEN))
    return whole if 0 <= whole <= LARGEST else None


@lru_cache(maxsize=256)
def usd(amount: int | None) -> str | None:
    """Return pico-USD as exact decimal text in USD."""
    if amount is None:
        return None
    whole, rest = divmod(abs(amount), 10**12)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:012d}".rstrip("0") if rest else f"{sign}{whole}"


def _written(price: ModelPrice) -> Card:
    given = {name: getattr(price, name) for name in price.__struct_fields__}
    return Card(amounts={name: Decimal(str(value)) for name, value in given.items() if value is not None})


def _listed(rates: RateFile, provider: str, name: str) -> Price | None:
    """Return the price in a provider's list, or in the lists that it refers to."""
    if name.endswith(":free"):
        return Price((), source=provider)  # OpenRouter's mark of a variant that costs nothing
    for each in (provider, *rates.of(provider).also):
        if each not in rates:
            continue
        prices = rates.of(each)
        for spelling in _spellings(name):
            cards = prices.exact(spelling) or prices.match(spelling)
            if cards is not None:
                return Price(cards, source=each)
    return None


def _of_maker(rates: RateFile, name: str) -> Price | None:
    """Return what the maker of a model charges for it, under its very name (`vendor/` before it is left out)."""
    for spelling in _spellings(name.rpartition("/")[2]):
        for maker in _MAKERS:
            cards = rates.of(maker).exact(spelling) if maker in rates else None
            if cards is not None:
                return Price(cards, source=maker)
    return None


def _spellings(name: str) -> Iterator[str]:
    """Yield the name, with the dashes of its date, and without what marks a version."""
    yield name
    dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
    if dashed != name:
        yield dashed
    plain = name
    while (shorter := _VERSION.sub("", plain)) != plain:
        plain = shorter
        yield plain


def _is_near(host: str) -> bool:
    """Return whether `host` (with or without a port) is on this machine or its network."""
    name = re.sub(r":\d+$", "", host).strip("[]").lower().rstrip(".")
    if not name or name == "localhost" or name.endswith((".local", ".lan", ".internal", ".localhost")):
        return bool(name)
    import ipaddress

    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return "." not in name


def _sheet_of(cards: tuple[Card, ...], prompt: int) -> _Sheet:
    """Return the prices of a prompt of that many tokens, each from the first card that has it."""
    sheet: _Sheet = {}
    for kind in _KINDS:
        amount = next((found for card in cards if (found := card.amount(kind, prompt)) is not None), None)
        if amount is not None:
            per = _PER_THOUSAND if kind in ("web_search", "request") else _PER_MILLION
            exact = _EXACT.multiply(amount, per)
            sheet[kind] = int(exact) if exact == exact.to_integral_value() else exact
        elif (like := sheet.get(_LIKE.get(kind, ""))) is not None:
            sheet[kind] = like
    return sheet


def _lines(usage: Usage, metered: Metered, sheet: _Sheet) -> dict[str, int]:
    """Return how many of each kind are billed, each token once: those of a price of their own are no others."""
    lines = {"input": usage.input or 0}
    if usage.cache_read:
        lines["cache_read"] = usage.cache_read
    lines["output"] = (usage.output or 0) + (usage.reasoning or 0)
    if write := usage.cache_write:
        long = min(usage.cache_write_1h or 0, write)
        lines["cache_write"], lines["cache_write_1h"] = write - long, long
    if metered.searches:
        lines["web_search"] = metered.searches
    if "request" in sheet:
        lines["request"] = 1
    if usage.reasoning or metered is not PLAIN:
        _split(lines, usage, metered, sheet=sheet)
    return lines


def _split(lines: dict[str, int], usage: Usage, metered: Metered, *, sheet: _Sheet) -> None:
    """Take the kinds that have a price of their own out of those they are counted in."""
    for kind, whole, count in _special(usage, metered):
        if count > 0 and kind in sheet:
            part = min(count, lines.get(whole, 0))
            lines[whole] = lines.get(whole, 0) - part
            lines[kind] = part


def _special(usage: Usage, metered: Metered) -> tuple[tuple[str, str, int], ...]:
    """Return the kinds that some models bill apart: their name, what they are counted in, how many."""
    reasoning = ("reasoning", "output", usage.reasoning or 0)
    if metered == PLAIN:
        return (reasoning,)
    return (
        ("audio_input", "input", metered.audio_input - metered.audio_cached),
        ("image_input", "input", metered.image_input - metered.image_cached),
        ("video_input", "input", metered.video_input),
        ("audio_cached", "cache_read", metered.audio_cached),
        ("image_cached", "cache_read", metered.image_cached),
        ("audio_output", "output", metered.audio_output),
        ("image_output", "output", metered.image_output),
        reasoning,
    )


def _holds(card: Card, day: str, hour: str) -> bool:
    if card.since is not None and day < card.since:
        return False
    if card.hours is None:
        return True
    start, end = card.hours
    return start <= hour < end if start <= end else hour >= start or hour < end


def _day_and_hour(now: float) -> tuple[str, str]:
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment:%Y-%m-%d}", f"{moment:%H:%M}"


__all__ = ["FREE", "LARGEST", "PICO", "Price", "Prices", "bill", "rounded", "usd"]
